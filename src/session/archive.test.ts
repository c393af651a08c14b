import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HoldfastError } from '../protocol/errors.ts';
import type { Frame, SessionCommand, SessionEvent } from '../protocol/session/index.ts';
import { systemClock, VirtualClock } from '../runtime/index.ts';
import { connectUnix, FrameConnection, listenUnix } from '../transport/index.ts';
import { type ClosedSession, ClosedSessionServer, type ClosedSessionServerOptions } from './archive.ts';
import { openClosedLog } from './closed.ts';
import { bytesFrom, createTestLog } from './testing.ts';

const exit = { code: 3, signal: null, outcome: 'natural_exit', at_ms: 5 } as const;
const LENGTH = 3_000_000;

function closedSession(): ClosedSession {
  const made = createTestLog({ streams: [1], spillBytes: 64 << 20, segmentBytes: 1 << 20 });
  onTestFinished(() => made.remove());
  made.log.resize(24, 80);
  for (let left = LENGTH; left > 0; left -= 50_000) made.grow(1, 50_000);
  made.log.childExit(exit);
  made.log.eof(1);
  made.log.end('child', []);
  made.log.close();
  return {
    session_id: 'S1',
    kind: 'pty',
    log: openClosedLog({ directory: made.directory, streams: [1] }),
    shim_pid: 1,
    start_time: 2,
    boot_id: 'b',
    version: '0',
    child: {
      pid: 5,
      start_time: 6,
      state: 'ended',
      exit,
      held_by: [],
      rows: 24,
      cols: 80,
      containment: 'tree',
      throttled: null,
      spill: 'on',
    },
    ended_at_ms: 1000,
    agent: null,
  };
}

class Client {
  readonly frames: Frame[] = [];
  readonly events: SessionEvent[] = [];
  closed = false;
  #connection: FrameConnection;
  #wake: () => void = () => {};

  constructor(stream: ConstructorParameters<typeof FrameConnection>[0]) {
    this.#connection = new FrameConnection(
      stream,
      {
        frame: (frame) => {
          if (frame.kind === 'json') this.events.push(JSON.parse(frame.json.toString()) as SessionEvent);
          else this.frames.push(frame);
          this.#wake();
        },
        closed: () => {
          this.closed = true;
          this.#wake();
        },
      },
      { clock: systemClock },
    );
    onTestFinished(() => this.#connection.destroy());
  }

  send(command: SessionCommand): void {
    this.#connection.sendJson(command);
  }

  input(): void {
    this.#connection.sendInput(0, 1, Buffer.from('x'));
  }

  hello(token = 'secret', session_id: string | undefined = 'S1'): void {
    this.send({
      cmd: 'Hello',
      protocol: [1, 1],
      client_id: 'c',
      token,
      role: 'client',
      id: 'h',
      ...(session_id === undefined ? {} : { session_id }),
    });
  }

  async until(done: () => boolean, what: string): Promise<void> {
    const deadline = systemClock.monotonic() + 5000;
    while (!done()) {
      await new Promise<void>((resolve, reject) => {
        const cancel = systemClock.after(deadline - systemClock.monotonic(), () =>
          reject(new Error(`no ${what}: ${JSON.stringify(this.events)}`)),
        );
        this.#wake = () => {
          cancel();
          resolve();
        };
      });
    }
  }

  async event<N extends SessionEvent['event']>(name: N): Promise<Extract<SessionEvent, { event: N }>> {
    await this.until(() => this.events.some(({ event }) => event === name), name);
    return this.events.find(({ event }) => event === name) as Extract<SessionEvent, { event: N }>;
  }
}

async function serve(
  options: Partial<ClosedSessionServerOptions> = {},
): Promise<{ server: ClosedSessionServer; connect: () => Promise<Client> }> {
  const session = closedSession();
  const server = new ClosedSessionServer({
    clock: systemClock,
    token: 'secret',
    find(id) {
      if (id === 'S1') return session;
      throw new HoldfastError('not_found', `no session ${id}`, { field: 'session_id' });
    },
    ...options,
  });
  const home = mkdtempSync(join(tmpdir(), 'hfa-'));
  const path = join(home, 'a.sock');
  const listener = await listenUnix(path, (stream) => server.accept(stream), { clock: systemClock });
  onTestFinished(async () => {
    server.close();
    await listener.close();
    rmSync(home, { recursive: true, force: true });
  });
  return { server, connect: async () => new Client(await connectUnix(path, { clock: systemClock })) };
}

describe('ClosedSessionServer', () => {
  it('gives an observer every byte, then exit, eof, end and the reason it is over', async () => {
    const { connect } = await serve();
    const client = await connect();
    client.hello();
    expect(await client.event('Hello')).toMatchObject({
      id: 'h',
      session_id: 'S1',
      streams: [{ id: 1, start: 0, end: LENGTH }],
      child: { exit },
    });
    client.send({ cmd: 'Attach', from: 'start', mode: 'observe', credit: 1_000_000, id: 1 });
    expect(await client.event('Attached')).toMatchObject({ id: 1, live_from: LENGTH, streams: [{ from: 0 }] });
    client.send({ cmd: 'Credit', bytes: LENGTH });
    expect(await client.event('Ended')).toEqual({ event: 'Ended', reason: 'session_exited' });
    let at = 0;
    for (const frame of client.frames) {
      if (frame.kind !== 'data') throw new Error(`a ${frame.kind} frame`);
      expect(frame.offset).toBe(at);
      if (!frame.bytes.equals(bytesFrom(1, at, frame.bytes.length))) throw new Error(`wrong bytes at ${at}`);
      at += frame.bytes.length;
    }
    expect(at).toBe(LENGTH);
    expect(client.events.map(({ event }) => event)).toEqual([
      'Hello',
      'Attached',
      'Resized',
      'ChildExit',
      'Eof',
      'End',
      'Ended',
    ]);
  });

  it('answers backlog, state and ping, and session_exited to all that needs a live session', async () => {
    const { connect } = await serve();
    const client = await connect();
    client.hello();
    client.send({ cmd: 'Backlog', stream: 1, id: 1 });
    client.send({ cmd: 'GetState', id: 2 });
    client.send({ cmd: 'Ping', id: 3 });
    const refused: SessionCommand[] = [
      { cmd: 'Attach', from: 'start', mode: 'exclusive', credit: 1, id: 10 },
      { cmd: 'Attach', from: 'start', mode: 'drive', credit: 1, id: 11 },
      { cmd: 'WriteStdin', data: 'eA==', id: 12 },
      { cmd: 'Terminate', grace_ms: 1, id: 13 },
      { cmd: 'Resize', rows: 1, cols: 1, id: 14 },
      { cmd: 'Lease', action: 'take', id: 15 },
      { cmd: 'CaptureScreen', id: 16 },
      { cmd: 'GetAgent', id: 17 },
      { cmd: 'Explain', id: 18 },
    ];
    for (const command of refused) client.send(command);
    client.input();
    await client.until(
      () => client.events.filter(({ event }) => event === 'Error').length === refused.length + 1,
      'errors',
    );
    const snapshots = client.events.flatMap((event) => (event.event === 'BacklogSnapshot' ? [event] : []));
    expect(
      Buffer.concat(snapshots.map(({ data }) => Buffer.from(data, 'base64'))).equals(
        bytesFrom(1, LENGTH - (1 << 20), 1 << 20),
      ),
    ).toBe(true);
    expect(snapshots.map(({ last, id }) => [last, id]).at(-1)).toEqual([true, 1]);
    expect(snapshots.slice(0, -1).every(({ last, id }) => !last && id === undefined)).toBe(true);
    expect(await client.event('State')).toMatchObject({ state: 'dead', id: 2 });
    expect(await client.event('Pong')).toMatchObject({ id: 3 });
    const errors = client.events.flatMap((event) => (event.event === 'Error' ? [event] : []));
    expect(errors.map(({ code }) => code)).toEqual(Array.from({ length: refused.length + 1 }, () => 'session_exited'));
    expect(errors.find(({ id }) => id === 10)).toMatchObject({ id: 10, command: 'Attach', details: { exit } });
  });

  it('reads the transcript of an ended agent, bounded, up to a torn tail', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'hfa-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const transcript = join(directory, 'transcript');
    const entries = Array.from({ length: 500 }, (_, seq) => ({
      seq,
      at: seq,
      turn: null,
      entry: 'note',
      text: `${seq} ${'ü\u{1f600}'.repeat(seq % 7 === 0 ? 2_000 : 20)}`,
    }));
    writeFileSync(transcript, `${entries.map((entry) => JSON.stringify(entry)).join('\n')}\n{"seq":500,"en`);
    const { connect } = await serve({ find: () => ({ ...closedSession(), agent: { transcript } }) });
    const client = await connect();
    client.hello();
    let id = 0;
    const page = async (from: number, limit: number) => {
      id++;
      const isAnswer = (event: SessionEvent) => event.event === 'Transcript' && event.id === id;
      client.send({ cmd: 'GetTranscript', from, limit, id });
      await client.until(() => client.events.some(isAnswer), `page ${from}`);
      return client.events.find(isAnswer) as Extract<SessionEvent, { event: 'Transcript' }>;
    };
    const read: unknown[] = [];
    let pages = 0;
    for (let from = 0; ; pages++) {
      const { entries: found, next } = await page(from, 1_000);
      expect(JSON.stringify(found).length).toBeLessThanOrEqual(512 * 1024);
      read.push(...found);
      if (found.length === 0) break;
      from = next;
    }
    expect(read).toEqual(entries);
    expect(pages).toBeGreaterThan(1);
    for (const from of [0, 63, 64, 65, 130, 499]) {
      expect(await page(from, 2)).toMatchObject({
        entries: entries.slice(from, from + 2),
        next: Math.min(500, from + 2),
      });
    }
    expect(await page(1_000_000, 2)).toMatchObject({ entries: [], next: 500 });
    writeFileSync(transcript, `${'x'.repeat(2 << 20)}\n`);
    const again = await connect();
    again.hello();
    again.send({ cmd: 'GetTranscript', from: 0, limit: 1, id: 1 });
    expect(await again.event('Transcript')).toMatchObject({ entries: [], next: 0 });
    rmSync(transcript);
    execFileSync('mkfifo', [transcript]);
    again.send({ cmd: 'GetTranscript', from: 0, limit: 1, id: 2 });
    expect(await again.event('Error')).toMatchObject({ id: 2, code: 'storage_error' });
  });

  it.each([
    [null, { event: 'Error', code: 'conflict', field: 'cmd' }],
    [{ transcript: null }, { event: 'Transcript', entries: [], next: 0 }],
    [{ transcript: '/nowhere/transcript' }, { event: 'Transcript', entries: [], next: 0 }],
  ])('without a transcript, with agent %j, says so', async (agent, answer) => {
    const { connect } = await serve({ find: () => ({ ...closedSession(), agent }) });
    const client = await connect();
    client.hello();
    client.send({ cmd: 'GetTranscript', from: 0, limit: 1, id: 1 });
    await client.until(() => client.events.length === 2, 'an answer');
    expect(client.events[1]).toMatchObject(answer);
  });

  it('turns away a wrong token, an unknown session, a missing session id, another first command and silence', async () => {
    const clock = new VirtualClock();
    const { connect, server } = await serve({ clock });
    const expected: [string, (client: Client) => void][] = [
      ['bad_token', (client) => client.hello('secreT')],
      ['not_found', (client) => client.hello('secret', 'S2')],
      [
        'invalid_argument',
        (client) => client.send({ cmd: 'Hello', protocol: [1, 1], client_id: 'c', token: 'secret', role: 'client' }),
      ],
      [
        'unsupported_protocol',
        (client) =>
          client.send({
            cmd: 'Hello',
            protocol: [7, 9],
            client_id: 'c',
            token: 'secret',
            role: 'client',
            session_id: 'S1',
          }),
      ],
      ['forbidden', (client) => client.send({ cmd: 'Ping' })],
      ['forbidden', (client) => client.input()],
      ['forbidden', () => clock.advance(2_000)],
    ];
    for (const [code, act] of expected) {
      const client = await connect();
      await new Promise(setImmediate);
      act(client);
      const error = await client.event('Error');
      expect([code, error.code]).toEqual([code, code]);
      if (code === 'forbidden') expect(error.reason).toBe('hello_required');
      await client.until(() => client.closed, 'close');
    }
    expect(server.connections).toBeLessThanOrEqual(1);
  });

  it('ends the readers of a log that is about to be removed, and nobody else', async () => {
    const { connect, server } = await serve();
    const client = await connect();
    client.hello();
    await client.event('Hello');
    server.release('other');
    client.send({ cmd: 'Ping' });
    await client.event('Pong');
    server.release('S1');
    await client.until(() => client.closed, 'close');
  });

  it('resumes at an offset and refuses one ahead of the head', async () => {
    const { connect } = await serve();
    const client = await connect();
    client.hello();
    client.send({ cmd: 'Attach', from: LENGTH + 1, mode: 'observe', credit: 10, id: 1 });
    expect(await client.event('Error')).toMatchObject({ id: 1, code: 'offset_ahead' });
    client.send({ cmd: 'Attach', from: LENGTH - 7, mode: 'observe', credit: 10, id: 2 });
    await client.event('Ended');
    expect(client.frames).toMatchObject([{ kind: 'data', offset: LENGTH - 7 }]);
  });
});
