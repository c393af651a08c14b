import { HoldfastError } from '../protocol/index.ts';
import type { StreamId } from '../protocol/session/index.ts';

/**
 * Which bytes a reader has. Turns a delivery that may overlap (after a reconnect) into exactly the new bytes, and
 * refuses one that skips bytes without saying so.
 */
export class Positions {
  readonly #next = new Map<StreamId, number>();
  #awaited: { offsets: Record<string, number>; reached: () => void } | undefined;

  /** Where the stream's next byte is expected, or undefined before the first attach. */
  at(stream: StreamId): number | undefined {
    return this.#next.get(stream);
  }

  begin(stream: StreamId, offset: number): void {
    this.#next.set(stream, offset);
  }

  /** The part of `bytes` not seen yet, or undefined. */
  accept(stream: StreamId, offset: number, bytes: Buffer): { offset: number; bytes: Buffer } | undefined {
    const expected = this.#next.get(stream) ?? offset;
    if (offset > expected) {
      throw new HoldfastError(
        'bad_frame',
        `stream ${stream} continued at ${offset}, expected ${expected}, without a gap`,
        {
          retryable: true,
        },
      );
    }
    const seen = expected - offset;
    if (seen >= bytes.length) return undefined;
    this.#next.set(stream, offset + bytes.length);
    return seen === 0 ? { offset, bytes } : { offset: expected, bytes: bytes.subarray(seen) };
  }

  /** The part of the gap not told yet, or undefined. */
  skip(stream: StreamId, from: number, to: number): { from: number; to: number } | undefined {
    const expected = this.#next.get(stream) ?? from;
    if (to <= expected) return undefined;
    if (to !== Infinity) this.#next.set(stream, to);
    return { from: Math.max(from, expected), to };
  }

  /** Calls `reached` once, now or in a later `settle`, when no stream of `offsets` is before its offset any more. */
  whenPast(offsets: Record<string, number>, reached: () => void): void {
    this.#awaited = { offsets, reached };
    this.settle();
  }

  /** What was accepted or skipped has been handed on. */
  settle(): void {
    if (this.#awaited === undefined) return;
    const { offsets, reached } = this.#awaited;
    for (const [stream, next] of this.#next) if (next < (offsets[String(stream)] ?? 0)) return;
    this.#awaited = undefined;
    reached();
  }

  /** `from` of an Attach that resumes here; undefined before the first attach. */
  resume(): { offsets: Record<string, number> } | undefined {
    if (this.#next.size === 0) return undefined;
    return { offsets: Object.fromEntries([...this.#next].map(([stream, offset]) => [String(stream), offset])) };
  }
}
