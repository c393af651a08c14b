import type { MessageState } from '../../client/index.ts';
import { invalid } from '../../protocol/index.ts';
import { messageState, nameOf, senderName } from '../agent-text.ts';
import { flag, integer, text } from '../arguments.ts';
import type { CommandContext } from '../command.ts';
import { age, printable, table } from '../format.ts';
import { showTable } from '../selected.ts';

/** Of one answer (docs/CONTROL.md). */
const LISTED_COUNT = 1_000;
const STATES: readonly string[] = [
  'accepted',
  'delivering',
  'delivered',
  'answered',
  'failed',
  'expired',
  'refused',
  'cancelled',
  'indeterminate',
] satisfies MessageState[];

export async function run(context: CommandContext): Promise<number> {
  const { connect, options, positionals, json, out } = context;
  const state = text(options, 'state');
  if (state !== undefined && !STATES.includes(state)) {
    throw invalid('--state', `--state is one of ${STATES.join(', ')}, not "${state}"`);
  }
  const filter = {
    session: positionals[0],
    state: state as MessageState | undefined,
    limit: integer(options, 'limit', 1, LISTED_COUNT),
    ...(flag(options, 'sent') ? { sent: true as const } : {}),
  };
  const holdfast = await connect();
  const messages = await holdfast.messages.list(filter);
  if (json) {
    for (const message of messages) out.json(message);
    return 0;
  }
  const names = new Map((await holdfast.agents.list()).map((agent) => [agent.agent_id, nameOf(agent)]));
  const now = Date.now();
  const rows = messages.map((message) => [
    message.message_id,
    messageState(message),
    message.priority,
    printable(senderName(message.from)),
    printable(names.get(message.agent_id) ?? message.agent_id),
    age(now - message.created_at),
    printable(message.body).replaceAll('\\n', ' '),
  ]);
  const heads = ['MESSAGE', 'STATE', 'PRIORITY', 'FROM', 'TO', 'AGE', 'TEXT'];
  return showTable(context, table([heads, ...rows], out.columns), 'no messages');
}
