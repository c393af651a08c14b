import type { Turn } from './contract.ts';

/** The turns to come and the gates of those that hold. */
export class Script {
  readonly #fallback: Turn;
  readonly #turns: Turn[] = [];
  /** Times that the first of `#turns` has been used, when it is an error for several requests. */
  #used = 0;
  #taken = 0;
  readonly #open = new Set<string>();
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(fallback: Turn) {
    this.#fallback = fallback;
  }

  add(turns: readonly Turn[]): void {
    for (const turn of turns) {
      if (turn.some((step, index) => step.do === 'error' && index > 0)) {
        throw new Error('an error stands instead of an answer: it must be the first step of its turn');
      }
      this.#turns.push(turn);
    }
  }

  forget(): void {
    this.#turns.length = 0;
    this.#used = 0;
  }

  /** `number` counts scripted turns from 0, also those that come from the fallback. */
  next(): { turn: Turn; number: number } {
    const turn = this.#turns[0];
    const first = turn?.[0];
    const times = first?.do === 'error' ? (first.times ?? 1) : 1;
    if (++this.#used >= times) {
      this.#turns.shift();
      this.#used = 0;
      return { turn: turn ?? this.#fallback, number: this.#taken++ };
    }
    return { turn: turn ?? this.#fallback, number: this.#taken };
  }

  release(gate: string): void {
    const waiting = this.#waiting.get(gate);
    this.#waiting.delete(gate);
    if (waiting === undefined) this.#open.add(gate);
    else for (const go of waiting) go();
  }

  /** Calls `go` when the gate opens; the returned function takes that back. */
  hold(gate: string, go: () => void): () => void {
    if (this.#open.delete(gate)) {
      go();
      return () => {};
    }
    const waiting = this.#waiting.get(gate) ?? new Set();
    this.#waiting.set(gate, waiting);
    waiting.add(go);
    return () => void waiting.delete(go);
  }
}
