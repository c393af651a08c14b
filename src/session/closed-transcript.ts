/** The conversation that a structured agent's shim left behind, read back a page at a time with bounded memory. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { TranscriptEntry } from '../protocol/agent/index.ts';
import { HoldfastError } from '../protocol/errors.ts';
import { FRAME_BYTES } from '../protocol/limits.ts';

export interface TranscriptPage {
  entries: TranscriptEntry[];
  /** Where to go on. */
  next: number;
}

/** The place of every so many entries is kept, so that a page does not begin with reading all before it. */
const STRIDE = 64;
/** Of one page: it has to fit a frame. */
const PAGE_BYTES = 512 * 1024;
const READ_BYTES = 64 * 1024;
/** What else is in the frame of an entry. */
const ENVELOPE_BYTES = 4 * 1024;

/** One reader's; pages are asked for one after the other. */
export class ClosedTranscript {
  readonly #path: string;
  readonly #places: number[] = [0];

  /** `path` of `sessions/<id>/transcript`; may be missing: then there are no entries. */
  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Entries from `from` on, at most `limit` and 512 KiB of them, and one at least where there is one. The first line that
   * is no entry of its number, a torn tail, is the end. Rejects with `storage_error`.
   */
  async page(from: number, limit: number): Promise<TranscriptPage> {
    let file: FileHandle | undefined;
    try {
      // The agent could put a pipe there, whose opening waits for a writer.
      file = await open(this.#path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
      if (!(await file.stat()).isFile()) throw new Error(`${this.#path} is no file`);
      return await this.#read(file, from, limit);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { entries: [], next: 0 };
      throw HoldfastError.from(error, 'storage_error');
    } finally {
      await file?.close();
    }
  }

  async #read(file: FileHandle, from: number, limit: number): Promise<TranscriptPage> {
    const entries: TranscriptEntry[] = [];
    const stride = Math.min(Math.floor(from / STRIDE), this.#places.length - 1);
    let seq = stride * STRIDE;
    let bytes = 0;
    for await (const { line, end } of linesOf(file, this.#places[stride] ?? 0)) {
      if (seq >= from) {
        bytes += line.length;
        if (entries.length === limit || (entries.length > 0 && bytes > PAGE_BYTES)) break;
        const entry = entryOf(line, seq);
        if (entry === null) break;
        entries.push(entry);
      }
      seq++;
      if (seq === this.#places.length * STRIDE) this.#places.push(end);
    }
    return { entries, next: Math.min(seq, from + entries.length) };
  }
}

/** Whole lines from the byte `at` on, each with where the next one begins; what is longer than any entry ends them. */
async function* linesOf(file: FileHandle, at: number): AsyncGenerator<{ line: Buffer; end: number }> {
  const chunk = Buffer.alloc(READ_BYTES);
  let rest: Buffer = Buffer.alloc(0);
  while (rest.length < FRAME_BYTES - ENVELOPE_BYTES) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, at + rest.length);
    if (bytesRead === 0) return;
    rest = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
    let start = 0;
    for (let end = rest.indexOf(0x0a); end !== -1; end = rest.indexOf(0x0a, start)) {
      yield { line: rest.subarray(start, end), end: at + end + 1 };
      start = end + 1;
    }
    at += start;
    rest = rest.subarray(start);
  }
}

function entryOf(line: Buffer, seq: number): TranscriptEntry | null {
  try {
    const entry = JSON.parse(line.toString()) as TranscriptEntry | null;
    return entry?.seq === seq && typeof entry.entry === 'string' ? entry : null;
  } catch {
    return null; // Torn: the shim died while it was written.
  }
}
