import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ShimBench, specFor } from './testing.ts';

let bench: ShimBench;
beforeEach(() => {
  bench = new ShimBench();
});
afterEach(() => bench.close());

describe('a shim', () => {
  it('runs a pipe session from launch to end', async () => {
    const { shim, spec } = await bench.start(['sh', '-c', 'read line; echo "got $line"; echo err >&2; exit 7']);
    const client = await bench.client(spec);
    const attached = await client.askFor({ cmd: 'Attach', from: 'start', mode: 'drive', credit: 1e6 }, 'Attached');
    client.input(attached.lease?.epoch ?? 0, 1, 'hello\n');
    await client.next('End');
    expect(client.text(1)).toBe('got hello\n');
    expect(client.text(2)).toBe('err\n');
    expect(client.events.find((event) => event.event === 'ChildExit')).toMatchObject({
      exit: { code: 7, signal: null, outcome: 'natural_exit' },
    });
    expect(client.events).toContainEqual({ event: 'InputAck', epoch: attached.lease?.epoch, seq: 1 });
    await client.closed;
    expect(await shim.gone).toBe(0);
    expect(existsSync(spec.socket_path)).toBe(false);
  });

  it('runs a PTY session, complete to the last byte', async () => {
    const { spec } = await bench.start(['sh', '-c', 'stty -echo; echo; read go; seq 1 20000; exit 3'], { kind: 'pty' });
    const client = await bench.client(spec);
    const attached = await client.askFor({ cmd: 'Attach', from: 'start', mode: 'drive', credit: 1e9 }, 'Attached');
    await client.untilText('\r\n');
    client.input(attached.lease?.epoch ?? 0, 1, 'go\n');
    await client.next('End');
    expect(client.text()).toBe('\r\n' + Array.from({ length: 20000 }, (_, i) => `${i + 1}\r\n`).join(''));
  });

  it('writes claim and manifest, both private to the owner', async () => {
    const { spec, shim } = await bench.start(['sleep', '60']);
    const claim = JSON.parse(readFileSync(join(spec.session_dir, 'claim'), 'utf8')) as Record<string, unknown>;
    expect(claim).toMatchObject({ claim: 1, by: 'shim', pid: shim.pid, session_id: spec.session_id });
    const manifest = JSON.parse(readFileSync(join(spec.session_dir, 'manifest.json'), 'utf8')) as {
      child: { pid: number };
    };
    expect(manifest.child.pid).toBe(shim.report?.report === 'started' ? shim.report.pid : 0);
  });

  it('[S1] reports a refused start and leaves no claim', async () => {
    const spec = specFor(bench.sessionDirectory(), ['/no/such/program']);
    const shim = bench.spare();
    expect(await shim.launch(spec)).toMatchObject({
      report: 'start_failed',
      exit_status: 127,
      error: { code: 'start_failed' },
    });
    expect(await shim.gone).toBe(0);
    expect(existsSync(join(spec.session_dir, 'claim'))).toBe(false);
  });

  it('[S2] is fenced by a claim that exists', async () => {
    const first = await bench.start(['sleep', '60']);
    const second = bench.spare();
    expect(await second.launch(first.spec)).toMatchObject({
      report: 'fenced',
      claim: { by: 'shim', pid: first.shim.pid },
    });
    expect(await second.gone).toBe(0);
    await bench.client(first.spec);
  });

  it('leaves quietly when its srv goes before a launch', async () => {
    const spare = bench.spare();
    spare.abandon();
    expect(await spare.gone).toBe(0);
    expect(spare.output).toBe('');
  });

  it.each([
    ['shim.claim.before', { claim: false, child: false }],
    ['shim.claim.after', { claim: true, child: false }],
    ['shim.started.before', { claim: true, child: true }],
  ])('killed at %s leaves what tells how far it came', async (point, left) => {
    const spec = specFor(bench.sessionDirectory(), ['sleep', '60'], { fault_plan: `${point}=kill` });
    const shim = bench.spare();
    await expect(shim.launch(spec)).rejects.toThrow('no report');
    await shim.gone;
    expect(existsSync(join(spec.session_dir, 'claim'))).toBe(left.claim);
    const path = join(spec.session_dir, 'manifest.json');
    const manifest = existsSync(path)
      ? (JSON.parse(readFileSync(path, 'utf8')) as { child: { pid: number } | null })
      : null;
    expect(Boolean(manifest?.child)).toBe(left.child);
    if (manifest?.child) process.kill(manifest.child.pid, 'SIGKILL');
    const second = bench.spare();
    const report = await second.launch({ ...spec, fault_plan: '' });
    expect(report.report).toBe(left.claim ? 'fenced' : 'started');
  });
});
