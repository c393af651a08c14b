/**
 * Reads an output stream of the child until it is empty, in the loop's own turn.
 *
 * libuv says when there is something and reads the first piece; what else the kernel holds is read right behind it
 * with `readSync` on the same non-blocking descriptor. That is faster than one loop turn per 4 KiB (what one read of
 * a terminal returns at most), and it is what makes the end exact: libuv before 1.52 takes a hang-up together with a
 * short read for the end of a terminal and leaves the rest in the kernel (libuv issue 4992).
 */
import { readSync } from 'node:fs';
import type { OnReadOpts, Socket, SocketConstructorOpts } from 'node:net';
import { Slab } from '../../transport/index.ts';

/** A first piece below this is nearly always all there is: a second read would only fetch an EAGAIN. */
const WORTH_DRAINING_BYTES = 1_024;

/** What the stream over the descriptor is to be opened with; the typings know `onread` for connections only. */
export type ReadingOptions = SocketConstructorOpts & { onread: OnReadOpts };

export interface ReaderOptions {
  /** Non-blocking. */
  fd: number;
  /** Bytes read in one turn of the loop at most, give or take one slab. */
  turnBytes: number;
  /** A stream over `fd`. */
  open(reading: ReadingOptions): Socket;
  /** The receiver owns `bytes`. */
  output(bytes: Buffer): void;
  /** No writer is left, and what they wrote has been delivered. */
  ended(): void;
}

/** Why a drain stopped. */
type Drained = 'empty' | 'turn_over' | 'ended';

export class OutputReader {
  readonly #options: ReaderOptions;
  readonly #slab = new Slab();
  readonly #socket: Socket;
  readonly #release: () => Socket;
  #paused = false;
  /** The stream has said that no writer is left; there may be one again (a terminal reopened by its session). */
  #hungUp = false;
  #closed = false;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#socket = options.open({
      fd: options.fd,
      readable: true,
      writable: false,
      onread: { buffer: () => this.#slab.room(), callback: (count) => this.#received(count) },
    });
    // At its end (EIO for a terminal) the stream would close the descriptor by itself, with what is still in it; and a
    // terminal that nobody has open now may be opened again. Closing is this class's to decide.
    this.#release = this.#socket.destroy.bind(this.#socket);
    this.#socket.destroy = () => {
      this.hangUp();
      return this.#socket;
    };
    this.#socket.on('end', () => this.hangUp());
    this.#socket.resume();
  }

  get isHungUp(): boolean {
    return this.#hungUp;
  }

  pause(): void {
    this.#paused = true;
    if (!this.#closed) this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#listen();
  }

  /** Delivers what the kernel holds now, at most one turn's worth, paused or not. */
  drain(): void {
    if (this.#closed) return;
    const drained = this.#drain(this.#options.turnBytes, true);
    this.#deliver();
    if (drained === 'ended') this.hangUp();
    else if (this.#hungUp) this.#reopened();
  }

  /** Nobody can write any more, or could not a moment ago: delivers the rest and reports the end, unless paused. */
  hangUp(): void {
    if (this.#closed) return;
    this.#hungUp = true;
    this.#socket.pause();
    if (this.#paused) return;
    let drained: Drained;
    do {
      drained = this.#drain(this.#options.turnBytes);
      this.#deliver();
    } while (drained === 'turn_over' && !this.#paused);
    // The rest comes when the reading goes on.
    if (drained === 'turn_over') return;
    if (drained === 'ended') this.#options.ended();
    else this.#reopened();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#release();
  }

  #received(count: number): boolean {
    this.#slab.fill(count);
    let drained: Drained = 'empty';
    if (count >= WORTH_DRAINING_BYTES) drained = this.#drain(this.#options.turnBytes - count);
    this.#deliver();
    if (drained === 'ended') this.hangUp();
    return !this.#paused && !this.#hungUp;
  }

  /** A receiver that pauses is given no more than the slab it got that moment, unless `evenPaused`. */
  #drain(limit: number, evenPaused = false): Drained {
    let rest = limit;
    while (rest > 0) {
      if (this.#slab.isFull) this.#deliver();
      if (this.#paused && !evenPaused) return 'turn_over';
      const room = this.#slab.room();
      const count = readNow(this.#options.fd, room);
      if (count <= 0) return count === NOTHING_YET ? 'empty' : 'ended';
      this.#slab.fill(count);
      rest -= count;
    }
    return 'turn_over';
  }

  #deliver(): void {
    const bytes = this.#slab.take();
    if (bytes !== undefined) this.#options.output(bytes);
  }

  #reopened(): void {
    this.#hungUp = false;
    this.#listen();
  }

  #listen(): void {
    if (this.#closed || this.#paused) return;
    if (this.#hungUp) this.hangUp();
    else this.#socket.pause().resume();
  }
}

const NOTHING_YET = -1;
const NOBODY_LEFT = -2;

/** The count of bytes read, 0 at the end of a pipe, or one of the two above. */
function readNow(fd: number, room: Buffer): number {
  // EAGAIN is an ordinary answer here, and a stack trace costs ten times the call.
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return readSync(fd, room, 0, room.length, null);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? NOTHING_YET : NOBODY_LEFT;
  } finally {
    Error.stackTraceLimit = limit;
  }
}
