/**
 * Envelope and connection-level vocabulary of the control socket (WIRES §1). A domain's commands and events are in a
 * file of their own beside this one.
 */
import type { WireError } from '../errors.ts';

/** Protocol numbers this build speaks on the control socket, lowest and highest. */
export const CONTROL_PROTOCOL: readonly [number, number] = [1, 1];

/** Seed 1's connection kinds. */
export type ConnectionKind = 'launcher' | 'srv' | 'host' | 'renderer' | 'tool';

export interface RegisterCommand {
  cmd: 'register';
  kind: ConnectionKind;
  pid: number;
  version: string;
  /** Absent: a seed connection. */
  protocol?: [number, number];
  client_id?: string;
  token?: string;
  request_id?: string;
}

/** What a request may carry beside its command's own fields. */
export interface RequestEnvelope {
  request_id: string;
  /** A ULID; the stored reply is returned for 24 h. */
  idempotency_key?: string;
  /** Refused with `conflict` unless the state is at this version. */
  expected_version?: number;
}

export interface SubscribeCommand {
  cmd: 'subscribe';
  /** Event names or prefixes ending in `*`; absent: all. */
  topics?: string[];
  /** The last version seen; absent: from now. */
  since?: number;
  epoch?: string;
  /** Send a snapshot first. */
  snapshot?: boolean;
}

export type ConnectionCommand =
  | SubscribeCommand // → { subscribed: true, version }
  | { cmd: 'unsubscribe' } // → {}
  | { cmd: 'get_events'; since?: number; epoch?: string; max?: number } // → event_list
  | { cmd: 'get_srv_snapshot' } // → srv_snapshot
  | { cmd: 'get_status' } // → { status: RuntimeStatus }
  | { cmd: 'shutdown'; sessions?: boolean } // down [--sessions] → {}
  | { cmd: 'ping'; nonce?: number } // → pong
  | { cmd: 'goodbye' }; // → {}, then the connection closes

export interface SuccessReply {
  reply: string;
  ok: true;
  version: number;
  [field: string]: unknown;
}

export interface FailureReply {
  reply: string;
  ok: false;
  error: WireError;
}

export type Reply = SuccessReply | FailureReply;

export interface RegisteredEvent {
  event: 'registered';
  client_id: string;
  launcher_pid: number;
  launcher_version: string;
  version: number;
  protocol: number;
  epoch: string;
  capabilities: string[];
  limits: Record<string, number>;
}

/** How a committed event travels: its own fields plus these. `prev` is the version delivered before it here. */
export interface EventEnvelope {
  event: string;
  version: number;
  /** Ms since the Unix epoch, at commit. */
  at: number;
  prev?: number;
}

export type PrivateEvent =
  | RegisteredEvent
  | { event: 'pong'; nonce?: number }
  | { event: 'gap'; from: number; to: number; reason: 'lagging' | 'retention' }
  | { event: 'closed'; reason: CloseReason }
  | { event: 'event_list'; events: EventEnvelope[]; epoch: string; complete: boolean; next: number; version: number }
  | { event: 'srv_snapshot'; version: number; epoch: string; state: { sessions: unknown[] } }
  | {
      event: 'error';
      code: string;
      message: string;
      /** Seed 2: true when the connection closes after it. */
      fatal: boolean;
      version: 0;
      field?: string;
      retryable?: boolean;
      details?: Record<string, unknown>;
    };

export type CloseReason =
  | 'superseded'
  | 'shutdown'
  | 'register_timeout'
  | 'write_timeout'
  | 'too_many_errors'
  | 'flood'
  | 'line_too_long'
  | 'bad_token'
  | 'lagging';

export type ProcessState = 'starting' | 'running' | 'degraded' | 'safe_mode' | 'stopping' | 'absent';

/** `holdfast status --json` (DESIGN §9), with additive fields. */
export interface RuntimeStatus {
  home: string;
  launcher: { pid: number | null; state: ProcessState };
  srv: { pid: number | null; state: ProcessState; version: string; epoch: string; started_at?: number };
  host: { pid: number | null; state: ProcessState };
  sessions: { live: number; exited: number };
  spare?: { pid: number | null; configured: number };
  limits?: Record<string, number>;
  spill_bytes?: number;
  events?: { first_version: number; last_version: number };
  problems?: string[];
}
