import type { SessionRecord } from '../../client/index.ts';
import { HoldfastError } from '../../protocol/index.ts';
import { flag, integer, text } from '../arguments.ts';
import type { CommandContext } from '../command.ts';
import { printable, stateOf, table } from '../format.ts';
import { done, each, explained, partingOf, selecting, showMeta, showTable } from '../selected.ts';
import type { Selectors } from '../selectors.ts';

export async function ls(context: CommandContext): Promise<number> {
  const { options, json, out } = context;
  const { select } = await selecting(context);
  if (flag(options, 'unplaced')) return showUnplaced(context, select);
  const tabWord = text(options, 'tab');
  const workspaceWord = text(options, 'workspace');
  const tab = tabWord === undefined ? undefined : select.tab(tabWord).id;
  const workspace = workspaceWord === undefined ? undefined : select.workspace(workspaceWord).id;
  const blocks = select.outline.blocks.filter(
    ({ tab_id, workspace_id }) =>
      (tab === undefined || tab_id === tab) && (workspace === undefined || workspace_id === workspace),
  );
  if (json) {
    for (const block of blocks) out.json(block);
    return 0;
  }
  const tabs = new Map(select.outline.tabs.map((one) => [one.id, select.tabName(one)]));
  const rows = blocks.map((block) => {
    const session = select.sessionOf(block);
    return [
      block.id,
      printable(tabs.get(block.tab_id) ?? block.tab_id),
      printable(block.node_id ?? 'parked'),
      session?.id ?? '-',
      session === undefined ? '-' : stateOf(session),
      session === undefined ? '-' : printable(session.name ?? session.command),
    ];
  });
  const lines = table([['ID', 'TAB', 'NODE', 'SESSION', 'STATE', 'SHOWS'], ...rows], out.columns);
  return showTable(context, lines, 'no blocks; make one with: holdfast block create');
}

function showUnplaced(context: CommandContext, { outline }: Selectors): number {
  const { json, out } = context;
  const shown = new Set(outline.blocks.map(({ session_id }) => session_id));
  const isLive = ({ state }: SessionRecord): boolean => state !== 'ended' && state !== 'lost';
  const sessions = outline.sessions.filter((session) => isLive(session) && !shown.has(session.id));
  if (json) {
    for (const session of sessions) out.json(session);
    return 0;
  }
  const rows = sessions.map((session) => [
    session.id,
    session.name ?? '-',
    stateOf(session),
    printable(session.command),
  ]);
  return showTable(
    context,
    table([['ID', 'NAME', 'STATE', 'COMMAND'], ...rows], out.columns),
    'a block shows every live session',
  );
}

export async function rm(context: CommandContext): Promise<number> {
  const { positionals, options, json, out } = context;
  const session = partingOf(options);
  const { holdfast, select } = await selecting(context);
  return each(context, positionals, async (word) => {
    const { id, tab_id } = select.block(word);
    try {
      const gone = await holdfast.blocks.delete(tab_id, id, { session });
      if (json) out.json({ id, ...gone });
      else out.line(id);
    } catch (error) {
      throw explained(error, `block "${printable(id)}"`, select);
    }
  });
}

export async function move(context: CommandContext): Promise<number> {
  const [word, target] = context.positionals;
  const index = integer(context.options, 'index', 0, 0xffff_ffff);
  const { holdfast, select } = await selecting(context);
  const { id, tab_id: from } = select.block(word!);
  const { id: to } = select.tab(target!);
  const { index: at, version } = await holdfast.blocks.move(id, { from, to, index });
  return done(context, { id, tab_id: to, index: at, version });
}

export async function bind(context: CommandContext): Promise<number> {
  const [word, target] = context.positionals;
  const { holdfast, select } = await selecting(context);
  const { id } = select.block(word!);
  const { id: session_id } = select.session(target!);
  try {
    const { version } = await holdfast.blocks.bind(id, session_id);
    return done(context, { id, session_id, version });
  } catch (error) {
    throw elsewhere(error);
  }
}

/** A session that another block shows: says how to take it away there. */
export function elsewhere(error: unknown): unknown {
  if (!(error instanceof HoldfastError) || error.code !== 'conflict' || error.field !== 'session_id') return error;
  const { block_id } = error.details;
  if (typeof block_id !== 'string') return error;
  const message = `block "${printable(block_id)}" shows that session; first: holdfast block unbind ${printable(block_id)}`;
  return new HoldfastError('conflict', message, { details: error.details, cause: error });
}

export async function unbind(context: CommandContext): Promise<number> {
  const { holdfast, select } = await selecting(context);
  const { id } = select.block(context.positionals[0]!);
  const { version } = await holdfast.blocks.unbind(id);
  return done(context, { id, session_id: null, version });
}

export async function meta(context: CommandContext): Promise<number> {
  const { holdfast, select } = await selecting(context);
  const { id, meta: current } = select.block(context.positionals[0]!);
  return showMeta(context, current, (patch) => holdfast.blocks.meta(id, patch));
}
