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
    const bell = new Bell();
    let link: SessionLink | undefined;
    try {
      link = await openQuietly(open, bell, signal);
      const isOver = link.hello.capabilities.includes(ARCHIVE);
      for (;;) {
        bell.reset();
        const { entries, next } = await abortable(
          link.request({ cmd: 'GetTranscript', from, limit: PAGE_COUNT }, 'Transcript'),
          signal,
        );
        backoff.reset();
        yield* entries;
        from = next;
        if (entries.length > 0) continue;
        if (!follow || isOver) return;
        await abortable(bell.rung, signal);
      }
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== 'unreachable' || error.details['final'] === true)
        throw error;
      last = error;
    } finally {
      link?.close();
    }
  }
  throw HoldfastError.from(last, 'unreachable');
}

function openQuietly(open: OpenLink, bell: Bell, signal: AbortSignal | undefined): Promise<SessionLink> {
  return open(
    {
      data() {},
      gap() {},
      event: ({ event }) => {
        if (event === 'TranscriptAdded') bell.ring();
      },
      // The next request tells why.
      closed: () => bell.ring(),
    },
    signal,
  );
}

/** Says once that there is something to look for. */
class Bell {
  rung!: Promise<void>;
  ring: () => void = () => {};

  constructor() {
    this.reset();
  }

  reset(): void {
    this.rung = new Promise((resolve) => {
      this.ring = resolve;
    });
  }
}
