/**
 * What became of each message, as an append-only file (`OutcomeLine` a line): the line comes before the act it names,
 * so that whoever finds the file knows what had begun. In memory is only where each message's last line stands.
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError } from '../../protocol/errors.ts';
import { MESSAGES_KEPT_COUNT, RESPONSE_BYTES } from '../../protocol/limits.ts';
import { type MessagePhase, OUTCOMES_FILE, type OutcomeLine } from '../../protocol/agent/index.ts';
import type { Faults } from '../../runtime/index.ts';

interface Place {
  at: number;
  length: number;
}

export class Outcomes {
  readonly #fd: number;
  readonly #faults: Faults;
  readonly #places = new Map<string, Place>();
  #size: number;

  /** Opens the file of `directory`, made if it is not there. Throws `storage_error`. */
  constructor(directory: string, faults: Faults) {
    const path = join(directory, OUTCOMES_FILE);
    this.#faults = faults;
    try {
      this.#fd = openSync(path, 'a+', 0o600);
      this.#size = fstatSync(this.#fd).size;
      if (this.#size > 0) this.#read(readFileSync(path));
    } catch (error) {
      throw storageError(error);
    }
  }

  /** The last line about a message; null: none, or so long ago that it is no longer kept. */
  find(messageId: string): OutcomeLine | null {
    const place = this.#places.get(messageId);
    if (place === undefined) return null;
    const bytes = Buffer.alloc(place.length);
    readSync(this.#fd, bytes, 0, place.length, place.at);
    return parseLine(bytes.toString('utf8'));
  }

  /** With the kernel when this returns. Throws `storage_full` or `storage_error`. */
  append(line: OutcomeLine): void {
    this.#faults.hit('shim.outcome.before');
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
    } catch (error) {
      throw storageError(error);
    }
    this.#note(line.message_id, { at: this.#size, length: bytes.length });
    this.#size += bytes.length;
    this.#faults.hit('shim.outcome.after');
  }

  close(): void {
    closeSync(this.#fd);
  }

  #read(file: Buffer): void {
    for (let at = 0; at < file.length; ) {
      const newline = file.indexOf(0x0a, at);
      const end = newline === -1 ? file.length : newline + 1;
      const line = parseLine(file.toString('utf8', at, end));
      if (line !== null) this.#note(line.message_id, { at, length: end - at });
      at = end;
    }
    // A torn last line would swallow the first one that is appended.
    if (file.at(-1) !== 0x0a) this.#size += writeSync(this.#fd, '\n');
  }

  #note(messageId: string, place: Place): void {
    this.#places.delete(messageId);
    this.#places.set(messageId, place);
    if (this.#places.size <= MESSAGES_KEPT_COUNT) return;
    const [oldest] = this.#places.keys();
    if (oldest !== undefined) this.#places.delete(oldest);
  }
}

/** Whether nothing more comes of a message whose last line says this. */
export function isClosed(phase: MessagePhase): boolean {
  return phase !== 'taken' && phase !== 'pasting' && phase !== 'submitting' && phase !== 'delivered';
}

/** At most `RESPONSE_BYTES` of `text`, cut between characters, the end of it. */
export function cutResponse(text: string): { response: string; truncated: boolean } {
  const bytes = Buffer.from(text);
  if (bytes.length <= RESPONSE_BYTES) return { response: text, truncated: false };
  let start = bytes.length - RESPONSE_BYTES;
  while (start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start++;
  return { response: bytes.toString('utf8', start), truncated: true };
}

function parseLine(text: string): OutcomeLine | null {
  try {
    const line = JSON.parse(text) as Partial<OutcomeLine> | null;
    return line?.outcome === 1 && typeof line.message_id === 'string' ? (line as OutcomeLine) : null;
  } catch {
    // Torn by the end of its writer: the line before it stands.
    return null;
  }
}

function storageError(error: unknown): HoldfastError {
  const { code, message } = error as NodeJS.ErrnoException;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new HoldfastError(
    full ? 'storage_full' : 'storage_error',
    full
      ? 'no space is left for the outcomes of messages; free some and try again'
      : `cannot keep outcomes: ${message}`,
    { details: { errno: code ?? null }, cause: error },
  );
}
