// Seed 4, the rows of reference B.12 and B.10 that span processes: the registry, and the tees that live in the SDK. Those
// of the session itself are in src/shim/b12.test.ts and b10.test.ts.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChannelSink, type Session, type TeeEvent } from '../../src/client/index.ts';
import { soon, TestRuntime } from '../support/runtime.ts';

let runtime: TestRuntime;
beforeAll(async () => {
  runtime = await TestRuntime.start();
});
afterAll(() => runtime.close());

const pipe = (argv: string[], originator = 'test'): Promise<Session> => runtime.run(argv, { kind: 'pipe', originator });

describe('B.12 registry', () => {
  it('B.12 spawn: a running child with the fields it was given; EmptyArgv and every other refusal is typed', async () => {
    const session = await runtime.run(['sh', '-c', 'sleep 60'], {
      kind: 'pipe',
      originator: 'ci',
      command: 'a nap',
      merge_stderr: true,
    });
    expect(await session.record()).toMatchObject({
      kind: 'pipe',
      state: 'running',
      command: 'a nap',
      originator: 'ci',
      cwd: runtime.home,
      merge_stderr: true,
      pid: expect.any(Number),
    });
    await expect(pipe([])).rejects.toMatchObject({ code: 'invalid_argument', field: 'argv' });
    await expect(pipe(['/nowhere/at/all'])).rejects.toMatchObject({
      code: 'start_failed',
      details: { exit_status: 127 },
    });
    await runtime.holdfast.remove(session.id, { force: true });
  });

  it('B.12 get and list: by id, unique prefix and name; all, or one originator’s', async () => {
    const session = await runtime.run(['sleep', '60'], { originator: 'lister', name: 'sleeper' });
    for (const selector of [session.id, session.id.slice(0, -1), 'sleeper']) {
      expect((await runtime.holdfast.get(selector)).record.id).toBe(session.id);
    }
    await expect(runtime.holdfast.get('nobody')).rejects.toMatchObject({ code: 'not_found' });
    expect((await runtime.holdfast.list({ originator: 'lister' })).map(({ id }) => id)).toEqual([session.id]);
    expect((await runtime.holdfast.list()).map(({ id }) => id)).toContain(session.id);
    await runtime.holdfast.remove(session.id, { force: true });
  });

  it('B.12 remove: an ended session and its log; a live one only by force', async () => {
    const session = await pipe(['sleep', '60']);
    await expect(runtime.holdfast.remove(session.id)).rejects.toMatchObject({ code: 'conflict' });
    expect(await runtime.holdfast.remove(session.id, { force: true })).toBe(session.id);
    await expect(session.record()).rejects.toMatchObject({ code: 'not_found' });
    const ended = await pipe(['true']);
    await ended.wait({ for: 'end' });
    expect(await runtime.holdfast.remove(ended.id)).toBe(ended.id);
    await expect(soon(ended.backlog(), 'a refusal')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('B.12 purge_exited: the originator’s ended sessions, and no other; none named: all', async () => {
    const [mine, others, live] = await Promise.all([
      pipe(['true'], 'mine'),
      pipe(['true'], 'other'),
      pipe(['sleep', '60'], 'mine'),
    ]);
    await Promise.all([mine.wait({ for: 'end' }), others.wait({ for: 'end' })]);
    expect(await runtime.holdfast.purgeExited({ originator: 'mine' })).toEqual([mine.id]);
    expect(await runtime.holdfast.purgeExited()).toContain(others.id);
    expect((await live.record()).state).toBe('running');
    await runtime.holdfast.remove(live.id, { force: true });
  });
});

/** Everything a sink received, with what it missed. */
class Heard {
  text = '';
  missed = 0;

  readonly hear = (event: TeeEvent): void => {
    if (event.type === 'data') this.text += event.bytes.toString();
    else this.missed += event.bytes;
  };
}

/** Waits for a line, writes both streams, ends with its input. */
const ECHO = ['sh', '-c', 'while read line; do echo "out $line"; echo "err $line" >&2; done'];

describe.each([
  ['stdout', 1, 'out one\nout two\n'],
  ['stderr', 2, 'err one\nerr two\n'],
  ['stdin', 0, 'one\ntwo\n'],
] as const)('B.10 SDK tees of %s', (_, stream, expected) => {
  const feed = async (session: Session): Promise<void> => {
    await session.write('one\n');
    await session.write('two\n');
    await session.closeStdin();
    await session.wait({ for: 'end' });
  };

  it('[T1] B.10 channel: every chunk in order, then the end', async () => {
    const session = await pipe(ECHO);
    const channel = new ChannelSink(64);
    const tee = await session.sdkTee(stream, channel);
    const heard = new Heard();
    await feed(session);
    for await (const event of channel) heard.hear(event);
    expect(heard).toMatchObject({ text: expected, missed: 0 });
    expect(await tee.finished()).toMatchObject({ written_bytes: expected.length, missed_bytes: 0, flushed: true });
  });

  it('[T1] B.10 callback: one call at a time, in order; a throw disconnects and the rest counts as missed', async () => {
    const session = await pipe(ECHO);
    const heard = new Heard();
    const tee = await session.sdkTee(stream, { kind: 'callback', capacity: 64, callback: heard.hear });
    const broken = await session.sdkTee(stream, {
      kind: 'callback',
      capacity: 64,
      callback: () => {
        throw new Error('the sink broke');
      },
    });
    await feed(session);
    expect(await tee.finished()).toMatchObject({ written_bytes: expected.length, missed_bytes: 0, flushed: true });
    expect(heard).toMatchObject({ text: expected, missed: 0 });
    expect(await broken.finished()).toMatchObject({
      disconnected: true,
      error: 'the sink broke',
      missed_bytes: expected.length,
    });
  });

  it('[T1] [T3] B.10 raw_fd: the bytes, flushed when closed; the descriptor stays the caller’s', async () => {
    const session = await pipe(ECHO);
    const directory = mkdtempSync(join(tmpdir(), 'hft-'));
    const path = join(directory, 'copy');
    const fd = openSync(path, 'w');
    const tee = await session.sdkTee(stream, { kind: 'fd', fd });
    await feed(session);
    expect(await tee.finished()).toMatchObject({ written_bytes: expected.length, flushed: true });
    closeSync(fd);
    expect(readFileSync(path, 'utf8')).toBe(expected);
    rmSync(directory, { recursive: true });
  });

  it('[T2] B.10 options: a full queue drops the oldest and says how much, also at the end', async () => {
    const session = await pipe(ECHO);
    const heard = new Heard();
    let open: () => void = () => {};
    const gate = new Promise<void>((resolve) => (open = resolve));
    const tee = await session.sdkTee(stream, {
      kind: 'callback',
      capacity: 1,
      callback: async (event) => {
        await gate;
        heard.hear(event);
      },
    });
    for (let i = 0; i < 50; i++) await session.write(`line ${i}\n`);
    await session.closeStdin();
    await session.wait({ for: 'end' });
    open();
    const state = await soon(tee.finished(), 'the tee to finish');
    const all = expectedLines(stream);
    expect(state.written_bytes + state.missed_bytes).toBe(all.length);
    expect(heard.text.length + heard.missed).toBe(all.length);
    expect(all.endsWith(heard.text.slice(-8))).toBe(true);
  });

  it('B.10 untee: reads no more and is flushed', async () => {
    const session = await pipe(ECHO);
    const heard = new Heard();
    const tee = await session.sdkTee(stream, { kind: 'callback', capacity: 64, callback: heard.hear });
    const state = await soon(tee.close(), 'the tee to close');
    expect(state).toMatchObject({ flushed: true, disconnected: false });
    await feed(session);
    expect(heard.text).toBe('');
  });
});

function expectedLines(stream: 0 | 1 | 2): string {
  const prefix = { 0: '', 1: 'out ', 2: 'err ' }[stream];
  return Array.from({ length: 50 }, (_, i) => `${prefix}line ${i}\n`).join('');
}
