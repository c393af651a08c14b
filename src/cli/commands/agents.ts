import { AGENT_COLUMNS, agentRows, byUrgency, urgency } from '../agent-text.ts';
import { flag } from '../arguments.ts';
import type { CommandContext } from '../command.ts';
import { eventText } from '../event-text.ts';
import { table } from '../format.ts';
import { showTable } from '../selected.ts';

export async function run(context: CommandContext): Promise<number> {
  const { connect, options, json, out } = context;
  if (flag(options, 'follow')) return follow(context);
  const agents = byUrgency(await (await connect()).agents.list());
  if (json) {
    for (const agent of agents) out.json(agent);
    return 0;
  }
  const now = Date.now();
  const groups = agents.map((agent) => ({ needsPerson: urgency(agent) < 2, rows: agentRows(agent, now) }));
  const lines = table([AGENT_COLUMNS, ...groups.flatMap(({ rows }) => rows)], out.columns);
  const coloured = groups.flatMap(({ needsPerson, rows }) => rows.map(() => needsPerson));
  const painted = lines.map((line, at) => (coloured[at - 1] === true ? out.paint('yellow', line) : line));
  return showTable(context, painted, 'no agents; start one with: holdfast run --agent NAME');
}

async function follow({ connect, json, out }: CommandContext): Promise<number> {
  const holdfast = await connect();
  const transitions = await holdfast.agents.transitions({
    onConnection: (state) =>
      out.note(state === 'lost' ? 'holdfast: connection lost, reconnecting' : 'holdfast: reconnected'),
  });
  for await (const item of transitions) {
    if (item.type === 'event') {
      if (json) out.json(item.event);
      else out.line(eventText(item.event));
    } else if (item.type === 'gap') {
      out.note(`holdfast: events ${item.from} to ${item.to} are missing (${item.reason})`);
    }
  }
  return 0;
}
