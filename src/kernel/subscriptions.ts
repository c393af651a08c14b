/**
 * Cursors on the log. A reader that keeps up is served from the shared window, one that fell behind from disk, and one
 * behind retention gets a gap; what waits costs a publish nothing unless the reader is asking right now.
 */
import { HoldfastError, invalid } from '../protocol/index.ts';
import type { EventLog, Recorded, SubscribeOptions, Subscription, SubscriptionItem } from './contract.ts';
import type { EventWindow } from './event-window.ts';

/** One read from disk: bounded, so that appends and other readers get their turn between two. */
const CATCH_UP_EVENTS = 1_000;
const CATCH_UP_BYTES = 256 * 1024;
/** Remembered topic decisions per subscription; vocabularies have some hundred names. */
const TOPIC_MEMORY_COUNT = 1_024;

export interface SubscriptionSource<E> {
  readonly window: EventWindow<E>;
  readonly log: Pick<EventLog, 'read'>;
  /** Last published version. */
  version(): number;
  firstVersion(): number;
  /** Counts a read from disk. */
  onCatchUp(): void;
}

export class SubscriptionHub<E extends { event: string }> {
  readonly #source: SubscriptionSource<E>;
  readonly #all = new Set<LogSubscription<E>>();
  /** Those inside `next` with nothing to give. */
  readonly #waiting = new Set<LogSubscription<E>>();

  constructor(source: SubscriptionSource<E>) {
    this.#source = source;
  }

  get size(): number {
    return this.#all.size;
  }

  subscribe(since: number, options: SubscribeOptions): Subscription<E> {
    const subscription = new LogSubscription<E>(this.#source, since, options, {
      waits: (self) => void this.#waiting.add(self),
      closes: (self) => {
        this.#all.delete(self);
        this.#waiting.delete(self);
      },
    });
    this.#all.add(subscription);
    return subscription;
  }

  /** Wakes the readers for which something new is in the window. */
  publish(): void {
    for (const subscription of this.#waiting) {
      if (subscription.wake()) this.#waiting.delete(subscription);
    }
  }

  closeAll(): void {
    for (const subscription of this.#all) subscription.close();
  }
}

interface Owner<E extends { event: string }> {
  waits(subscription: LogSubscription<E>): void;
  closes(subscription: LogSubscription<E>): void;
}

type Items<E> = SubscriptionItem<E>[];

class LogSubscription<E extends { event: string }> implements Subscription<E> {
  readonly #source: SubscriptionSource<E>;
  readonly #owner: Owner<E>;
  readonly #matches: (name: string) => boolean;
  readonly #queueEvents: number;
  /** Last version looked at. */
  #cursor: number;
  /** Last version delivered: the `prev` of the next event. */
  #delivered: number;
  #endWait: () => void = () => {};
  #inNext = false;
  #closed = false;

  constructor(source: SubscriptionSource<E>, since: number, options: SubscribeOptions, owner: Owner<E>) {
    this.#source = source;
    this.#owner = owner;
    this.#matches = topicFilter(options.topics);
    this.#queueEvents = options.queue_events ?? Number.POSITIVE_INFINITY;
    this.#cursor = since;
    this.#delivered = since;
  }

  async next(maxItems: number): Promise<Items<E> | null> {
    if (!(maxItems >= 1)) throw invalid('maxItems', 'maxItems must be at least 1');
    if (this.#inNext) throw new HoldfastError('internal', 'Subscription.next was called while a call is running');
    this.#inNext = true;
    try {
      while (!this.#closed) {
        if (this.#isBehind()) {
          const items = await this.#catchUp(maxItems);
          if (this.#closed) break;
          if (items.length > 0) return items;
          continue;
        }
        const items = this.#fromWindow(maxItems);
        if (items.length > 0) return items;
        await new Promise<void>((resolve) => {
          this.#endWait = resolve;
          this.#owner.waits(this);
        });
      }
      return null;
    } finally {
      this.#inNext = false;
    }
  }

  /** After a publish: false when nothing new is for this reader, which goes on waiting. */
  wake(): boolean {
    const { window } = this.#source;
    if (!this.#isBehind()) {
      while (this.#cursor < window.newest && !this.#matches(window.at(this.#cursor + 1).event)) this.#cursor++;
      if (this.#cursor === window.newest) return false;
    }
    this.#endWait();
    return true;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#owner.closes(this);
    this.#endWait();
  }

  #isBehind(): boolean {
    const { window } = this.#source;
    return this.#cursor + 1 < window.oldest || window.newest - this.#cursor > this.#queueEvents;
  }

  #fromWindow(maxItems: number): Items<E> {
    const { window } = this.#source;
    const items: Items<E> = [];
    while (this.#cursor < window.newest && items.length < maxItems) {
      this.#take(window.at(this.#cursor + 1), items);
    }
    return items;
  }

  async #catchUp(maxItems: number): Promise<Items<E>> {
    const items: Items<E> = [];
    const from = this.#cursor + 1;
    if (from < this.#source.firstVersion()) {
      this.#skipTo(this.#source.firstVersion(), items);
      return items;
    }
    this.#source.onCatchUp();
    const events = (await this.#source.log.read(from, CATCH_UP_EVENTS, CATCH_UP_BYTES)) as Recorded<E>[];
    const [first] = events;
    if (first === undefined) {
      throw new HoldfastError('storage_error', `the log has no event ${from}`, { details: { corrupt: true } });
    }
    // Trimmed while the read was under way.
    if (first.version > from) this.#skipTo(first.version, items);
    const published = this.#source.version();
    for (const event of events) {
      if (items.length >= maxItems || event.version > published) break;
      this.#take(event, items);
    }
    return items;
  }

  #take(event: Recorded<E>, items: Items<E>): void {
    this.#cursor = event.version;
    if (!this.#matches(event.event)) return;
    items.push({ type: 'event', event, prev: this.#delivered });
    this.#delivered = event.version;
  }

  #skipTo(version: number, items: Items<E>): void {
    items.push({ type: 'gap', from: this.#cursor + 1, to: version - 1, reason: 'retention' });
    this.#cursor = version - 1;
    this.#delivered = this.#cursor;
  }
}

/** Topics are event names, or prefixes that end in `*`; none given means all. */
function topicFilter(topics: readonly string[] | undefined): (name: string) => boolean {
  if (topics === undefined) return () => true;
  const exact = new Set(topics.filter((topic) => !topic.endsWith('*')));
  const prefixes = topics.filter((topic) => topic.endsWith('*')).map((topic) => topic.slice(0, -1));
  const known = new Map<string, boolean>();
  return (name) => {
    let matches = known.get(name);
    if (matches === undefined) {
      matches = exact.has(name) || prefixes.some((prefix) => name.startsWith(prefix));
      if (known.size < TOPIC_MEMORY_COUNT) known.set(name, matches);
    }
    return matches;
  };
}
