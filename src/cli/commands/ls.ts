import type { Holdfast, SessionRecord } from '../../client/index.ts';
import { HoldfastError } from '../../protocol/index.ts';
import { text } from '../arguments.ts';
import type { CommandContext } from '../command.ts';
import { age, printable, stateOf, table } from '../format.ts';
import { Selectors } from '../selectors.ts';

export async function run({ connect, options, json, out }: CommandContext): Promise<number> {
  const holdfast = await connect();
  const originator = text(options, 'originator');
  if (json) {
    const listed = await holdfast.list(originator === undefined ? {} : { originator });
    for (const session of listed) out.json(session);
    return 0;
  }
  const { all, tabs } = await everything(holdfast);
  const sessions = all.filter((session) => originator === undefined || session.originator === originator);
  if (sessions.length === 0) {
    out.note('no sessions; start one with: holdfast run -- COMMAND');
    return 0;
  }
  const runAgents = sessions.some(({ agent }) => agent !== null);
  const now = Date.now();
  const rows = sessions.map((session) => [
    session.id,
    session.name ?? '-',
    ...(runAgents ? [session.agent ?? '-'] : []),
    stateOf(session),
    session.kind,
    session.pid === null ? '-' : String(session.pid),
    age(now - session.created_at),
    ...(tabs.size === 0 ? [] : [printable(tabs.get(session.id) ?? '-')]),
    printable(session.command),
  ]);
  const agent = runAgents ? ['AGENT'] : [];
  const tab = tabs.size === 0 ? [] : ['TAB'];
  const heads = ['ID', 'NAME', ...agent, 'STATE', 'KIND', 'PID', 'AGE', ...tab, 'COMMAND'];
  const [head, ...body] = table([heads, ...rows], out.columns);
  out.line(out.paint('bold', head!));
  if (body.length > 0) out.line(body.join('\n'));
  return 0;
}

/** Inside an agent's session nobody is told what is on which tab. */
async function everything(holdfast: Holdfast): Promise<{ all: SessionRecord[]; tabs: Map<string, string> }> {
  try {
    const select = new Selectors(await holdfast.outline());
    return { all: select.outline.sessions, tabs: tabsShowing(select) };
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'forbidden') throw error;
    return { all: await holdfast.list(), tabs: new Map() };
  }
}

/** Session → the tab whose block shows it. */
function tabsShowing(select: Selectors): Map<string, string> {
  const names = new Map(select.outline.tabs.map((tab) => [tab.id, select.tabName(tab)]));
  return new Map(
    select.outline.blocks.flatMap(({ session_id, tab_id }) =>
      session_id === null ? [] : [[session_id, names.get(tab_id) ?? tab_id]],
    ),
  );
}
