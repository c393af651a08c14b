/**
 * A conversation as typed entries, one JSON object a line in `sessions/<id>/transcript`. The newest stay in memory;
 * older ones are read back from the file, of which only every 64th entry's place is kept.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { TRANSCRIPT_FILE, type TranscriptEntry } from '../../../protocol/agent/index.ts';
import type { EntryBody } from './contract.ts';

export interface TranscriptOptions {
  directory: string;
  now(): number;
  added(entry: TranscriptEntry): void;
  /** The file takes no more; the newest entries are in memory only from now on. */
  failed(reason: string): void;
  fileBytes?: number;
}

const FILE_BYTES = 64 * 1024 * 1024;
const KEPT_COUNT = 256;
const KEPT_BYTES = 1024 * 1024;
/** Every so many entries the place in the file is kept. */
const STRIDE = 64;
/** Of one reply: it has to fit a frame. */
const REPLY_BYTES = 512 * 1024;
const READ_BYTES = 64 * 1024;

interface Kept {
  entry: TranscriptEntry;
  bytes: number;
}

export class Transcript {
  readonly #options: TranscriptOptions;
  readonly #places: number[] = [];
  #fd: number | null = null;
  #kept: Kept[] = [];
  #keptBytes = 0;
  #size = 0;
  #next = 0;
  /** One past the last entry that the file has. */
  #written = 0;
  #stopped = false;

  constructor(options: TranscriptOptions) {
    this.#options = options;
    try {
      this.#fd = openSync(join(options.directory, TRANSCRIPT_FILE), 'wx+', 0o600);
    } catch (error) {
      this.#stop((error as Error).message);
    }
  }

  append(body: EntryBody, turn: string | null): TranscriptEntry {
    const entry: TranscriptEntry = { seq: this.#next++, at: this.#options.now(), turn, ...body };
    const bytes = Buffer.from(`${JSON.stringify(entry)}\n`);
    this.#write(entry.seq, bytes);
    this.#kept.push({ entry, bytes: bytes.length });
    this.#keptBytes += bytes.length;
    while (this.#kept.length > KEPT_COUNT || (this.#keptBytes > KEPT_BYTES && this.#kept.length > 1))
      this.#keptBytes -= this.#kept.shift()?.bytes ?? 0;
    this.#options.added(entry);
    return entry;
  }

  /** Entries from `from` on, at most `limit` and 512 KiB of them; `next` is where to go on. */
  read(from: number, limit: number): { entries: TranscriptEntry[]; next: number } {
    const entries: TranscriptEntry[] = [];
    let bytes = 0;
    const add = (entry: TranscriptEntry, length: number) => {
      if (entry.seq < from) return true;
      if (entries.length >= limit || (entries.length > 0 && bytes + length > REPLY_BYTES)) return false;
      entries.push(entry);
      bytes += length;
      return true;
    };
    const firstKept = this.#kept[0]?.entry.seq ?? this.#next;
    if (from < firstKept && !this.#readFile(from, firstKept, add)) return reply(entries, from);
    for (const { entry, bytes: length } of this.#kept) if (!add(entry, length)) break;
    return reply(entries, Math.min(from, this.#next));
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  #write(seq: number, bytes: Buffer): void {
    if (this.#fd === null || this.#stopped) return;
    if (this.#size + bytes.length > (this.#options.fileBytes ?? FILE_BYTES)) {
      this.#stop('it is full');
      return;
    }
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at, bytes.length - at, this.#size + at);
    } catch (error) {
      this.#stop((error as Error).message);
      return;
    }
    if (seq % STRIDE === 0) this.#places.push(this.#size);
    this.#size += bytes.length;
    this.#written = seq + 1;
  }

  /** What was written stays readable. */
  #stop(reason: string): void {
    this.#stopped = true;
    this.#options.failed(reason);
  }

  /** False: `add` wants no more. */
  #readFile(from: number, until: number, add: (entry: TranscriptEntry, bytes: number) => boolean): boolean {
    const fd = this.#fd;
    if (fd === null) return true;
    const last = Math.min(until, this.#written);
    let place = this.#places[Math.floor(from / STRIDE)] ?? this.#size;
    let rest = Buffer.alloc(0);
    while (place < this.#size) {
      const chunk = Buffer.alloc(Math.min(READ_BYTES, this.#size - place));
      const count = readSync(fd, chunk, 0, chunk.length, place);
      if (count === 0) break;
      place += count;
      rest = Buffer.concat([rest, chunk.subarray(0, count)]);
      for (let end = rest.indexOf(0x0a); end !== -1; end = rest.indexOf(0x0a)) {
        const entry = JSON.parse(rest.toString('utf8', 0, end)) as TranscriptEntry;
        if (entry.seq >= last) return true;
        if (!add(entry, end + 1)) return false;
        rest = rest.subarray(end + 1);
      }
    }
    return true;
  }
}

function reply(entries: TranscriptEntry[], from: number): { entries: TranscriptEntry[]; next: number } {
  return { entries, next: (entries.at(-1)?.seq ?? from - 1) + 1 };
}
