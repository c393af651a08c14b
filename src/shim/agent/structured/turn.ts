/** One prompt from its writing to its end, and what became of the message it carries. */
import type { Prompt } from './contract.ts';

export class Turn implements Prompt {
  readonly id: string;
  readonly text: string;
  readonly messageId: string;
  /** The agent was seen to have it. */
  taken = false;
  /** Why its end will be credited to nobody. */
  givenUp: 'cancelled' | 'interrupted' | null = null;
  /** The message's outcome was told; the agent may still be at it. */
  settled = false;
  /** What the agent said last in it, and what it says just now. */
  #said = '';
  #current = '';
  readonly #timers: (() => void)[] = [];

  constructor(id: string, messageId: string, text: string) {
    this.id = id;
    this.messageId = messageId;
    this.text = text;
  }

  /** At most the last `limit` characters are kept. */
  hear(text: string, limit: number): void {
    this.#current = (this.#current + text).slice(-limit);
  }

  /** Something else came between: what follows is another text. */
  pause(): void {
    if (this.#current.trim() !== '') this.#said = this.#current;
    this.#current = '';
  }

  get response(): string {
    return (this.#current.trim() === '' ? this.#said : this.#current).trim();
  }

  /** Cancels itself when the turn ends. */
  timer(cancel: () => void): void {
    this.#timers.push(cancel);
  }

  stopTimers(): void {
    for (const cancel of this.#timers.splice(0)) cancel();
  }
}

/** A UUID (RFC 9562, version 4) of 32 hex digits. */
export function turnId(hex: string): string {
  const variant = ((Number.parseInt(hex[16] ?? '0', 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
}
