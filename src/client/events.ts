import type { CloseReason, EventEnvelope, SrvSnapshot, SubscribeCommand } from '../protocol/control/index.ts';
import { HoldfastError } from '../protocol/index.ts';
import type { Clock } from '../runtime/index.ts';
import { Backoff } from './backoff.ts';
import type { ControlEvent, ControlLink, OpenControl } from './control-link.ts';
import { Inbox } from './inbox.ts';

/** One thing of a subscription. `epoch` with a version is a cursor: pass both to `events()` to go on there. */
export type EventItem =
  | { type: 'event'; event: EventEnvelope & Record<string, unknown>; epoch: string }
  /** Events `from` to `to` (inclusive) will not come. */
  | { type: 'gap'; from: number; to: number; reason: 'lagging' | 'retention'; epoch: string }
  /** The whole state; `state` is the part of it that the seed's lists leave out. */
  | { type: 'snapshot'; version: number; epoch: string; state: SrvSnapshot['state']; snapshot: SrvSnapshot };

export interface EventsOptions {
  /** Event names, or prefixes ending in `*`; default: all. */
  topics?: string[];
  /** The last version seen; default: from now. 0: from the beginning. */
  since?: number;
  /** The epoch `since` belongs to; the stream is refused with `epoch_unknown` when that history is not this one. */
  epoch?: string;
  /** The state first, then every event after it. */
  snapshot?: boolean;
  signal?: AbortSignal | undefined;
  /** Called when the connection is lost and when it is back. */
  onConnection?: (state: 'lost' | 'resumed') => void;
}

export interface EventsContext {
  open: OpenControl;
  /** Makes sure that there is a srv to connect to; rejects once it was shut down on purpose. */
  revive: (signal: AbortSignal) => Promise<void>;
  clock: Clock;
}

/** Items that may wait for the consumer before its socket is no longer read; srv then catches it up from disk. */
const HIGH_WATER_ITEMS = 1_024;
const LOW_WATER_ITEMS = 256;
const SUBSCRIBE_MS = 30_000;
const RESUME_MS = 60_000;
const FIRST_MS = 10;
const MAX_MS = 500;
const RESUMED_REASONS: ReadonlySet<string> = new Set<CloseReason>(['lagging', 'write_timeout', 'flood']);

/** A subscription that outlives its connections; see `Holdfast.events`. */
export class EventStream implements AsyncIterableIterator<EventItem, undefined> {
  readonly #context: EventsContext;
  readonly #options: EventsOptions;
  readonly #inbox = new Inbox<EventItem>();
  readonly #abort = new AbortController();
  #link: ControlLink | undefined;
  #paused = false;
  #cursor: { version: number; epoch: string | undefined } | undefined;
  #wantSnapshot: boolean;
  #closed = false;

  constructor(context: EventsContext, options: EventsOptions) {
    this.#context = context;
    this.#options = options;
    this.#wantSnapshot = options.snapshot === true;
    if (options.since !== undefined) this.#cursor = { version: options.since, epoch: options.epoch };
    const { signal } = options;
    if (signal?.aborted) this.#abort.abort(signal.reason);
    signal?.addEventListener('abort', () => this.#fail(signal.reason), { once: true });
  }

  /** Subscribes; rejects with srv's refusal. */
  async open(): Promise<this> {
    await this.#subscribe();
    return this;
  }

  async next(): Promise<IteratorResult<EventItem, undefined>> {
    const result = await this.#inbox.next();
    if (this.#paused && this.#inbox.length <= LOW_WATER_ITEMS) {
      this.#paused = false;
      this.#link?.resume();
    }
    return result;
  }

  return(): Promise<IteratorResult<EventItem, undefined>> {
    this.#finish();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #subscribe(): Promise<void> {
    const held: ControlEvent[] = [];
    let ready = false;
    const opened: { link?: ControlLink } = {};
    const link = await this.#context.open(
      {
        event: (event) => {
          if (!ready) held.push(event);
          else if (opened.link === this.#link) this.#onEvent(event);
        },
        closed: (reason) => {
          if (opened.link !== undefined && opened.link === this.#link) this.#onClosed(reason);
        },
      },
      this.#abort.signal,
    );
    opened.link = link;
    this.#paused = false;
    const { registered } = link;
    try {
      const reply = await link.request(this.#subscribeCommand(), { deadlineMs: SUBSCRIBE_MS });
      this.#cursor ??= { version: reply.version, epoch: registered.epoch };
    } catch (error) {
      link.close();
      throw error;
    }
    this.#link = link;
    ready = true;
    for (const event of held) this.#onEvent(event);
    if (!link.alive && this.#link === link) this.#onClosed(undefined);
  }

  #subscribeCommand(): SubscribeCommand {
    const { topics } = this.#options;
    return {
      cmd: 'subscribe',
      ...(topics === undefined ? {} : { topics }),
      ...(this.#wantSnapshot ? { snapshot: true } : {}),
      ...(this.#cursor === undefined || this.#wantSnapshot ? {} : { since: this.#cursor.version }),
      ...(this.#cursor?.epoch === undefined || this.#wantSnapshot ? {} : { epoch: this.#cursor.epoch }),
    };
  }

  #onEvent(event: ControlEvent): void {
    if (this.#closed) return;
    if (event.event === 'srv_snapshot') this.#onSnapshot(event as SrvSnapshot);
    else if (event.event === 'gap') this.#onGap(event as Extract<ControlEvent, { event: 'gap'; from: number }>);
    else if ('version' in event && event.version > 0 && 'at' in event) this.#onCommitted(event);
  }

  #onSnapshot(snapshot: SrvSnapshot): void {
    const { version, epoch, state } = snapshot;
    this.#wantSnapshot = false;
    this.#cursor = { version, epoch };
    this.#push({ type: 'snapshot', version, epoch, state, snapshot });
  }

  #onGap(event: { from: number; to: number; reason: 'lagging' | 'retention' }): void {
    const epoch = this.#epoch();
    if (event.to > this.#cursor!.version) this.#cursor = { version: event.to, epoch };
    this.#push({ type: 'gap', from: event.from, to: event.to, reason: event.reason, epoch });
  }

  #onCommitted(event: EventEnvelope): void {
    const cursor = this.#cursor!;
    if (event.version <= cursor.version) return;
    if (event.prev !== undefined && event.prev > cursor.version) {
      this.#fail(
        new HoldfastError(
          'gap',
          `event ${event.version} follows ${event.prev}, but ${cursor.version} was the last one received`,
        ),
      );
      return;
    }
    const epoch = this.#epoch();
    this.#cursor = { version: event.version, epoch };
    this.#push({ type: 'event', event: { ...event }, epoch });
  }

  #epoch(): string {
    return this.#link?.registered.epoch ?? this.#cursor?.epoch ?? '';
  }

  #push(item: EventItem): void {
    this.#inbox.push(item);
    if (!this.#paused && this.#inbox.length >= HIGH_WATER_ITEMS) {
      this.#paused = true;
      this.#link?.pause();
    }
  }

  #onClosed(reason: string | undefined): void {
    this.#link = undefined;
    if (this.#closed) return;
    if (reason !== undefined && reason !== 'shutdown' && !RESUMED_REASONS.has(reason)) {
      this.#fail(new HoldfastError('unreachable', `srv closed this subscription: ${reason}`, { details: { reason } }));
      return;
    }
    this.#options.onConnection?.('lost');
    this.#resume(reason).then(
      () => this.#options.onConnection?.('resumed'),
      (error: unknown) => this.#fail(error),
    );
  }

  async #resume(reason: string | undefined): Promise<void> {
    const { signal } = this.#abort;
    const backoff = new Backoff(this.#context.clock, { firstMs: FIRST_MS, maxMs: MAX_MS, deadlineMs: RESUME_MS });
    let last: unknown = new HoldfastError('unreachable', 'the runtime was shut down', {
      details: { reason: 'shutdown', final: true },
    });
    while (reason !== 'shutdown' && (await backoff.turn(signal))) {
      if (this.#closed) return;
      try {
        await this.#context.revive(signal);
        await this.#subscribe();
        return;
      } catch (error) {
        last = error;
        if (!(error instanceof HoldfastError) || !error.retryable || error.details['final'] === true) throw error;
      }
    }
    throw last;
  }

  #fail(error: unknown): void {
    this.#inbox.fail(error);
    this.#finish();
  }

  #finish(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#inbox.end();
    this.#abort.abort();
    this.#link?.close();
    this.#link = undefined;
  }
}
