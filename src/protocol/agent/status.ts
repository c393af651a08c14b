/**
 * What an agent is doing and whether it needs a person: two axes, so that neither hides the other (DESIGN §7). A status
 * is the winner among pieces of evidence; every piece says where it comes from and how long it is good for.
 */

/** `unknown`: nothing that is trusted says anything. `done`: a turn was finished and told so; `idle`: it can take one. */
export type Activity = 'unknown' | 'starting' | 'idle' | 'working' | 'done' | 'error' | 'dead';

/** What a person is needed for. `blocked` means: not `none`. */
export type Attention = 'none' | 'permission' | 'question' | 'auth' | 'exhausted' | 'quota';

/**
 * In order of trust, most first: the process itself, a structured protocol, the Program Status Protocol (OSC 7501),
 * hooks of the vendor, terminal signals (OSC 9;4, OSC 133, titles), rules on the screen.
 */
export type EvidenceSource = 'process' | 'protocol' | 'psp' | 'hook' | 'osc' | 'screen';

export interface Evidence {
  source: EvidenceSource;
  /** Id of the rule that made it; with the source it names the piece: a newer one replaces it. */
  rule: string;
  /** Null: says nothing about this axis. */
  activity: Activity | null;
  attention: Attention | null;
  /** Ms since the Unix epoch: when it was first true, and when it was last confirmed. */
  since: number;
  seen: number;
  /** 0 to 1. */
  confidence: number;
  /** It counts until this time, ms since the Unix epoch; null: until it is replaced or withdrawn. */
  until: number | null;
  /** What was seen: a title, a line of the screen, a hook's name. At most 200 characters, no controls. */
  detail: string;
}

/** A task or sub-agent that the agent reported, by its path of ids (`build/tests`). */
export interface AgentTask {
  path: string;
  app: string;
  activity: Activity;
  attention: Attention;
  /** 0 to 100; null: not told. */
  progress: number | null;
  title: string;
  message: string;
  since: number;
}

export interface AgentStatus {
  activity: Activity;
  attention: Attention;
  /** Since when both are as they are, ms since the Unix epoch. */
  since: number;
  /** One line for people, at most 200 characters. */
  summary: string;
  /** Of the evidence that decided the activity; `none` when there is none. */
  source: EvidenceSource | 'none';
  rule: string;
  confidence: number;
  tasks: AgentTask[];
}

/** Why a status is what it is: every piece of evidence, what it decided, or why it did not. */
export interface Explanation {
  status: AgentStatus;
  profile: { name: string; revision: number; cli: string | null };
  evidence: (Evidence & {
    decided: ('activity' | 'attention')[];
    /** `outranked by …`, `lease ended`, `below confidence …`, …; empty when it decided something. */
    reason: string;
  })[];
  /** Rules that were tried on the last screen, in their order. */
  rules: { id: string; matched: boolean; reason: string }[];
  /** Ms spent on rules since the start, and how often. */
  cost: { evaluations: number; total_ms: number; slowest_ms: number };
}

/** Tokens as the agent itself tells them; nothing is guessed (batty's reference, H.4 29). */
export interface AgentUsage {
  /** Of the last request to the model: what fills the context. */
  input_tokens: number;
  cached_input_tokens: number;
  cache_creation_input_tokens: number;
  cache_read_input_tokens: number;
  output_tokens: number;
  reasoning_output_tokens: number;
  /** Null: the agent does not tell. */
  context_limit_tokens: number | null;
  used_tokens: number;
  /** 0 to 100, rounded; null without a limit. */
  usage_pct: number | null;
  model: string | null;
}
