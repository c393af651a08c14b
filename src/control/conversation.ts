/** How a connection is spoken with – before its registration, as one of ours, as one of the seed – and what it speaks over. */
import { HoldfastError } from '../protocol/index.ts';
import { type CloseReason, type DisconnectReason, toSeedEvent } from '../protocol/control/index.ts';
import type { ControlPeer } from './contract.ts';
import type { Sink } from './fan-out.ts';

export interface Conversation {
  /** Commands under way. */
  readonly load: number;
  /** One line. Throws what is wrong with it, if that has not been answered. */
  take(fields: Record<string, unknown>): void;
  /** A private error that answers no request. */
  complain(error: HoldfastError, fatal: boolean): void;
  /** Says why the connection is being closed. */
  sayClosed(reason: CloseReason): void;
  /** Nothing can be said any more. */
  close(): void;
}

/** A connection as its conversation uses it. Once it has ended nothing that is said leaves any more. */
export interface Wire extends Sink {
  /** Throws `too_large`. */
  send(message: object): void;
  /** A line was refused and answered: closes if that was fatal, or one too many. */
  refused(error: HoldfastError): void;
  /** A command is done: it may be time to read on. */
  finished(): void;
  /** Is now this peer's. */
  become(peer: ControlPeer, conversation: Conversation): void;
  /** Tells the client why, then closes. */
  end(reason: CloseReason): void;
  hangUp(reason: DisconnectReason): void;
}

/** Events of one event_list when the client names no number. */
export const EVENT_LIST_COUNT = 10_000;

/** What a private event says. */
export type Message = Readonly<{ event: string; [field: string]: unknown }>;

export function isFatal({ code, details }: HoldfastError): boolean {
  return details['fatal'] === true || code === 'bad_token' || code === 'unsupported_protocol';
}

export function alreadyRegistered(): HoldfastError {
  return new HoldfastError('already_registered', 'this connection is registered already');
}

/** As the seed tells it, also to whoever is not known to be ours. */
export function seedError({ code, message }: HoldfastError, fatal: boolean): Message {
  const error = { event: 'error', code, message, fatal, version: 0 };
  return { ...error, ...toSeedEvent(error) };
}
