/** From what people type to ids: an id, a name, or a unique prefix of an id. Names need not be unique; guessing is not ours. */
import type { BlockRecord, Outline, SessionRecord, TabRecord, WindowRecord, WorkspaceRecord } from '../client/index.ts';
import type { LayoutNode } from '../protocol/control/index.ts';
import { HoldfastError } from '../protocol/index.ts';
import { printable } from './format.ts';

interface Candidate<T> {
  thing: T;
  /** Its own first. */
  ids: readonly string[];
  names: readonly string[];
  /** What tells it from others of the same name. */
  label: string;
}

/** A leaf or group of one tab's layout. */
export interface NodeChoice {
  tab: TabRecord;
  node: LayoutNode;
}

const NAMED = 8;

export class Selectors {
  readonly outline: Outline;
  readonly #workspaces: ReadonlyMap<string, WorkspaceRecord>;
  readonly #tabs: ReadonlyMap<string, TabRecord>;
  readonly #sessions: ReadonlyMap<string, SessionRecord>;
  readonly #blocks: ReadonlyMap<string, BlockRecord>;

  constructor(outline: Outline) {
    this.outline = outline;
    this.#workspaces = byId(outline.workspaces);
    this.#tabs = byId(outline.tabs);
    this.#blocks = byId(outline.blocks);
    this.#sessions = byId(outline.sessions);
  }

  workspace(word: string): WorkspaceRecord {
    const candidates = this.outline.workspaces.map((thing) => ({
      thing,
      ids: [thing.id],
      names: [thing.name],
      label: thing.name,
    }));
    return pick('workspace', word, candidates);
  }

  /** Without a word the only one. */
  workspaceOrOnly(word: string | undefined, flag: string): WorkspaceRecord {
    if (word !== undefined) return this.workspace(word);
    const [first, ...more] = this.outline.workspaces;
    if (first === undefined) {
      throw new HoldfastError('not_found', 'there is no workspace; make one with: holdfast workspace create');
    }
    if (more.length === 0) return first;
    const all = this.outline.workspaces.map(({ id, name }) => ({ id, label: name }));
    throw new HoldfastError('ambiguous', `there are ${all.length} workspaces, say which with ${flag}: ${listed(all)}`);
  }

  /** Also as WORKSPACE/TAB. */
  tab(word: string): TabRecord {
    return pick('tab', word, this.outline.tabs.map(this.#tabCandidate));
  }

  /** Without a word the active one of the only workspace. */
  tabOrActive(word: string | undefined, flag: string): TabRecord {
    if (word !== undefined) return this.tab(word);
    const { workspaces, tabs } = this.outline;
    if (workspaces.length > 1) {
      const all = tabs.filter((tab) => tab.active).map((tab) => ({ id: tab.id, label: this.tabName(tab) }));
      throw new HoldfastError(
        'ambiguous',
        `there are ${workspaces.length} workspaces, say which tab with ${flag}: ${listed(all)}`,
      );
    }
    const tab = this.#tabs.get(workspaces[0]?.active_tab ?? '');
    if (tab !== undefined) return tab;
    throw new HoldfastError('not_found', 'there is no tab; make one with: holdfast tab create');
  }

  /** Also by the session it shows. */
  block(word: string): BlockRecord {
    const candidates = this.outline.blocks.map((thing) => ({
      thing,
      ids: [thing.id],
      names: this.#namesOf(thing),
      label: this.#blockLabel(thing),
    }));
    return pick('block', word, candidates);
  }

  window(word: string): WindowRecord {
    const candidates = this.outline.windows.map((thing) => ({
      thing,
      ids: [thing.id],
      names: [],
      label: this.workspaceName(thing.workspace_id),
    }));
    return pick('window', word, candidates);
  }

  session(word: string): SessionRecord {
    const candidates = this.outline.sessions.map((thing) => ({
      thing,
      ids: [thing.id],
      names: thing.name === null ? [] : [thing.name],
      label: thing.name ?? thing.command,
    }));
    return pick('session', word, candidates);
  }

  /** A node of a layout: by its id, or a leaf by its block or session. `within`: only there. */
  node(word: string, within?: TabRecord): NodeChoice {
    const candidates: Candidate<NodeChoice>[] = [];
    for (const tab of within === undefined ? this.outline.tabs : [within]) {
      for (const node of nodesOf(tab.layout)) {
        const block = node.data === undefined ? undefined : this.#blocks.get(node.data.blockId);
        candidates.push({
          thing: { tab, node },
          ids: block === undefined ? [node.id] : [node.id, block.id],
          names: block === undefined ? [] : this.#namesOf(block),
          label: `in ${this.tabName(tab)}`,
        });
      }
    }
    return pick('node', word, candidates);
  }

  /** The session a block shows; undefined when it shows none. */
  sessionOf(block: BlockRecord | undefined): SessionRecord | undefined {
    return this.#sessions.get(block?.session_id ?? '');
  }

  blockById(id: string): BlockRecord | undefined {
    return this.#blocks.get(id);
  }

  sessionById(id: string): SessionRecord | undefined {
    return this.#sessions.get(id);
  }

  workspaceName(id: string): string {
    return this.#workspaces.get(id)?.name ?? id;
  }

  tabName(tab: TabRecord): string {
    return `${this.workspaceName(tab.workspace_id)}/${tab.name}`;
  }

  readonly #tabCandidate = (thing: TabRecord): Candidate<TabRecord> => ({
    thing,
    ids: [thing.id],
    names: [thing.name, this.tabName(thing), `${thing.workspace_id}/${thing.name}`],
    label: this.tabName(thing),
  });

  #namesOf(block: BlockRecord): string[] {
    const session = this.sessionOf(block);
    if (session === undefined) return [];
    return session.name === null ? [session.id] : [session.id, session.name];
  }

  #blockLabel(block: BlockRecord): string {
    const session = this.sessionOf(block);
    const tab = this.#tabs.get(block.tab_id);
    const where = tab === undefined ? block.tab_id : this.tabName(tab);
    return session === undefined ? `in ${where}` : `${session.name ?? session.command} in ${where}`;
  }
}

function pick<T>(kind: string, word: string, candidates: readonly Candidate<T>[]): T {
  const stages: ((candidate: Candidate<T>) => boolean)[] = [
    ({ ids }) => ids[0] === word,
    ({ ids }) => ids.includes(word),
    ({ names }) => names.includes(word),
    ({ ids }) => word !== '' && ids.some((id) => id.startsWith(word) || id.startsWith(word.toUpperCase())),
  ];
  for (const isMeant of stages) {
    const [first, ...more] = candidates.filter(isMeant);
    if (first === undefined) continue;
    if (more.length === 0) return first.thing;
    const all = [first, ...more].map(({ ids, label }) => ({ id: ids[0]!, label }));
    const hint = kind === 'node' ? 'say more of the id, or which tab with --tab' : 'say more of the id';
    throw new HoldfastError('ambiguous', `"${printable(word)}" names ${all.length} ${kind}s: ${listed(all)}; ${hint}`, {
      details: { candidates: all.slice(0, NAMED).map(({ id }) => id), count: all.length },
    });
  }
  const listing = LISTED_BY[kind] ?? `${kind} ls`;
  throw new HoldfastError('not_found', `there is no ${kind} "${printable(word)}"; see: holdfast ${listing}`);
}

const LISTED_BY: Readonly<Record<string, string>> = { session: 'ls', node: 'layout show --tree' };

function listed(candidates: readonly { id: string; label: string }[]): string {
  const named = candidates.slice(0, NAMED).map(({ id, label }) => `${id} (${printable(label)})`);
  return `${named.join(', ')}${candidates.length > NAMED ? ', …' : ''}`;
}

export function nodesOf(tree: LayoutNode | null): LayoutNode[] {
  const found: LayoutNode[] = [];
  const walk = (node: LayoutNode): void => {
    found.push(node);
    for (const child of node.children ?? []) walk(child);
  };
  if (tree !== null) walk(tree);
  return found;
}

/** The parent of a node; undefined for the root, and for what is not there. */
export function parentOf(tree: LayoutNode | null, nodeId: string): LayoutNode | undefined {
  return nodesOf(tree).find(({ children }) => children?.some(({ id }) => id === nodeId) === true);
}

function byId<T extends { id: string }>(things: readonly T[]): Map<string, T> {
  return new Map(things.map((thing) => [thing.id, thing]));
}

const LEAST_PREFIX = 8;

/** Each id as the shortest prefix, of eight characters or more, that names it alone. */
export function shortIds(ids: Iterable<string>): Map<string, string> {
  const sorted = [...new Set(ids)].sort();
  return new Map(
    sorted.map((id, at) => {
      const shared = Math.max(sharedLength(id, sorted[at - 1] ?? ''), sharedLength(id, sorted[at + 1] ?? ''));
      return [id, id.slice(0, Math.max(LEAST_PREFIX, shared + 1))];
    }),
  );
}

function sharedLength(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length++;
  return length;
}
