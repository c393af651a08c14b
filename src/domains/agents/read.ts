/** Questions that the state answers. */
import type { AgentRecord, AgentsCommand, MessageRecord } from '../../protocol/control/index.ts';
import { HoldfastError } from '../../protocol/index.ts';
import { isOpen, type Message, toMessageRecord } from './messages.ts';
import { type AgentsContext, agentOf, isSentBy, selectAgent, selectMessage } from './select.ts';
import { type Agent, type AgentsState, toAgentRecord } from './state.ts';

type Command<K extends AgentsCommand['cmd']> = Extract<AgentsCommand, { cmd: K }>;
export type ReadContext = Pick<AgentsContext, 'actor' | 'sessions'>;

const LISTED_COUNT = 100;
/** Of one reply, which is one line. */
const LISTED_BYTES = 8 * 1024 * 1024;

export function agentRecords(state: AgentsState): AgentRecord[] {
  return [...state.agents.values()].map(toAgentRecord);
}

export function openMessages(state: AgentsState): MessageRecord[] {
  return [...state.messages.values()].filter(isOpen).map((message) => toMessageRecord(state, message));
}

export function getMessage(state: AgentsState, messageId: string, { actor }: ReadContext): MessageRecord {
  return toMessageRecord(state, selectMessage(state, messageId, actor));
}

/** The newest, oldest of them first; as many as fit into a reply. */
export function listMessages(
  state: AgentsState,
  command: Command<'list_messages'>,
  context: ReadContext,
): MessageRecord[] {
  const { state: wanted, limit = LISTED_COUNT } = command;
  const concerns = whose(state, command, context);
  const listed: MessageRecord[] = [];
  let bytes = 0;
  for (const message of [...state.messages.values()].reverse()) {
    if (!concerns(message) || (wanted !== undefined && message.state !== wanted)) continue;
    bytes += message.bytes;
    if (listed.length === limit || bytes > LISTED_BYTES) break;
    listed.push(toMessageRecord(state, message));
  }
  return listed.reverse();
}

/** To an agent only its own; to others, without a session, all. */
function whose(
  state: AgentsState,
  { session, sent }: Command<'list_messages'>,
  { actor, sessions }: ReadContext,
): (message: Message) => boolean {
  const own = actor.session_id === undefined ? undefined : agentOf(state, actor.session_id);
  let agent: Agent | undefined = own;
  if (session !== undefined) agent = selectAgent(state, sessions, session);
  if (actor.session_id !== undefined && agent !== own) {
    throw new HoldfastError('forbidden', 'an agent lists its own messages', { field: 'session' });
  }
  if (agent === undefined) return ({ from }) => sent !== true || from.session_id === null;
  const { agent_id, session_id } = agent;
  return (message) => (sent === true ? isSentBy(state, message, session_id) : message.agent_id === agent_id);
}
