/**
 * The agent half of a shim. A session without an agent has none of it; `Session` speaks to an `Agent`, which is the PTY
 * one (`pty/`: screen, signals, typing) or a structured one (`structured/`: ACP, stream-json), alike to everybody else.
 */
import type {
  AgentReport,
  AgentRequest,
  AgentStatus,
  AgentUsage,
  Explanation,
  TranscriptEntry,
} from '../../protocol/agent/index.ts';
import type { AgentProfile } from '../../protocol/agent/index.ts';
import type { SessionEvent, ShimState } from '../../protocol/session/index.ts';
import type { Clock, Faults, Ids } from '../../runtime/index.ts';

export interface AgentMessage {
  message_id: string;
  /** Who sent it, as the server stamped it; shown to the agent unless empty. */
  from: string;
  body: string;
}

/** What drives one agent: how a message gets in, how a turn is stopped, how a request is answered. */
export interface AgentDriver {
  /** Whether a message would be taken now, and if not what it waits for. */
  readonly readiness: { ready: boolean; waits_for: string };
  readonly status: AgentStatus;
  readonly requests: readonly AgentRequest[];
  readonly conversationId: string | null;
  /** Where the agent keeps the conversation, when it tells. */
  readonly transcriptPath?: string | null;
  readonly usage: AgentUsage | null;
  /** The child runs: from now on `AgentHost.write` reaches it. Before that a driver writes nothing. */
  started?(): void;
  /** Brings `readiness` up to what the child wrote by now; within a second. */
  refresh?(): Promise<void>;
  /** Starts delivering; progress goes to `AgentHost.phase`. Throws `busy` when not ready: nothing was typed then. */
  deliver(message: AgentMessage): void;
  /** The message under way, if it is this one, is given up: its turn is interrupted, and what it still answers is nobody's. */
  cancel(messageId: string): void;
  interrupt(): Promise<void>;
  /** Resolves when the request is gone. Throws `not_found`, `conflict` (gone meanwhile), `invalid_argument` (no such choice), `timeout`. */
  answer(requestId: string, choice: string, text: string | undefined): Promise<void>;
  report(report: AgentReport): void;
  explain(): Promise<Explanation>;
  setProfile(profile: AgentProfile): void;
  /** Output of the child, stream 1, as it was appended to the log; owned by the log, not to be kept. */
  output(bytes: Buffer): void;
  /** A client wrote to the child: a person types. */
  typed(bytes: Uint8Array): void;
  exited(exit: { code: number | null; signal: string | null }): void;
  transcript(from: number, limit: number): { entries: TranscriptEntry[]; next: number };
  close(): void;
}

/** What a driver needs of its session. */
export interface AgentHost {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly faults: Faults;
  /**
   * What the driver's getters tell may be another thing now. The host compares and tells: AgentChanged, AgentReady,
   * UsageChanged with the warnings of a filling context, ConversationChanged, seed 3's state, Ready. Requests and the
   * transcript are the driver's own to emit.
   */
  changed(): void;
  /** To every greeted connection. */
  emit(event: SessionEvent): void;
  /** Durable first (outcomes file), then MessageDelivered, Completion or DeliveryFailed to everybody. */
  phase(messageId: string, phase: 'pasting' | 'submitting' | 'delivered'): void;
  closed(
    messageId: string,
    outcome: 'answered' | 'refused' | 'failed' | 'cancelled' | 'indeterminate',
    said: { reason?: string; response?: string },
  ): void;
  /** Into the child's input, in order, whole; the input of others waits while `hold` is on (a paste under way). */
  write(bytes: Buffer): Promise<'written' | 'closed'>;
  hold(on: boolean): void;
  lastLines(count: number): string;
  warn(message: string): void;
}

/** Seed 3's state and the figures of the session, which `Session` keeps for agents and others alike. */
export interface AgentFigures {
  readonly outputBytes: number;
  readonly uptimeSecs: number;
  /** Ms of the monotonic clock: when the child last wrote. */
  readonly lastOutput: number;
  /** StateChanged and, out of `starting`, Ready; nothing when it is the state already. */
  tell(to: ShimState, summary: string): void;
}
