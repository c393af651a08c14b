// Random command sequences against a model that knows no layout, and the laws of every decider.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { LayoutNode, WorkspacesCommand } from '../../protocol/control/index.ts';
import { HoldfastError } from '../../protocol/index.ts';
import { Editor, leaf } from './fixtures/editor.ts';
import { Model } from './fixtures/model.ts';
import { nodesOf } from './fixtures/model-layout.ts';
import { normalise } from './layout/index.ts';
import type { WorkspacesState } from './index.ts';

const CREATED = ['i0', 'i1', 'i2', 'i3', '__proto__', 'constructor', undefined, undefined];
const NODES = ['n0', 'n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7', 'toString', '__proto__'];
const SESSIONS = ['s0', 's1', 's2', 's3'];
const SIZES = [undefined, undefined, 1, 4, 10, 100];

type Cmd = WorkspacesCommand['cmd'];
type World = 'end_session' | 'remove_session';
/** How often each comes up, beside two. */
const WEIGHTS: Partial<Record<Cmd | World, number>> = {
  delete_workspace: 1,
  delete_tab: 1,
  layout_clear: 1,
  layout_set_tree: 1,
  create_tab: 3,
  create_block: 8,
  layout_insert_node: 6,
  layout_move_node: 4,
  layout_swap_nodes: 4,
  layout_split_horizontal: 4,
  layout_split_vertical: 4,
};

/** Choices of one step: small numbers, read in the order they are needed. */
class Picks {
  readonly #numbers: readonly number[];
  #at = 0;
  constructor(numbers: readonly number[]) {
    this.#numbers = numbers;
  }
  number(below: number): number {
    return (this.#numbers[this.#at++ % this.#numbers.length] ?? 0) % below;
  }
  of<T>(list: readonly T[]): T {
    return list[this.number(list.length)]!;
  }
  flag(): boolean {
    return this.number(2) === 1;
  }
  /** One that is there, mostly; else one that is not, or is of another kind. */
  id(...maps: ReadonlyMap<string, unknown>[]): string {
    const [map, ...others] = maps.map((each) => [...each.keys()]);
    return this.number(12) === 0 || map!.length === 0
      ? this.of(['gone', '__proto__', ...others.flat()])
      : this.of(map!);
  }
}

/** Without the fields that are undefined: such a command does not come from the wire. */
const given = <T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;

function node(state: WorkspacesState, tab: string, picks: Picks): LayoutNode {
  const blocks = state.tabs.get(tab)?.blocks ?? [];
  const parked = blocks.filter((id) => !state.tabs.get(tab)!.leaf_of.has(id));
  const one = (): LayoutNode => {
    const block =
      parked.length > 0 && picks.number(5) > 0 ? picks.of(parked) : picks.of([...blocks, picks.id(state.blocks)]);
    return leaf(picks.of(NODES), block, picks.of(SIZES));
  };
  if (picks.number(4) > 0) return one();
  const flexDirection = picks.of(['row', 'column'] as const);
  return { id: picks.of(NODES), flexDirection, children: [one(), one()].slice(0, 1 + picks.number(2)) };
}

function layoutCommand(cmd: Cmd, state: WorkspacesState, picks: Picks): WorkspacesCommand {
  const planted = [...state.tabs].filter(([, { tree }]) => tree?.children !== undefined).map(([id]) => id);
  const tab_id = planted.length > 0 && picks.number(3) > 0 ? picks.of(planted) : picks.id(state.tabs, state.workspaces);
  const nodes = nodesOf(state.tabs.get(tab_id)?.tree ?? null);
  const common = { tab_id, correlation_id: picks.of(['', 'c1']) };
  const focus = { focus_after: picks.flag(), magnify_after: picks.flag() };
  switch (cmd) {
    case 'layout_insert_node':
      return given({
        cmd,
        ...common,
        node: node(state, tab_id, picks),
        parent_id: picks.flag() ? picks.id(nodes) : undefined,
        index: picks.flag() ? picks.number(4) : undefined,
        ...focus,
      }) as WorkspacesCommand;
    case 'layout_insert_node_at_index':
      return {
        cmd,
        ...common,
        node: node(state, tab_id, picks),
        index_arr: Array.from({ length: picks.number(4) }, () => picks.number(4)),
        ...focus,
      };
    case 'layout_delete_node':
      return { cmd, ...common, node_id: picks.id(nodes) };
    case 'layout_move_node':
      return { cmd, ...common, node_id: picks.id(nodes), new_parent_id: picks.id(nodes), index: picks.number(4) };
    case 'layout_swap_nodes':
      return { cmd, ...common, node1_id: picks.id(nodes), node2_id: picks.id(nodes) };
    case 'layout_resize_nodes': {
      const op = () => ({ node_id: picks.id(nodes), size: picks.of([0, 101, 1e39, 0.5, 3, 100, 7, 9]) });
      return { cmd, ...common, ops: Array.from({ length: picks.number(3) }, op) };
    }
    case 'layout_replace_node':
      return {
        cmd,
        ...common,
        target_id: picks.id(nodes),
        new_node: node(state, tab_id, picks),
        focus_after: picks.flag(),
      };
    case 'layout_split_horizontal':
    case 'layout_split_vertical': {
      const split = { target_id: picks.id(nodes), new_node: node(state, tab_id, picks), focus_after: picks.flag() };
      const position = picks.of(['before', 'after'] as const);
      return given({ cmd, ...common, ...split, position, size: picks.of(SIZES) }) as WorkspacesCommand;
    }
    case 'layout_clear':
      return { cmd, ...common };
    case 'layout_set_tree':
      return { cmd, ...common, new_tree: picks.number(3) === 0 ? null : node(state, tab_id, picks) };
    default:
      return { cmd: cmd as 'set_focused_node', tab_id, node_id: picks.number(4) === 0 ? '' : picks.id(nodes) };
  }
}

function place(state: WorkspacesState, tab: string, picks: Picks): unknown {
  const nodes = nodesOf(state.tabs.get(tab)?.tree ?? null);
  const where = picks.flag()
    ? { parent_id: picks.flag() ? picks.id(nodes) : undefined, index: picks.flag() ? picks.number(3) : undefined }
    : { target_id: picks.id(nodes), direction: picks.of(['row', 'column']), position: picks.of(['before', 'after']) };
  const wishes = { focus_after: picks.of([undefined, true, false]), magnify_after: picks.of([undefined, true, false]) };
  return given({ node_id: picks.of([undefined, ...NODES]), size: picks.of(SIZES), ...where, ...wishes });
}

function commandOf(cmd: Cmd, state: WorkspacesState, picks: Picks): WorkspacesCommand {
  const { workspaces, tabs, blocks, windows } = state;
  const workspace_id = picks.id(workspaces, tabs);
  const mine = workspaces.get(workspace_id)?.tabs ?? [];
  const tab_id = mine.length > 0 && picks.number(6) > 0 ? picks.of(mine) : picks.id(tabs, blocks);
  const block_id = picks.id(blocks, tabs);
  const name = picks.of(['', 'a', 'b']);
  const index = picks.number(5);
  const gone = given({ session: picks.of([undefined, undefined, 'detach', 'terminate'] as const) });
  const meta_patch = picks.of([{}, { a: 1 }, { a: null, b: { c: [1] } }, { b: { c: null } }]);
  switch (cmd) {
    case 'create_workspace':
      return given({ cmd, name, workspace_id: picks.of(CREATED) }) as WorkspacesCommand;
    case 'delete_workspace':
      return { cmd, workspace_id, ...gone };
    case 'rename_workspace':
      return { cmd, workspace_id, name };
    case 'update_workspace_meta':
      return { cmd, workspace_id, meta_patch };
    case 'create_tab':
      return given({ cmd, workspace_id, name, tab_id: picks.of(CREATED) }) as WorkspacesCommand;
    case 'delete_tab':
      return { cmd, workspace_id, tab_id, force: picks.flag(), ...gone };
    case 'rename_tab':
      return { cmd, tab_id, name };
    case 'update_tab_meta':
      return { cmd, tab_id, meta_patch };
    case 'set_active_tab':
      return { cmd, workspace_id, tab_id };
    case 'reorder_tab':
      return { cmd, workspace_id, tab_id, new_index: index };
    case 'reorder_tabs_bulk': {
      const turned = [...mine.slice(index), ...mine.slice(0, index)];
      const tab_ids = picks.of([turned, turned, turned.slice(1), [...turned, tab_id], [...turned, picks.id(tabs)]]);
      return { cmd, workspace_id, tab_ids };
    }
    case 'move_tab': {
      const move = { src_workspace_id: workspace_id, dst_workspace_id: picks.id(workspaces, tabs), dst_index: index };
      const fallback = picks.of([undefined, 'delete_workspace', 'allow_empty']);
      return given({ cmd, tab_id, ...move, fallback }) as WorkspacesCommand;
    }
    case 'create_window':
      return { cmd, window_id: picks.of(['m0', 'm1', 'constructor']), workspace_id };
    case 'close_window_internal':
      return { cmd, window_id: picks.id(windows, tabs) };
    case 'switch_workspace':
      return { cmd, window_id: picks.id(windows, tabs), workspace_id };
    case 'update_window_meta':
      return { cmd, window_id: picks.id(windows, tabs), meta_patch };
    case 'create_block': {
      const session_id = picks.number(4) === 0 ? picks.of(SESSIONS) : undefined;
      const placed = picks.flag() ? place(state, tab_id, picks) : undefined;
      return given({ cmd, tab_id, block_id: picks.of(CREATED), session_id, place: placed }) as WorkspacesCommand;
    }
    case 'delete_block':
      return {
        cmd,
        tab_id: picks.number(5) === 0 ? tab_id : (blocks.get(block_id)?.tab_id ?? tab_id),
        block_id,
        ...gone,
      };
    case 'move_block': {
      const src_tab_id = picks.number(5) === 0 ? tab_id : (blocks.get(block_id)?.tab_id ?? tab_id);
      return { cmd, block_id, src_tab_id, dst_tab_id: picks.id(tabs, blocks), dst_index: index };
    }
    case 'update_block_meta':
      return { cmd, block_id, meta_patch };
    case 'bind_block':
      return { cmd, block_id, session_id: picks.of([null, ...SESSIONS]) };
    default:
      return layoutCommand(cmd, state, picks);
  }
}

/** What the model knows, as the state has it. */
function facts({ workspaces, tabs, blocks, windows }: WorkspacesState): unknown {
  return {
    workspaces: Array.from(workspaces, ([id, { name, tabs: order, active }]) => [id, { name, tabs: order, active }]),
    tabs: Array.from(tabs, ([id, tab]) => [
      id,
      {
        workspace: tab.workspace_id,
        name: tab.name,
        blocks: tab.blocks,
        leaves: [...nodesOf(tab.tree).values()]
          .flatMap(({ id: at, data }) => (data ? [[at, data.blockId]] : []))
          .sort(),
        focused: tab.focused,
        magnified: tab.magnified,
      },
    ]),
    blocks: Array.from(blocks, ([id, { tab_id, session }]) => [id, { tab: tab_id, session }]).sort(),
    windows: Array.from(windows, ([id, { workspace_id }]) => [id, workspace_id]).sort(),
  };
}

function expectInvariants(editor: Editor): void {
  const { workspaces, tabs, blocks, windows, bound } = editor.state;
  for (const [id, { tabs: order, active }] of workspaces) {
    expect(order.every((tab) => tabs.get(tab)?.workspace_id === id)).toBe(true);
    expect(active === null ? order : order.filter((tab) => tab === active)).toHaveLength(active === null ? 0 : 1);
  }
  expect([...workspaces.values()].flatMap(({ tabs: order }) => order).sort()).toEqual([...tabs.keys()].sort());
  expect([...tabs.values()].flatMap(({ blocks: order }) => order).sort()).toEqual([...blocks.keys()].sort());
  for (const { workspace_id } of windows.values()) expect(workspaces.has(workspace_id)).toBe(true);
  const shown = Array.from(blocks.values(), ({ id, session }) => [session, id]).filter(([session]) => session !== null);
  expect([...bound].sort()).toEqual(shown.sort());
  for (const tab of tabs.values()) {
    expect(normalise(tab.tree)).toBe(tab.tree);
    const nodes = [...nodesOf(tab.tree).values()];
    for (const { size = 0 } of nodes) expect(size > 0 && size <= 100).toBe(true);
    for (const [block, at] of tab.leaf_of) {
      expect(blocks.get(block)?.tab_id).toBe(tab.id);
      expect(nodesOf(tab.tree).get(at)?.data?.blockId).toBe(block);
    }
    expect(nodes.filter(({ data }) => data !== undefined)).toHaveLength(tab.leaf_of.size);
    for (const id of [tab.focused, tab.magnified])
      expect(id === '' || [...tab.leaf_of.values()].includes(id)).toBe(true);
    expect(tab.changed_at).toBeLessThanOrEqual(editor.log.length);
  }
}

/** Ends or removes a session in the model's world and in the domain's. */
function turnWorld(world: World, editor: Editor, model: Model, session_id: string): void {
  if (!editor.sessions.has(session_id)) return;
  for (const { sessions } of [editor, model]) sessions.set(session_id, false);
  if (world === 'end_session') return;
  editor.apply({ event: 'session_removed', session_id, reason: 'command' });
  for (const { sessions } of [editor, model]) sessions.delete(session_id);
  for (const block of model.blocks.values()) if (block.session === session_id) block.session = null;
}

function play(editor: Editor, model: Model, command: WorkspacesCommand): string {
  const { faults, run } = model.expect(command, (tab) => editor.state.tabs.get(tab)?.tree ?? null);
  const before = editor.hash();
  let refusal = 'accepted';
  try {
    const events = editor.execute(command);
    run(editor.result);
    if (events.length === 0) expect(editor.hash()).toBe(before);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    refusal = `${error.code} ${error.field}`;
    expect(editor.hash()).toBe(before);
  }
  if (faults.length === 0) expect(refusal).toBe('accepted');
  else expect(faults).toContain(refusal);
  return refusal;
}

const VERBS: { verb: Cmd | World; weight: number }[] = (
  [
    ...(['create_workspace', 'delete_workspace', 'rename_workspace', 'update_workspace_meta'] as const),
    ...(['create_tab', 'delete_tab', 'rename_tab', 'update_tab_meta', 'set_active_tab', 'reorder_tab'] as const),
    ...(['reorder_tabs_bulk', 'move_tab', 'create_window', 'close_window_internal', 'switch_workspace'] as const),
    ...([
      'update_window_meta',
      'create_block',
      'delete_block',
      'move_block',
      'update_block_meta',
      'bind_block',
    ] as const),
    ...(['set_focused_node', 'set_magnified_node', 'layout_insert_node', 'layout_insert_node_at_index'] as const),
    ...(['layout_delete_node', 'layout_move_node', 'layout_swap_nodes', 'layout_resize_nodes'] as const),
    ...(['layout_replace_node', 'layout_split_horizontal', 'layout_split_vertical', 'layout_clear'] as const),
    ...(['layout_set_tree', 'end_session', 'remove_session'] as const),
  ] satisfies (Cmd | World)[]
).map((verb) => ({ verb, weight: WEIGHTS[verb] ?? 2 }));

const step = fc.record({
  verb: fc.oneof(...VERBS.map(({ verb, weight }) => ({ weight, arbitrary: fc.constant(verb) }))),
  numbers: fc.array(fc.nat(999), { minLength: 24, maxLength: 24 }),
});

/** Somewhere to begin: two workspaces, four tabs, and blocks in them, most of them placed. */
function furnish(editor: Editor, model: Model): void {
  for (const session of SESSIONS) for (const { sessions } of [editor, model]) sessions.set(session, true);
  const commands: WorkspacesCommand[] = [
    ...['w', 'v'].map((workspace_id) => ({ cmd: 'create_workspace', workspace_id, name: '' }) as const),
    ...['wa', 'wb', 'wc', 'va'].map(
      (tab_id) => ({ cmd: 'create_tab', workspace_id: tab_id[0]!, tab_id, name: '' }) as const,
    ),
    ...['wa1', 'wa2', 'wa3', 'wb1', 'wb2', 'va1'].map(
      (block_id) =>
        ({ cmd: 'create_block', tab_id: block_id.slice(0, 2), block_id, place: { node_id: `n${block_id}` } }) as const,
    ),
    ...['wa4', 'wa5', 'wb3', 'va2'].map(
      (block_id) => ({ cmd: 'create_block', tab_id: block_id.slice(0, 2), block_id }) as const,
    ),
    { cmd: 'bind_block', block_id: 'wa1', session_id: 's0' },
    { cmd: 'create_window', window_id: 'm0', workspace_id: 'w' },
  ];
  for (const command of commands) expect(play(editor, model, command)).toBe('accepted');
}

it('[W2] [W7] [W9] [W15] follows the model, keeps its invariants after every step, and replays to the same state', () => {
  const reached = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }), fc.nat(), (steps, cut) => {
      const [editor, model] = [new Editor(), new Model()];
      furnish(editor, model);
      for (const { verb, numbers } of steps) {
        const picks = new Picks(numbers);
        if (verb === 'end_session' || verb === 'remove_session') turnWorld(verb, editor, model, picks.of(SESSIONS));
        else {
          const outcome = `${verb} ${play(editor, model, commandOf(verb, editor.state, picks)).split(' ')[0]}`;
          reached.set(outcome, (reached.get(outcome) ?? 0) + 1);
        }
        expect(facts(editor.state)).toEqual(model.facts());
        expectInvariants(editor);
      }
      expectReplay(editor, cut % (editor.log.length + 1));
    }),
    { numRuns: 100 },
  );
  // A generator that had every command refused, or none, would prove little.
  const commands = VERBS.flatMap(({ verb }) => (verb === 'end_session' || verb === 'remove_session' ? [] : [verb]));
  expect(commands.filter((cmd) => !reached.has(`${cmd} accepted`))).toEqual([]);
  const codes = new Set(Array.from(reached.keys(), (outcome) => outcome.split(' ')[1]));
  expect([...codes].sort()).toEqual(['accepted', 'conflict', 'invalid_argument', 'not_found']);
});

/** From nothing, and from a snapshot that went through JSON half-way. */
function expectReplay({ domain, log, state }: Editor, cut: number): void {
  let [replayed, resumed] = [domain.initial(), domain.initial()];
  for (const [index, event] of log.entries()) {
    replayed = domain.evolve(replayed, event, index + 1);
    resumed = domain.evolve(resumed, event, index + 1);
    if (index + 1 === cut) resumed = domain.restore(JSON.parse(JSON.stringify(domain.serialise(resumed))));
  }
  const expected = JSON.stringify(domain.serialise(state));
  expect(JSON.stringify(domain.serialise(replayed))).toBe(expected);
  expect(JSON.stringify(domain.serialise(resumed))).toBe(expected);
  expect(replayed).toEqual(state);
  expect(resumed).toEqual(state);
}
