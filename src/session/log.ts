/** The log of a live session: written by its shim, read through cursors. */
import { HoldfastError } from '../protocol/errors.ts';
import type { EndCause, ExitFact, HolderFact, StreamExtent, StreamId } from '../protocol/session/index.ts';
import type { Clock } from '../runtime/index.ts';
import type { CursorStart, LogCursor, LogSource } from './contract.ts';
import type { Mark } from './record.ts';
import type { SegmentFs, StreamOffsets } from './segment.ts';
import { SpillWriter } from './spill.ts';
import { LogView } from './view.ts';

export interface SessionLogOptions {
  clock: Clock;
  /** `sessions/<id>/log`; created (0700) with the first record when spill is on. */
  directory: string;
  /** Output streams: 1, or 1 and 2. */
  streams: readonly StreamId[];
  /** Newest bytes held in memory, per stream. */
  memoryBytes: number;
  /** Most bytes on disk; 0 turns spill off. */
  spillBytes: number;
  segmentBytes: number;
  /** Told each time spilling stops (`storage_full`, `storage_error`); the log goes on in memory. */
  onSpillFailed?: (error: HoldfastError) => void;
  /** File operations; a test puts failing ones in. */
  io?: SegmentFs;
}

export interface LogMetrics {
  /** Bytes appended, over all streams. */
  bytes: number;
  /** Bytes nobody can read any more. */
  dropped_bytes: number;
  /** Bytes written to disk, whether still there or not. */
  spilled_bytes: number;
  memory_bytes: number;
  records: number;
}

/**
 * Append-only; every entry gets the next seq, every byte the next offset of its stream. An entry is on disk (as far as
 * the disk takes it) before `onAppend` tells of it, and `onAppend` tells within the call: no latency is added here.
 */
export class SessionLog implements LogSource {
  readonly #clock: Clock;
  readonly #view: LogView;
  readonly #spill: SpillWriter | undefined;
  readonly #heads: StreamOffsets = [0, 0, 0];
  readonly #eofs = new Set<StreamId>();

  constructor(options: SessionLogOptions) {
    this.#clock = options.clock;
    this.#view = new LogView(options.streams, options.memoryBytes);
    if (options.spillBytes > 0) {
      this.#spill = new SpillWriter({
        directory: options.directory,
        segmentBytes: options.segmentBytes,
        spillBytes: options.spillBytes,
        segments: this.#view.segments,
        streams: options.streams,
        marks: () => this.#view.marks,
        failed: options.onSpillFailed ?? (() => {}),
        ...(options.io === undefined ? {} : { io: options.io }),
      });
      const spill = this.#spill;
      this.#view.unspilledReason = () => (spill.failing ? 'spill_failed' : 'retention');
    }
  }

  get ended(): boolean {
    return this.#view.ended;
  }

  /** Whether output goes to disk; `failed` while the disk refuses it. */
  get spill(): 'on' | 'off' | 'failed' {
    if (this.#spill === undefined) return 'off';
    return this.#spill.failing ? 'failed' : 'on';
  }

  /** Whether the disk holds all that memory holds. */
  get isOnDisk(): boolean {
    return this.#view.streams.every((stream) => {
      const { start, end, heldBytes } = this.#view.window(stream);
      return this.#view.spilledBefore(stream, end) - this.#view.spilledBefore(stream, start) === heldBytes;
    });
  }

  /** Takes ownership of `bytes`: they must not change afterwards. */
  append(stream: StreamId, bytes: Buffer): void {
    if (bytes.length === 0) return;
    const window = this.#view.window(stream);
    if (this.ended || this.#eofs.has(stream)) throw closedLog(`bytes of stream ${stream} after its eof`);
    const first = this.#view.nextSeq;
    const ms = this.#clock.now();
    const count = this.#spill?.recordCount(bytes.length) ?? 1;
    this.#spill?.writeData(stream, first, ms, this.#heads, bytes);
    window.push(bytes, first, first + count - 1, ms);
    this.#heads[stream] = window.end;
    this.#view.nextSeq = first + count;
    this.#view.appended();
  }

  /** The terminal's size from here on. */
  resize(rows: number, cols: number): void {
    const stream = this.#view.streams[0]!;
    this.#mark({ ...this.#stamp(), type: 'resize', stream, offset: this.#heads[stream], rows, cols });
  }

  childExit(exit: ExitFact): void {
    this.#mark({ ...this.#stamp(), type: 'child_exit', exit });
  }

  /** No byte of `stream` follows. A second call does nothing. */
  eof(stream: StreamId): void {
    this.#view.window(stream);
    if (this.#eofs.has(stream)) return;
    this.#eofs.add(stream);
    this.#mark({ ...this.#stamp(), type: 'eof', stream, offset: this.#heads[stream] });
  }

  /** The last entry. */
  end(cause: EndCause, survivors: HolderFact[]): void {
    this.#mark({ ...this.#stamp(), type: 'end', cause, survivors });
  }

  extents(): StreamExtent[] {
    return this.#view.extents();
  }

  cursor(streams: readonly StreamId[], start: CursorStart): LogCursor {
    return this.#view.cursor(streams, start);
  }

  onAppend(changed: () => void): () => void {
    return this.#view.onAppend(changed);
  }

  metrics(): LogMetrics {
    let bytes = 0;
    let held = 0;
    let memory = 0;
    for (const stream of this.#view.streams) {
      const window = this.#view.window(stream);
      bytes += window.end;
      memory += window.heldBytes;
      held += window.heldBytes + this.#view.spilledBefore(stream, window.start);
    }
    return {
      bytes,
      dropped_bytes: bytes - held,
      spilled_bytes: this.#spill?.spilled ?? 0,
      memory_bytes: memory,
      records: this.#view.nextSeq - 1,
    };
  }

  /** Gives the files back; reading goes on. Everything appended is already with the kernel: there is nothing to flush. */
  close(): void {
    this.#spill?.close();
  }

  #stamp(): { seq: number; ms: number } {
    return { seq: this.#view.nextSeq, ms: this.#clock.now() };
  }

  #mark(mark: Mark): void {
    if (this.ended) throw closedLog(`a ${mark.type} record after the end record`);
    this.#spill?.writeMark(mark, this.#heads);
    this.#view.addMark(mark);
    this.#view.nextSeq = mark.seq + 1;
    this.#view.appended();
  }
}

function closedLog(what: string): HoldfastError {
  return new HoldfastError('internal', `${what}: the log takes nothing more`);
}
