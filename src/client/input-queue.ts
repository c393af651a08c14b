import { HoldfastError, limits } from '../protocol/index.ts';
import type { LeaseTicket } from '../protocol/session/index.ts';

/** INPUT frames stay small so that an acknowledgement comes soon and a resend costs little. */
const INPUT_CHUNK_BYTES = 64 * 1024;
/** Sent and not acknowledged; a quarter of what the shim queues per session. */
const WINDOW_BYTES = 256 * 1024;

type SendInput = (epoch: number, seq: number, bytes: Buffer) => void;

interface PendingInput {
  seq: number;
  bytes: Buffer;
  /** The connection it was last sent over. */
  sentOver: SendInput | undefined;
  taken: () => void;
  lost: (error: Error) => void;
}

/**
 * Input under one lease, acknowledged by sequence number. What a lost connection leaves unacknowledged is sent again
 * with the same numbers, and the shim drops what it has already taken (DESIGN §6 "Attach modes").
 */
export class InputQueue {
  #ticket: LeaseTicket | undefined;
  #seq = 0;
  #pending: PendingInput[] = [];
  #pendingBytes = 0;
  #sentBytes = 0;
  #send: SendInput | undefined;

  /** Bytes written and not acknowledged. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  get ticket(): LeaseTicket | undefined {
    return this.#ticket;
  }

  /** A connection holds the lease `ticket`; `lastSeq` is the last input the shim took under it, when it said so. */
  connected(ticket: LeaseTicket, send: SendInput, lastSeq?: number): void {
    if (this.#ticket !== undefined && this.#ticket.epoch !== ticket.epoch) {
      // Sent input was perhaps taken under the old lease; only what never left this process may go out under the new.
      this.#rejectSent(new HoldfastError('lease_lost', 'the input lease ended before this input was acknowledged'));
      this.#seq = 0;
      for (const input of this.#pending) input.seq = ++this.#seq;
    }
    this.#ticket = ticket;
    this.#send = send;
    this.#sentBytes = 0;
    if (lastSeq !== undefined) {
      this.acknowledged(ticket.epoch, lastSeq);
      this.#seq = Math.max(this.#seq, lastSeq);
    }
    this.#sendMore();
  }

  disconnected(): void {
    this.#send = undefined;
    this.#sentBytes = 0;
  }

  /** Resolves when the kernel took every byte. Rejects with `busy` while 1 MiB waits already. */
  write(bytes: Buffer): Promise<void> {
    if (this.#pendingBytes >= limits.INPUT_QUEUE_BYTES) {
      return Promise.reject(new HoldfastError('busy', 'the child does not read its input: 1 MiB is waiting'));
    }
    if (bytes.length <= INPUT_CHUNK_BYTES) return bytes.length === 0 ? Promise.resolve() : this.#add(bytes);
    const chunks: Promise<void>[] = [];
    for (let from = 0; from < bytes.length; from += INPUT_CHUNK_BYTES) {
      chunks.push(this.#add(bytes.subarray(from, from + INPUT_CHUNK_BYTES)));
    }
    return Promise.all(chunks).then(() => undefined);
  }

  /** The session did not take one input: it is not sent again. */
  refused(epoch: number, seq: number, error: Error): void {
    if (epoch !== this.#ticket?.epoch) return;
    const at = this.#pending.findIndex((input) => input.seq === seq);
    const [input] = at < 0 ? [] : this.#pending.splice(at, 1);
    if (input === undefined) return;
    this.#pendingBytes -= input.bytes.length;
    this.#sentBytes = Math.max(0, this.#sentBytes - input.bytes.length);
    input.lost(error);
    this.#sendMore();
  }

  acknowledged(epoch: number, seq: number): void {
    if (epoch !== this.#ticket?.epoch) return;
    let done = 0;
    for (const input of this.#pending) {
      if (input.seq > seq) break;
      this.#pendingBytes -= input.bytes.length;
      if (input.sentOver === this.#send) this.#sentBytes = Math.max(0, this.#sentBytes - input.bytes.length);
      input.taken();
      done++;
    }
    this.#pending.splice(0, done);
    this.#sendMore();
  }

  /** The lease is gone for good: nothing of what waits may go out under another one. */
  fail(error: Error): void {
    this.#ticket = undefined;
    this.#seq = 0;
    const pending = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.disconnected();
    for (const input of pending) input.lost(error);
  }

  #add(bytes: Buffer): Promise<void> {
    return new Promise((taken, lost) => {
      const input: PendingInput = { seq: ++this.#seq, bytes, sentOver: undefined, taken, lost };
      this.#pending.push(input);
      this.#pendingBytes += bytes.length;
      if (this.#send !== undefined && this.#sentBytes < WINDOW_BYTES) this.#sendMore();
    });
  }

  #sendMore(): void {
    if (this.#send === undefined || this.#ticket === undefined) return;
    for (const input of this.#pending) {
      if (this.#sentBytes >= WINDOW_BYTES) return;
      if (input.sentOver === this.#send) continue;
      input.sentOver = this.#send;
      this.#sentBytes += input.bytes.length;
      this.#send(this.#ticket.epoch, input.seq, input.bytes);
    }
  }

  #rejectSent(error: Error): void {
    const sent = this.#pending.filter((input) => input.sentOver !== undefined);
    this.#pending = this.#pending.filter((input) => input.sentOver === undefined);
    for (const input of sent) {
      this.#pendingBytes -= input.bytes.length;
      input.lost(error);
    }
  }
}
