/** What the disk may refuse or lose: spill off, spill failing, a killed shim, a full home. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Session, SessionSpec } from '../../src/client/index.ts';
import { processIdentity } from '../../src/process/index.ts';
import { dawdle, openOracleRead, oracleArgv, type OracleRead, readOracle } from '../support/oracle-reader.ts';
import { killHard, soon, TestRuntime, until } from '../support/runtime.ts';
import { canMount, mounted, needsMount } from '../support/small-disk.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const SMALL = { memory_bytes: 64 * KIB, segment_bytes: 64 * KIB };
const ONE_STREAM = { kind: 'pipe', merge_stderr: true } as const;
let runtime: TestRuntime;

beforeAll(async () => {
  runtime = await TestRuntime.start();
});

afterAll(() => runtime.close());

/** Runs the words once a line is typed; what is given after `;` goes on with the next line. */
function stepwise(on: TestRuntime, steps: string[][], spec: Partial<SessionSpec> = {}): Promise<Session> {
  const script = steps.map((words) => `read -r go; ${words.map((word) => `'${word}'`).join(' ')}`).join('; ');
  return on.run(['/bin/sh', '-c', script], { ...ONE_STREAM, ...spec });
}

async function shimOf(session: Session): Promise<number> {
  return (await session.record()).shim_pid!;
}

function accounted(read: OracleRead): { total: number; bytes: number } {
  const { bytes = 0, gapBytes = 0 } = read.streams.get(1) ?? {};
  return { total: bytes + gapBytes, bytes };
}

function logFiles(on: TestRuntime, id: string): { path: string; bytes: number }[] {
  const directory = join(on.home, 'sessions', id, 'log');
  if (!existsSync(directory)) return [];
  return readdirSync(directory).map((name) => {
    const path = join(directory, name);
    return { path, bytes: statSync(path, { throwIfNoEntry: false })?.size ?? 0 };
  });
}

// These two wait for longer than 5 s, together.
describe.concurrent('in time', () => {
  it('[L3] [L4] [L8] without spill readers get what memory holds and a gap for the rest, and the end, slower than any farewell too', async () => {
    const bytes = 4 * MIB + 1;
    const limits = { ...SMALL, spill_bytes: 0 };
    const session = await stepwise(runtime, [oracleArgv({ bytes, exit: 5 })], { limits });
    const shim = await shimOf(session);
    const fast = openOracleRead(session);
    // Needs more than the 5 s which a shim stays for its readers when the disk holds all.
    const slow = openOracleRead(session, { credit: 256 * KIB, taken: (count) => dawdle(count / 180) });
    await Promise.all([fast.opened, slow.opened]);
    await session.write('go\n');
    const read = await fast.result;
    expect(accounted(read).total).toBe(bytes);
    expect(read.exit).toMatchObject({ code: 5 });
    await session.wait({ for: 'end' });
    const slowly = await slow.result;
    expect(accounted(slowly).total).toBe(bytes);
    expect(slowly.lost).toBe(0);
    expect(slowly.gaps.every(({ reason }) => reason === 'retention')).toBe(true);
    expect(slowly.end).toMatchObject({ cause: 'child' });
    await until(() => processIdentity(shim) === undefined, 'the shim to leave');
    const late = await readOracle(session);
    expect(late.gaps).toEqual([{ type: 'gap', stream: 1, from: 0, to: Infinity, reason: 'retention' }]);
    expect(late.end).toMatchObject({ cause: 'child' });
    expect(late.exit).toMatchObject({ code: 5 });
  });

  it('[L8] [L3] live sessions alone cannot fill a home: the oldest of their output goes too', async () => {
    const limit = 3 * MIB;
    await using other = await TestRuntime.start();
    writeFileSync(join(other.home, 'config.toml'), `[limits]\nhome_spill_bytes = ${limit}\n`);
    await other.killSrv();
    // The look at the home after a start, and after an end, is over: what follows are live sessions alone.
    await (await other.run(oracleArgv({ bytes: 4096 }), ONE_STREAM)).wait({ for: 'end' });
    await until(async () => ((await other.holdfast.status()).spill_bytes ?? 0) > 0, 'the first count');
    const bytes = 2 * MIB + 3;
    const sessions: Session[] = [];
    for (let i = 0; i < 3; i++) {
      const session = await stepwise(other, [oracleArgv({ bytes }), ['sleep', '600']], { limits: SMALL });
      await session.write('go\n');
      sessions.push(session);
    }
    const files = () => sessions.flatMap(({ id }) => logFiles(other, id)).reduce((sum, file) => sum + file.bytes, 0);
    await until(() => files() > limit, 'the home to be full');
    await until(() => files() <= limit, 'the home to be within its limit');
    const [oldest] = sessions;
    const late = openOracleRead(oldest!);
    await late.opened;
    await oldest!.terminate(0);
    const read = await late.result;
    expect(accounted(read).total).toBe(bytes);
    expect(accounted(read).bytes).toBeLessThan(bytes);
    expect(read.gaps.every(({ reason }) => reason === 'retention')).toBe(true);
  });
});

describe('a disk that refuses', () => {
  /** What holds in every case: the session goes on, says so, and a late reader gets what was kept and exact gaps. */
  async function survives(on: TestRuntime, session: Session, bytes: number): Promise<OracleRead> {
    const live = openOracleRead(session);
    await live.opened;
    await session.write('go\n');
    const read = await live.result;
    expect(accounted(read).total).toBe(bytes);
    expect(read.exit).toMatchObject({ code: 4 });
    const record = await session.wait({ for: 'end' });
    expect(record).toMatchObject({ state: 'ended', exit: { code: 4, cause: 'child' } });
    const { events } = await on.holdfast.history();
    const warnings = events.filter(({ event, session_id }) => event === 'session_warning' && session_id === session.id);
    expect(warnings[0]).toMatchObject({ message: expect.stringMatching(/no longer written to disk/) as string });
    await until(() => processIdentity(record.shim_pid!) === undefined, 'the shim to leave');
    const late = await readOracle(session);
    expect(accounted(late).total).toBe(bytes);
    expect(late.gaps.some(({ reason }) => reason === 'spill_failed')).toBe(true);
    expect(late.gaps.every(({ to }) => to <= bytes)).toBe(true);
    return late;
  }

  it('[L7] [L3] [L8] past a file size limit (EFBIG) the session goes on, says so, and tries again later', async () => {
    const bytes = 12 * MIB + 5;
    const session = await stepwise(runtime, [oracleArgv({ bytes, exit: 4 })], { limits: { segment_bytes: 4 * MIB } });
    const limited = spawnSync('prlimit', ['--pid', String(await shimOf(session)), `--fsize=${MIB}:`]);
    expect(limited.stderr.toString()).toBe('');
    const late = await survives(runtime, session, bytes);
    // About a MiB of each segment fits; the rest of it is lost before the next is tried.
    expect(late.gaps.length).toBeGreaterThanOrEqual(2);
    expect(accounted(late).bytes).toBeGreaterThan(1.5 * MIB);
    for (const { bytes: size } of logFiles(runtime, session.id)) expect(size).toBeLessThanOrEqual(MIB);
  });

  it.skipIf(!canMount())(
    needsMount('[L7] [L3] [L4] on a full disk (ENOSPC) the session goes on, and its end is kept'),
    async () => {
      await using other = await TestRuntime.start();
      using _disk = mounted(join(other.home, 'sessions'), 'size=2m');
      const bytes = 5 * MIB + 5;
      const session = await stepwise(other, [oracleArgv({ bytes, exit: 4 })], {
        limits: { ...SMALL, segment_bytes: 256 * KIB },
      });
      const late = await survives(other, session, bytes);
      expect(late.end).toMatchObject({ cause: 'child' });
      expect(accounted(late).bytes).toBeGreaterThan(MIB);
      // Space that comes back is used: by then the disk is as good as new.
      await other.holdfast.remove(session.id);
      const next = await other.run(oracleArgv({ bytes: MIB, exit: 4 }), ONE_STREAM);
      await next.wait({ for: 'end' });
      expect(accounted(await readOracle(next))).toEqual({ total: MIB, bytes: MIB });
    },
  );
});

describe('a killed shim', () => {
  it('[L6] [L5] [A3] leaves all that any reader ever had, then one gap of unknown size, then the end', async () => {
    const session = await runtime.run(oracleArgv({ bytes: 4096 * MIB }), ONE_STREAM);
    const shim = await shimOf(session);
    let had = 0;
    const live = openOracleRead(session, {
      taken: async (count) => {
        had += count;
        if (had >= 8 * MIB && had - count < 8 * MIB) await killHard(shim);
      },
    });
    const read = await live.result;
    expect(read.end).toMatchObject({ cause: 'shim_lost' });
    await soon(session.wait({ for: 'end' }), 'the loss to be noticed');
    expect(await session.record()).toMatchObject({ state: 'lost', exit: { code: null, cause: 'shim_lost' } });
    const late = await readOracle(session);
    const kept = late.streams.get(1)!;
    expect(kept.bytes + kept.gapBytes).toBe(Infinity);
    expect(kept.bytes).toBeGreaterThanOrEqual(had);
    expect(late.gaps).toEqual([{ type: 'gap', stream: 1, from: kept.bytes, to: Infinity, reason: 'shim_lost' }]);
    expect(read.gaps).toEqual(late.gaps);
  });

  it('[L5] [A3] a record it had half written is cut, and everything before it is served', async () => {
    await using other = await TestRuntime.start();
    const session = await other.run(
      ['/bin/sh', '-c', '"$@"; exec sleep 600', 'sh', ...oracleArgv({ bytes: 2 * MIB, chunk: 4096 })],
      ONE_STREAM,
    );
    let had = 0;
    for await (const item of session.output()) {
      if (item.type === 'data') had += item.bytes.length;
      if (had === 2 * MIB) break;
    }
    const shim = await shimOf(session);
    await other.killSrv();
    await killHard(shim);
    const { path, bytes } = logFiles(other, session.id).at(-1)!;
    truncateSync(path, bytes - 10);
    await until(async () => (await session.record()).state === 'lost', 'srv to find the shim dead');
    const late = await readOracle(session);
    const kept = late.streams.get(1)!.bytes;
    expect(kept).toBeLessThan(2 * MIB);
    expect(kept).toBeGreaterThan(2 * MIB - 256 * KIB);
    expect(late.gaps).toEqual([{ type: 'gap', stream: 1, from: kept, to: Infinity, reason: 'shim_lost' }]);
    expect(late.end).toMatchObject({ cause: 'shim_lost' });
  });
});

it('[L8] [L3] the oldest output goes when a home is over its limit, closed sessions first, and readers are told', async () => {
  const limit = 3 * MIB;
  await using other = await TestRuntime.start();
  writeFileSync(join(other.home, 'config.toml'), `[limits]\nhome_spill_bytes = ${limit}\n`);
  await other.killSrv();
  const limits = { ...SMALL, spill_bytes: 4 * MIB };
  const bytes = MIB + 7;
  const live = await stepwise(other, [oracleArgv({ bytes }), ['sleep', '600']], { limits });
  const began = openOracleRead(live, { credit: 64 * KIB });
  await began.opened;
  await live.write('go\n');
  const sessions: Session[] = [];
  for (let i = 0; i < 4; i++) {
    const session = await other.run(oracleArgv({ bytes }), { ...ONE_STREAM, limits });
    await session.wait({ for: 'end' });
    sessions.push(session);
  }
  const total = (): number =>
    [live, ...sessions].flatMap(({ id }) => logFiles(other, id)).reduce((sum, file) => sum + file.bytes, 0);
  await until(() => total() <= limit, 'the home to be within its limit');
  const reads = await Promise.all(sessions.map((session) => readOracle(session)));
  for (const read of reads) expect(accounted(read).total).toBe(bytes);
  for (const { reason } of reads.flatMap(({ gaps }) => gaps)) expect(reason).toBe('retention');
  // Oldest first: the first session lost nearly all of it, the last nothing.
  expect(accounted(reads[0]!).bytes).toBeLessThan(128 * KIB);
  expect(reads.at(-1)!.gaps).toEqual([]);
  await live.terminate(0);
  expect(accounted(await began.result)).toEqual({ total: bytes, bytes });
});
