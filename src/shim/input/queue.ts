/**
 * What waits to be written to the child: one line of items, whoever they come from, of bounded size. It never waits
 * for the output path.
 */
import { HoldfastError } from '../../protocol/errors.ts';
import type { Child } from '../contract.ts';

export interface InputItem {
  bytes: Buffer;
  /** Asked right before the write; false drops the item (its lease has a new holder). */
  isCurrent(): boolean;
  /** A person or program wrote it: it waits while the queue is held. */
  fromClient?: boolean;
  /** The kernel took the bytes (`written`), or the child's input is closed, or the item was dropped. */
  settled(outcome: 'written' | 'closed' | 'dropped'): void;
}

/** Written in pieces of this size, so that a steal takes effect within one. */
const PIECE_BYTES = 4 * 1024;

export class InputQueue {
  readonly #child: Pick<Child, 'writeNow' | 'write' | 'closeStdin'>;
  readonly #limitBytes: number;
  readonly #relieved: () => void;
  #items: InputItem[] = [];
  /** What clients wrote while the queue is held. */
  #waiting: InputItem[] = [];
  #held = false;
  #bytes = 0;
  #running = false;
  #closing: (() => void)[] | null = null;

  /** `relieved` is called when a full queue has room again. */
  constructor(child: Pick<Child, 'writeNow' | 'write' | 'closeStdin'>, limitBytes: number, relieved: () => void) {
    this.#child = child;
    this.#limitBytes = limitBytes;
    this.#relieved = relieved;
  }

  get isFull(): boolean {
    return this.#bytes >= this.#limitBytes;
  }

  /** Bytes that wait for the child to read. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether the child's stdin was closed or will be, after what is queued. */
  get isClosed(): boolean {
    return this.#closing !== null;
  }

  /** Throws `stdin_closed` after `close`. The queue may end up over its limit by one item; its caller then stops reading. */
  push(item: InputItem): void {
    if (this.#closing !== null) throw stdinClosed();
    if (this.#held && item.fromClient === true) {
      this.#waiting.push(item);
      this.#bytes += item.bytes.length;
      return;
    }
    if (!this.#running && this.#takenAtOnce(item)) return;
    this.#items.push(item);
    this.#bytes += item.bytes.length;
    this.#start();
  }

  /** While it is on, what clients write waits, so that nothing comes between the parts of what the shim itself types. */
  hold(on: boolean): void {
    this.#held = on;
    if (on) return;
    this.#items.push(...this.#waiting.splice(0));
    if (this.#items.length > 0) this.#start();
  }

  /** EOF for the child after everything queued; resolves when done. A second close is `stdin_closed`. */
  close(): Promise<void> {
    if (this.#closing !== null) return Promise.reject(stdinClosed());
    this.hold(false);
    const waiting: (() => void)[] = [];
    this.#closing = waiting;
    const closed = new Promise<void>((resolve) => waiting.push(resolve));
    this.#start();
    return closed;
  }

  /** A key is nearly always taken in the turn it arrives: no promises on its way. */
  #takenAtOnce(item: InputItem): boolean {
    if (item.bytes.length > PIECE_BYTES || !item.isCurrent()) return false;
    const taken = this.#child.writeNow(item.bytes);
    if (taken < item.bytes.length) {
      item.bytes = item.bytes.subarray(taken);
      return false;
    }
    item.settled('written');
    return true;
  }

  #start(): void {
    if (this.#running) return;
    this.#running = true;
    // The chain settles every item itself; nothing is left to wait for.
    void this.#run();
  }

  async #run(): Promise<void> {
    for (let item = this.#items.shift(); item !== undefined; item = this.#items.shift()) {
      const outcome = await this.#write(item);
      const wasFull = this.isFull;
      this.#bytes -= item.bytes.length;
      item.settled(outcome);
      if (wasFull && !this.isFull) this.#relieved();
    }
    if (this.#closing !== null) {
      await this.#child.closeStdin();
      for (const resolve of this.#closing.splice(0)) resolve();
    }
    this.#running = false;
    if (this.#items.length > 0) this.#start();
  }

  async #write(item: InputItem): Promise<'written' | 'closed' | 'dropped'> {
    for (let at = 0; at < item.bytes.length || at === 0; at += PIECE_BYTES) {
      if (!item.isCurrent()) return 'dropped';
      if (item.bytes.length === 0) return 'written';
      const piece = item.bytes.length <= PIECE_BYTES ? item.bytes : item.bytes.subarray(at, at + PIECE_BYTES);
      if ((await this.#child.write(piece)) === 'closed') return 'closed';
    }
    return 'written';
  }
}

export function stdinClosed(): HoldfastError {
  return new HoldfastError('stdin_closed', "the child's stdin is closed; nothing more can be written to it");
}
