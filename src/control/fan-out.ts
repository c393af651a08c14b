/** One subscription on its way to one connection: pulled from the log at the connection's own pace. */
import type { Recorded, Subscription, SubscriptionItem } from '../kernel/index.ts';
import { toSeedEvent } from '../protocol/control/index.ts';

/** Events taken from the log at once. */
const BATCH = 256;

export interface Sink {
  /** Returns false when the connection wants a pause. */
  sendText(line: string): boolean;
  /** Resolves when it is writable again or gone. */
  ready(): Promise<void>;
}

type Event = Recorded<{ event: string }>;

/**
 * Events as JSON, made once for all subscribers. The kernel hands every subscriber the same object, so it is its own
 * key.
 */
export class EventTexts {
  readonly #texts = new WeakMap<Event, string>();
  readonly #seedTexts = new WeakMap<Event, string | null>();

  /** `event` as a line with `prev` added. */
  line(event: Event, prev: number): string {
    let text = this.#texts.get(event);
    if (text === undefined) {
      text = JSON.stringify(event).slice(0, -1);
      this.#texts.set(event, text);
    }
    return `${text},"prev":${prev}}`;
  }

  /** As the seed has it; null: it is not told. */
  seedLine(event: Event): string | null {
    let text = this.#seedTexts.get(event);
    if (text === undefined) {
      const seed = toSeedEvent(event);
      text = seed === null ? null : JSON.stringify(seed);
      this.#seedTexts.set(event, text);
    }
    return text;
  }
}

/** Where the items of a subscription become lines. */
export interface Lines {
  /** Null: nothing is sent. */
  toLine(item: Item): string | null;
  /** All that the log had for now has been sent. */
  sent?(): void;
}

/** Runs until the subscription is closed; rejects with what the log or `toLine` fails with. */
export async function fanOut(subscription: Subscription<{ event: string }>, sink: Sink, lines: Lines): Promise<void> {
  for (;;) {
    const items = await subscription.next(BATCH);
    if (items === null) return;
    let writable = true;
    for (const item of items) {
      const line = lines.toLine(item);
      if (line !== null) writable = sink.sendText(line);
    }
    lines.sent?.();
    if (!writable) await sink.ready();
  }
}

export type Item = SubscriptionItem<{ event: string }>;

export function gapLine(gap: Extract<Item, { type: 'gap' }>): string {
  return JSON.stringify({ event: 'gap', from: gap.from, to: gap.to, reason: gap.reason });
}
