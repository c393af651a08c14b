/**
 * A connection inside one process, with a kernel buffer of stated size and delivery that a simulation can hold back,
 * cut into pieces or cut off.
 */
import { Duplex } from 'node:stream';
import { HoldfastError } from '../protocol/index.ts';
import type { Listener, Transport } from './contract.ts';

export interface MemoryOptions {
  /** Bytes in flight before a write waits. Default 208 KiB, a Linux socket's. */
  capacityBytes?: number;
  /** Deliver at once (the default), or only by `deliver`. */
  delivery?: 'auto' | 'manual';
}

export type Side = 'left' | 'right';

export interface MemoryPair {
  readonly left: Duplex;
  readonly right: Duplex;
  /** Hands up to `maxBytes` (default: all) of what is in flight to one side; returns how many it took. */
  deliver(to: Side, maxBytes?: number): number;
  /** Bytes in flight to one side. */
  inFlight(to: Side): number;
  /** Both sides lose the connection at once, with what is in flight. */
  cut(): void;
}

const CAPACITY_BYTES = 208 * 1024;
const CHUNK_BYTES = 64 * 1024;

export function memoryPair(options: MemoryOptions = {}): MemoryPair {
  const toLeft = new Pipe(options);
  const toRight = new Pipe(options);
  const left = new MemoryEnd(toLeft, toRight);
  const right = new MemoryEnd(toRight, toLeft);
  toLeft.reader = left;
  toRight.reader = right;
  return {
    left,
    right,
    deliver: (to, maxBytes = Infinity) => (to === 'left' ? toLeft : toRight).deliver(maxBytes),
    inFlight: (to) => (to === 'left' ? toLeft : toRight).bytes,
    cut() {
      for (const end of [left, right]) end.destroy(connectionReset());
    },
  };
}

/** A listener and its connections inside one process. */
export function memoryTransport(options: MemoryOptions = {}): Transport & { readonly pairs: readonly MemoryPair[] } {
  const pairs: MemoryPair[] = [];
  let accept: ((stream: Duplex) => void) | null = null;
  return {
    pairs,
    listen(onConnection): Promise<Listener> {
      if (accept !== null) return Promise.reject(new HoldfastError('conflict', 'something listens here already'));
      accept = onConnection;
      return Promise.resolve({
        close(): Promise<void> {
          accept = null;
          return Promise.resolve();
        },
      });
    },
    connect(): Promise<Duplex> {
      if (accept === null) return Promise.reject(new HoldfastError('unreachable', 'nothing listens here'));
      const pair = memoryPair(options);
      pairs.push(pair);
      for (const end of [pair.left, pair.right]) {
        end.once('close', () => {
          const index = pairs.indexOf(pair);
          if (index >= 0 && pair.left.destroyed && pair.right.destroyed) pairs.splice(index, 1);
        });
      }
      accept(pair.right);
      return Promise.resolve(pair.left);
    },
  };
}

type Done = (error?: Error | null) => void;

/** One direction. */
class Pipe {
  reader: MemoryEnd | null = null;
  bytes = 0;
  wanted = false;
  readonly #queue: Buffer[] = [];
  readonly #capacity: number;
  readonly #auto: boolean;
  #waiting: Done | null = null;
  #ended = false;
  #scheduled = false;

  constructor(options: MemoryOptions) {
    this.#capacity = options.capacityBytes ?? CAPACITY_BYTES;
    this.#auto = options.delivery !== 'manual';
  }

  /** Takes one write as a kernel does: copied, and done once it fits the buffer. */
  accept(chunks: readonly Buffer[], done: Done): void {
    if (this.reader?.destroyed) {
      done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
      return;
    }
    for (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += CHUNK_BYTES)
        this.#queue.push(Buffer.from(chunk.subarray(at, at + CHUNK_BYTES)));
      this.bytes += chunk.length;
    }
    this.#waiting = done;
    this.#settle();
    this.schedule();
  }

  end(): void {
    this.#ended = true;
    this.schedule();
  }

  schedule(): void {
    if (!this.#auto || this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.deliver(Infinity);
    });
  }

  deliver(maxBytes: number): number {
    const reader = this.reader;
    let moved = 0;
    while (reader !== null && !reader.destroyed && this.wanted && moved < maxBytes && this.#queue.length > 0) {
      const chunk = this.#take(maxBytes - moved);
      moved += chunk.length;
      this.wanted = reader.push(chunk);
    }
    this.#settle();
    if (this.#ended && this.#queue.length === 0 && reader !== null && !reader.destroyed && !reader.readableEnded)
      this.#finish(reader);
    return moved;
  }

  /** The reading end is gone: a waiting write fails. */
  break(): void {
    this.#queue.length = 0;
    this.bytes = 0;
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  }

  #finish(reader: MemoryEnd): void {
    this.#ended = false;
    reader.push(null);
  }

  #take(most: number): Buffer {
    const first = this.#queue[0]!;
    this.bytes -= Math.min(first.length, most);
    if (first.length <= most) {
      this.#queue.shift();
      return first;
    }
    this.#queue[0] = first.subarray(most);
    return first.subarray(0, most);
  }

  #settle(): void {
    if (this.#waiting === null || this.bytes > this.#capacity) return;
    const done = this.#waiting;
    this.#waiting = null;
    done();
  }
}

class MemoryEnd extends Duplex {
  readonly #incoming: Pipe;
  readonly #outgoing: Pipe;

  constructor(incoming: Pipe, outgoing: Pipe) {
    super({ allowHalfOpen: false, decodeStrings: true });
    this.#incoming = incoming;
    this.#outgoing = outgoing;
  }

  override _read(): void {
    this.#incoming.wanted = true;
    this.#incoming.schedule();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#outgoing.accept([chunk], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    this.#outgoing.accept(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  override _final(done: Done): void {
    this.#outgoing.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#incoming.break();
    this.#outgoing.end();
    done(error);
  }
}

function connectionReset(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
}
