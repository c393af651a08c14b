/** Output is exact: data computed from its offset through real sessions to readers of every kind. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Session, SessionSpec } from '../../src/client/index.ts';
import { CuttingProxy } from '../support/cutting-proxy.ts';
import {
  dawdle,
  lengthAsRead,
  openOracleRead,
  oracleArgv,
  type OpenRead,
  type OracleRead,
  READ_MS,
  readOracle,
} from '../support/oracle-reader.ts';
import { seededRandom, sparing } from '../support/random.ts';
import { TestRuntime, until } from '../support/runtime.ts';

const MIB = 1024 * 1024;
const long = process.env['HOLDFAST_TEST_LONG'] === '1';
let runtime: TestRuntime;

beforeAll(async () => {
  runtime = await TestRuntime.start();
});

afterAll(() => runtime.close());

function expectWhole(read: OracleRead, bytes: number, stream: 1 | 2 = 1): void {
  const checker = read.streams.get(stream);
  expect({ bytes: checker?.bytes, gaps: read.gaps }).toEqual({ bytes, gaps: [] });
}

/** Every byte is there, right at its offset (the reader checked that), or in a gap. */
function expectAccounted(read: OracleRead, total: number, leastBytes: number, stream: 1 | 2 = 1): void {
  const { bytes = 0, gapBytes = 0 } = read.streams.get(stream) ?? {};
  expect(bytes + gapBytes).toBe(total);
  expect(bytes).toBeGreaterThanOrEqual(leastBytes);
  for (const gap of read.gaps) expect(gap.reason).toBe('retention');
}

/** What a session's log takes on disk. */
function logBytes(id: string): number {
  const directory = join(runtime.home, 'sessions', id, 'log');
  return readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
}

/**
 * A session whose child waits for a line before it writes, so that readers can be there from the first byte, and for
 * another one before it exits, so that all they read comes from the shim.
 */
async function waiting(argv: string[], pty: boolean, spec: Partial<SessionSpec> = {}): Promise<Session> {
  const start = 'stty -echo 2>/dev/null; read -r go; "$0" "$@"; code=$?; read -r done; exit "$code"';
  return runtime.run(['/bin/sh', '-c', start, ...argv], { kind: pty ? 'pty' : 'pipe', ...spec });
}

/** Lets a `waiting` child write, and exit once every reader has `total` bytes or gaps. */
async function writeAll(session: Session, readers: OpenRead[], total: number): Promise<void> {
  await Promise.all(readers.map(({ opened }) => opened));
  await session.write('go\n');
  const failed = Promise.race(readers.map(({ result }) => result.then(() => undefined)));
  await Promise.race([
    failed,
    until(() => readers.every((reader) => reader.reached() >= total), 'every reader to have it all', READ_MS),
  ]);
  await session.write('done\n');
}

describe.each([
  ['pipe', false],
  ['PTY', true],
] as const)('a %s session', (kind, pty) => {
  it('[L1] [L2] [L4] gives fast, slow, dropping and late readers at once the same exact bytes and the end', async () => {
    const random = seededRandom(`readers of a ${kind} session`);
    const bytes = (long ? 48 : 10) * MIB + random(MIB) + 7;
    const session = await waiting(oracleArgv({ bytes, chunk: `~${4096 + random(60_000)}`, exit: 7 }), pty);
    const near = [
      openOracleRead(session, { pty }),
      openOracleRead(session, { pty }),
      openOracleRead(session, { pty, credit: 128 * 1024, taken: () => dawdle(2) }),
    ];
    await Promise.all(near.map(({ opened }) => opened));
    const { socket } = await session.record();
    await using proxy = await CuttingProxy.before(socket, { random: sparing(random), mostBytes: MIB / 2 });
    const far = [
      openOracleRead(session, { pty, credit: 64 * 1024 + random(MIB) }),
      openOracleRead(session, { pty, taken: () => (random(8) === 0 ? dawdle(5) : undefined) }),
    ];
    const total = lengthAsRead(bytes, pty);
    await writeAll(session, [...near, ...far], total);
    const reads = await Promise.all([...near, ...far].map(({ result }) => result));
    for (const read of reads) {
      expectWhole(read, total);
      expect(read.exit).toMatchObject({ code: 7, signal: null, outcome: 'natural_exit' });
      expect(read.end).toMatchObject({ cause: 'child', survivors: [] });
    }
    // Each of the two was cut about every quarter of a MiB.
    expect(proxy.cuts).toBeGreaterThan(20);
    expect(
      reads
        .slice(-2)
        .map(({ lost }) => lost)
        .reduce((sum, lost) => sum + lost),
    ).toBeGreaterThan(20);
    await session.wait({ for: 'end' });
    const late = await readOracle(session, { pty });
    expectWhole(late, total);
    expect(late.exit).toMatchObject({ code: 7 });
  });

  it('[L1] [L2] keeps one-byte writes, CRLF, NUL, invalid UTF-8 and a last line without a newline as they are', async () => {
    const random = seededRandom(`one-byte writes of a ${kind} session`);
    const bytes = (long ? 1024 : 96) * 1024 + random(4096);
    const session = await waiting(oracleArgv({ bytes, chunk: 1, exit: 3 }), pty);
    const live = openOracleRead(session, { pty });
    await live.opened;
    const { socket } = await session.record();
    await using proxy = await CuttingProxy.before(socket, { random: sparing(random), mostBytes: 16 * 1024, cuts: 12 });
    const cut = openOracleRead(session, { pty });
    const total = lengthAsRead(bytes, pty);
    await writeAll(session, [live, cut], total);
    for (const read of [await live.result, await cut.result]) {
      expectWhole(read, total);
      expect(read.exit).toMatchObject({ code: 3 });
    }
    expect(proxy.cuts).toBeGreaterThan(2);
    await session.wait({ for: 'end' });
    expectWhole(await readOracle(session, { pty }), total);
  });

  it('[L1] [L3] [L8] carries a burst of 64 MiB whole, and accounts for what retention took from a late reader', async () => {
    const bytes = 64 * MIB + 11;
    const session = await waiting(oracleArgv({ bytes }), pty);
    const live = openOracleRead(session, { pty });
    await live.opened;
    const total = lengthAsRead(bytes, pty);
    await writeAll(session, [live], total);
    expectWhole(await live.result, total);
    await session.wait({ for: 'end' });
    // Records have heads, and a PTY makes more of it: 64 MiB of disk hold somewhat less.
    expectAccounted(await readOracle(session, { pty }), total, 48 * MIB);
    expect(logBytes(session.id)).toBeLessThanOrEqual(64 * MIB);
  });

  it('[L3] [L8] with tiny limits bytes and gaps make the total, for slow, dropping and late readers', async () => {
    const random = seededRandom(`tiny limits of a ${kind} session`);
    const bytes = 6 * MIB + random(MIB);
    const limits = { memory_bytes: 64 * 1024, spill_bytes: 256 * 1024, segment_bytes: 64 * 1024 };
    const session = await waiting(oracleArgv({ bytes, chunk: `~${1 + random(9000)}` }), pty, { limits });
    const slow = openOracleRead(session, { pty, credit: 16 * 1024, taken: () => dawdle(4) });
    await slow.opened;
    const { socket } = await session.record();
    await using proxy = await CuttingProxy.before(socket, { random: sparing(random), mostBytes: 64 * 1024, cuts: 20 });
    const dropping = openOracleRead(session, { pty, credit: 64 * 1024 });
    await dropping.opened;
    const total = lengthAsRead(bytes, pty);
    await writeAll(session, [slow, dropping], total);
    const slowly = await slow.result;
    expectAccounted(slowly, total, 64 * 1024);
    expect(slowly.gaps.length).toBeGreaterThan(0);
    expectAccounted(await dropping.result, total, 64 * 1024);
    expect(proxy.cuts).toBeGreaterThan(0);
    await session.wait({ for: 'end' });
    const late = await readOracle(session, { pty });
    expectAccounted(late, total, 128 * 1024);
    expect(late.gaps).toEqual([{ type: 'gap', stream: 1, from: 0, to: late.gaps[0]?.to, reason: 'retention' }]);
    expect(logBytes(session.id)).toBeLessThanOrEqual(limits.spill_bytes);
  });
});

describe('stdout and stderr of a pipe session', () => {
  it('[L1] [L3] are both exact, each with its own offsets, whole or with gaps', async () => {
    const bytes = 4 * MIB + 5;
    const argv = oracleArgv({ bytes, chunk: '~30000', where: 'both' });
    const whole = await waiting(argv, false);
    const cramped = await waiting(argv, false, {
      limits: { memory_bytes: 64 * 1024, spill_bytes: 512 * 1024, segment_bytes: 64 * 1024 },
    });
    const reads = [
      openOracleRead(whole, {}),
      openOracleRead(whole, { streams: [2] }),
      openOracleRead(cramped, { taken: () => dawdle(1) }),
    ];
    await Promise.all(reads.map(({ opened }) => opened));
    const half = Math.floor(bytes / 2);
    await Promise.all([writeAll(whole, [reads[0]!], bytes), writeAll(cramped, [reads[2]!], bytes)]);
    const [both, only, slow] = await Promise.all(reads.map(({ result }) => result));
    expectWhole(both!, bytes, 1);
    expectWhole(both!, half, 2);
    expectWhole(only!, half, 2);
    expect(only!.streams.has(1)).toBe(false);
    for (const [stream, total] of [
      [1, bytes],
      [2, half],
    ] as const)
      expectAccounted(slow!, total, 1, stream);
    await cramped.wait({ for: 'end' });
    const late = await readOracle(cramped);
    for (const [stream, total, least] of [
      [1, bytes, 1],
      [2, half, 0],
    ] as const)
      expectAccounted(late, total, least, stream);
  });

  it('[L1] merged they come in the order they were written', async () => {
    const bytes = 2 * MIB + 3;
    const session = await waiting(oracleArgv({ bytes, chunk: '~900', where: 'turns' }), false, { merge_stderr: true });
    const live = openOracleRead(session);
    await live.opened;
    await writeAll(session, [live], bytes);
    const read = await live.result;
    expectWhole(read, bytes);
    expect([...read.streams.keys()]).toEqual([1]);
    await session.wait({ for: 'end' });
    expectWhole(await readOracle(session), bytes);
  });
});
