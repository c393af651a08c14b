/** What is held of a session's log, in memory and on disk: the state that cursors read. */
import { HoldfastError } from '../protocol/errors.ts';
import type { GapReason, StreamExtent, StreamId } from '../protocol/session/index.ts';
import type { CursorStart, LogCursor, LogSource } from './contract.ts';
import { Cursor } from './cursor.ts';
import { StreamWindow } from './memory.ts';
import type { Mark } from './record.ts';
import type { Segment } from './segment.ts';

/** Older resizes are forgotten first; every other mark is kept for good. */
const RESIZES_KEPT = 1024;

export class LogView implements LogSource {
  readonly streams: readonly StreamId[];
  /** Indexed by stream id; only output streams have one. */
  readonly windows: readonly (StreamWindow | undefined)[];
  /** Oldest first, seqs ascending, no overlap. */
  readonly segments: Segment[] = [];
  marks: Mark[] = [];
  /** The seq the next record will get. */
  nextSeq = 1;
  ended = false;
  /** Why bytes behind the last segment that memory dropped are missing. */
  unspilledReason: () => GapReason = () => 'retention';
  #resizes = 0;
  readonly #listeners = new Set<() => void>();

  constructor(streams: readonly StreamId[], memoryBytes: number, heads: readonly number[] = [0, 0, 0]) {
    this.streams = streams;
    this.windows = [0, 1, 2].map((id) =>
      streams.includes(id as StreamId) ? new StreamWindow(memoryBytes, heads[id]) : undefined,
    );
  }

  window(stream: StreamId): StreamWindow {
    const window = this.windows[stream];
    if (window !== undefined) return window;
    throw new HoldfastError(
      'stream_unavailable',
      `this session has no output stream ${stream}; it has ${this.streams.join(', ')}`,
      {
        field: 'streams',
        details: { stream, streams: [...this.streams] },
      },
    );
  }

  extents(): StreamExtent[] {
    return this.streams.map((id) => {
      const window = this.window(id);
      const spilled = this.segments[0]?.start[id] ?? window.start;
      return { id, start: Math.min(spilled, window.start), end: window.end };
    });
  }

  /** Bytes of `stream` before `offset` that are on disk. */
  spilledBefore(stream: StreamId, offset: number): number {
    let bytes = 0;
    for (const segment of this.segments)
      bytes += Math.min(segment.end[stream], offset) - Math.min(segment.start[stream], offset);
    return bytes;
  }

  cursor(streams: readonly StreamId[], start: CursorStart): LogCursor {
    return new Cursor(this, streams, start);
  }

  onAppend(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => void this.#listeners.delete(changed);
  }

  appended(): void {
    for (const listener of this.#listeners) listener();
  }

  addMark(mark: Mark): void {
    this.marks.push(mark);
    if (mark.type === 'end') this.ended = true;
    if (mark.type === 'resize' && ++this.#resizes > RESIZES_KEPT) {
      this.marks.splice(
        this.marks.findIndex((old) => old.type === 'resize'),
        1,
      );
      this.#resizes--;
    }
  }

  /** A segment file is gone, removed by whoever keeps the home within its limit. */
  forget(segment: Segment): void {
    const at = this.segments.indexOf(segment);
    if (at >= 0) this.segments.splice(at, 1);
  }
}
