/** Output is exact: data computed from its offset through real sessions to readers of every kind. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Session } from '../../src/client/index.ts';
import { CuttingProxy } from '../support/cutting-proxy.ts';
import { dawdle, lengthAsRead, openOracleRead, oracleArgv, type OracleRead, readOracle } from '../support/oracle-reader.ts';
import { seededRandom } from '../support/random.ts';
import { TestRuntime } from '../support/runtime.ts';

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

/** A session whose child waits for a line before it writes, so that readers can be there from the first byte. */
async function waiting(argv: string[], pty: boolean, merge = false): Promise<Session> {
  const kind = pty ? 'pty' : 'pipe';
  const start = 'stty -echo 2>/dev/null; read -r go; exec "$0" "$@"';
  return runtime.run(['/bin/sh', '-c', start, ...argv], { kind, merge_stderr: merge });
}

describe.each([
  ['pipe', false],
  ['PTY', true],
] as const)('a %s session', (kind, pty) => {
  it('[L1] [L2] [L4] gives fast, slow, dropping and late readers at once the same exact bytes and the end', async () => {
    const random = seededRandom(`readers of a ${kind} session`);
    const bytes = (long ? 48 : 16) * MIB + random(MIB) + 7;
    const session = await waiting(oracleArgv({ bytes, chunk: `~${4096 + random(60_000)}`, exit: 7 }), pty);
    const near = [
      openOracleRead(session, { pty }),
      openOracleRead(session, { pty }),
      openOracleRead(session, { pty, credit: 128 * 1024, taken: () => dawdle(3) }),
    ];
    await Promise.all(near.map(({ opened }) => opened));
    const { socket } = await session.record();
    await using proxy = await CuttingProxy.before(socket, { random, mostBytes: MIB / 2 });
    const far = [
      openOracleRead(session, { pty, credit: 64 * 1024 + random(MIB) }),
      openOracleRead(session, { pty, taken: () => (random(8) === 0 ? dawdle(5) : undefined) }),
    ];
    await session.write('go\n');
    const reads = await Promise.all([...near, ...far].map(({ result }) => result));
    const total = lengthAsRead(bytes, pty);
    for (const read of reads) {
      expectWhole(read, total);
      expect(read.exit).toMatchObject({ code: 7, signal: null, outcome: 'natural_exit' });
      expect(read.end).toMatchObject({ cause: 'child', survivors: [] });
    }
    // Each of the two was cut about every quarter of a MiB.
    expect(proxy.cuts).toBeGreaterThan(20);
    expect(reads.slice(-2).map(({ lost }) => lost).reduce((sum, lost) => sum + lost)).toBeGreaterThan(20);
    await session.wait({ for: 'end' });
    const late = await readOracle(session, { pty });
    expectWhole(late, total);
    expect(late.exit).toMatchObject({ code: 7 });
  });
});
