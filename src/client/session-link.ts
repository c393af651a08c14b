/** One connection to a session's socket after its Hello: what readers, writers and single requests are built on. */
import { HoldfastError } from '../protocol/index.ts';
import type {
  GapReason,
  HelloEvent,
  SessionCommand,
  SessionEvent,
  SessionEventName,
  StreamId,
} from '../protocol/session/index.ts';

export interface LinkHandlers {
  data(stream: StreamId, offset: number, bytes: Buffer): void;
  gap(stream: StreamId, from: number, to: number, reason: GapReason): void;
  /** Every event that no request of this link asked for. */
  event(event: SessionEvent): void;
  /** Once; `error` says why when it was not this side. */
  closed(error: Error | undefined): void;
}

export type EventOf<N extends SessionEventName> = Extract<SessionEvent, { event: N }>;

export interface RequestOptions<N extends SessionEventName> {
  deadlineMs?: number;
  /** Called in the turn the answer arrives, before any later frame is handed on. */
  onAnswer?: (answer: EventOf<N>) => void;
}

export interface SessionLink {
  readonly hello: HelloEvent;
  /** Sends a command nobody waits for. */
  post(command: SessionCommand): void;
  input(epoch: number, seq: number, bytes: Buffer): void;
  /**
   * Sends a command and resolves with its answer. Rejects with the session's error, with `timeout` after `deadlineMs`,
   * or with `unreachable` when the connection goes first.
   */
  request<N extends SessionEventName>(
    command: SessionCommand,
    answer: N,
    options?: RequestOptions<N>,
  ): Promise<EventOf<N>>;
  /** For answers in parts: collects events named `answer` until one says `last`. */
  requestParts<N extends 'BacklogSnapshot' | 'TeeSnapshot'>(command: SessionCommand, answer: N): Promise<EventOf<N>[]>;
  close(): void;
}

/**
 * Opens a connection to wherever the session is served now, shim or archive. Rejects with `not_found` when there is no
 * such session, `unreachable` when nobody answered this time.
 */
export type OpenLink = (handlers: LinkHandlers, signal?: AbortSignal) => Promise<SessionLink>;

/** Which input an unasked-for `Error` is about, if it is about one. */
export function refusedInput(event: EventOf<'Error'>): { epoch: number; seq: number } | undefined {
  const input = event.details?.['input'] as { epoch?: unknown; seq?: unknown } | undefined;
  return typeof input?.epoch === 'number' && typeof input.seq === 'number'
    ? { epoch: input.epoch, seq: input.seq }
    : undefined;
}

export function errorOf(event: EventOf<'Error'>): HoldfastError {
  const { code, reason, field, retryable, details = {} } = event;
  return new HoldfastError(code, reason, { field, retryable, details });
}
