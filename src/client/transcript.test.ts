import { expect, it } from 'vitest';
import type { TranscriptEntry } from '../protocol/agent/index.ts';
import { HoldfastError } from '../protocol/index.ts';
import type { SessionCommand, SessionEvent } from '../protocol/session/index.ts';
import { systemClock } from '../runtime/index.ts';
import type { LinkHandlers, OpenLink, SessionLink } from './session-link.ts';
import { readTranscript } from './transcript.ts';

const note = (seq: number): TranscriptEntry => ({ seq, at: 0, turn: null, entry: 'note', text: String(seq) });

/** A session with a transcript; its connections can be cut. */
class FakeSession {
  readonly entries: TranscriptEntry[] = [];
  readonly asked: number[] = [];
  opened = 0;
  over = false;
  forgets = false;
  #handlers: LinkHandlers | undefined;
  #reject: (error: Error) => void = () => {};

  readonly open: OpenLink = (handlers) => {
    this.opened++;
    this.#handlers = handlers;
    const gone = new Promise<never>((_, reject) => {
      this.#reject = reject;
    });
    gone.catch(() => undefined);
    const link = {
      hello: { capabilities: this.over ? ['archive'] : [] },
      request: (command: SessionCommand) => Promise.race([gone, this.#answer(command)]),
      close() {},
    };
    return Promise.resolve(link as unknown as SessionLink);
  };

  add(entry: TranscriptEntry): void {
    this.entries.push(entry);
    this.#handlers?.event({ event: 'TranscriptAdded', entry });
  }

  cut(): void {
    this.#reject(new HoldfastError('unreachable', 'cut'));
    this.#handlers?.closed(undefined);
    this.#handlers = undefined;
  }

  #answer(command: SessionCommand): Promise<SessionEvent> {
    if (command.cmd !== 'GetTranscript') throw new Error(command.cmd);
    this.asked.push(command.from);
    if (this.over && this.forgets) return Promise.reject(new HoldfastError('session_exited', 'over'));
    const entries = this.entries.filter(({ seq }) => seq >= command.from).slice(0, Math.min(command.limit, 2));
    return Promise.resolve({ event: 'Transcript', entries, next: (entries.at(-1)?.seq ?? command.from - 1) + 1 });
  }
}

async function take(stream: AsyncGenerator<TranscriptEntry>, count: number): Promise<number[]> {
  const seen: number[] = [];
  while (seen.length < count) {
    const { value, done } = await stream.next();
    if (done === true) break;
    seen.push(value.seq);
  }
  return seen;
}

it('reads page after page to the end', async () => {
  const session = new FakeSession();
  for (let seq = 0; seq < 5; seq++) session.add(note(seq));
  expect(await take(readTranscript(session.open, systemClock, { from: 1 }), 99)).toEqual([1, 2, 3, 4]);
  expect(session.asked).toEqual([1, 3, 5]);
});

it('follows: each entry once, over a lost connection, until the session is over', async () => {
  const session = new FakeSession();
  session.add(note(0));
  const stream = readTranscript(session.open, systemClock, { follow: true });
  expect(await take(stream, 1)).toEqual([0]);
  const next = take(stream, 2);
  setImmediate(() => {
    session.add(note(1));
    session.cut();
    session.add(note(2));
  });
  expect(await next).toEqual([1, 2]);
  expect(session.opened).toBeGreaterThan(1);
  const rest = take(stream, 9);
  setImmediate(() => {
    session.over = true;
    session.entries.push(note(3));
    session.cut();
  });
  expect(await rest).toEqual([3]);
});

it('has what was told before the session went, also where nobody keeps it afterwards', async () => {
  const session = new FakeSession();
  const stream = readTranscript(session.open, systemClock, { follow: true });
  const all = take(stream, 9);
  setImmediate(() => {
    session.forgets = true;
    session.add(note(0));
    session.add(note(1));
    session.over = true;
    session.cut();
  });
  expect(await all).toEqual([0, 1]);
  const again = readTranscript(session.open, systemClock, {});
  await expect(again.next()).rejects.toMatchObject({ code: 'session_exited' });
});

it('ends with the reader’s signal', async () => {
  const stop = new AbortController();
  const session = new FakeSession();
  const stream = readTranscript(session.open, systemClock, { follow: true, signal: stop.signal });
  const waiting = stream.next();
  setImmediate(() => stop.abort(new Error('enough')));
  await expect(waiting).rejects.toThrow('enough');
});

it('says what the session refuses', async () => {
  const open: OpenLink = () =>
    Promise.resolve({
      hello: { capabilities: [] },
      request: () => Promise.reject(new HoldfastError('conflict', 'no transcript')),
      close() {},
    } as unknown as SessionLink);
  await expect(readTranscript(open, systemClock, {}).next()).rejects.toMatchObject({ code: 'conflict' });
});
