/** One subscription on its way to one connection: pulled from the log at the connection's own pace. */
import type { Subscription, SubscriptionItem } from '../kernel/index.ts';

/** Events taken from the log at once. */
const BATCH = 256;

export interface Sink {
  /** Returns false when the connection wants a pause. */
  sendText(line: string): boolean;
  /** Resolves when it is writable again or gone. */
  ready(): Promise<void>;
}

/**
 * Events as JSON, made once for all subscribers. The kernel hands every subscriber the same object, so it is its own
 * key.
 */
export class EventTexts {
  readonly #texts = new WeakMap<object, string>();

  /** `event` as a line with `prev` added. */
  line(event: object, prev: number): string {
    let text = this.#texts.get(event);
    if (text === undefined) {
      text = JSON.stringify(event).slice(0, -1);
      this.#texts.set(event, text);
    }
    return `${text},"prev":${prev}}`;
  }
}

/** Runs until the subscription is closed; rejects with what the log fails with. `toLine` drops an item by null. */
export async function fanOut(
  subscription: Subscription<{ event: string }>,
  sink: Sink,
  toLine: (item: Item) => string | null,
): Promise<void> {
  for (;;) {
    const items = await subscription.next(BATCH);
    if (items === null) return;
    let writable = true;
    for (const item of items) {
      const line = toLine(item);
      if (line !== null) writable = sink.sendText(line);
    }
    if (!writable) await sink.ready();
  }
}

export type Item = SubscriptionItem<{ event: string }>;

export function gapLine(gap: Extract<Item, { type: 'gap' }>): string {
  return JSON.stringify({ event: 'gap', from: gap.from, to: gap.to, reason: gap.reason });
}
