/**
 * Writes to a terminal's master: in order, never blocking the loop, and next to free while the child does not read.
 *
 * libuv's own stream would block on this descriptor, and it cannot be watched for room apart from reading it; so a
 * full terminal is tried again after a pause that grows while nothing moves.
 */
import { writeSync } from 'node:fs';
import type { Clock } from '../../runtime/index.ts';
import type { WriteOutcome } from '../contract.ts';

const FIRST_PAUSE_MS = 1;
const LAST_PAUSE_MS = 50;
/** Written in one turn of the loop at most. */
const TURN_BYTES = 64 * 1024;

interface PendingWrite {
  bytes: Buffer;
  settle(outcome: WriteOutcome): void;
}

export class TerminalWriter {
  readonly #fd: number;
  readonly #clock: Clock;
  readonly #queue: PendingWrite[] = [];
  #pause = FIRST_PAUSE_MS;
  #cancelRetry: (() => void) | undefined;
  #closed = false;

  constructor(fd: number, clock: Clock) {
    this.#fd = fd;
    this.#clock = clock;
  }

  writeNow(bytes: Buffer): number {
    if (this.#closed || this.#queue.length > 0 || bytes.length === 0) return 0;
    return Math.max(0, writeNow(this.#fd, bytes));
  }

  write(bytes: Buffer): Promise<WriteOutcome> {
    if (this.#closed) return Promise.resolve('closed');
    return new Promise((settle) => {
      this.#queue.push({ bytes, settle });
      if (this.#cancelRetry === undefined) this.#advance();
    });
  }

  close(): void {
    this.#closed = true;
    this.#cancelRetry?.();
    for (const pending of this.#queue.splice(0)) pending.settle('closed');
  }

  #advance(): void {
    this.#cancelRetry = undefined;
    let rest = TURN_BYTES;
    for (let head = this.#queue[0]; head !== undefined; head = this.#queue[0]) {
      if (rest <= 0) return this.#retryAfter(0);
      const count = head.bytes.length === 0 ? 0 : writeNow(this.#fd, head.bytes);
      if (count === FULL) {
        this.#retryAfter(this.#pause);
        this.#pause = Math.min(this.#pause * 2, LAST_PAUSE_MS);
        return;
      }
      if (count === BROKEN) {
        this.#queue.shift();
        head.settle('closed');
        continue;
      }
      this.#pause = FIRST_PAUSE_MS;
      rest -= count;
      head.bytes = head.bytes.subarray(count);
      if (head.bytes.length > 0) continue;
      this.#queue.shift();
      head.settle('written');
    }
  }

  #retryAfter(ms: number): void {
    this.#cancelRetry = this.#clock.after(ms, () => this.#advance());
  }
}

const FULL = -1;
const BROKEN = -2;

function writeNow(fd: number, bytes: Buffer): number {
  // EAGAIN is an ordinary answer here, and a stack trace costs ten times the call.
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return writeSync(fd, bytes, 0, Math.min(bytes.length, TURN_BYTES));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? FULL : BROKEN;
  } finally {
    Error.stackTraceLimit = limit;
  }
}
