/** The writer of a session's segment files. */
import * as fs from 'node:fs';
import { HoldfastError } from '../protocol/errors.ts';
import type { StreamId } from '../protocol/session/index.ts';
import {
  encodeMark,
  type Mark,
  RECORD_DATA,
  RECORD_HEAD_BYTES,
  RECORD_PAYLOAD_BYTES,
  writeRecordHead,
} from './record.ts';
import {
  encodeSegmentHeader,
  noteRecord,
  type Segment,
  type SegmentFs,
  segmentPath,
  type StreamOffsets,
} from './segment.ts';

/** A segment smaller than this would be mostly header. */
const SEGMENT_LEAST_BYTES = 2048;

export interface SpillOptions {
  directory: string;
  segmentBytes: number;
  spillBytes: number;
  /** Oldest first; the writer appends to it and removes what it deletes. */
  segments: Segment[];
  streams: readonly StreamId[];
  marks(): Mark[];
  /** Told once each time writing stops (disk full, I/O error). */
  failed(error: HoldfastError): void;
  io?: SegmentFs;
}

/**
 * Appends records with one write each and no fsync: what was written survives a kill of this process. Once a write
 * fails nothing is written until as many bytes as a segment holds have passed by; then a new segment is tried. When
 * the total is reached the oldest file is written over under the new name: its pages are there already, which makes a
 * flood twice as fast as fresh ones.
 */
export class SpillWriter {
  /** Payload bytes written. */
  spilled = 0;
  readonly #options: SpillOptions;
  readonly #io: SegmentFs;
  readonly #segmentBytes: number;
  readonly #payloadBytes: number;
  readonly #heads: Buffer[] = [];
  #current: Segment | undefined;
  #fd = -1;
  #hasDirectory = false;
  /** Length of the current file on disk, which an older life of it may have made longer than what is written. */
  #fileBytes = 0;
  #lost: { seq: number; offsets: StreamOffsets } | null = null;
  #passed = 0;
  /** The next segment replaces the oldest whatever the total is. */
  #squeezed = false;
  #closed = false;

  constructor(options: SpillOptions) {
    this.#options = options;
    this.#io = options.io ?? fs;
    this.#segmentBytes = Math.max(
      SEGMENT_LEAST_BYTES,
      Math.min(options.segmentBytes, Math.floor(options.spillBytes / 2)),
    );
    this.#payloadBytes = Math.min(RECORD_PAYLOAD_BYTES, this.#segmentBytes >> 2);
  }

  /** Why nothing is being written, if so. */
  get failing(): boolean {
    return this.#lost !== null;
  }

  /** How many records `bytes` becomes. */
  recordCount(bytes: number): number {
    return Math.max(1, Math.ceil(bytes / this.#payloadBytes));
  }

  /** Logs `bytes` as records from `seq` on; `offsets` are the heads before it. */
  writeData(stream: StreamId, seq: number, ms: number, offsets: StreamOffsets, bytes: Buffer): void {
    if (!this.#ready(seq, offsets, bytes.length + RECORD_HEAD_BYTES * this.recordCount(bytes.length))) return;
    const heads: StreamOffsets = [...offsets];
    // One write for all records that fit the segment; the rest goes on in the next one.
    for (let at = 0, next = seq; at < bytes.length; ) {
      const least = RECORD_HEAD_BYTES + Math.min(this.#payloadBytes, bytes.length - at);
      if (!this.#room(next, heads, least)) return;
      const batch = this.#batch(stream, next, ms, heads[stream], bytes, at);
      if (!this.#write(batch.buffers, batch.length, next, heads)) return;
      next += batch.records;
      at += batch.payload;
      heads[stream] += batch.payload;
      this.#current!.last = next - 1;
      this.#current!.end[stream] = heads[stream];
      this.spilled += batch.payload;
    }
  }

  writeMark(mark: Mark, offsets: StreamOffsets): void {
    if (this.#tryMark(mark, offsets) || mark.type !== 'end') return;
    // The end must get out also when the disk is full, as no later record carries it: at the cost of the oldest bytes.
    this.#passed = this.#segmentBytes;
    this.#squeezed = this.#options.segments.length > 1;
    this.#tryMark(mark, offsets);
  }

  close(): void {
    this.#closed = true;
    this.#finish();
  }

  #tryMark(mark: Mark, offsets: StreamOffsets): boolean {
    const record = encodeMark(mark);
    if (!this.#ready(mark.seq, offsets, record.length) || !this.#room(mark.seq, offsets, record.length)) return false;
    if (!this.#write([record], record.length, mark.seq, offsets)) return false;
    this.#current!.last = mark.seq;
    return true;
  }

  /** Records of `bytes` from `at` on, as many as fit the current segment, at least one. */
  #batch(stream: StreamId, seq: number, ms: number, offset: number, bytes: Buffer, at: number) {
    const room = this.#segmentBytes - this.#current!.size;
    const buffers: Buffer[] = [];
    let length = 0;
    let records = 0;
    let end = at;
    while (end < bytes.length) {
      const payload = bytes.subarray(end, Math.min(bytes.length, end + this.#payloadBytes));
      if (records > 0 && length + RECORD_HEAD_BYTES + payload.length > room) break;
      const head = (this.#heads[records] ??= Buffer.allocUnsafe(RECORD_HEAD_BYTES));
      writeRecordHead(head, RECORD_DATA, stream, seq + records, ms, offset + (end - at), payload);
      buffers.push(head, payload);
      length += RECORD_HEAD_BYTES + payload.length;
      end += payload.length;
      records++;
    }
    return { buffers, length, records, payload: end - at };
  }

  /** False while writing is off; counts what passes by and tries again after a segment's worth. */
  #ready(seq: number, offsets: StreamOffsets, bytes: number): boolean {
    if (this.#closed) return false;
    if (this.#lost === null) return true;
    this.#passed += bytes;
    return this.#passed >= this.#segmentBytes && this.#start(seq, offsets);
  }

  /** Room for `bytes` more in the current segment, or a new one. */
  #room(seq: number, offsets: StreamOffsets, bytes: number): boolean {
    const current = this.#current;
    if (current === undefined) return this.#start(seq, offsets);
    if (current.size + bytes <= this.#segmentBytes || current.last < current.first) return true;
    this.#finish();
    return this.#start(seq, offsets);
  }

  #write(buffers: Buffer[], length: number, seq: number, offsets: StreamOffsets): boolean {
    const current = this.#current!;
    try {
      writeFully(this.#io, this.#fd, buffers, length, current.size);
    } catch (error) {
      this.#fail(error, seq, offsets);
      return false;
    }
    noteRecord(current, seq, current.size);
    current.size += length;
    this.#fileBytes = Math.max(this.#fileBytes, current.size);
    return true;
  }

  #start(first: number, offsets: StreamOffsets): boolean {
    const { directory, streams, segments } = this.#options;
    const header = encodeSegmentHeader({
      first,
      streams: [...streams],
      offsets: [...offsets],
      lost: this.#lost,
      marks: this.#options.marks(),
    });
    const path = segmentPath(directory, first);
    try {
      this.#open(path, header.length);
      writeFully(this.#io, this.#fd, [header], header.length, 0);
    } catch (error) {
      this.#abandon(path);
      this.#fail(error, first, offsets);
      return false;
    }
    this.#current = {
      path,
      first,
      last: first - 1,
      start: [...offsets],
      end: [...offsets],
      recordsAt: header.length,
      size: header.length,
      lost: this.#lost,
      index: [],
    };
    this.#lost = null;
    segments.push(this.#current);
    return true;
  }

  /** A new file, or – at the limit, or when there is no space – the oldest one under the new name. */
  #open(path: string, headerBytes: number): void {
    const { directory, spillBytes, segments } = this.#options;
    if (!this.#hasDirectory) this.#io.mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#hasDirectory = true;
    const needed = Math.max(this.#segmentBytes, headerBytes + RECORD_HEAD_BYTES + this.#payloadBytes);
    let total = segments.reduce((bytes, segment) => bytes + segment.size, 0);
    const most = this.#squeezed ? total - 1 : spillBytes - needed;
    this.#squeezed = false;
    let reusable: Segment | undefined;
    while (total > most && segments.length > 0) {
      if (reusable !== undefined) this.#unlink(reusable);
      reusable = segments.shift()!;
      total -= reusable.size;
    }
    if (reusable !== undefined && this.#reuse(reusable, path)) return;
    this.#fd = this.#io.openSync(path, 'w', 0o600);
    this.#fileBytes = 0;
  }

  #abandon(path: string): void {
    this.#finish();
    try {
      this.#io.unlinkSync(path);
    } catch {
      // Never created, or it stays as a file whose header does not fit its name, which every reader ignores.
    }
  }

  #reuse(segment: Segment, path: string): boolean {
    try {
      this.#io.renameSync(segment.path, path);
    } catch (error) {
      // Removed meanwhile by whoever keeps the home within its limit.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
    this.#fd = this.#io.openSync(path, 'r+');
    this.#fileBytes = segment.size;
    return true;
  }

  #unlink(segment: Segment): void {
    try {
      this.#io.unlinkSync(segment.path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  #finish(): void {
    const current = this.#current;
    this.#current = undefined;
    if (this.#fd < 0) return;
    try {
      if (current !== undefined && this.#fileBytes > current.size) this.#io.ftruncateSync(this.#fd, current.size);
    } catch {
      // An old tail may stay: its seqs tell it from this segment's records.
    }
    this.#io.closeSync(this.#fd);
    this.#fd = -1;
  }

  #fail(error: unknown, seq: number, offsets: StreamOffsets): void {
    this.#fileBytes = Infinity; // A part of the failed write may be there.
    this.#finish();
    const first = this.#lost === null;
    this.#lost ??= { seq, offsets: [...offsets] };
    this.#passed = 0;
    if (!first) return;
    const code = (error as NodeJS.ErrnoException).code;
    const text = error instanceof Error ? error.message : String(error);
    this.#options.failed(
      new HoldfastError(
        code === 'ENOSPC' || code === 'EDQUOT' ? 'storage_full' : 'storage_error',
        `session output is no longer written to disk (${text}); it stays in memory and is tried again later`,
        { cause: error, details: { code: code ?? null, path: this.#options.directory } },
      ),
    );
  }
}

/** Writes it all: a short write is followed by what says why, or by the rest. */
function writeFully(io: SegmentFs, fd: number, buffers: Buffer[], length: number, position: number): void {
  let written = io.writevSync(fd, buffers, position);
  if (written === length) return;
  const all = Buffer.concat(buffers, length);
  while (written < length) {
    const count = io.writevSync(fd, [all.subarray(written)], position + written);
    if (count === 0) throw new HoldfastError('storage_error', 'the file system took no bytes and gave no reason');
    written += count;
  }
}
