/** Every session's socket is cut in mid-frame, again and again, while output and input stream through it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { collect } from '../support/collect.ts';
import { CuttingProxy } from '../support/cutting-proxy.ts';
import { Flood } from '../support/flood.ts';
import { checkPrinted } from '../support/oracle-reader.ts';
import { oracleBytes } from '../support/oracle.mjs';
import { seededRandom } from '../support/random.ts';
import { soon, TestRuntime, until } from '../support/runtime.ts';

const long = process.env['HOLDFAST_TEST_LONG'] === '1';
const CUTS = long ? 2_000 : 200;
const TEST_MS = long ? 600_000 : 180_000;

describe('under a flood in 8 sessions', () => {
  it('[L2] [X4] [F2] every session socket cut in mid-frame 200 times loses, doubles and changes no byte', {
    timeout: TEST_MS,
  }, async () => {
    const random = seededRandom('session sockets cut in mid-frame');
    await using runtime = await TestRuntime.start();
    const flood = await Flood.start(runtime);
    const proxies = await Promise.all(
      flood.sessions.map(async ({ session }) => {
        const { socket } = await session.record();
        return CuttingProxy.before(socket, { random, mostBytes: 12 * 1024, aimAtHeads: true, cuts: CUTS });
      }),
    );
    const reads = await flood.read();
    // One pipe, one PTY.
    const logs = flood.sessions.slice(0, 2).map(({ session }) => {
      return collect(runtime.spawn(['logs', session.id, '--follow']), { patienceMs: TEST_MS });
    });
    for (const log of logs) log.catch(() => undefined);
    const cut = (): boolean => proxies.every(({ cuts }) => cuts >= CUTS);
    const broken = Promise.race([...reads.map(({ result }) => result), ...logs]);
    // Whoever ends early has failed, or been told a false end; the counts say which socket came to a stop.
    await Promise.race([until(cut, `${CUTS} cuts of each socket`, TEST_MS / 2).catch(() => undefined), broken]);
    expect(proxies.map(({ cuts }) => cuts)).toEqual(flood.sessions.map(() => CUTS));
    for (const { cutsInHeads } of proxies) expect(cutsInHeads).toBeGreaterThan(CUTS / 20);
    flood.expectAllAlive();
    flood.stop();
    for (const [at, { result }] of reads.entries()) {
      const read = await result;
      flood.expectWhole(flood.sessions[at]!, read);
      expect(read.lost).toBeGreaterThan(CUTS / 8);
    }
    for (const [at, log] of logs.entries()) {
      const { status, stdout, stderr } = await log;
      expect(status).toBe(0);
      expect(stderr).toContain('reconnecting');
      const { bytes } = checkPrinted(stdout, stderr, { pty: flood.sessions[at]!.pty });
      expect(bytes).toBe(flood.total(flood.sessions[at]!));
    }
    await Promise.all(proxies.map((proxy) => proxy.close()));
  });
});

describe.each(['pipe', 'pty'] as const)('a driver of a %s session whose socket is cut in both directions', (kind) => {
  it('[I3] [I4] loses and doubles no input', { timeout: TEST_MS }, async () => {
    const random = seededRandom(`input of a ${kind} session`);
    await using runtime = await TestRuntime.start();
    const file = join(runtime.home, 'taken');
    // Raw, so that a terminal hands on what it gets; 64 KiB of it are told apart by nothing but their offsets.
    const session = await runtime.run(
      ['/bin/sh', '-c', `test -t 0 && stty raw -echo; echo ready; exec cat > ${file}`],
      { kind },
    );
    const { socket } = await session.record();
    const ready = session.output();
    for await (const item of ready) if (item.type === 'data' && item.bytes.includes('ready')) break;
    await using proxy = await CuttingProxy.before(socket, {
      random,
      mostBytes: 2048,
      mostBytesUp: 4096,
      cuts: long ? 400 : 60,
    });
    const driver = await session.attach({ mode: 'drive', from: 'end', onItem: () => undefined });
    const total = (long ? 1024 : 128) * 1024;
    const written: Promise<void>[] = [];
    for (let at = 0; at < total; ) {
      const end = Math.min(total, at + 1 + random(900));
      written.push(driver.write(oracleBytes(at, end)));
      at = end;
      // Some of it piece by piece, some in heaps.
      if (random(3) === 0) await soon(Promise.all(written), 'the input to be taken');
    }
    await soon(Promise.all(written), 'the input to be taken');
    await until(() => readFileSync(file).length >= total, 'the child to write what it took');
    expect(readFileSync(file).equals(oracleBytes(0, total))).toBe(true);
    expect(proxy.cuts).toBeGreaterThan(20);
    driver.close();
  });
});
