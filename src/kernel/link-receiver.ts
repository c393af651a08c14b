/** The receiving half of the link (`link.ts`): does each piece of work once, and remembers the result until the sender has it. */
import type { Clock } from '../runtime/index.ts';
import type { LinkAck, LinkFrame } from './link.ts';
import { Timer } from './timer.ts';

export interface LinkResult {
  ok: boolean;
  result: Record<string, unknown>;
}

/** Results the sender may not have yet, by key. A durable one survives this process; else work in hand is done again after a crash. */
export interface ResultMemory {
  get(key: string): LinkResult | undefined;
  set(key: string, result: LinkResult): void;
  delete(key: string): void;
  entries(): Iterable<[string, LinkResult]>;
}

export interface LinkReceiverOptions {
  clock: Clock;
  /** Does the work. A rejection is the result `ok: false` with the error's message. */
  perform(key: string, body: Record<string, unknown>): Promise<LinkResult>;
  memory?: ResultMemory;
  /** Pieces of work in hand and results not settled; beyond, nothing is taken over until some are. */
  limit?: number;
  retry_ms?: number;
}

const DEFAULT_LIMIT = 1_024;
const DEFAULT_RETRY_MS = 1_000;
const RETRY_MAX_MS = 30_000;

export class LinkReceiver {
  readonly #options: LinkReceiverOptions;
  readonly #memory: ResultMemory;
  readonly #inHand = new Set<string>();
  #unsettled: number;
  #epoch = '';
  #receivedSeq = 0;
  #send: ((ack: LinkAck) => void) | null = null;
  readonly #retry: Timer;
  #retryMs: number;
  readonly counters = { performed: 0, duplicates: 0, refused: 0 };

  constructor(options: LinkReceiverOptions) {
    this.#options = options;
    this.#memory = options.memory ?? new Map<string, LinkResult>();
    this.#unsettled = [...this.#memory.entries()].length;
    this.#retry = new Timer(options.clock);
    this.#retryMs = this.#firstRetryMs;
  }

  /** A connection is up; results the sender may have missed go out again. */
  connect(send: (ack: LinkAck) => void): void {
    this.#send = send;
    this.#retryMs = this.#firstRetryMs;
    this.#repeatResults();
  }

  disconnect(): void {
    this.#send = null;
    this.#retry.cancel();
  }

  received(frame: LinkFrame): void {
    if (frame.link === 'deliver') this.#deliver(frame);
    else this.#settled(frame);
  }

  get #firstRetryMs(): number {
    return this.#options.retry_ms ?? DEFAULT_RETRY_MS;
  }

  #deliver(frame: Extract<LinkFrame, { link: 'deliver' }>): void {
    if (frame.epoch < this.#epoch) {
      this.counters.refused++;
      return;
    }
    this.#enter(frame.epoch);
    if (frame.seq === this.#receivedSeq + 1) {
      if (!this.#hasRoomFor(frame)) return;
      this.#receivedSeq = frame.seq;
      this.#takeOver(frame);
    } else if (frame.seq <= this.#receivedSeq) {
      this.counters.duplicates++;
      this.#sendResult(frame.key);
    }
    // Also after a hole: says from where to go on.
    this.#send?.({ link: 'received', epoch: this.#epoch, seq: this.#receivedSeq });
  }

  #enter(epoch: string): void {
    if (epoch <= this.#epoch) return;
    this.#epoch = epoch;
    this.#receivedSeq = 0;
  }

  /** What is known already needs none, and must be acknowledged when full, too: only then does the sender settle it. */
  #hasRoomFor({ key, expires_in_ms }: Extract<LinkFrame, { link: 'deliver' }>): boolean {
    if (expires_in_ms === 0 || this.#knows(key)) return true;
    return this.#inHand.size + this.#unsettled < (this.#options.limit ?? DEFAULT_LIMIT);
  }

  #knows(key: string): boolean {
    return this.#inHand.has(key) || this.#memory.get(key) !== undefined;
  }

  #takeOver({ key, body, expires_in_ms }: Extract<LinkFrame, { link: 'deliver' }>): void {
    if (this.#knows(key)) {
      this.counters.duplicates++;
      this.#sendResult(key);
    } else if (expires_in_ms > 0) {
      this.#inHand.add(key);
      // Settles by itself: a failure of the work becomes its result.
      void this.#work(key, body);
    }
  }

  async #work(key: string, body: Record<string, unknown>): Promise<void> {
    this.counters.performed++;
    let result: LinkResult;
    try {
      result = await this.#options.perform(key, body);
    } catch (thrown) {
      result = { ok: false, result: { message: thrown instanceof Error ? thrown.message : String(thrown) } };
    }
    this.#inHand.delete(key);
    this.#memory.set(key, result);
    this.#unsettled++;
    this.#sendResult(key);
    this.#planRepeat();
  }

  #sendResult(key: string): void {
    const known = this.#memory.get(key);
    if (known !== undefined) this.#send?.({ link: 'result', key, ...known });
  }

  #settled({ epoch, key }: Extract<LinkFrame, { link: 'settled' }>): void {
    this.#enter(epoch);
    if (this.#memory.get(key) === undefined) return;
    this.#memory.delete(key);
    this.#unsettled--;
    this.#retryMs = this.#firstRetryMs;
    this.#planRepeat();
  }

  #repeatResults(): void {
    for (const [key] of this.#memory.entries()) this.#sendResult(key);
    this.#planRepeat();
  }

  #planRepeat(): void {
    this.#retry.cancel();
    if (this.#send === null || this.#unsettled === 0) return;
    this.#retry.set(this.#retryMs, () => {
      this.#retryMs = Math.min(RETRY_MAX_MS, this.#retryMs * 2);
      this.#repeatResults();
    });
  }
}
