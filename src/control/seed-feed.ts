/**
 * What a connection of the seed is told, in one order: the committed events, and its private answers where they belong
 * among them. The seed has one bus for both, and its clients take a pong for the end of all that came before.
 */
import type { Subscription } from '../kernel/index.ts';
import { toSeedEvent } from '../protocol/control/index.ts';
import { HoldfastError } from '../protocol/index.ts';
import { type EventTexts, fanOut, type Item } from './fan-out.ts';
import type { Message, Wire } from './conversation.ts';

interface Answer {
  /** Version it comes behind. */
  version: number;
  line: string;
  sent(): void;
  refused(error: unknown): void;
}

export class SeedFeed {
  readonly #wire: Wire;
  readonly #texts: EventTexts;
  readonly #subscription: Subscription<{ event: string }>;
  readonly #clientId: string;
  /** Its first event, its own `process_spawned`, has come. */
  #begun = false;
  /** All up to this version is told. */
  #told = -1;
  /** In the order of their versions. */
  readonly #answers: Answer[] = [];

  constructor(wire: Wire, texts: EventTexts, subscription: Subscription<{ event: string }>, clientId: string) {
    this.#wire = wire;
    this.#texts = texts;
    this.#subscription = subscription;
    this.#clientId = clientId;
  }

  /** Runs until it is closed. Rejects when events are missing that the connection should have been told. */
  run(): Promise<void> {
    return fanOut(this.#subscription, this.#wire, {
      toLine: (item) => this.#toLine(item),
      sent: () => this.#answerUpTo(this.#told),
    });
  }

  /** Sends a private message behind the event of that version; resolves when it has. Rejects with `too_large`. */
  answer(version: number, message: Message): Promise<void> {
    const line = JSON.stringify(toSeedEvent(message));
    return new Promise((sent, refused) => {
      this.#answers.push({ version, line, sent, refused });
      this.#answerUpTo(this.#told);
    });
  }

  close(): void {
    this.#subscription.close();
  }

  #toLine(item: Item): string | null {
    if (item.type === 'gap') {
      throw new HoldfastError(
        'gap',
        `events ${item.from} to ${item.to} are not kept any more: connect again and take get_srv_snapshot`,
      );
    }
    this.#begun ||= isArrival(item.event, this.#clientId);
    if (!this.#begun) return null;
    const { version } = item.event;
    this.#answerUpTo(version - 1);
    this.#told = version;
    return this.#texts.seedLine(item.event);
  }

  #answerUpTo(version: number): void {
    while (this.#answers[0] !== undefined && this.#answers[0].version <= version) {
      const { line, sent, refused } = this.#answers.shift()!;
      try {
        this.#wire.sendText(line);
        sent();
      } catch (error) {
        refused(error);
      }
    }
  }
}

function isArrival(event: { event: string; client_id?: unknown }, clientId: string): boolean {
  return event.event === 'process_spawned' && event.client_id === clientId;
}
