import {
  type AgentSelection,
  type Holdfast,
  type MessagePriority,
  type MessageRecord,
  type SendOptions,
} from '../../client/index.ts';
import { HoldfastError, invalid } from '../../protocol/index.ts';
import { messageState } from '../agent-text.ts';
import { duration, flag, text } from '../arguments.ts';
import type { CommandContext, OptionValues } from '../command.ts';
import { exitStatusOf, reportError } from '../errors.ts';
import { printable } from '../format.ts';
import { standardInput } from '../selected.ts';

const PRIORITIES: readonly string[] = ['low', 'normal', 'high', 'urgent'] satisfies MessagePriority[];

export async function run(context: CommandContext): Promise<number> {
  const { options, positionals } = context;
  const select = selection(options);
  const wanted = select === undefined ? 2 : 1;
  if (positionals.length !== wanted) {
    const usage = select === undefined ? 'send ID TEXT|-' : 'send --all|--agent NAME TEXT|-';
    throw invalid(
      'TEXT',
      `send needs ${select === undefined ? 'an ID and a TEXT' : 'a TEXT and no ID'}: holdfast ${usage}`,
    );
  }
  const word = positionals.at(-1)!;
  const sending = sendOptions(options);
  if (text(options, 'timeout') !== undefined && !flag(options, 'wait')) {
    throw invalid('--timeout', '--timeout goes with --wait; how long a message may wait is --ttl');
  }
  const body = word === '-' ? await standardInput() : word;
  const holdfast = await context.connect();
  return select === undefined
    ? sendToOne(context, holdfast, body, sending)
    : sendToMany(context, holdfast, select, body, sending);
}

async function sendToOne(
  context: CommandContext,
  holdfast: Holdfast,
  body: string,
  sending: SendOptions,
): Promise<number> {
  const { json, out, positionals } = context;
  const { id, state } = await holdfast.messages.send(positionals[0]!, body, sending);
  if (flag(context.options, 'wait')) return outcome(context, holdfast, id, '');
  if (json) out.json({ message_id: id, state });
  else out.line(id);
  return 0;
}

/** Those that cannot take it are told of; the first refusal gives the exit status. */
async function sendToMany(
  context: CommandContext,
  holdfast: Holdfast,
  select: AgentSelection,
  body: string,
  sending: SendOptions,
): Promise<number> {
  const { json, out, options } = context;
  const { messages, refused } = await holdfast.messages.broadcast(select, body, sending);
  let status = 0;
  for (const { session_id, error } of refused) {
    if (json) out.json({ session_id, error });
    reportError(out, new HoldfastError(error.code, `${session_id}: ${error.message}`));
    status ||= exitStatusOf(undefined, [], HoldfastError.fromWire(error));
  }
  if (messages.length === 0 && refused.length === 0) {
    throw new HoldfastError('not_found', 'no agent is meant; see: holdfast agents');
  }
  if (!flag(options, 'wait')) {
    for (const message of messages) {
      if (json) out.json(message);
      else out.line(`${message.message_id} ${message.session_id}`);
    }
    return status;
  }
  const outcomes = messages.map(async ({ message_id, session_id }) => {
    try {
      return await outcome(context, holdfast, message_id, `==> ${session_id}\n`);
    } catch (error) {
      reportError(out, error);
      return exitStatusOf(undefined, [], error);
    }
  });
  for (const ended of await Promise.all(outcomes)) status ||= ended;
  return status;
}

/** Prints what came of a message; returns the exit status. */
async function outcome(context: CommandContext, holdfast: Holdfast, id: string, head: string): Promise<number> {
  const { json, out } = context;
  const record = await holdfast.messages.wait(id, { timeoutMs: duration(context.options, 'timeout') });
  if (json) out.json(record);
  else if (record.state === 'answered') out.line(`${head}${shown(out.isTerminal, record.response ?? '')}`);
  if (record.truncated) out.note(`holdfast: the answer to ${id} was longer; its end is in the session’s log`);
  if (record.state === 'answered') return 0;
  out.note(`holdfast: message ${id}: ${messageState(record)}${advice(record)}`);
  return record.state === 'expired' ? 4 : 1;
}

/** What an agent wrote must not drive a person's terminal; a script gets it as it is. */
function shown(isTerminal: boolean, response: string): string {
  return isTerminal ? response.split('\n').map(printable).join('\n') : response;
}

function advice({ state, session_id }: MessageRecord): string {
  if (state !== 'indeterminate' || session_id === null) return '';
  return `; whether the agent has it shows: holdfast screen ${session_id}`;
}

function selection(options: OptionValues): AgentSelection | undefined {
  const agent = text(options, 'agent');
  const all = flag(options, 'all');
  if (all && agent !== undefined)
    throw invalid('--agent', '--all means every agent, --agent those of a profile: say one');
  if (all) return { all: true };
  return agent === undefined ? undefined : { agent };
}

function sendOptions(options: OptionValues): SendOptions {
  const priority = text(options, 'priority');
  if (priority !== undefined && !PRIORITIES.includes(priority)) {
    throw invalid('--priority', `--priority is ${PRIORITIES.join(', ')}, not "${priority}"`);
  }
  return {
    id: text(options, 'id'),
    priority: priority as MessagePriority | undefined,
    ttlMs: duration(options, 'ttl'),
    answerMs: duration(options, 'answer-within'),
    replyTo: text(options, 'reply-to'),
  };
}
