/** Messages to agents and requests of agents to people: states, outcomes and the file that keeps them (DESIGN §7). */

/** What became of a message. Every state but the last six has a deadline. */
export type MessageState =
  | 'accepted'
  | 'delivering'
  | 'delivered'
  | 'answered'
  | 'failed'
  | 'expired'
  | 'refused'
  | 'cancelled'
  | 'indeterminate';

export type MessageOutcome = Exclude<MessageState, 'accepted' | 'delivering' | 'delivered'>;

export type MessagePriority = 'low' | 'normal' | 'high' | 'urgent';

/**
 * Where a message is in the shim. Before each phase its line is appended to `sessions/<id>/outcomes`, one JSON object a
 * line, so that whoever finds the file knows what had begun:
 * a message whose last line is `taken` was not typed (it may be sent again, once the shim is known to be dead),
 * `pasting` or `submitting` is `indeterminate` when the shim is gone, `delivered` is.
 */
export type MessagePhase =
  /** The shim has it; nothing was typed. */
  | 'taken'
  | 'pasting'
  | 'submitting'
  /** The agent was seen to start on it. */
  | 'delivered'
  /** Its turn ended with an answer. */
  | 'answered'
  | 'refused'
  | 'failed'
  | 'cancelled'
  | 'indeterminate';

export interface OutcomeLine {
  outcome: 1;
  message_id: string;
  phase: MessagePhase;
  /** Ms since the Unix epoch. */
  at: number;
  /** Machine-readable, snake_case: `draft`, `no_echo`, `not_started`, `interrupted`, `no_answer`, `agent_died`, `context_exhausted`, … */
  reason?: string;
  /** `answered`: what the agent said, cut to `RESPONSE_BYTES` (64 KiB). */
  response?: string;
  /** The response was longer. */
  truncated?: boolean;
}

export const OUTCOMES_FILE = 'outcomes';

/** Something the agent asks a person: it stays open until it is answered or goes away. */
export interface AgentRequest {
  request_id: string;
  kind: 'permission' | 'question' | 'auth' | 'trust';
  /** What it wants to do or know, as it said it; at most 4 KiB, no controls. */
  text: string;
  /** Empty: only free text or the terminal itself can answer it. */
  choices: RequestChoice[];
  since: number;
  source: string;
}

export interface RequestChoice {
  /** What `answer_request` names: `allow`, `allow_always`, `deny`, or as the agent calls it. */
  id: string;
  label: string;
  /** What it means for `approve` and `deny`; null: neither. */
  meaning: 'allow' | 'allow_always' | 'deny' | null;
}

/** A report from inside the agent, as its hooks send it through `holdfast report`. */
export interface AgentReport {
  /** Which hook mapping of the profile reads it: the vendor's name for the event, such as `Stop`. */
  name: string;
  /** The hook's payload, as the vendor made it; at most 256 KiB. */
  payload: Record<string, unknown>;
  /** When it happened, ms since the Unix epoch: a report may arrive late, from the queue on disk. */
  at: number;
  /** ULID: a report is counted once. */
  report_id: string;
}
