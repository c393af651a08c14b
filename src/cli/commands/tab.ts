import { HoldfastError, invalid } from '../../protocol/index.ts';
import { flag, integer, text } from '../arguments.ts';
import type { CommandContext } from '../command.ts';
import { printable, table } from '../format.ts';
import { done, each, explained, made, partingOf, selecting, showMeta, showTable } from '../selected.ts';

const INDEX_MAX = 0xffff_ffff;

export async function ls(context: CommandContext): Promise<number> {
  const { options, json, out } = context;
  const { select } = await selecting(context);
  const word = text(options, 'workspace');
  const within = word === undefined ? undefined : select.workspace(word).id;
  const tabs = select.outline.tabs.filter(({ workspace_id }) => within === undefined || workspace_id === within);
  if (json) {
    for (const tab of tabs) out.json(tab);
    return 0;
  }
  const rows = tabs.map(({ id, name, workspace_id, active, blocks }) => [
    id,
    `${active ? '*' : ' '} ${printable(name)}`,
    printable(select.workspaceName(workspace_id)),
    String(blocks.length),
  ]);
  const lines = table([['ID', '  NAME', 'WORKSPACE', 'BLOCKS'], ...rows], out.columns);
  return showTable(context, lines, 'no tabs; make one with: holdfast tab create');
}

export async function create(context: CommandContext): Promise<number> {
  const { options, positionals } = context;
  const { holdfast, select } = await selecting(context);
  const { id: workspace_id } = select.workspaceOrOnly(text(options, 'workspace'), '--workspace');
  const { id, name, version } = await holdfast.tabs.create(workspace_id, positionals[0], { id: text(options, 'id') });
  return made(context, { id, name, workspace_id, version });
}

export async function rename(context: CommandContext): Promise<number> {
  const [word, name] = context.positionals;
  const { holdfast, select } = await selecting(context);
  const { id } = select.tab(word!);
  const { version } = await holdfast.tabs.rename(id, name!);
  return done(context, { id, name, version });
}

export async function rm(context: CommandContext): Promise<number> {
  const { positionals, options, json, out } = context;
  const session = partingOf(options);
  const force = flag(options, 'force');
  const { holdfast, select } = await selecting(context);
  return each(context, positionals, async (word) => {
    const tab = select.tab(word);
    const { id, workspace_id } = tab;
    try {
      const gone = await holdfast.tabs.delete(workspace_id, id, { session, ...(force ? { force } : {}) });
      if (json) out.json({ id, ...gone });
      else out.line(id);
    } catch (error) {
      if (error instanceof HoldfastError && error.field === 'force') throw lastTab(select.tabName(tab), error);
      throw explained(error, `tab "${printable(select.tabName(tab))}"`, select);
    }
  });
}

function lastTab(name: string, cause: HoldfastError): HoldfastError {
  const message = `"${printable(name)}" is the last tab of its workspace: add --force, or use: holdfast workspace rm`;
  return new HoldfastError('conflict', message, { cause });
}

export async function move(context: CommandContext): Promise<number> {
  const { options, positionals } = context;
  const [word, target] = positionals;
  const index = integer(options, 'index', 0, INDEX_MAX);
  const fallback = fallbackOf(context);
  const { holdfast, select } = await selecting(context);
  const tab = select.tab(word!);
  const { id: to } = select.workspace(target!);
  if (tab.workspace_id === to) {
    throw invalid('WORKSPACE', 'the tab is in that workspace already; to change its place use: holdfast tab reorder');
  }
  try {
    const moved = await holdfast.tabs.move(tab.id, { from: tab.workspace_id, to, index, fallback });
    const { index: at, workspaceDeleted, version } = moved;
    return done(context, { id: tab.id, workspace_id: to, index: at, workspace_deleted: workspaceDeleted, version });
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.field !== 'fallback') throw error;
    const message = `"${printable(select.tabName(tab))}" is the last tab of its workspace: add --delete-empty or --allow-empty`;
    throw new HoldfastError('conflict', message, { cause: error });
  }
}

function fallbackOf({ options }: CommandContext): 'delete_workspace' | 'allow_empty' | undefined {
  const remove = flag(options, 'delete-empty');
  const keep = flag(options, 'allow-empty');
  if (remove && keep) throw invalid('--allow-empty', '--delete-empty and --allow-empty exclude each other');
  if (!remove && !keep) return undefined;
  return remove ? 'delete_workspace' : 'allow_empty';
}

export async function reorder(context: CommandContext): Promise<number> {
  const { options, positionals } = context;
  const to = integer(options, 'to', 0, INDEX_MAX);
  if (to !== undefined && positionals.length > 1) {
    throw invalid('--to', '--to is the place of one tab; without it, name every tab of the workspace in order');
  }
  const { holdfast, select } = await selecting(context);
  const tabs = positionals.map((word) => select.tab(word));
  const { id, workspace_id } = tabs[0]!;
  if (to !== undefined) {
    const { index, version } = await holdfast.tabs.reorder(workspace_id, id, to);
    return done(context, { id, workspace_id, index, version });
  }
  const ids = tabs.map((tab) => tab.id);
  const { version } = await holdfast.tabs.reorderAll(workspace_id, ids);
  return done(context, { workspace_id, tabs: ids, version });
}

export async function use(context: CommandContext): Promise<number> {
  const { holdfast, select } = await selecting(context);
  const { id, workspace_id } = select.tab(context.positionals[0]!);
  const { version } = await holdfast.tabs.use(workspace_id, id);
  return done(context, { id, workspace_id, version });
}

export async function meta(context: CommandContext): Promise<number> {
  const { holdfast, select } = await selecting(context);
  const { id, meta: current } = select.tab(context.positionals[0]!);
  return showMeta(context, current, (patch) => holdfast.tabs.meta(id, patch));
}
