import type { TranscriptEntry } from '../protocol/agent/index.ts';
import { HoldfastError } from '../protocol/index.ts';
import type { Clock } from '../runtime/index.ts';
import { abortable, Backoff } from './backoff.ts';
import type { OpenLink, SessionLink } from './session-link.ts';

export interface TranscriptOptions {
  /** The first entry wanted, by its number; default 0. */
  from?: number | undefined;
  /** Go on with what is added until the session has ended. */
  follow?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

const PAGE_COUNT = 200;
/** Told entries that may wait for the reader; with more of them it asks again. */
const TOLD_COUNT = 1_024;
const RECONNECT_MS = 60_000;
/** The socket that serves it is srv's archive: nothing is added any more. */
const ARCHIVE = 'archive';

/** A structured agent's conversation, each entry once, over any number of lost connections. */
export async function* readTranscript(
  open: OpenLink,
  clock: Clock,
  options: TranscriptOptions,
): AsyncGenerator<TranscriptEntry, void, undefined> {
  const { follow = false, signal } = options;
  const backoff = new Backoff(clock, { firstMs: 10, maxMs: 500, deadlineMs: RECONNECT_MS });
  let from = options.from ?? 0;
  let last: unknown;
  while (await backoff.turn(signal)) {
    const told = new Told();
    let link: SessionLink | undefined;
    try {
      link = await openQuietly(open, told, signal);
      const isOver = link.hello.capabilities.includes(ARCHIVE);
      for (;;) {
        const page = await abortable(pageOf(link, from, isOver && follow), signal);
        backoff.reset();
        yield* page.entries;
        from = page.next;
        if (page.entries.length > 0) continue;
        if (!follow || isOver) return;
        // What is told in its order need not be asked for, and is here although the session may be gone by now.
        for (let entry = told.take(from); entry !== undefined; entry = told.take(from)) {
          yield entry;
          from = entry.seq + 1;
        }
        await abortable(told.more(), signal);
      }
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== 'unreachable' || error.details['final'] === true)
        throw error;
      for (let entry = told.take(from); follow && entry !== undefined; entry = told.take(from)) {
        yield entry;
        from = entry.seq + 1;
      }
      last = error;
    } finally {
      link?.close();
    }
  }
  throw HoldfastError.from(last, 'unreachable');
}

/** An archive that keeps no transcripts is the end of one that was followed. */
async function pageOf(
  link: SessionLink,
  from: number,
  mayEnd: boolean,
): Promise<{ entries: TranscriptEntry[]; next: number }> {
  try {
    return await link.request({ cmd: 'GetTranscript', from, limit: PAGE_COUNT }, 'Transcript');
  } catch (error) {
    if (mayEnd && HoldfastError.from(error).code === 'session_exited') return { entries: [], next: from };
    throw error;
  }
}

function openQuietly(open: OpenLink, told: Told, signal: AbortSignal | undefined): Promise<SessionLink> {
  return open(
    {
      data() {},
      gap() {},
      event: (event) => {
        if (event.event === 'TranscriptAdded') told.add(event.entry);
      },
      // The next request tells why.
      closed: () => told.ring(),
    },
    signal,
  );
}

/** Entries the session told of by itself. */
class Told {
  #entries: TranscriptEntry[] = [];
  #rung = false;
  #wake: () => void = () => {};

  add(entry: TranscriptEntry): void {
    this.#entries.push(entry);
    if (this.#entries.length > TOLD_COUNT) this.#entries = [];
    this.ring();
  }

  ring(): void {
    this.#rung = true;
    this.#wake();
  }

  /** Entry number `seq`, if it was told; those before it are forgotten. */
  take(seq: number): TranscriptEntry | undefined {
    while (this.#entries.length > 0 && this.#entries[0]!.seq < seq) this.#entries.shift();
    return this.#entries[0]?.seq === seq ? this.#entries.shift() : undefined;
  }

  /** Resolves when there was something since the last call. */
  async more(): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#rung = false;
  }
}
