/** What every transport does, as tests over a factory. */
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import type { HoldfastError } from '../protocol/index.ts';
import { systemClock, withDeadline } from '../runtime/index.ts';
import type { Frame } from '../protocol/session/index.ts';
import type { Listener, Transport } from './contract.ts';
import { FrameConnection } from './frame-connection.ts';
import { LineConnection } from './line-connection.ts';

const DEADLINE_MS = 5_000;

/** Collects what a connection reports and lets a test wait for it. */
class Log<T> {
  readonly items: T[] = [];
  #wake: () => void = () => {};

  add(item: T): void {
    this.items.push(item);
    this.#wake();
  }

  async until(enough: (items: T[]) => boolean): Promise<T[]> {
    while (!enough(this.items)) {
      const changed = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await withDeadline(systemClock, DEADLINE_MS, changed, () => new Error(`still ${this.items.length} items`));
    }
    return this.items;
  }
}

type Closed = HoldfastError | null;

function frames(stream: Duplex, options: Partial<ConstructorParameters<typeof FrameConnection>[2]> = {}) {
  const got = new Log<Frame>();
  const closed = new Log<Closed>();
  const drained = new Log<true>();
  const refused = new Log<HoldfastError>();
  const connection = new FrameConnection(
    stream,
    {
      frame: (frame) => got.add(frame),
      drained: () => drained.add(true),
      refused: (error) => {
        refused.add(error);
        connection.sendJson({ event: 'Error', reason: error.code });
      },
      closed: (error) => closed.add(error),
    },
    { clock: systemClock, ...options },
  );
  return { connection, got, closed, drained, refused };
}

function lines(stream: Duplex, onLine: (line: string, connection: LineConnection) => void = () => {}) {
  const got = new Log<string>();
  const closed = new Log<Closed>();
  const connection: LineConnection = new LineConnection(
    stream,
    {
      line: (line) => {
        got.add(line.toString());
        onLine(line.toString(), connection);
      },
      closed: (error) => closed.add(error),
    },
    { clock: systemClock },
  );
  return { connection, got, closed };
}

export function transportContract(name: string, create: () => Transport): void {
  describe(`transport contract: ${name}`, () => {
    const opened: Duplex[] = [];
    const listeners: Listener[] = [];

    async function pair(): Promise<[Duplex, Duplex]> {
      const transport = create();
      const accepted = new Log<Duplex>();
      listeners.push(await transport.listen((stream) => accepted.add(stream)));
      const client = await transport.connect();
      const [server] = await accepted.until((items) => items.length === 1);
      opened.push(client, server!);
      return [client, server!];
    }

    afterEach(async () => {
      for (const stream of opened.splice(0)) stream.destroy();
      for (const listener of listeners.splice(0)) await listener.close();
    });

    it('carries frames of every kind in order', async () => {
      const [a, b] = await pair();
      const left = frames(a);
      const right = frames(b);
      const big = Buffer.alloc(64 * 1024, 7);
      left.connection.sendJson({ cmd: 'Ping' });
      left.connection.sendData(1, 5, big);
      left.connection.sendData(1, 5 + big.length, Buffer.from('x'));
      left.connection.sendGap(2, 1, Infinity, 'shim_lost');
      left.connection.sendInput(1, 2, Buffer.from('ls\n'));
      const got = await right.got.until((items) => items.length === 5);
      expect(got).toEqual([
        { kind: 'json', json: Buffer.from('{"cmd":"Ping"}') },
        { kind: 'data', stream: 1, offset: 5, bytes: big },
        { kind: 'data', stream: 1, offset: 5 + big.length, bytes: Buffer.from('x') },
        { kind: 'gap', stream: 2, from: 1, to: Infinity, reason: 'shim_lost' },
        { kind: 'input', epoch: 1, seq: 2, bytes: Buffer.from('ls\n') },
      ]);
    });

    it('sends what waits before it closes, and both sides hear of the end once', async () => {
      const [a, b] = await pair();
      const left = frames(a);
      const right = frames(b);
      for (let sent = 0; sent < 32; sent++) left.connection.sendData(1, sent * 65_536, Buffer.alloc(65_536, sent));
      left.connection.close();
      expect(left.connection.sendJson({ cmd: 'Ping' })).toBe(false);
      await right.closed.until((items) => items.length === 1);
      await left.closed.until((items) => items.length === 1);
      expect(right.got.items).toHaveLength(32);
      expect(right.closed.items).toEqual([null]);
      expect(left.closed.items).toEqual([null]);
    });

    it('says when to stop and when to go on', async () => {
      const [a, b] = await pair();
      const left = frames(a, { highWaterBytes: 128 * 1024 });
      b.pause();
      let sent = 0;
      while (left.connection.sendData(1, sent * 65_536, Buffer.alloc(65_536))) sent++;
      expect(sent).toBeGreaterThanOrEqual(1);
      expect(left.connection.writable).toBe(false);
      expect(left.drained.items).toHaveLength(0);
      const right = frames(b);
      b.resume();
      await left.drained.until((items) => items.length === 1);
      expect(left.connection.writable).toBe(true);
      await right.got.until((items) => items.length === sent + 1);
    });

    it('carries every byte at its offset to a reader that pauses at random', async () => {
      const seed = Date.now() % 2 ** 32;
      let state = seed;
      const below = (limit: number): number => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return Math.floor((state / 2 ** 32) * limit);
      };
      // Byte n of the stream is n modulo 251, a prime, so any shift shows.
      const pattern = Buffer.from(Array.from({ length: 65_536 + 251 }, (_, index) => index % 251));
      const [a, b] = await pair();
      const total = 8 * 1024 * 1024;
      let sent = 0;
      const pump = (): void => {
        for (let more = true; more && sent < total; ) {
          const size = Math.min(total - sent, below(4) === 0 ? 1 + below(100) : 1 + below(65_536));
          const start = sent % 251;
          more = sender.sendData(1, sent, pattern.subarray(start, start + size));
          sent += size;
        }
      };
      const sender: FrameConnection = new FrameConnection(
        a,
        { frame() {}, drained: pump, closed() {} },
        { clock: systemClock },
      );
      let at = 0;
      const done = new Log<number>();
      const reader: FrameConnection = new FrameConnection(
        b,
        {
          frame(frame) {
            if (frame.kind !== 'data' || frame.offset !== at) throw new Error(`seed ${seed}: frame at ${at} is wrong`);
            const start = at % 251;
            if (!frame.bytes.equals(pattern.subarray(start, start + frame.bytes.length))) {
              throw new Error(`seed ${seed}: bytes at ${at} are wrong`);
            }
            at += frame.bytes.length;
            if (at === total) done.add(at);
            if (below(20) > 0) return;
            reader.pause();
            setImmediate(() => reader.resume());
          },
          closed: (error) => done.add(error === null ? -1 : -2),
        },
        { clock: systemClock },
      );
      pump();
      expect(await done.until((items) => items.length > 0), `seed ${seed}`).toEqual([total]);
      expect(sender.queuedBytes).toBe(0);
    });

    it('ends a connection whose peer leaves too much unread', async () => {
      const [a, b] = await pair();
      const left = frames(a, { highWaterBytes: 65_536, maxQueuedBytes: 1024 * 1024 });
      b.pause();
      for (let sent = 0; sent < 64; sent++) left.connection.sendData(1, sent * 65_536, Buffer.alloc(65_536));
      const [error] = await left.closed.until((items) => items.length === 1);
      expect(error?.code).toBe('timeout');
      expect(error?.details).toEqual({ reason: 'write_timeout' });
    });

    it('ends a connection whose peer takes nothing for the deadline', async () => {
      const [a, b] = await pair();
      const left = frames(a, { writeMs: 50 });
      b.pause();
      for (let sent = 0; sent < 32; sent++) left.connection.sendData(1, sent * 65_536, Buffer.alloc(65_536));
      const [error] = await left.closed.until((items) => items.length === 1);
      expect(error?.details).toEqual({ reason: 'write_timeout' });
    });

    it('answers a malformed frame, closes, and hands on nothing after it', async () => {
      const [a, b] = await pair();
      const right = frames(b);
      const left = frames(a);
      a.write(Buffer.from([0, 0, 0, 1, 0x1f]));
      left.connection.sendJson({ cmd: 'Ping' });
      const [answer] = await left.got.until((items) => items.length === 1);
      expect(answer?.kind === 'json' && JSON.parse(answer.json.toString())).toEqual({
        event: 'Error',
        reason: 'bad_frame',
      });
      const [error] = await right.closed.until((items) => items.length === 1);
      expect(error?.code).toBe('bad_frame');
      expect(right.refused.items).toEqual([error]);
      expect(right.got.items).toEqual([]);
      await left.closed.until((items) => items.length === 1);
    });

    it('says so when a connection ends in the middle of a frame', async () => {
      const [a, b] = await pair();
      const right = frames(b);
      a.end(Buffer.from([0, 0, 0, 9, 0x7b]));
      const [error] = await right.closed.until((items) => items.length === 1);
      expect(error?.code).toBe('unreachable');
    });

    it('carries lines, however they are cut, without the blank ones', async () => {
      const [a, b] = await pair();
      const right = lines(b);
      a.write('{"a":1}\n\n  \r\n{"b"');
      await right.got.until((items) => items.length === 1);
      a.write(':2}\r\n');
      const got = await right.got.until((items) => items.length === 2);
      expect(got).toEqual(['{"a":1}', '{"b":2}\r']);
    });

    it('holds lines back while paused', async () => {
      const [a, b] = await pair();
      const right = lines(b, (_, connection) => connection.pause());
      a.write('{"a":1}\n{"b":2}\n{"c":3}\n');
      await right.got.until((items) => items.length === 1);
      right.connection.resume();
      expect(right.got.items).toHaveLength(2);
      right.connection.resume();
      expect(right.got.items).toHaveLength(3);
    });

    it('refuses a line over the bound with too_large', async () => {
      const [a, b] = await pair();
      const right = lines(b);
      const left = lines(a);
      a.write(Buffer.alloc(1024 * 1024 + 1, 0x20));
      const [error] = await right.closed.until((items) => items.length === 1);
      expect(error?.code).toBe('too_large');
      await left.closed.until((items) => items.length === 1);
    });

    it('carries a large line whole', async () => {
      const [a, b] = await pair();
      const right = lines(b);
      const left = lines(a);
      left.connection.send({ text: 'é'.repeat(500_000) });
      left.connection.send({ after: true });
      const got = await right.got.until((items) => items.length === 2);
      expect(JSON.parse(got[0]!)).toEqual({ text: 'é'.repeat(500_000) });
    });

    it('reports a peer that is gone', async () => {
      const [a, b] = await pair();
      const left = frames(a);
      b.destroy();
      await left.closed.until((items) => items.length === 1);
      expect(left.connection.sendJson({ cmd: 'Ping' })).toBe(false);
    });
  });
}
