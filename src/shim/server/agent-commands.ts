/** The commands about the session's agent. */
import { HoldfastError } from '../../protocol/errors.ts';
import type { AgentProfile } from '../../protocol/agent/index.ts';
import type { SessionCommandName } from '../../protocol/session/index.ts';
import type { Agent } from '../agent/index.ts';
import type { Session } from '../session.ts';
import * as attaching from './attach.ts';
import type { Handler } from './handler.ts';
import { requireRunning } from './write.ts';

type AgentCommandName =
  | 'SetProfile'
  | 'SendMessage'
  | 'CancelMessage'
  | 'Interrupt'
  | 'AnswerRequest'
  | 'Report'
  | 'Explain'
  | 'GetAgent'
  | 'GetTranscript';

/** What a program of the session may ask for with the session's token. */
export const AGENT_ROLE: ReadonlySet<SessionCommandName> = new Set<SessionCommandName>(['Report', 'GetAgent', 'Ping']);

export const AGENT_HANDLERS: { readonly [Name in AgentCommandName]: Handler<Name> } = {
  SetProfile: (session, peer, { profile, id }) => {
    attaching.requireBroker(peer);
    // Checked by srv, whose profiles these are.
    agentOf(session).setProfile(profile as unknown as AgentProfile);
    peer.reply(id, { event: 'Done', command: 'SetProfile' });
  },
  SendMessage: async (session, peer, { from, body, message_id, id }) => {
    const agent = agentOf(session);
    requireRunning(session);
    const message = { from, body, ...(message_id === undefined ? {} : { message_id }) };
    await agent.send(message, {
      taken: () => peer.reply(id, { event: 'Done', command: 'SendMessage' }),
      tell: (event) => peer.send(event),
    });
  },
  CancelMessage: (session, peer, { message_id, id }) => {
    agentOf(session).cancel(message_id);
    peer.reply(id, { event: 'Done', command: 'CancelMessage' });
  },
  Interrupt: async (session, peer, { id }) => {
    const agent = agentOf(session);
    requireRunning(session);
    await agent.interrupt();
    peer.reply(id, { event: 'Done', command: 'Interrupt' });
  },
  AnswerRequest: async (session, peer, { request_id, choice, text, id }) => {
    const agent = agentOf(session);
    requireRunning(session);
    await agent.answer(request_id, choice, text);
    peer.reply(id, { event: 'Done', command: 'AnswerRequest' });
  },
  Report: (session, peer, { report, id }) => {
    agentOf(session).report(report);
    peer.reply(id, { event: 'Done', command: 'Report' });
  },
  Explain: async (session, peer, { id }) => {
    peer.reply(id, { event: 'Explained', explanation: await agentOf(session).explain() });
  },
  GetAgent: (session, peer, { id }) => peer.reply(id, agentOf(session).describe()),
  GetTranscript: (session, peer, { from, limit, id }) => {
    peer.reply(id, { event: 'Transcript', ...agentOf(session).transcript(from, limit) });
  },
};

function agentOf({ agent }: Session): Agent {
  if (agent !== null) return agent;
  throw new HoldfastError('conflict', 'this session runs no agent', { field: 'cmd' });
}
