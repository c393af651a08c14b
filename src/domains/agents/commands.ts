/**
 * What the agents domain decides on: the public vocabulary, and what only srv itself may issue – the courier's steps and
 * observations of shims. Each of those is idempotent: one that says nothing new, or comes too late, changes nothing.
 */
import type { AgentRequest, AgentStatus, AgentUsage, MessageOutcome } from '../../protocol/agent/index.ts';
import type { AgentGiven, AgentsCommand, MessageSender } from '../../protocol/control/index.ts';
import type { EndCause, ExitFact, HolderFact } from '../../protocol/session/index.ts';

/** Answered from the state, or by the agent's shim. */
export type AgentsRead =
  | 'get_message'
  | 'list_messages'
  | 'list_agents'
  | 'get_agent'
  | 'explain_agent'
  | 'list_profiles'
  | 'get_profile'
  | 'get_worktree';
export type AgentsDecided = Exclude<AgentsCommand, { cmd: AgentsRead }>;

/** Done by others, and facts when it is done. Decided all the same: so a key is remembered, and a version compared. */
export type AgentsErrand = 'answer_request' | 'resume_agent' | 'restart_agent' | 'remove_worktree';

/** How an agent is started: what `create_session` says, as far as it is needed again. */
export interface AgentStart extends Pick<AgentGiven, 'profile' | 'args'> {
  mode: NonNullable<AgentGiven['mode']>;
  /** Instead of the profile's. */
  argv?: string[];
}

export type MessageStep =
  /** The next message goes to the shim of this session. */
  | { cmd: 'deliver_next'; agent_id: string; session_id: string }
  /** Nothing of it was typed. */
  | { cmd: 'observe_requeued'; message_id: string; session_id: string; reason: string }
  | { cmd: 'observe_delivered'; message_id: string; session_id: string }
  | {
      cmd: 'observe_closed';
      message_id: string;
      session_id: string;
      outcome: MessageOutcome;
      reason: string | null;
      response: string | null;
      truncated: boolean;
    }
  /** Closes what is due. */
  | { cmd: 'settle_messages' };

export type AgentObservation =
  | { cmd: 'observe_status'; session_id: string; status: AgentStatus }
  | { cmd: 'observe_requested'; session_id: string; request: AgentRequest }
  | {
      cmd: 'observe_request_closed';
      session_id: string;
      request_id: string;
      how: 'answered' | 'withdrawn';
      choice?: string;
      by?: MessageSender;
    }
  /** All that are open: what is missing here was withdrawn. */
  | { cmd: 'observe_requests'; session_id: string; requests: AgentRequest[] }
  | { cmd: 'observe_conversation'; session_id: string; conversation_id: string; transcript_path: string | null }
  | { cmd: 'observe_usage'; session_id: string; usage: AgentUsage }
  | { cmd: 'observe_worktree_removed'; session_id: string; path: string };

/** The agent's session is over; a new one takes its place in the same commit. */
export interface ReplaceAgent {
  cmd: 'replace_agent';
  agent_id: string;
  /** The one that is over; if the agent has another by now, nothing happens. */
  previous_session_id: string;
  start: AgentStart;
  /** With its conversation, if it has one. */
  resume: boolean;
  /** Counts against the policy. */
  automatic: boolean;
}

/** What its supervisor does, and could not do. */
export type SupervisionStep =
  /** It is being ended to be started again: its messages wait for that. */
  | { cmd: 'mark_restart'; agent_id: string; session_id: string; reason: string }
  /** There is no new session: the policy decides again. */
  | { cmd: 'restart_failed'; agent_id: string; retryable: boolean }
  /** The time it was parked for is over. */
  | { cmd: 'parking_over'; agent_id: string };

export type AgentsInternal = MessageStep | AgentObservation | SupervisionStep;
export type AgentsInput = AgentsDecided | AgentsInternal;

/** How a session ended, for those who decide what follows. */
export interface SessionEnd {
  session_id: string;
  cause: EndCause;
  exit: ExitFact | null;
  survivors: readonly HolderFact[];
  /** Of a start that failed: nothing was wrong with what was to be started. */
  retryable?: boolean;
}
