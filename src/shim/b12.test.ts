/** Seed 4's operations on a session, row by row of reference/running-process.md B.12. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LaunchSpec } from '../protocol/launch/index.ts';
import type { AttachCommand } from '../protocol/session/index.ts';
import { ShimBench, type ShimClient } from './testing.ts';

let bench: ShimBench;
beforeEach(() => {
  bench = new ShimBench();
});
afterEach(() => bench.close());

const ATTACH: AttachCommand = { cmd: 'Attach', from: 'start', mode: 'exclusive', streams: [1], credit: 1e9 };

async function started(
  argv: string[],
  extra: Partial<LaunchSpec> = {},
): Promise<{ spec: LaunchSpec; client: ShimClient }> {
  const { spec } = await bench.start(argv, extra);
  return { spec, client: await bench.client(spec, 'first') };
}

describe('B.12 session operations', () => {
  it('B.12 exit_state: none while running, then code, signal and outcome', async () => {
    const { spec, client } = await started(['sh', '-c', 'read go; (sleep 60 &) ; exit 5']);
    const before = await bench.client(spec, 'other');
    expect(before.events[0]).toMatchObject({ event: 'Hello', child: { state: 'running', exit: null } });
    client.send({ cmd: 'WriteStdin', data: Buffer.from('go\n').toString('base64') });
    await client.next('ChildExit');
    const after = await bench.client(spec, 'third');
    expect(after.events[0]).toMatchObject({
      child: { state: 'exited', exit: { code: 5, signal: null, outcome: 'natural_exit' } },
    });
    expect(await after.askFor({ cmd: 'GetState' }, 'State')).toMatchObject({ state: 'dead' });
  });

  it('B.12 is_attached / stream_available: stderr is not there when merged', async () => {
    const { client } = await started(['sleep', '60'], { merge_stderr: true });
    expect(client.events[0]).toMatchObject({ streams: [{ id: 1 }] });
    expect(await client.ask({ ...ATTACH, streams: [2] })).toMatchObject({
      event: 'Error',
      code: 'stream_unavailable',
      field: 'streams',
    });
  });

  it('B.12 attach_stream: AlreadyAttached, SessionExited, StreamUnavailable', async () => {
    const { spec, client } = await started(['sh', '-c', '(trap "" TERM; sleep 60) & read go; exit 5']);
    await client.askFor(ATTACH, 'Attached');
    const other = await bench.client(spec, 'second');
    expect(await other.ask(ATTACH)).toMatchObject({
      event: 'Error',
      code: 'already_attached',
      details: { client_id: 'first', stream: 1 },
    });
    // Another stream is free.
    await other.askFor({ ...ATTACH, streams: [2] }, 'Attached');
    client.send({ cmd: 'WriteStdin', data: Buffer.from('go\n').toString('base64') });
    await client.next('ChildExit');
    const late = await bench.client(spec, 'late');
    expect(await late.ask(ATTACH)).toMatchObject({
      event: 'Error',
      code: 'session_exited',
      details: { exit: { code: 5 } },
    });
    await late.askFor({ cmd: 'Attach', from: 'start', mode: 'observe', credit: 1e6 }, 'Attached');
  });

  it('B.12 attach_stream with steal: victim and thief are told, and the thief keeps reading after the victim is gone', async () => {
    const { spec, client } = await started(['sh', '-c', 'while read line; do echo "$line"; done']);
    await client.askFor(ATTACH, 'Attached');
    const thief = await bench.client(spec, 'thief');
    await thief.askFor({ ...ATTACH, steal: true }, 'Attached');
    expect(await client.next('Ended')).toMatchObject({ reason: 'stolen', by: 'thief' });
    client.socket.destroy();
    const writer = await bench.client(spec, 'writer');
    await writer.askFor({ cmd: 'WriteStdin', data: Buffer.from('after\n').toString('base64') }, 'Written');
    await thief.untilText('after\n');
  });

  it('B.12 detach: compare-and-clear, the next holder is not touched', async () => {
    const { spec, client } = await started(['sleep', '60']);
    await client.askFor(ATTACH, 'Attached');
    expect(await client.ask({ cmd: 'Detach' })).toMatchObject({ event: 'Ended', reason: 'detached' });
    const next = await bench.client(spec, 'next');
    await next.askFor(ATTACH, 'Attached');
    client.socket.destroy();
    await client.closed;
    const third = await bench.client(spec, 'third');
    expect(await third.ask(ATTACH)).toMatchObject({ code: 'already_attached', details: { client_id: 'next' } });
  });

  it('B.12 clear_attachment: the broker frees the stream, its holder is told', async () => {
    const { spec, client } = await started(['sleep', '60']);
    await client.askFor(ATTACH, 'Attached');
    expect(await client.ask({ cmd: 'ClearAttachment', stream: 1 })).toMatchObject({ code: 'forbidden' });
    const broker = await bench.client(spec, 'srv', 'broker');
    await broker.askFor({ cmd: 'ClearAttachment', stream: 1 }, 'Done');
    expect(await client.next('Ended')).toMatchObject({ reason: 'cleared', by: 'srv' });
    await client.askFor(ATTACH, 'Attached');
  });

  it('B.12 notify_attached: any event to the holder of a stream', async () => {
    const { spec, client } = await started(['sleep', '60']);
    await client.askFor(ATTACH, 'Attached');
    const notice = { event: 'Warning', message: 'look', idle_secs: null } as const;
    expect(await client.ask({ cmd: 'NotifyAttached', stream: 1, event: notice })).toMatchObject({ code: 'forbidden' });
    const broker = await bench.client(spec, 'srv', 'broker');
    await broker.askFor({ cmd: 'NotifyAttached', stream: 1, event: notice }, 'Done');
    expect(await client.next('Warning')).toEqual(notice);
    await broker.askFor({ cmd: 'NotifyAttached', stream: 2, event: notice }, 'Done');
  });

  it('B.12 backlog_snapshot: a copy that consumes nothing, with the dropped count; merged stderr is empty', async () => {
    const extra = {
      limits: {
        memory_bytes: 65536,
        spill_bytes: 0,
        segment_bytes: 65536,
        stall_ms: 1000,
        lease_ms: 1000,
        linger_ms: null,
        allow_lossless: true,
      },
      merge_stderr: true,
    };
    const { client } = await started(['sh', '-c', 'head -c 100000 /dev/zero | tr "\\0" x; echo END; sleep 60'], extra);
    await client.askFor({ cmd: 'Attach', from: 'start', mode: 'observe', credit: 1e9 }, 'Attached');
    await client.untilText('END\n');
    for (let round = 0; round < 2; round++) {
      const snapshot = await client.askFor({ cmd: 'Backlog', stream: 1 }, 'BacklogSnapshot');
      const data = Buffer.from(snapshot.data, 'base64');
      expect(snapshot.dropped_bytes + data.length).toBe(100004);
      expect(snapshot.dropped_bytes).toBeGreaterThan(0);
      expect(data.subarray(-4).toString()).toBe('END\n');
    }
    expect(await client.ask({ cmd: 'Backlog', stream: 2 })).toMatchObject({
      event: 'BacklogSnapshot',
      data: '',
      last: true,
    });
  });

  it('B.12 write_stdin: the length, StdinUnavailable after close, empty bytes and close close only', async () => {
    const { client } = await started(['cat']);
    await client.askFor({ ...ATTACH, mode: 'observe' }, 'Attached');
    expect(await client.ask({ cmd: 'WriteStdin', data: Buffer.from('abc').toString('base64') })).toMatchObject({
      event: 'Written',
      bytes: 3,
    });
    expect(await client.ask({ cmd: 'WriteStdin', data: '', close: true })).toMatchObject({
      event: 'Written',
      bytes: 0,
    });
    await client.next('End');
    expect(client.text()).toBe('abc');
  });

  it('[I5] B.12 write_stdin: after close, while the child lives, stdin_closed', async () => {
    const { client } = await started(['sh', '-c', 'cat; sleep 60']);
    await client.askFor({ cmd: 'WriteStdin', close: true }, 'Written');
    expect(await client.ask({ cmd: 'WriteStdin', data: 'eA==' })).toMatchObject({
      event: 'Error',
      code: 'stdin_closed',
    });
    expect(await client.ask({ cmd: 'WriteStdin', close: true })).toMatchObject({
      event: 'Error',
      code: 'stdin_closed',
    });
  });

  it('B.12 terminate: soft, then hard; ok at once when the leader has exited', async () => {
    const { client } = await started(['sh', '-c', 'trap "" TERM; echo up; while :; do sleep 0.1; done']);
    await client.askFor({ ...ATTACH, mode: 'observe' }, 'Attached');
    await client.untilText('up\n');
    expect(await client.ask({ cmd: 'Terminate', grace_ms: 200 })).toMatchObject({
      event: 'Terminating',
      already_exited: false,
    });
    expect(await client.next('ChildExit')).toMatchObject({ exit: { signal: 'SIGKILL', outcome: 'hard_killed' } });
    expect(await client.next('End')).toMatchObject({ cause: 'terminated', survivors: [] });
    const held = await bench.start(['sh', '-c', '(sleep 60) & exit 0']);
    const other = await bench.client(held.spec);
    await other.askFor({ cmd: 'Attach', from: 'start', mode: 'observe', credit: 10 }, 'Attached');
    await other.next('ChildExit');
    expect(await other.ask({ cmd: 'Terminate', grace_ms: 1000 })).toMatchObject({ already_exited: true });
    expect(await other.next('End')).toMatchObject({ survivors: [] });
  });

  it('B.12 signal_shutdown: reading stops, what was read stays', async () => {
    const { spec, client } = await started(['sh', '-c', 'echo one; read go; echo two; sleep 60']);
    await client.askFor({ ...ATTACH, mode: 'observe' }, 'Attached');
    await client.untilText('one\n');
    expect(await client.ask({ cmd: 'StopReading' })).toMatchObject({ code: 'forbidden' });
    const broker = await bench.client(spec, 'srv', 'broker');
    await broker.askFor({ cmd: 'StopReading' }, 'Done');
    expect(await client.next('Eof')).toMatchObject({ stream: 1, offset: 4 });
    client.send({ cmd: 'WriteStdin', data: Buffer.from('go\n').toString('base64') });
    await client.next('Written');
    expect(client.text()).toBe('one\n');
  });

  it('B.12 public fields: id, pid, command, cwd, originator, created_at, merge flag', async () => {
    const { spec, client } = await started(['sleep', '60'], { merge_stderr: true });
    const manifest = JSON.parse(readFileSync(join(spec.session_dir, 'manifest.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    expect(manifest).toMatchObject({
      session_id: spec.session_id,
      command: 'sleep 60',
      cwd: spec.cwd,
      originator: 'test',
      created_at_ms: 1,
      merge_stderr: true,
    });
    expect(client.events[0]).toMatchObject({
      session_id: spec.session_id,
      kind: 'pipe',
      child: { pid: expect.any(Number) as number },
    });
  });

  it('B.12 spawn: EmptyArgv and a text for everything else', async () => {
    const { specFor } = await import('./testing.ts');
    const shim = bench.spare();
    expect(await shim.launch(specFor(bench.sessionDirectory(), []))).toMatchObject({
      report: 'start_failed',
      exit_status: 125,
      error: { code: 'start_failed', field: 'argv' },
    });
    const second = bench.spare();
    const spec = specFor(bench.sessionDirectory(), ['true'], { cwd: '/no/such/directory' });
    expect(await second.launch(spec)).toMatchObject({ report: 'start_failed', error: { field: 'cwd' } });
  });
});
