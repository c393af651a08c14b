/** One registered connection to srv, as the SDK uses it. */
import type { EventEnvelope, PrivateEvent, RegisteredEvent, SuccessReply } from '../protocol/control/index.ts';

export interface ControlRequestOptions {
  idempotencyKey?: string;
  expectedVersion?: number;
  deadlineMs: number;
}

export type ControlEvent = EventEnvelope | PrivateEvent;

export interface ControlLinkHandlers {
  /** Every line that is not a reply. */
  event?(event: ControlEvent): void;
  /** Once. `reason` is srv's own word (`shutdown`, `superseded`, …) when it said one. */
  closed?(reason: string | undefined): void;
}

export interface ControlLink {
  readonly registered: RegisteredEvent;
  readonly alive: boolean;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;
  /** Rejects with srv's error, `timeout`, or `unreachable` when the connection goes before the reply. */
  request(command: { cmd: string }, options: ControlRequestOptions): Promise<SuccessReply>;
  /** Stops and starts reading from the socket: back-pressure of a subscription. */
  pause(): void;
  resume(): void;
  close(): void;
}

/** Connects and registers; rejects with `unreachable` when nobody listens. */
export type OpenControl = (handlers: ControlLinkHandlers, signal?: AbortSignal) => Promise<ControlLink>;
