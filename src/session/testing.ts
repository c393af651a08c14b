/** What the tests of this folder share: logs in temporary directories and data computed from its offset. */
import * as fs from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StreamId } from '../protocol/session/index.ts';
import { VirtualClock } from '../runtime/index.ts';
import type { LogCursor, LogItem, LogSource } from './contract.ts';
import { SessionLog, type SessionLogOptions } from './log.ts';

/** The byte of `stream` at `offset`. */
export function byteAt(stream: number, offset: number): number {
  return (Math.imul(offset, 2654435761) >>> 13) ^ (offset & 0xff) ^ (stream * 77);
}

export function bytesFrom(stream: number, from: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let i = 0; i < length; i++) bytes[i] = byteAt(stream, from + i) & 0xff;
  return bytes;
}

/** mulberry32: small, seeded, good enough to pick cases. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

export interface TestLog {
  log: SessionLog;
  directory: string;
  /** Appends the right bytes for the stream's head. */
  grow(stream: StreamId, length: number): void;
  remove(): void;
}

export function createTestLog(options: Partial<SessionLogOptions> = {}): TestLog {
  const home = mkdtempSync(join(tmpdir(), 'hfl-'));
  const directory = join(home, 'log');
  const log = new SessionLog({
    clock: new VirtualClock(),
    directory,
    streams: [1, 2],
    memoryBytes: 4096,
    spillBytes: 64 * 1024,
    segmentBytes: 8 * 1024,
    ...options,
  });
  return {
    log,
    directory,
    grow(stream, length) {
      const head = log.extents().find(({ id }) => id === stream)!.end;
      log.append(stream, bytesFrom(stream, head, length));
    },
    remove() {
      log.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Checks every item a cursor gives: bytes right at their offset, nothing twice, gaps exactly between. */
export class CheckedReader {
  readonly cursor: LogCursor;
  readonly at = new Map<StreamId, number>();
  readonly marks: LogItem[] = [];
  readonly gaps: Extract<LogItem, { type: 'gap' }>[] = [];
  bytes = 0;
  gapBytes = 0;
  #seq = 0;
  #ended = false;

  constructor(source: LogSource, offsets: Partial<Record<StreamId, number>>) {
    const streams = source.extents().flatMap(({ id }) => (offsets[id] === undefined ? [] : [id]));
    this.cursor = source.cursor(streams, { offsets });
    for (const stream of streams) this.at.set(stream, offsets[stream]!);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** One read; false when it gave nothing. */
  read(maxBytes: number): boolean {
    const items = this.cursor.read(maxBytes);
    let taken = 0;
    for (const item of items) {
      if (this.#ended) throw new Error(`a ${item.type} item after the end`);
      if (item.seq < this.#seq) throw new Error(`seq ${item.seq} after ${this.#seq}`);
      this.#seq = item.seq;
      if (item.type === 'data') taken += this.#data(item.stream, item.offset, item.bytes);
      else if (item.type === 'gap') this.#gap(item);
      else this.marks.push(item);
      if (item.type === 'end') this.#ended = true;
    }
    if (taken > maxBytes) throw new Error(`asked for ${maxBytes} bytes, got ${taken}`);
    return items.length > 0;
  }

  readAll(maxBytes = 1 << 20): this {
    while (this.read(maxBytes));
    return this;
  }

  #data(stream: StreamId, offset: number, bytes: Buffer): number {
    if (bytes.length === 0) throw new Error('an empty data item');
    this.#expect(stream, offset);
    if (!bytes.equals(bytesFrom(stream, offset, bytes.length)))
      throw new Error(`wrong bytes of stream ${stream} at ${offset}`);
    this.at.set(stream, offset + bytes.length);
    this.bytes += bytes.length;
    return bytes.length;
  }

  #gap(item: Extract<LogItem, { type: 'gap' }>): void {
    this.#expect(item.stream, item.from);
    if (item.to <= item.from) throw new Error(`an empty gap ${item.from}..${item.to}`);
    this.gaps.push(item);
    if (item.to === Infinity) return;
    this.at.set(item.stream, item.to);
    this.gapBytes += item.to - item.from;
  }

  #expect(stream: StreamId, offset: number): void {
    const at = this.at.get(stream);
    if (at !== offset) throw new Error(`stream ${stream} is at ${at}, the log gave ${offset}`);
  }
}

export function segmentFiles(directory: string): string[] {
  if (!fs.existsSync(directory)) return [];
  return fs
    .readdirSync(directory)
    .toSorted()
    .map((name) => join(directory, name));
}
