/** The command line writes a child's bytes and nothing else. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect } from '../support/collect.ts';
import { CuttingProxy } from '../support/cutting-proxy.ts';
import { OracleChecker, oracleBytes } from '../support/oracle.mjs';
import { checkPrinted, dawdle, lengthAsRead, oracleArgv } from '../support/oracle-reader.ts';
import { seededRandom, sparing } from '../support/random.ts';
import { TestRuntime } from '../support/runtime.ts';

const MIB = 1024 * 1024;
const long = process.env['HOLDFAST_TEST_LONG'] === '1';
let runtime: TestRuntime;

beforeAll(async () => {
  runtime = await TestRuntime.start();
});

afterAll(() => runtime.close());

const sha = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

function expectBytes(actual: Buffer, expected: Buffer): void {
  expect({ length: actual.length, sha: sha(actual) }).toEqual({ length: expected.length, sha: sha(expected) });
}

const asRead = (bytes: number, pty: boolean): Buffer => oracleBytes(0, lengthAsRead(bytes, pty), pty);

describe.each([
  ['--pipe', ['--pipe'], false],
  ['a PTY', [], true],
] as const)('run with %s', (_, flags, pty) => {
  it('[X3] [X1] [L1] writes exactly what the child wrote and returns its status', async () => {
    const bytes = 24 * MIB + 17;
    const run = await collect(
      runtime.spawn(['run', ...flags, '--', ...oracleArgv({ bytes, chunk: '~70000', exit: 7 })]),
    );
    expect(run.stderr).toBe('');
    expectBytes(run.stdout, asRead(bytes, pty));
    expect(run.status).toBe(7);
  });

  it('[X3] [R2] [L1] holds the child up for a slow reader of its stdout and loses nothing', async () => {
    const bytes = 6 * MIB + 1;
    const argv = ['run', ...flags, '--', ...oracleArgv({ bytes, exit: 9 })];
    const run = await collect(runtime.spawn(argv), { taken: () => dawdle(10) });
    expectBytes(run.stdout, asRead(bytes, pty));
    expect(run.status).toBe(9);
  });

  it('[X3] [X1] [L1] [L4] never loses the tail of a child that exits at once: seq 1 1000000; exit 7', async () => {
    const newline = pty ? '\r\n' : '\n';
    const numbers = Buffer.from(
      `${Array.from({ length: 1_000_000 }, (_unused, index) => index + 1).join(newline)}${newline}`,
    );
    const expected = sha(numbers);
    for (let round = 0; round < (long ? 50 : 5); round++) {
      const argv = ['/bin/sh', '-c', 'seq 1 1000000; exit 7'];
      const command = await collect(runtime.spawn(['run', ...flags, '--', ...argv]));
      expect({ round, status: command.status, bytes: command.stdout.length }).toEqual({
        round,
        status: 7,
        bytes: numbers.length,
      });
      expect(sha(command.stdout)).toBe(expected);
      const session = await runtime.run(argv, { kind: pty ? 'pty' : 'pipe' });
      const hash = createHash('sha256');
      let code: number | null | undefined;
      for await (const item of session.output()) {
        if (item.type === 'data') hash.update(item.bytes);
        if (item.type === 'gap') throw new Error(`round ${round}: a gap of ${item.to - item.from} bytes`);
        if (item.type === 'child_exit') code = item.exit.code;
      }
      expect({ round, code, sha: hash.digest('hex') }).toEqual({ round, code: 7, sha: expected });
    }
  });
});

it('[X3] [L1] run --pipe keeps stdout and stderr apart, --merge-stderr joins them in write order', async () => {
  const bytes = 3 * MIB + 9;
  const apart = await collect(
    runtime.spawn(['run', '--pipe', '--', ...oracleArgv({ bytes, chunk: '~9000', where: 'both' })]),
  );
  const expected = asRead(bytes, false);
  expectBytes(apart.stdout, expected);
  expect(sha(apart.stderr)).toBe(sha(expected.subarray(0, Math.floor(bytes / 2)).toString()));
  const merged = await collect(
    runtime.spawn(['run', '--pipe', '--merge-stderr', '--', ...oracleArgv({ bytes, chunk: '~900', where: 'turns' })]),
  );
  expectBytes(merged.stdout, expected);
  expect(merged.stderr).toBe('');
});

describe('logs', () => {
  it('[X4] [L1] [L2] --follow goes on over cut connections, to the last byte', async () => {
    const random = seededRandom('logs --follow');
    const bytes = 12 * MIB + random(MIB);
    const session = await runtime.run(
      ['/bin/sh', '-c', 'read -r go; "$0" "$@"; read -r done', ...oracleArgv({ bytes })],
      {
        kind: 'pipe',
      },
    );
    const { socket } = await session.record();
    await using proxy = await CuttingProxy.before(socket, { random: sparing(random), mostBytes: MIB / 2 });
    let left = bytes;
    const taken = async (count: number): Promise<void> => {
      left -= count;
      if (left === 0) await session.write('done\n');
    };
    const following = collect(runtime.spawn(['logs', '--follow', session.id]), { taken });
    await session.write('go\n');
    const followed = await following;
    expect(followed.status).toBe(0);
    expectBytes(followed.stdout, asRead(bytes, false));
    expect(proxy.cuts).toBeGreaterThan(5);
    // It says so, in one line each.
    for (const line of followed.stderr.trim().split('\n'))
      expect(line).toMatch(/^holdfast: (connection lost, reconnecting|reconnected)$/);
    await session.wait({ for: 'end' });
    expectBytes((await collect(runtime.spawn(['logs', session.id]))).stdout, asRead(bytes, false));
  });

  it('[L3] [L1] beyond retention prints what is held and names every gap, raw and as JSON', async () => {
    const bytes = 5 * MIB + 3;
    const limits = { memory_bytes: 64 * 1024, spill_bytes: 256 * 1024, segment_bytes: 64 * 1024 };
    const session = await runtime.run(
      ['/bin/sh', '-c', 'read -r go; exec "$0" "$@"', ...oracleArgv({ bytes, chunk: '~5000' })],
      {
        kind: 'pipe',
        limits,
      },
    );
    const following = collect(runtime.spawn(['logs', '--follow', '--since-offset', '0', session.id]), {
      taken: () => dawdle(20),
    });
    await session.write('go\n');
    const followed = await following;
    const live = checkPrinted(followed.stdout, followed.stderr);
    expect(live.bytes + live.gapBytes).toBe(bytes);
    await session.wait({ for: 'end' });
    const printed = await collect(runtime.spawn(['logs', '--since-offset', '0', session.id]));
    const raw = checkPrinted(printed.stdout, printed.stderr);
    expect(raw.bytes + raw.gapBytes).toBe(bytes);
    expect(raw.gapBytes).toBeGreaterThan(bytes - limits.spill_bytes);
    const json = new OracleChecker();
    const lines = (
      await collect(runtime.spawn(['logs', '--json', '--since-offset', '0', session.id]))
    ).stdout.toString();
    for (const line of lines.trim().split('\n')) {
      const item = JSON.parse(line) as { type: string; offset: number; data: string; from: number; to: number };
      if (item.type === 'data') json.data(item.offset, Buffer.from(item.data, 'base64'));
      if (item.type === 'gap') json.gap(item.from, item.to);
    }
    expect({ bytes: json.bytes, gapBytes: json.gapBytes }).toEqual({ bytes: raw.bytes, gapBytes: raw.gapBytes });
  });
});
