/**
 * What a session's log offers its readers, whether a shim is still writing it or srv serves it from disk.
 */
import type { EndCause, ExitFact, GapReason, StreamExtent, StreamId } from '../protocol/session/index.ts';

/** One entry in the order it was observed. `seq` is unique and increasing over all streams of a session. */
export type LogItem =
  | { type: 'data'; seq: number; stream: StreamId; offset: number; bytes: Buffer; ms: number }
  | { type: 'gap'; seq: number; stream: StreamId; from: number; to: number; reason: GapReason }
  | { type: 'resize'; seq: number; stream: StreamId; offset: number; rows: number; cols: number }
  | { type: 'child_exit'; seq: number; exit: ExitFact }
  | { type: 'eof'; seq: number; stream: StreamId; offset: number }
  | { type: 'end'; seq: number; cause: EndCause; survivors: { pid: number; start_time: number; command: string }[] };

/** Where a cursor starts, already resolved to offsets. */
export type CursorStart = { offsets: Partial<Record<StreamId, number>> };

/**
 * A reader's position. `read` never blocks and never returns bytes twice; what was dropped meanwhile comes back as one
 * `gap` item before the next byte. After the `end` item it returns nothing for ever.
 */
export interface LogCursor {
  /**
   * Up to `maxBytes` payload bytes (at least one item if any is there, an item larger than that is cut). With 0 only
   * what comes before the next byte or gap. Resizes before the start are left out but the last one; exit, eofs and end
   * come to every cursor.
   */
  read(maxBytes: number): LogItem[];
  /** Offset the next byte of `stream` will have. */
  position(stream: StreamId): number;
  /** Unread bytes between this cursor and the head, over its streams. */
  lag(): number;
  close(): void;
}

export interface LogSource {
  extents(): StreamExtent[];
  /** Throws `stream_unavailable`, or `offset_ahead` for an offset past the head. An offset before retention starts with a gap. */
  cursor(streams: readonly StreamId[], start: CursorStart): LogCursor;
  /** `changed` is called within each append, after the entry is on disk and in memory; the returned function stops it. */
  onAppend(changed: () => void): () => void;
  /** Whether the `end` record is in the log. */
  readonly ended: boolean;
}
