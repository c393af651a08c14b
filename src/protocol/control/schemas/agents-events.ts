/** Committed facts about agents and their messages. Every one carries `agent_id`. */
import { z } from 'zod';
import {
  activity,
  agentMode,
  agentRequest,
  agentStatus,
  agentUsage,
  attention,
  messageOutcome,
  messagePriority,
  parkReason,
  restartPolicy,
  sender,
  worktreeFact,
} from './agents-facts.ts';
import { choice, flag, u53 } from './fields.ts';
import { ourEvents } from './variants.ts';

const string = z.string();
const agent = { agent_id: string, session_id: string };
const message = { message_id: string, agent_id: string };

export const AGENTS_EVENTS = ourEvents({
  agent_created: [
    'A session runs an agent; its id is that of the session',
    {
      ...agent,
      name: string.nullable(),
      profile: string,
      mode: agentMode,
      cli_version: string.nullable(),
      policy: restartPolicy,
      cwd: string,
      worktree: worktreeFact.nullable(),
      share_directory: flag.exactOptional().describe('Others may work in its directory, too'),
      conversation_id: string.nullable(),
    },
  ],
  agent_status_changed: ['', { ...agent, status: agentStatus, previous: z.object({ activity, attention }) }],
  agent_requested: ['It asks a person', { ...agent, request: agentRequest }],
  agent_request_closed: [
    'Answered, or not asked any more',
    {
      ...agent,
      request_id: string,
      how: choice(['answered', 'withdrawn']),
      choice: string.exactOptional(),
      by: sender.exactOptional().describe('Missing: answered at its terminal'),
    },
  ],
  agent_conversation_changed: ['', { ...agent, conversation_id: string, transcript_path: string.nullable() }],
  agent_usage_changed: ['At most one in 10 s for an agent', { ...agent, usage: agentUsage }],
  message_accepted: [
    'It waits for its agent',
    {
      ...message,
      from: sender,
      body: string,
      priority: messagePriority,
      created_at: u53,
      expires_at: u53,
      answer_ms: u53,
      reply_to: string.nullable(),
    },
  ],
  message_delivering: ['Its shim has it, or is about to', { ...message, session_id: string }],
  message_requeued: ['Nothing of it was typed; it waits again', { ...message, reason: string }],
  message_delivered: ['The agent started on it', { ...message, session_id: string, answer_by: u53 }],
  message_closed: [
    'The one outcome of a message',
    {
      ...message,
      session_id: string.nullable(),
      outcome: messageOutcome,
      reason: string.nullable(),
      response: string.nullable(),
      truncated: flag,
    },
  ],
  agent_policy_changed: ['', { ...agent, policy: restartPolicy }],
  agent_parked: ['', { ...agent, reason: parkReason, until: u53.nullable() }],
  agent_unparked: ['', agent],
  agent_restarting: [
    'It will be started again',
    { ...agent, reason: string, attempt: u53, delay_ms: u53, due_at: u53.describe('Ms since the Unix epoch') },
  ],
  agent_replaced: [
    'It has a new session',
    {
      ...agent,
      previous_session_id: string,
      name: string.nullable().describe('The new session has it from the old one'),
      resumed: flag.describe('With its conversation'),
      idle_ms: u53.nullable().describe('Since the conversation was last active; told when that is over 24 h'),
    },
  ],
  agent_worktree_removed: [
    'It has none any more; its branch stays while it has commits of its own',
    { ...agent, path: string },
  ],
  agent_interrupted: ['Somebody stopped what it did', { ...agent, by: sender }],
});
