/** Readers that stop: what they cost the child, the others and the shim's memory. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Session, SessionSpec } from '../../src/client/index.ts';
import { processIdentity } from '../../src/process/index.ts';
import { collect } from '../support/collect.ts';
import { uniqueSetBytes } from '../support/memory.ts';
import { CELL_BYTES, CELL_PTY_BYTES, oracleBytes } from '../support/oracle.mjs';
import { lengthAsRead, openOracleRead, oracleArgv } from '../support/oracle-reader.ts';
import { killHard, TestRuntime, until } from '../support/runtime.ts';
import { SessionWatch } from '../support/session-watch.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
/** Unread bytes at which a lossless reader holds the child up, and what may be read in the turn that finds out. */
const STATED_BUFFER = 512 * KIB + MIB;
/** What the kernel keeps between child and shim: a pipe's or a terminal's buffer. */
const KERNEL_BUFFER = 64 * KIB;
/** What a flood may add to a shim: measured 38 MiB after 220 MiB of a pipe, 42 after 900, and half of it on a PTY. */
const MEMORY_BOUND = { pipe: 100 * MIB, pty: 48 * MIB };
const long = process.env['HOLDFAST_TEST_LONG'] === '1';
let runtime: TestRuntime;

beforeAll(async () => {
  runtime = await TestRuntime.start();
});

afterAll(() => runtime.close());

function waiting(argv: string[], pty: boolean, limits: SessionSpec['limits']): Promise<Session> {
  const start = 'stty -echo 2>/dev/null; read -r go; exec "$0" "$@"';
  return runtime.run(['/bin/sh', '-c', start, ...argv], {
    ...(pty ? { kind: 'pty' } : { kind: 'pipe', merge_stderr: true }),
    ...(limits === undefined ? {} : { limits }),
  });
}

/** How far the session has read its child. */
async function headOf(session: Session): Promise<number> {
  return (await SessionWatch.facts(runtime.home, session)).streams[0]!.end;
}

/** Bytes a process has written so far (proc(5), io). */
function written(pid: number): number {
  return Number(/^wchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'latin1'))?.[1]);
}

describe.each([
  ['pipe', false],
  ['PTY', true],
] as const)('in a %s session', (_, pty) => {
  it('[R1] [R4] [L3] [L8] readers that stop under never_block hold up nobody, and meet exact gaps when they go on', async () => {
    const bytes = (pty && !long ? 48 : 220) * MIB + 3;
    const session = await waiting(oracleArgv({ bytes, exit: 6 }), pty, { spill_bytes: 16 * MIB, allow_lossless: true });
    const shim = (await session.record()).shim_pid!;
    // Two give no more credit, one gives all there is and never reads its socket, the fourth wants every byte.
    using stopped = await SessionWatch.open(runtime.home, session, 'stopped', pty);
    await stopped.attach({ from: 0, mode: 'observe', credit: 300_000 });
    const output = session.output({ from: 0, credit: MIB });
    await output.open();
    const deaf = await SessionWatch.deaf(runtime.home, session);
    const before = uniqueSetBytes(shim);
    let most = before;
    let pieces = 0;
    const other = openOracleRead(session, {
      pty,
      policy: 'lossless',
      taken: () => {
        if (pieces++ % 64 === 0) most = Math.max(most, uniqueSetBytes(shim));
      },
    });
    await other.opened;
    await session.write('go\n');
    const total = lengthAsRead(bytes, pty);
    const read = await other.result;
    expect({ bytes: read.streams.get(1)?.bytes, gaps: read.gaps }).toEqual({ bytes: total, gaps: [] });
    expect(read.exit).toMatchObject({ code: 6 });
    expect(most - before).toBeLessThan(pty ? MEMORY_BOUND.pty : MEMORY_BOUND.pipe);
    expect(deaf.bytesRead).toBeLessThan(MIB);
    deaf.destroy();
    // [R3] To the byte.
    expect(stopped.checker.bytes).toBe(300_000);
    expect(stopped.events.filter(({ event }) => event === 'Throttled' || event === 'Warning')).toEqual([]);
    stopped.grant(Number.MAX_SAFE_INTEGER);
    await stopped.event('End');
    expect(stopped.checker.bytes + stopped.checker.gapBytes).toBe(total);
    expect(stopped.checker.gapBytes).toBeGreaterThan(total - 17 * MIB - 300_000);
    let late = 0;
    let missing = 0;
    for await (const item of output) {
      if (item.type === 'data') late += item.bytes.length;
      if (item.type === 'gap') missing += item.to - item.from;
    }
    expect(late + missing).toBe(total);
  });

  it('[L1] [L4] [E1] what a child wrote right before its exit is read although a reader holds it up', async () => {
    // Just enough to hold the child up, so that its last words fit into what the kernel keeps.
    const held = Math.ceil((512 * KIB + 2000) / (pty ? CELL_PTY_BYTES : CELL_BYTES)) * CELL_BYTES;
    const all = held + 1000;
    const script =
      'stty -echo 2>/dev/null; read -r go; "$0" "$1" "$2" 1000; read -r go; exec "$0" "$1" "$3" 1000 3 stdout "$2"';
    const [node, oracle] = oracleArgv({ bytes: 0 });
    const session = await runtime.run(['/bin/sh', '-c', script, node!, oracle!, String(held), String(all)], {
      ...(pty ? { kind: 'pty' } : { kind: 'pipe', merge_stderr: true }),
      limits: { allow_lossless: true },
    });
    using reader = await SessionWatch.open(runtime.home, session, 'holder', pty);
    await reader.attach({ from: 0, mode: 'observe', policy: 'lossless', credit: 1000 });
    await session.write('go\n');
    await reader.event('Throttled');
    const { pid } = await session.record();
    await session.write('go\n');
    // Gone, with its last words in the kernel and nobody reading them.
    await until(() => processIdentity(pid!) === undefined, 'the child to exit');
    reader.grant(Number.MAX_SAFE_INTEGER);
    await reader.event('End');
    expect(reader.checker.bytes).toBe(lengthAsRead(all, pty));
    expect(reader.events).toContainEqual(
      expect.objectContaining({ event: 'ChildExit', exit: expect.objectContaining({ code: 3 }) as object }),
    );
  });

  it('[R2] [R3] [R4] under lossless the child stays within the reader and the stated buffers until stall_ms, visibly', async () => {
    const bytes = 24 * MIB + 1;
    const stall = 3_000;
    const session = await waiting(oracleArgv({ bytes, exit: 8 }), pty, {
      spill_bytes: 2 * MIB,
      stall_ms: stall,
      allow_lossless: true,
    });
    const { pid } = await session.record();
    using stuck = await SessionWatch.open(runtime.home, session, 'stuck', pty);
    await stuck.attach({ from: 0, mode: 'observe', policy: 'lossless', credit: MIB });
    const other = openOracleRead(session, { pty, policy: 'lossless' });
    await other.opened;
    const idle = written(pid!);
    await session.write('go\n');
    const total = lengthAsRead(bytes, pty);
    let samples = 0;
    /** As often as there is time until `holds`: the child is never further than it may be. */
    const boundedUntil = async (holds: () => boolean | Promise<boolean>, what: string): Promise<void> => {
      await until(async () => {
        const progress = written(pid!) - idle;
        const head = await headOf(session);
        const { throttled } = (await SessionWatch.facts(runtime.home, session)).child!;
        if (throttled?.client_id === 'stuck') {
          samples++;
          expect(throttled).toMatchObject({ limit_ms: stall, since_ms: expect.any(Number) as number });
          expect(head).toBeLessThanOrEqual(stuck.checker.bytes + STATED_BUFFER);
          expect(progress).toBeLessThanOrEqual(stuck.checker.bytes + STATED_BUFFER + 2 * KERNEL_BUFFER);
        }
        return holds();
      }, what);
    };
    const throttles = (): number =>
      stuck.events.filter((event) => event.event === 'Throttled' && event.throttled?.client_id === 'stuck').length;
    await boundedUntil(() => throttles() === 1, 'the throttle to be told');
    expect(stuck.checker.bytes).toBe(MIB);
    // Credit moves the child on by as much, and the next hold begins anew.
    stuck.grant(2 * MIB);
    await boundedUntil(() => stuck.checker.bytes === 3 * MIB && throttles() === 2, 'the second throttle');
    expect(await headOf(session)).toBeGreaterThan(3 * MIB);
    expect(samples).toBeGreaterThan(3);
    // The hold ends with stall_ms, and that is said to everybody; the child runs on without this reader.
    const warned = await stuck.event('Warning');
    expect(warned.message).toContain('stuck');
    const read = await other.result;
    expect({ bytes: read.streams.get(1)?.bytes, gaps: read.gaps }).toEqual({ bytes: total, gaps: [] });
    expect(read.exit).toMatchObject({ code: 8 });
    expect(stuck.events.at(-1)).toMatchObject({
      event: expect.stringMatching(/^(Throttled|LeaseChanged|Died|StateChanged|SessionStats)$/) as string,
    });
    stuck.grant(Number.MAX_SAFE_INTEGER);
    await stuck.event('End');
    expect(stuck.checker.bytes + stuck.checker.gapBytes).toBe(total);
    expect(stuck.checker.gapBytes).toBeGreaterThan(0);
    const { events } = await runtime.holdfast.history();
    const warnings = events.filter(({ event, session_id }) => event === 'session_warning' && session_id === session.id);
    expect(warnings).toMatchObject([{ message: warned.message }]);
  });
});

it('[R2] [X3] run whose stdout nobody reads holds its child up without a limit, and loses nothing', async () => {
  await using other = await TestRuntime.start();
  writeFileSync(join(other.home, 'config.toml'), '[session]\nstall_ms = 500\n');
  await other.killSrv();
  const bytes = 24 * MIB + 5;
  const command = other.spawn(['run', '--name', 'held', '--pipe', '--', ...oracleArgv({ bytes, exit: 2 })]);
  let session: Session | undefined;
  await until(async () => {
    const found = (await other.holdfast.list()).find(({ name, state }) => name === 'held' && state === 'running');
    if (found !== undefined) session = (await other.holdfast.get(found.id)).session;
    return session !== undefined;
  }, 'the session to run');
  let heads: number[] = [];
  await until(async () => {
    const hello = await SessionWatch.facts(other.home, session!);
    const { throttled } = hello.child!;
    heads = throttled === null ? [] : [...heads, hello.streams[0]!.end];
    // Four times what anybody else would be allowed.
    return throttled !== null && throttled.limit_ms === 0 && Date.now() - throttled.since_ms > 2_000;
  }, 'a long hold');
  expect(new Set(heads).size).toBe(1);
  // Its credit, what waits in its own pipe, and the buffers stated for everybody.
  expect(heads[0]).toBeLessThanOrEqual(MIB + 2 * KERNEL_BUFFER + STATED_BUFFER);
  const run = await collect(command);
  expect(run.status).toBe(2);
  expect(run.stdout.equals(oracleBytes(0, bytes))).toBe(true);
});

it('[R2] nobody but the driver holds a child up unless the owner allowed it, and no one else without a limit', async () => {
  const denied = await runtime.run(['/bin/sleep', '600'], { kind: 'pipe' });
  await expect(denied.output({ policy: 'lossless' }).open()).rejects.toMatchObject({
    code: 'forbidden',
    field: 'policy',
  });
  const allowed = await runtime.run(['/bin/sleep', '600'], { kind: 'pipe', limits: { allow_lossless: true } });
  await expect(allowed.output({ policy: 'lossless', stallMs: 0 }).open()).rejects.toMatchObject({
    code: 'invalid_argument',
    field: 'stall_ms',
  });
  for (const session of [denied, allowed]) await killHard((await session.record()).shim_pid!);
});
