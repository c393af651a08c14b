import * as fs from 'node:fs';
import { HoldfastError } from '../protocol/errors.ts';
import { type GapReason, type StreamId, UNKNOWN_END } from '../protocol/session/index.ts';
import type { CursorStart, LogCursor, LogItem } from './contract.ts';
import type { Piece } from './memory.ts';
import {
  RECORD_DATA,
  RECORD_HEAD_BYTES,
  recordBytes,
  recordMs,
  recordOffset,
  recordStream,
  recordType,
} from './record.ts';
import { locateRecord, type RecordRun, readRecords, type Segment, type StreamOffsets } from './segment.ts';
import type { LogView } from './view.ts';

/** Most bytes one read takes from a file. */
const DISK_READ_BYTES = 256 * 1024;
/** Records up to this size are joined with the one before them when they are read back. */
const JOIN_BELOW_BYTES = 4096;

const UNREADABLE: RecordRun = { chunk: Buffer.alloc(0), length: 0, damaged: true };

/**
 * Reads a log in seq order: from memory when memory holds all that is missing, else from the segments, else – where
 * neither holds it – as one gap a stream.
 *
 * Marks (resizes, child exit, eofs, end) come once each whatever offset the cursor starts at, except that of the
 * resizes before the start only the one in force there comes. With `maxBytes` 0 only marks that precede the next byte
 * or gap are returned.
 */
export class Cursor implements LogCursor {
  readonly #view: LogView;
  readonly #streams: readonly StreamId[];
  readonly #at: StreamOffsets = [0, 0, 0];
  /** Nothing before this seq is still to be read, marks aside. */
  #next: number;
  /** Seq of the last mark returned. */
  #marked = 0;
  /** Resizes before this seq are history at the start. */
  readonly #resizesFrom: number;
  /** Where the record of seq `#segmentSeq` lies. */
  #segment: Segment | undefined;
  #segmentAt = 0;
  #segmentSeq = 0;
  #room = 0;
  #items: LogItem[] = [];
  #done = false;

  constructor(view: LogView, streams: readonly StreamId[], start: CursorStart) {
    this.#view = view;
    this.#streams = streams;
    for (const stream of streams) {
      const head = view.window(stream).end;
      const offset = start.offsets[stream] ?? head;
      if (offset > head && !this.#tailIsUnknown(stream)) {
        throw new HoldfastError(
          'offset_ahead',
          `stream ${stream} has ${head} bytes so far, offset ${offset} is ahead of it`,
          {
            field: 'from',
            details: { stream, offset, head },
          },
        );
      }
      this.#at[stream] = offset;
    }
    this.#next = this.#startSeq();
    this.#resizesFrom = view.marks.findLast((mark) => mark.type === 'resize' && mark.seq < this.#next)?.seq ?? 0;
  }

  read(maxBytes: number): LogItem[] {
    if (this.#done) return [];
    this.#room = maxBytes;
    this.#items = [];
    while (this.#advance()) {
      // One step at a time; #advance says when the head is reached or the room is used.
    }
    const items = this.#items;
    this.#items = [];
    return items;
  }

  position(stream: StreamId): number {
    return this.#at[stream];
  }

  lag(): number {
    let bytes = 0;
    for (const stream of this.#streams) bytes += Math.max(0, this.#view.window(stream).end - this.#at[stream]);
    return this.#done ? 0 : bytes;
  }

  close(): void {
    this.#done = true;
  }

  #advance(): boolean {
    if (this.#done) return false;
    if (this.#next >= this.#view.nextSeq) {
      this.#flushMarks(Infinity);
      return false;
    }
    if (this.#memoryCovers()) return this.#fromMemory(this.#view.nextSeq);
    const segment = this.#view.segments.find((held) => held.last >= this.#next);
    if (segment === undefined || segment.first > this.#next) return this.#fromHole(segment);
    return this.#fromSegment(segment);
  }

  #memoryCovers(): boolean {
    for (const stream of this.#streams) {
      if (this.#view.window(stream).start > this.#at[stream]) return false;
    }
    return true;
  }

  /** One piece of memory with a seq below `limit`, oldest first over the streams. */
  #fromMemory(limit: number): boolean {
    let piece: Piece | undefined;
    let stream: StreamId = 1;
    for (const candidate of this.#streams) {
      const window = this.#view.window(candidate);
      const found = window.start > this.#at[candidate] ? undefined : window.at(this.#at[candidate]);
      if (found === undefined || found.first >= limit || (piece !== undefined && piece.first < found.first)) continue;
      piece = found;
      stream = candidate;
    }
    if (piece === undefined) {
      this.#next = limit;
      return true;
    }
    this.#flushMarks(piece.first);
    // A piece may cover several records, the first of them read already.
    this.#next = Math.max(this.#next, piece.first);
    if (this.#room <= 0) return false;
    const begin = piece.begin + Math.max(0, this.#at[stream] - piece.offset);
    const end = Math.min(piece.end, begin + this.#room);
    this.#push(stream, this.#next, piece.ms, piece.buffer.subarray(begin, end));
    if (end === piece.end) this.#next = Math.max(this.#next, piece.last + 1);
    return true;
  }

  /** Between segments, before the first or behind the last: what memory does not hold is gone. */
  #fromHole(segment: Segment | undefined): boolean {
    const limit = segment?.first ?? this.#view.nextSeq;
    this.#flushMarks(this.#next);
    for (const stream of this.#streams) {
      const window = this.#view.window(stream);
      const end = Math.min(segment?.start[stream] ?? window.end, window.start);
      if (end <= this.#at[stream]) continue;
      if (this.#room <= 0) return false;
      this.#gap(stream, end, this.#holeReason(segment, stream));
    }
    return this.#fromMemory(limit);
  }

  #holeReason(segment: Segment | undefined, stream: StreamId): GapReason {
    if (segment === undefined) return this.#view.unspilledReason();
    return segment.lost !== null && this.#at[stream] >= segment.lost.offsets[stream] ? 'spill_failed' : 'retention';
  }

  #fromSegment(segment: Segment): boolean {
    if (this.#streams.every((stream) => segment.end[stream] <= this.#at[stream])) {
      this.#next = segment.last + 1;
      return true;
    }
    this.#flushMarks(this.#next);
    if (this.#room <= 0) return false;
    if (this.#segment !== segment || this.#segmentSeq < this.#next) this.#seek(segment);
    const run = this.#readRun(segment);
    if (run === undefined) return true;
    if (this.#takeRun(run) && run.damaged) this.#skipDamage(segment);
    return this.#room > 0;
  }

  #seek(segment: Segment): void {
    const place = locateRecord(segment, this.#next);
    this.#segment = segment;
    this.#segmentAt = place.at;
    this.#segmentSeq = place.seq;
  }

  /** Undefined when the file is gone; damaged when it cannot be read: a reader gets a gap then, nobody an exception. */
  #readRun(segment: Segment): RecordRun | undefined {
    const wanted = Math.min(this.#room + RECORD_HEAD_BYTES, DISK_READ_BYTES);
    let fd = -1;
    try {
      fd = fs.openSync(segment.path, 'r');
      return readRecords(fd, segment, this.#segmentAt, this.#segmentSeq, wanted);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return UNREADABLE;
      this.#view.forget(segment);
      this.#segment = undefined;
      return undefined;
    } finally {
      if (fd >= 0) fs.closeSync(fd);
    }
  }

  /** False when the room ended within the run. */
  #takeRun(run: RecordRun): boolean {
    const { chunk, length } = run;
    // Where the payload of the item pushed last ends in `chunk`, while the next one may be joined to it.
    let joinAt = -1;
    for (let at = 0; at < length; ) {
      const bytes = recordBytes(chunk, at);
      if (recordType(chunk, at) === RECORD_DATA && this.#streams.includes(recordStream(chunk, at))) {
        if (this.#room <= 0) return false;
        const taken = this.#takeRecord(chunk, at, bytes, joinAt);
        if (!taken.whole) return false;
        joinAt = taken.joinAt;
      } else {
        joinAt = -1;
      }
      at += bytes;
      this.#segmentAt += bytes;
      this.#segmentSeq++;
      this.#next = Math.max(this.#next, this.#segmentSeq);
    }
    return true;
  }

  #takeRecord(chunk: Buffer, at: number, bytes: number, joinAt: number): { whole: boolean; joinAt: number } {
    const stream = recordStream(chunk, at);
    const offset = recordOffset(chunk, at);
    const end = at + bytes;
    const skipped = Math.max(0, this.#at[stream] - offset);
    const begin = at + RECORD_HEAD_BYTES + skipped;
    if (begin >= end) return { whole: true, joinAt: -1 };
    this.#next = Math.max(this.#next, this.#segmentSeq);
    if (offset > this.#at[stream]) this.#gap(stream, offset, 'corrupt');
    this.#flushMarks(this.#next);
    const stop = Math.min(end, begin + this.#room);
    const last = this.#items.at(-1);
    if (joinAt >= 0 && stop - begin < JOIN_BELOW_BYTES && last?.type === 'data' && last.stream === stream) {
      // Moves the payload over its own head, right behind the one before; nobody else has seen `chunk` yet.
      chunk.copyWithin(joinAt, begin, stop);
      const joined = joinAt + (stop - begin);
      last.bytes = chunk.subarray(joinAt - last.bytes.length, joined);
      this.#at[stream] += stop - begin;
      this.#room -= stop - begin;
      return { whole: stop === end, joinAt: joined };
    }
    this.#push(stream, this.#next, recordMs(chunk, at), chunk.subarray(begin, stop));
    return { whole: stop === end, joinAt: stop };
  }

  /** The rest of the segment cannot be read. */
  #skipDamage(segment: Segment): void {
    for (const stream of this.#streams) {
      if (segment.end[stream] > this.#at[stream]) this.#gap(stream, segment.end[stream], 'corrupt');
    }
    this.#next = segment.last + 1;
    this.#segment = undefined;
  }

  #push(stream: StreamId, seq: number, ms: number, bytes: Buffer): void {
    this.#items.push({ type: 'data', seq, stream, offset: this.#at[stream], bytes, ms });
    this.#at[stream] += bytes.length;
    this.#room -= bytes.length;
  }

  #gap(stream: StreamId, to: number, reason: GapReason): void {
    const last = this.#items.at(-1);
    const from = this.#at[stream];
    this.#at[stream] = to;
    if (last?.type === 'gap' && last.stream === stream && last.to === from && last.reason === reason) last.to = to;
    else this.#items.push({ type: 'gap', seq: this.#next, stream, from, to, reason });
  }

  /** Returns every mark before `seq` that was not returned yet. */
  #flushMarks(seq: number): void {
    const marks = this.#view.marks;
    const newest = marks.at(-1);
    if (newest === undefined || newest.seq <= this.#marked) return;
    let at = marks.length;
    while (at > 0 && marks[at - 1]!.seq > this.#marked) at--;
    for (; at < marks.length; at++) {
      const mark = marks[at]!;
      if (mark.seq >= seq) break;
      this.#marked = mark.seq;
      if (mark.type === 'resize' && mark.seq < this.#resizesFrom) continue;
      if ((mark.type === 'eof' || mark.type === 'gap') && !this.#streams.includes(mark.stream)) continue;
      const begun = mark.type === 'gap' && this.#at[mark.stream] > mark.from;
      this.#items.push(begun ? { ...mark, from: this.#at[mark.stream] } : mark);
      if (mark.type === 'end') this.#done = true;
    }
  }

  /** How much was written is not known: a reader that was served from memory may have more than was kept. */
  #tailIsUnknown(stream: StreamId): boolean {
    return this.#view.marks.some((mark) => mark.type === 'gap' && mark.stream === stream && mark.to === UNKNOWN_END);
  }

  #startSeq(): number {
    let seq = this.#view.nextSeq;
    for (const stream of this.#streams) {
      const window = this.#view.window(stream);
      const offset = this.#at[stream];
      if (offset >= window.end) continue;
      if (offset >= window.start) seq = Math.min(seq, window.at(offset)!.first);
      else seq = Math.min(seq, this.#spilledSeq(stream, offset));
    }
    return seq;
  }

  /** A seq at or before the record that holds `offset`; within the hole before a segment when nothing on disk does. */
  #spilledSeq(stream: StreamId, offset: number): number {
    const segments = this.#view.segments;
    const segment = segments.find((held) => held.end[stream] > offset);
    if (segment === undefined) return (segments.at(-1)?.last ?? -1) + 1;
    return segment.start[stream] > offset ? segment.first - 1 : segment.first;
  }
}
