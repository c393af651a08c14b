/**
 * The session socket's JSON vocabulary: seed 3's commands and events, seed 4's operations and ours (WIRES §2).
 *
 * Variant names are PascalCase under `cmd` or `event`, field names snake_case, as seed 3 serialises them. Any command
 * may carry `id`; exactly one event echoes it: the answer named beside the command, `Done` where there is none, or
 * `Error`. Types only: the shim must not pay for a schema library, so `parse.ts` checks by hand.
 */
import type {
  AgentReport,
  AgentRequest,
  AgentStatus,
  AgentUsage,
  Explanation,
  TranscriptEntry,
} from '../agent/index.ts';
import type { ErrorCode } from '../errors.ts';

/** 0 stdin (tees only), 1 stdout or PTY, 2 stderr. */
export type StreamId = 0 | 1 | 2;

export const STDIN = 0;
export const STDOUT = 1;
export const STDERR = 2;

export type SessionKind = 'pty' | 'pipe';

/** Protocol numbers this build speaks on the session socket, lowest and highest. */
export const SESSION_PROTOCOL: readonly [number, number] = [1, 1];

/** Where a reader starts: an absolute offset (of every stream it names), per-stream offsets, or a place. */
export type AttachFrom =
  | number
  | 'start'
  | 'end'
  | 'screen'
  | { tail_bytes: number }
  | { offsets: Record<string, number> };

/** `exclusive` is seed 4's one holder per stream; `observe` a cursor; `drive` a cursor with the input lease. */
export type AttachMode = 'exclusive' | 'observe' | 'drive';

export type FlowPolicy = 'never_block' | 'lossless';

/** Seed 3, `ShutdownReason`. */
export type ShutdownReason = 'requested' | 'restart_handoff' | 'context_exhausted' | 'topology_change' | 'daemon_stop';

/** Seed 3, `ShimState`. */
export type ShimState = 'starting' | 'idle' | 'working' | 'dead' | 'context_exhausted';

export type TerminationOutcome = 'natural_exit' | 'soft_exit' | 'hard_killed';

/** Proof of a lease: quoting both resumes it after a lost socket, within 30 s. */
export interface LeaseTicket {
  epoch: number;
  secret: string;
}

export interface LeaseInfo {
  epoch: number;
  client_id: string;
  /** False while the holder's socket is lost and the lease waits for it. */
  connected: boolean;
}

export interface HelloCommand {
  cmd: 'Hello';
  protocol: [number, number];
  client_id: string;
  token: string;
  /** `agent`: a program of the session itself, with the session's token; it may report, and nothing else. */
  role: 'client' | 'broker' | 'agent';
  /** Which session; needed on the archive socket only, where srv serves every closed log. */
  session_id?: string;
}

export interface AttachCommand {
  cmd: 'Attach';
  /** Default: every output stream. */
  streams?: StreamId[];
  from: AttachFrom;
  mode: AttachMode;
  /** Default `never_block`. `lossless` needs the lease or the owner's allowance, else `forbidden`. */
  policy?: FlowPolicy;
  /** Take a held lease or exclusive stream from its holder. */
  steal?: boolean;
  /** Bytes the reader can take now; `Credit` adds more. 0 = none yet. */
  credit: number;
  /** `drive` with a terminal: its size, applied before the screen is taken. */
  rows?: number;
  cols?: number;
  /** True when a terminal that answers queries shows the stream. */
  terminal?: boolean;
  /** Resumes a lease instead of taking a new one. */
  lease?: LeaseTicket;
  /** Ms a `lossless` reader may hold the child up before it becomes `never_block`; 0 = no limit (driver only). */
  stall_ms?: number;
}

export type TeeSink = { kind: 'ring'; capacity: number } | { kind: 'file'; path: string; mode: 'append' | 'truncate' };

export interface TeeOptions {
  /** `drop_oldest` skips to what the log still holds, `block` makes the tee a lossless reader. */
  backpressure: 'drop_oldest' | 'block';
  /** Bytes that may wait between log and sink before `drop_oldest` drops (file sink). */
  queue_bytes: number;
  /** File sink: write a line in place of missing bytes. */
  write_missed_markers: boolean;
  /** Where the tee starts; seed 4's tees start at registration: `end`. */
  from: 'start' | 'end' | number;
}

export type SessionCommand = (
  | HelloCommand
  | AttachCommand // → Attached (then Screen* when from is "screen"), DATA …
  | { cmd: 'Detach' } // → Ended{detached}
  | { cmd: 'Credit'; bytes: number }
  | { cmd: 'Lease'; action: 'take' | 'steal' | 'release'; lease?: LeaseTicket } // → LeaseGranted | Done
  | { cmd: 'WriteStdin'; data?: string; close?: boolean } // data is base64 → Written
  | { cmd: 'Signal'; signal: string } // → Done
  | { cmd: 'Terminate'; grace_ms: number } // → Terminating
  | { cmd: 'Backlog'; stream: StreamId } // → BacklogSnapshot
  | { cmd: 'Tee'; stream: StreamId; sink: TeeSink; options?: Partial<TeeOptions> } // → TeeOpened
  | { cmd: 'TeeStatus'; tee?: number } // → TeeStatuses
  | { cmd: 'TeeSnapshot'; tee: number } // → TeeSnapshot
  | { cmd: 'Untee'; tee: number } // → TeeClosed (after its last byte is flushed)
  | { cmd: 'SetProfile'; profile: Record<string, unknown> } // → Done
  | { cmd: 'ClearAttachment'; stream: StreamId } // seed 4 `clear_attachment`: broker or lease holder only → Done
  | { cmd: 'NotifyAttached'; stream: StreamId; event: SessionEvent } // seed 4 `notify_attached`, broker only → Done
  | { cmd: 'StopReading' } // seed 4 `signal_shutdown`, broker only: stop reading the child's output → Done
  /** Taken: Done, when it carries an `id`; then MessageDelivered or DeliveryFailed, then Completion. Never queued: `busy`. */
  | { cmd: 'SendMessage'; from: string; body: string; message_id?: string }
  | { cmd: 'CancelMessage'; message_id: string } // → Done; the outcome follows as DeliveryFailed
  | { cmd: 'Interrupt' } // → Done, when the keys are written
  | { cmd: 'AnswerRequest'; request_id: string; choice: string; text?: string } // → Done, when the request is gone
  | { cmd: 'Report'; report: AgentReport } // → Done
  | { cmd: 'Explain' } // → Explained
  | { cmd: 'GetAgent' } // → Agent
  | { cmd: 'GetTranscript'; from: number; limit: number } // → Transcript
  | { cmd: 'CaptureScreen'; last_n_lines?: number } // → ScreenCapture
  | { cmd: 'GetState' } // → State
  | { cmd: 'Resize'; rows: number; cols: number } // → Resized
  | { cmd: 'Shutdown'; timeout_secs: number; reason: ShutdownReason } // → Terminating
  | { cmd: 'Kill' } // → Terminating
  | { cmd: 'Ping' } // → Pong
) & { id?: string | number };

export type SessionCommandName = SessionCommand['cmd'];

export interface StreamExtent {
  id: StreamId;
  /** Lowest offset still held (memory or spill). */
  start: number;
  /** One past the last byte: the offset the next byte will get. */
  end: number;
}

/** `limit_ms` 0: none. Present while a lossless reader holds the child up. */
export interface Throttle {
  client_id: string;
  since_ms: number;
  limit_ms: number;
}

export interface HelloEvent {
  event: 'Hello';
  protocol: number;
  session_id: string;
  kind: SessionKind;
  shim_pid: number;
  /** Kernel start time of the shim (proc(5) field 22, clock ticks since boot). */
  start_time: number;
  boot_id: string;
  version: string;
  capabilities: string[];
  streams: StreamExtent[];
  lease: LeaseInfo | null;
  /** Additive: what an adopting broker needs without a second round trip. */
  child?: ChildFacts;
}

/** The three facts of an end, as far as they are known (DESIGN §6 "End"). */
export interface ChildFacts {
  pid: number;
  start_time: number;
  state: 'running' | 'exited' | 'ended';
  exit: ExitFact | null;
  held_by: HolderFact[];
  rows: number;
  cols: number;
  containment: 'tree' | 'marked';
  throttled: Throttle | null;
  spill: 'on' | 'off' | 'failed';
}

export interface ExitFact {
  /** Exit status 0–255, or null when a signal ended the child. */
  code: number | null;
  /** Signal name (`SIGKILL`), or null. */
  signal: string | null;
  outcome: TerminationOutcome;
  at_ms: number;
}

export interface HolderFact {
  pid: number;
  start_time: number;
  command: string;
}

export interface TeeState {
  tee: number;
  stream: StreamId;
  kind: 'ring' | 'file';
  path?: string;
  written_bytes: number;
  missed_bytes: number;
  lag_bytes: number;
  /** True once the sink failed; `error` says why. Its missed bytes keep counting. */
  disconnected: boolean;
  error?: string;
  flushed: boolean;
}

export type EndedReason =
  | 'session_exited'
  | 'stolen'
  | 'terminated'
  | 'detached'
  | 'lagged'
  | 'cleared'
  | 'write_timeout';

export type SessionEvent = (
  | HelloEvent
  | {
      event: 'Attached';
      mode: AttachMode;
      streams: (StreamExtent & { from: number })[];
      lease: LeaseTicket | null;
      rows: number;
      cols: number;
      /** Head offset of stream 1 at the attach: bytes before it are replay and their terminal queries already answered. */
      live_from: number;
    }
  /** The serialised screen @ `offset`, in order, each ≤ 256 KiB of base64; DATA continues at `offset`. */
  | { event: 'Screen'; offset: number; exact: boolean; rows: number; cols: number; data: string; last: boolean }
  | { event: 'Ended'; reason: EndedReason; by?: string }
  | { event: 'InputAck'; epoch: number; seq: number }
  | { event: 'LeaseGranted'; lease: LeaseTicket; last_seq: number }
  | {
      event: 'LeaseChanged';
      lease: LeaseInfo | null;
      reason: 'taken' | 'stolen' | 'released' | 'expired' | 'lost' | 'resumed';
    }
  | { event: 'Written'; bytes: number }
  | { event: 'Terminating'; grace_ms: number; already_exited: boolean }
  | { event: 'BacklogSnapshot'; stream: StreamId; offset: number; data: string; dropped_bytes: number; last: boolean }
  | { event: 'TeeOpened'; tee: number; from: number }
  | { event: 'TeeStatuses'; tees: TeeState[] }
  | { event: 'TeeSnapshot'; tee: number; offset: number; data: string; missed_bytes: number; last: boolean }
  | { event: 'TeeClosed'; existed: boolean; tee: TeeState | null }
  | { event: 'ChildExit'; exit: ExitFact }
  | { event: 'Eof'; stream: StreamId; offset: number }
  /**
   * Not in the order of the log: a reader has all the child wrote itself once it is past `offsets`, the heads when that
   * had been read (additive; keys are stream ids).
   */
  | { event: 'HeldBy'; holders: HolderFact[]; offsets?: Record<string, number> }
  | { event: 'End'; cause: EndCause; survivors: HolderFact[] }
  | { event: 'Resized'; rows: number; cols: number; offset: number }
  | { event: 'Throttled'; throttled: Throttle | null }
  | { event: 'Done'; command: SessionCommandName }
  | { event: 'Ready' }
  | { event: 'StateChanged'; from: ShimState; to: ShimState; summary: string }
  /** Seed 3: the agent took it. `id` is the message's. */
  | { event: 'MessageDelivered'; id: string }
  | { event: 'Completion'; message_id?: string; response: string; last_lines: string; truncated?: boolean }
  | { event: 'ContextExhausted'; message: string; last_lines: string }
  | ({ event: 'ContextWarning'; model: string | null; output_bytes: number; uptime_secs: number } & Omit<
      AgentUsage,
      'model' | 'context_limit_tokens' | 'usage_pct'
    > & { context_limit_tokens: number; usage_pct: number })
  | { event: 'ContextApproaching'; message: string; input_tokens: number; output_tokens: number }
  /** Seed 3, with the outcome: nothing more will come of message `id`. */
  | {
      event: 'DeliveryFailed';
      id: string;
      reason: string;
      outcome: 'refused' | 'failed' | 'cancelled' | 'indeterminate';
    }
  | { event: 'AgentChanged'; status: AgentStatus }
  | { event: 'Requested'; request: AgentRequest }
  | { event: 'RequestClosed'; request_id: string; how: 'answered' | 'withdrawn' }
  | { event: 'ConversationChanged'; conversation_id: string; transcript_path: string | null }
  | { event: 'UsageChanged'; usage: AgentUsage }
  | { event: 'Explained'; explanation: Explanation }
  | {
      event: 'Agent';
      status: AgentStatus;
      /** Whether a message would be taken now. */
      ready: boolean;
      /** Why not: `busy`, `draft`, `starting`, a kind of attention, …; empty when ready. */
      waits_for: string;
      message_id: string | null;
      requests: AgentRequest[];
      conversation_id: string | null;
      usage: AgentUsage | null;
    }
  /** Whether a message would be taken now changed. */
  | { event: 'AgentReady'; ready: boolean; waits_for: string }
  | { event: 'Transcript'; entries: TranscriptEntry[]; next: number }
  | { event: 'TranscriptAdded'; entry: TranscriptEntry }
  | { event: 'Died'; exit_code: number | null; last_lines: string; signal?: string | null }
  | {
      event: 'ScreenCapture';
      content: string;
      cursor_row: number;
      cursor_col: number;
      rows: number;
      cols: number;
      offset: number;
      exact: boolean;
    }
  | { event: 'State'; state: ShimState; since_secs: number }
  | {
      event: 'SessionStats';
      output_bytes: number;
      uptime_secs: number;
      input_tokens: number;
      output_tokens: number;
      context_usage_pct?: number;
    }
  | { event: 'Pong' }
  | { event: 'Warning'; message: string; idle_secs: number | null }
  | {
      event: 'Error';
      command: string;
      reason: string;
      code: ErrorCode;
      field?: string;
      retryable: boolean;
      details?: Record<string, unknown>;
    }
) & { id?: string | number };

export type SessionEventName = SessionEvent['event'];

/** Why a session's log closed. */
export type EndCause = 'child' | 'terminated' | 'shim_lost' | 'reboot' | 'start_failed';
