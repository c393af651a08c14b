/**
 * The link: work handed to another process, at least once on the wire and once in effect (DESIGN §4). The sender's rows
 * are durable in the outbox; each goes out as (epoch, seq), is acknowledged when received, and finished when its result
 * or its deadline comes. `link-receiver.ts` is the other half. Any transport that keeps or loses whole frames will do.
 */
import { HoldfastError } from '../protocol/index.ts';
import type { Clock, Ids } from '../runtime/index.ts';
import type { Actor, Outbox, OutboxRow } from './contract.ts';
import { Timer } from './timer.ts';

/** Sender → receiver. */
export type LinkFrame =
  | {
      link: 'deliver';
      /** A ULID, greater for each connection. */
      epoch: string;
      /** From 1 in each epoch, without holes. */
      seq: number;
      key: string;
      body: Record<string, unknown>;
      /** 0: no longer to be done, only acknowledged. */
      expires_in_ms: number;
    }
  /**
   * The outcome of `key` is durable here: forget it. No `deliver` of it in this epoch is news to the receiver, none of
   * a later epoch has it; those of older epochs, which this may overtake, are refused from now on.
   */
  | { link: 'settled'; epoch: string; key: string };

/** Receiver → sender. */
export type LinkAck =
  /** Everything up to `seq` of this epoch has been taken over. */
  | { link: 'received'; epoch: string; seq: number }
  | { link: 'result'; key: string; ok: boolean; result: Record<string, unknown> };

export interface LinkOutcome {
  outcome: 'done' | 'failed' | 'expired';
  result: Record<string, unknown>;
}

export interface LinkOptions<C> {
  target: string;
  outbox: Outbox<C>;
  clock: Clock;
  /** One epoch per connection: a frame of an older connection, or of a sender that died, is refused. */
  ids: Pick<Ids, 'ulid'>;
  /** Names this home: with the row's id it makes the key under which the receiver remembers the result. */
  home: string;
  /** What the domain is told of an outcome, in the batch that finishes the row. */
  settle?(row: OutboxRow, outcome: LinkOutcome): { command: C; actor: Actor } | undefined;
  warn(error: HoldfastError): void;
  /** Frames that may be on their way, not yet received. */
  window?: number;
  /** First pause before an unacknowledged frame goes out again; doubles up to `RETRY_MAX_MS`. */
  retry_ms?: number;
}

export type SendFrame = (frame: LinkFrame) => void;

const DEFAULT_WINDOW = 64;
const DEFAULT_RETRY_MS = 1_000;
const RETRY_MAX_MS = 30_000;
/** Longer waits are done in steps: timers overflow at 2^31 ms. */
const TIMER_MAX_MS = 24 * 60 * 60 * 1000;

interface Delivery {
  key: string;
  row: OutboxRow;
}

export class LinkSender<C> {
  readonly #options: LinkOptions<C>;
  /** Rows without an outcome, by key, oldest first. */
  readonly #open = new Map<string, Delivery>();
  /** Those being finished: their outcome is on its way to the disk. */
  readonly #finishing = new Set<string>();
  /** Not sent in this epoch yet, oldest first. */
  #unsent: Delivery[] = [];
  /** Sent in this epoch and not acknowledged; the first has number `#receivedSeq + 1`. */
  #unreceived: Delivery[] = [];
  #receivedSeq = 0;
  #epoch = '';
  #send: SendFrame | null = null;
  readonly #retry: Timer;
  readonly #deadline: Timer;
  #retryMs: number;
  readonly #stopListening: () => void;
  readonly counters = { sent: 0, resent: 0, finished: 0, expired: 0 };

  constructor(options: LinkOptions<C>) {
    this.#options = options;
    this.#retryMs = this.#firstRetryMs;
    this.#retry = new Timer(options.clock);
    this.#deadline = new Timer(options.clock);
    this.#add(options.outbox.pending(options.target));
    this.#stopListening = options.outbox.onAdded(options.target, (rows) => this.#add(rows));
  }

  get pending(): number {
    return this.#open.size;
  }

  /** A connection is up: a new epoch, in which all that has no outcome goes out in order before anything newer. */
  connect(send: SendFrame): void {
    this.#send = send;
    this.#epoch = this.#options.ids.ulid();
    this.#receivedSeq = 0;
    this.#unreceived = [];
    this.#unsent = [...this.#open.values()];
    this.#retryMs = this.#firstRetryMs;
    this.#fill();
  }

  disconnect(): void {
    this.#send = null;
    this.#retry.cancel();
  }

  received(ack: LinkAck): void {
    if (ack.link === 'result') {
      this.#finish(ack.key, { outcome: ack.ok ? 'done' : 'failed', result: ack.result });
      return;
    }
    const news = ack.seq - this.#receivedSeq;
    if (ack.epoch !== this.#epoch || news <= 0 || news > this.#unreceived.length) return;
    const taken = this.#unreceived.splice(0, news);
    this.#receivedSeq = ack.seq;
    this.#retryMs = this.#firstRetryMs;
    for (const { key } of taken) if (!this.#open.has(key)) this.#saySettled(key);
    this.#fill();
  }

  close(): void {
    this.#stopListening();
    this.disconnect();
    this.#deadline.cancel();
  }

  get #firstRetryMs(): number {
    return this.#options.retry_ms ?? DEFAULT_RETRY_MS;
  }

  #add(rows: readonly OutboxRow[]): void {
    for (const row of rows) {
      const delivery = { key: `${this.#options.home}/${row.id}`, row };
      this.#open.set(delivery.key, delivery);
      if (this.#send !== null) this.#unsent.push(delivery);
    }
    this.#watchDeadlines();
    this.#fill();
  }

  /** Sends what has not been sent, as far as the window allows. */
  #fill(): void {
    const window = this.#options.window ?? DEFAULT_WINDOW;
    while (this.#send !== null && this.#unreceived.length < window) {
      const delivery = this.#unsent.shift();
      if (delivery === undefined) break;
      if (!this.#open.has(delivery.key)) continue;
      this.#unreceived.push(delivery);
      this.counters.sent++;
      this.#transmit(delivery, this.#receivedSeq + this.#unreceived.length);
    }
    this.#planRetry();
  }

  #transmit({ key, row }: Delivery, seq: number): void {
    const left = row.at + row.deadline_ms - this.#options.clock.now();
    const expires_in_ms = this.#open.has(key) ? Math.max(0, left) : 0;
    this.#send?.({ link: 'deliver', epoch: this.#epoch, seq, key, body: row.body, expires_in_ms });
  }

  /** Finished rows, too, as no longer to be done: the receiver waits for every number. */
  #planRetry(): void {
    this.#retry.cancel();
    if (this.#send === null || this.#unreceived.length === 0) return;
    this.#retry.set(this.#retryMs, () => {
      this.#retryMs = Math.min(RETRY_MAX_MS, this.#retryMs * 2);
      for (const [index, delivery] of this.#unreceived.entries()) {
        this.counters.resent++;
        this.#transmit(delivery, this.#receivedSeq + 1 + index);
      }
      this.#planRetry();
    });
  }

  #watchDeadlines(): void {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { key, row } of this.#open.values()) {
      if (!this.#finishing.has(key)) earliest = Math.min(earliest, row.at + row.deadline_ms);
    }
    this.#deadline.cancel();
    if (earliest === Number.POSITIVE_INFINITY) return;
    const wait = Math.min(TIMER_MAX_MS, Math.max(0, earliest - this.#options.clock.now()));
    this.#deadline.set(wait, () => this.#expire());
  }

  #expire(): void {
    const now = this.#options.clock.now();
    for (const { key, row } of this.#open.values()) {
      if (row.at + row.deadline_ms <= now && !this.#finishing.has(key))
        this.#finish(key, { outcome: 'expired', result: {} });
    }
    this.#watchDeadlines();
  }

  /**
   * Not while a `deliver` of the key may be on its way unseen: a receiver that had forgotten the key would do the work
   * again. It is said when that one is acknowledged.
   */
  #saySettled(key: string): void {
    if (this.#unreceived.some((delivery) => delivery.key === key)) return;
    this.#send?.({ link: 'settled', epoch: this.#epoch, key });
  }

  /** First outcome wins; `settled` is said only when it is durable, and again whenever the receiver asks. */
  #finish(key: string, outcome: LinkOutcome): void {
    const delivery = this.#open.get(key);
    if (delivery === undefined) {
      this.#saySettled(key);
      return;
    }
    if (this.#finishing.has(key)) return;
    this.#finishing.add(key);
    // Settles by itself: `#record` reports its failure and never rejects.
    void this.#record(delivery, outcome);
  }

  async #record({ key, row }: Delivery, outcome: LinkOutcome): Promise<void> {
    try {
      const news = this.#options.settle?.(row, outcome);
      await this.#options.outbox.finish({
        id: row.id,
        outcome: outcome.outcome,
        command: news?.command,
        actor: news?.actor,
      });
      this.#open.delete(key);
      this.counters.finished++;
      if (outcome.outcome === 'expired') this.counters.expired++;
      else this.#saySettled(key);
    } catch (thrown) {
      // The row stays: the receiver repeats a result, and a deadline is looked at again after a pause.
      this.#options.warn(HoldfastError.from(thrown));
      if (outcome.outcome === 'expired') this.#deadline.set(RETRY_MAX_MS, () => this.#expire());
    } finally {
      this.#finishing.delete(key);
    }
  }
}
