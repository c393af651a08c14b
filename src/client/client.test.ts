import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createIds, systemClock } from '../runtime/index.ts';
import { ChannelSink, type OutputItem, type Session } from './index.ts';
import { spec, type TestRuntime, testRuntime } from './testing.ts';

let runtime: TestRuntime;
beforeAll(async () => {
  runtime = await testRuntime();
});
afterAll(() => runtime.dispose());

async function collect(
  session: Session,
  options: Parameters<Session['output']>[0] = {},
): Promise<{ text: string; items: OutputItem[] }> {
  const items: OutputItem[] = [];
  for await (const item of session.output(options)) items.push(item);
  return { text: textOf(items), items };
}

function textOf(items: OutputItem[], stream = 1): string {
  return Buffer.concat(
    items.flatMap((item) => (item.type === 'data' && item.stream === stream ? [item.bytes] : [])),
  ).toString('latin1');
}

function alive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('a session through the SDK', () => {
  it('delivers both streams, the exit and the end, and reads the same again afterwards', async () => {
    const { session } = await runtime.client.run(spec(['sh', '-c', 'printf out; printf err >&2; exit 7']));
    const first = await collect(session);
    expect(textOf(first.items, 1)).toBe('out');
    expect(textOf(first.items, 2)).toBe('err');
    expect(first.items.filter(({ type }) => type === 'child_exit')).toMatchObject([
      { exit: { code: 7, signal: null } },
    ]);
    expect(first.items.at(-1)).toMatchObject({ type: 'end', cause: 'child' });
    const record = await session.wait({ for: 'end' });
    expect(record).toMatchObject({ state: 'ended', exit: { code: 7, cause: 'child' } });
    const again = await collect(session);
    expect(again.text).toBe('out');
    expect(again.items.at(-1)).toMatchObject({ type: 'end' });
  });

  it('refuses a start with the exit status a shell would use', async () => {
    await expect(runtime.client.run(spec(['/no/such/program']))).rejects.toMatchObject({
      code: 'start_failed',
      details: { exit_status: 127 },
    });
  });

  it('rejects what does not exist', async () => {
    await expect(runtime.client.get('01ARZ3NDEKTSV4RRFFQ69G5FAV')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('does a command once however often its key is sent', async () => {
    const key = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
    await expect(runtime.client.create(spec(['true']), { key })).rejects.toMatchObject({ code: 'key_expired' });
    const before = (await runtime.client.list()).length;
    const fresh = createIds(systemClock).ulid();
    const first = await runtime.client.create(spec(['true']), { key: fresh });
    const second = await runtime.client.create(spec(['true']), { key: fresh });
    expect(second.record.id).toBe(first.record.id);
    expect((await runtime.client.list()).length).toBe(before + 1);
  });

  it('writes exactly once and closes the input', async () => {
    const { session } = await runtime.client.run(spec(['cat']));
    const big = Buffer.alloc(600_000, 'abcdefg\n');
    await session.write('hello\n');
    await session.write(big);
    await session.closeStdin();
    const { text } = await collect(session);
    expect(text).toBe(`hello\n${big.toString('latin1')}`);
    await expect(session.write('x')).rejects.toMatchObject({
      code: expect.stringMatching(/session_exited|stdin_closed/) as string,
    });
  });

  it('stops sending when the consumer stops reading', async () => {
    const { session } = await runtime.client.run(
      spec(['sh', '-c', 'head -c 20000000 /dev/zero; exec sleep 60'], { limits: { spill_bytes: 64 << 20 } }),
    );
    const output = session.output({ credit: 128 * 1024 });
    let bytes = 0;
    while (bytes < 20_000_000) {
      const { value } = await output.next();
      if (value?.type === 'data') bytes += value.bytes.length;
    }
    expect(bytes).toBe(20_000_000);
    await output.return();
    await runtime.client.kill(session.id);
    await session.wait({ for: 'end' });
  });

  it('drives, observes and steals', async () => {
    const { session } = await runtime.client.run(
      spec(['sh', '-c', 'while read -r x; do echo "got:$x"; done'], { kind: 'pty' }),
    );
    const seen: string[] = [];
    const first = await session.attach({
      onItem: (item) => void (item.type === 'data' && seen.push(item.bytes.toString())),
      rows: 30,
      cols: 90,
      terminal: true,
    });
    await first.write(Buffer.from('one\r'));
    await expect(session.write('two\r')).rejects.toMatchObject({ code: 'not_driver' });
    const second = await (await runtime.connect()).get(session.id);
    await expect(second.session.attach({ onItem() {} })).rejects.toMatchObject({ code: 'not_driver' });
    const thief = await second.session.attach({ onItem() {}, steal: true });
    await expect(first.done).resolves.toMatchObject({ reason: 'stolen' });
    await thief.write(Buffer.from('three\r'));
    await expect(first.write(Buffer.from('late\r'))).rejects.toMatchObject({ code: 'lease_lost' });
    thief.close();
    await runtime.client.kill(session.id);
    const { text } = await collect(session);
    expect(text).toContain('got:one');
    expect(text).toContain('got:three');
    expect(text).not.toContain('late');
  });

  it('captures the screen and follows its size', async () => {
    const { session } = await runtime.client.run(
      spec(['sh', '-c', 'printf "\\033[2;3Hhere"; exec sleep 60'], { kind: 'pty' }),
    );
    for await (const item of session.output()) if (item.type === 'data') break;
    const screen = await session.screen();
    expect(screen.content.split('\n')[1]).toMatch(/^ {2}here/);
    expect(screen).toMatchObject({ rows: 24, cols: 80, exact: true });
    await session.resize(10, 40);
    expect(await session.screen()).toMatchObject({ rows: 10, cols: 40 });
    await session.terminate(0);
    expect(await session.wait({ for: 'end' })).toMatchObject({ state: 'ended', exit: { signal: 'SIGKILL' } });
  });

  it('tees to a channel, oldest dropped first, and to a callback', async () => {
    const { session } = await runtime.client.run(spec(['cat']));
    const heard: string[] = [];
    const callback = await session.sdkTee(1, {
      kind: 'callback',
      capacity: 64,
      callback: (event) => void (event.type === 'data' && heard.push(event.bytes.toString())),
    });
    const channel = new ChannelSink(64);
    const tee = await session.sdkTee(1, channel);
    await session.write('hello');
    const { value } = await channel.next();
    expect(value).toMatchObject({ type: 'data', offset: 0 });
    await session.closeStdin();
    expect(await callback.finished()).toMatchObject({
      written_bytes: 5,
      missed_bytes: 0,
      disconnected: false,
      flushed: true,
    });
    expect(await tee.finished()).toMatchObject({ kind: 'channel', flushed: true });
    expect(heard.join('')).toBe('hello');
  });

  it('ends a wait by signal and by deadline', async () => {
    const { session } = await runtime.client.run(spec(['sleep', '60']));
    await expect(runtime.client.wait(session.id, { for: 'exit', timeoutMs: 50 })).rejects.toMatchObject({
      code: 'timeout',
    });
    const abort = new AbortController();
    const waiting = session.wait({ for: 'exit', signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await runtime.client.remove(session.id, { force: true });
  });
});

describe('a client whose srv is killed', () => {
  it('[X4] [A1] goes on reading, resumes its events without a hole, starts srv again, and the child lives', async () => {
    const { client } = runtime;
    const { session, record } = await client.run(
      spec(['sh', '-c', 'i=0; while read -r x; do i=$((i+1)); echo "$i $x"; done']),
    );
    const events = await client.events({ topics: ['session_*'] });
    const output = session.output();
    await session.write('a\n');
    for (let round = 0; round < 3; round++) {
      process.kill(await runtime.srvPid(), 'SIGKILL');
      await session.write(`round ${round}\n`);
      const { session: other } = await client.run(spec(['true']));
      const created = await nextEvent(events, 'session_created', other.id);
      expect(created).toBe(other.id);
      await other.wait({ for: 'end' });
    }
    await session.closeStdin();
    let text = '';
    for await (const item of output) if (item.type === 'data') text += item.bytes.toString();
    expect(text).toBe('1 a\n2 round 0\n3 round 1\n4 round 2\n');
    expect(alive(record.pid!)).toBe(false);
    await events.return();
  });

  it('is told when srv was shut down on purpose, and does not start it', async () => {
    const own = await testRuntime();
    const events = await own.client.events({});
    const waiting = (async () => {
      for await (const item of events) void item;
    })();
    const told = expect(waiting).rejects.toMatchObject({ code: 'unreachable', details: { reason: 'shutdown' } });
    await (await own.connect()).down();
    await told;
    await own.dispose();
  });
});

async function nextEvent(
  events: AsyncIterable<{ type: string; event?: Record<string, unknown> }>,
  name: string,
  session: string,
): Promise<unknown> {
  const iterator = events[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await iterator.next();
    if (done === true) throw new Error('the events ended');
    if (value.type === 'gap') throw new Error('a gap');
    if (value.event?.['event'] === name && value.event['session_id'] === session) return value.event['session_id'];
  }
}
