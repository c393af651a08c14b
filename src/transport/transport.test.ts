import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, describe, expect, it } from 'vitest';
import { VirtualClock, systemClock } from '../runtime/index.ts';
import { transportContract } from './contract-suite.ts';
import { FrameConnection, connectUnix, listenUnix, memoryPair, memoryTransport } from './index.ts';

const directory = mkdtempSync(join(tmpdir(), 'hf-t-'));
let count = 0;
const freshPath = (): string => join(directory, `${count++}.sock`);

afterAll(() => rmSync(directory, { recursive: true, force: true }));

transportContract('unix socket', () => {
  const path = freshPath();
  return {
    listen: (accept) => listenUnix(path, accept, { clock: systemClock }),
    connect: () => connectUnix(path, { clock: systemClock }),
  };
});
transportContract('memory', () => memoryTransport());

const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error: { code: string }) => error.code,
  );

describe('unix listener', () => {
  it('creates its socket for the owner only, whatever the umask', async () => {
    const before = process.umask(0);
    const path = freshPath();
    const listener = await listenUnix(path, () => {}, { clock: systemClock });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(process.umask(before)).toBe(0);
    await listener.close();
  });

  it('never unlinks a live socket', async () => {
    const path = freshPath();
    const listener = await listenUnix(path, (stream) => stream.destroy(), { clock: systemClock });
    expect(await code(listenUnix(path, () => {}, { clock: systemClock, replaceStale: true }))).toBe('conflict');
    (await connectUnix(path, { clock: systemClock })).destroy();
    await listener.close();
  });

  it('replaces a stale socket only for the holder of the lock', async () => {
    const path = freshPath();
    const script = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
    await once(spawn(process.execPath, ['-e', script, path]), 'exit');
    expect(readdirSync(directory)).toContain(path.slice(directory.length + 1));
    expect(await code(connectUnix(path, { clock: systemClock }))).toBe('unreachable');
    expect(await code(listenUnix(path, () => {}, { clock: systemClock }))).toBe('conflict');
    const listener = await listenUnix(path, () => {}, { clock: systemClock, replaceStale: true });
    (await connectUnix(path, { clock: systemClock })).destroy();
    await listener.close();
  });

  it('leaves an ordinary file alone', async () => {
    const path = freshPath();
    writeFileSync(path, 'precious');
    expect(await code(listenUnix(path, () => {}, { clock: systemClock, replaceStale: true }))).toBe('conflict');
    expect(statSync(path).size).toBe(8);
  });

  it('refuses a path too long for sun_path', async () => {
    expect(await code(listenUnix(join(directory, 'x'.repeat(120)), () => {}, { clock: systemClock }))).toBe(
      'invalid_argument',
    );
  });
});

describe('memory pair', () => {
  it('delivers only what the test lets through', () => {
    const pair = memoryPair({ delivery: 'manual' });
    const got: Buffer[] = [];
    pair.right.on('data', (chunk: Buffer) => got.push(chunk));
    pair.right.resume();
    pair.right.read(0);
    pair.left.write('abcdef');
    expect(pair.inFlight('right')).toBe(6);
    expect(pair.deliver('right', 4)).toBe(4);
    expect(pair.deliver('right')).toBe(2);
    expect(pair.inFlight('right')).toBe(0);
  });

  it('arms the write deadline only while something waits, by the injected clock', () => {
    const clock = new VirtualClock();
    const pair = memoryPair({ delivery: 'manual', capacityBytes: 10 });
    let closed: unknown = 'open';
    const connection = new FrameConnection(
      pair.left,
      { frame() {}, closed: (error) => (closed = error) },
      { clock, writeMs: 1000 },
    );
    connection.sendJson({ a: 1 });
    expect(connection.queuedBytes).toBeGreaterThan(0);
    clock.advance(999);
    expect(connection.writable).toBe(true);
    clock.advance(1);
    expect(connection.writable).toBe(false);
    expect(closed).toBe('open');
  });
});
