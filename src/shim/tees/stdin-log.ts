/** What was written to the child's stdin, kept only for those who follow stream 0 and only as far as they may lag. */
import { HoldfastError } from '../../protocol/errors.ts';
import { LOG_MEMORY_BYTES } from '../../protocol/limits.ts';
import {
  type EndCause,
  type HolderFact,
  STDIN,
  type StreamExtent,
  type StreamId,
} from '../../protocol/session/index.ts';
import type { CursorStart, LogCursor, LogItem, LogSource } from '../../session/contract.ts';
import type { Clock } from '../../runtime/index.ts';

interface Chunk {
  offset: number;
  bytes: Buffer;
  seq: number;
  ms: number;
}

export class StdinLog implements LogSource {
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  #cursors = 0;
  #chunks: Chunk[] = [];
  #start = 0;
  #end = 0;
  #seq = 0;
  #ending: Extract<LogItem, { type: 'end' }> | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  append(bytes: Buffer): void {
    const offset = this.#end;
    this.#end += bytes.length;
    if (this.#cursors === 0) {
      this.#start = this.#end;
      this.#chunks = [];
      return;
    }
    this.#chunks.push({ offset, bytes, seq: ++this.#seq, ms: this.#clock.now() });
    while (this.#end - this.#start > LOG_MEMORY_BYTES && this.#chunks.length > 1) {
      this.#chunks.shift();
      this.#start = this.#chunks[0]?.offset ?? this.#end;
    }
    for (const changed of this.#listeners) changed();
  }

  /** The session is over. */
  end(cause: EndCause, survivors: HolderFact[]): void {
    this.#ending = { type: 'end', seq: ++this.#seq, cause, survivors };
    for (const changed of this.#listeners) changed();
  }

  get ended(): boolean {
    return this.#ending !== null;
  }

  extents(): StreamExtent[] {
    return [{ id: STDIN, start: this.#start, end: this.#end }];
  }

  cursor(streams: readonly StreamId[], start: CursorStart): LogCursor {
    if (streams.length !== 1 || streams[0] !== STDIN)
      throw new HoldfastError('stream_unavailable', 'only stdin is here', { field: 'stream' });
    const at = start.offsets[STDIN] ?? this.#end;
    if (at > this.#end)
      throw new HoldfastError('offset_ahead', `stdin has ${this.#end} bytes, not ${at}`, { field: 'from' });
    this.#cursors++;
    return this.#cursorAt(at);
  }

  onAppend(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => void this.#listeners.delete(changed);
  }

  #cursorAt(from: number): LogCursor {
    let at = from;
    let open = true;
    let told = false;
    const read = (maxBytes: number): LogItem[] => {
      const items: LogItem[] = [];
      if (at < this.#start) {
        items.push({ type: 'gap', seq: this.#seq, stream: STDIN, from: at, to: this.#start, reason: 'retention' });
        at = this.#start;
      }
      let room = maxBytes;
      for (const chunk of this.#chunks) {
        if (chunk.offset + chunk.bytes.length <= at || room <= 0) continue;
        const bytes = chunk.bytes.subarray(at - chunk.offset, at - chunk.offset + room);
        items.push({ type: 'data', seq: chunk.seq, stream: STDIN, offset: at, bytes, ms: chunk.ms });
        at += bytes.length;
        room -= bytes.length;
      }
      if (this.#ending !== null && at === this.#end && !told) {
        told = true;
        items.push(this.#ending);
      }
      return items;
    };
    return {
      read: (maxBytes) => (open ? read(maxBytes) : []),
      position: () => at,
      lag: () => this.#end - at,
      close: () => {
        if (open) this.#cursors--;
        open = false;
      },
    };
  }
}
