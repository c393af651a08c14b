/** Homes that cannot be used, or were damaged, and who else wants them. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect, type RuntimeStatus, type SessionRecord } from '../../src/client/index.ts';
import { Bystander } from '../support/bystander.ts';
import { collect } from '../support/collect.ts';
import { holdfast, type Ran } from '../support/holdfast-command.ts';
import { FAULTS_LOADER, killHard, TestRuntime, until } from '../support/runtime.ts';
import { canMount, mounted, needsMount } from '../support/small-disk.ts';
import { srvProcesses } from '../support/srv-processes.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'hft-'));
});
afterEach(async () => {
  for (const { pid } of srvProcesses(home)) await killHard(pid);
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
});

const mountable = canMount();
/** Says why a test does not run here. */
async function expectRefused(words: string[], status: number, says: RegExp, env: Record<string, string> = {}) {
  const ran = await holdfast(home, words, { env });
  expect(ran).toMatchObject({ status, stdout: '' });
  expect(ran.stderr).toMatch(says);
  expect(ran.stderr).toMatch(/^holdfast: [^\n]+\n$/);
  await until(() => srvProcesses(home).length === 0, 'srv to leave');
}

describe('a home that cannot be one', () => {
  it('[X1] [X2] is too long: both numbers are named, before anything is made', async () => {
    home = join(home, 'x'.repeat(100));
    const longest = Buffer.byteLength(join(home, 'run/s/00000000.sock'));
    await expectRefused(
      ['up'],
      2,
      new RegExp(`HOLDFAST_HOME is too long.* ${longest} bytes.* ${longest - 107} bytes shorter`),
    );
    await expectRefused(['ls'], 2, /a socket path holds 107;/);
    expect(existsSync(home)).toBe(false);
    await expect(connect({ home, loader: FAULTS_LOADER })).rejects.toMatchObject({
      code: 'invalid_argument',
      field: 'HOLDFAST_HOME',
      details: { needed: longest, limit: 107 },
    });
  });

  it('[X1] is on a network file system', async () => {
    // What such a home's statfs(2) says, said by a module that srv is started with.
    const fake = join(home, 'statfs.cjs');
    writeFileSync(
      fake,
      `const fs = require('fs'); const real = fs.statfsSync;
      fs.statfsSync = (path, ...rest) => Object.assign(real(path, ...rest), { type: 0x6969 });`,
    );
    await expectRefused(['up'], 2, /network file system \(nfs\).*set HOLDFAST_HOME to a local directory/, {
      NODE_OPTIONS: `--require ${fake}`,
    });
  });

  it('[X1] is a file', async () => {
    const file = join(home, 'file');
    writeFileSync(file, '');
    home = file;
    await expectRefused(['up'], 2, /file is not a directory; choose another HOLDFAST_HOME/);
  });

  it('[X1] has a configuration with an unknown key', async () => {
    writeFileSync(join(home, 'config.toml'), '[limits]\nlive = 1\n');
    await expectRefused(['up'], 2, /config\.toml: unknown key "limits\.live"; known are /);
  });

  it.skipIf(!mountable)(needsMount('[X1] cannot be written: read-only'), async () => {
    using _disk = mounted(home, 'ro');
    await expectRefused(['up'], 1, /cannot be written: .*(EROFS|read-only).* choose another HOLDFAST_HOME/i);
  });

  it('[X1] cannot be written: permissions', async ({ skip }) => {
    skip(process.getuid?.() === 0, 'permissions do not bind root');
    chmodSync(home, 0o500);
    await expectRefused(['up'], 1, /cannot be written: .* choose another HOLDFAST_HOME/);
    chmodSync(home, 0o700);
  });
});

/** Leaves no byte of the file system. */
function fill(path: string): void {
  const fd = openSync(path, 'a');
  try {
    for (let size = 1 << 16; size > 0; size >>= 1) {
      try {
        for (;;) writeSync(fd, Buffer.alloc(size));
      } catch {
        // Full for this size.
      }
    }
  } finally {
    closeSync(fd);
  }
}

describe.skipIf(!mountable)(needsMount('a full home'), () => {
  it('[X1] is refused at the start, and taken when there is room', async () => {
    using _disk = mounted(home, 'size=2m');
    fill(join(home, 'ballast'));
    await expectRefused(['up'], 1, /HOLDFAST_HOME|no space|full/i);
    rmSync(join(home, 'ballast'));
    expect(await holdfast(home, ['up', '--json'])).toMatchObject({ status: 0, stderr: '' });
    expect(await holdfast(home, ['down'])).toMatchObject({ status: 0 });
  });

  it('[K8] [L7] under a running srv: changes are refused, sessions run on, and room is enough to go on', async () => {
    using _disk = mounted(home, 'size=8m');
    // Not the mount point, which cannot be removed.
    home = join(home, 'h');
    const runtime = await TestRuntime.start({ home });
    try {
      const bystander = await Bystander.settle(runtime);
      const srv = await runtime.srvPid();
      fill(join(home, '..', 'ballast'));
      await until(async () => {
        const ran = await collect(runtime.spawn(['run', '--detach', '--', 'true']));
        if (ran.status === 0) return false;
        expect(ran).toMatchObject({ status: 1, stderr: expect.stringMatching(/full|space|ENOSPC/i) as string });
        return true;
      }, 'a command that finds no room');
      await bystander.check();
      expect((await runtime.holdfast.status()).srv).toMatchObject({ pid: srv });
      expect(await holdfast(home, ['ls', '--json'])).toMatchObject({ status: 0 });
      rmSync(join(home, '..', 'ballast'));
      await until(async () => (await holdfast(home, ['run', '--', 'true'])).status === 0, 'commands to be taken again');
      expect((await runtime.holdfast.status()).srv).toMatchObject({ pid: srv, state: 'running' });
      await bystander.check();
      await bystander.leave();
    } finally {
      await runtime.close();
    }
  });
});

describe('a corrupt database', () => {
  const json = <T>({ stdout }: Ran): T => JSON.parse(stdout) as T;

  it('[A7] [K9] is never written to: sessions are listed and attached, and doctor --repair brings it back', async () => {
    const runtime = await TestRuntime.start({ home });
    try {
      const session = await runtime.run(['cat'], { name: 'kept' });
      const { pid, shim_pid } = await session.record();
      await (await runtime.run(['true'])).wait({ for: 'end' });
      const before = (await runtime.holdfast.status()).srv.epoch;
      const { version } = (await runtime.holdfast.history()).events.at(-1)!;
      expect(await holdfast(home, ['down'])).toMatchObject({ status: 0 });
      const database = join(home, 'data', 'srv.db');
      damage(database);
      const damaged = readFileSync(database);

      const listed = await holdfast(home, ['ls', '--json']);
      const [kept] = listed.stdout
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as SessionRecord);
      expect(kept).toMatchObject({ name: 'kept', state: 'running', pid });
      const status = json<RuntimeStatus>(await holdfast(home, ['status', '--json']));
      expect(status).toMatchObject({ srv: { state: 'safe_mode' }, sessions: { live: 1 } });
      expect(status.problems?.join()).toMatch(/doctor --repair/);
      expect(await holdfast(home, ['doctor'])).toMatchObject({
        status: 1,
        stdout: expect.stringMatching(/PROBLEM.*safe_mode/) as string,
      });
      const refused = await holdfast(home, ['run', '--detach', '--', 'true']);
      expect(refused).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/safe mode.*doctor --repair/) as string,
      });
      await attachAndType(kept!, 'in safe mode');
      expect(await holdfast(home, ['doctor', '--repair'])).toMatchObject({
        status: 1,
        stdout: expect.stringMatching(/holdfast down/) as string,
      });
      expect(await holdfast(home, ['down'])).toMatchObject({ status: 0 });
      expect(readFileSync(database).equals(damaged)).toBe(true);

      const repaired = await holdfast(home, ['doctor', '--repair', '--json']);
      expect(repaired).toMatchObject({ status: 0, stderr: '' });
      const report = json<{ repaired: boolean; lost: { from: number; to: number | null }; aside: string }>(repaired);
      expect(report).toMatchObject({ ok: true, repaired: true, damage: expect.stringMatching(/./) as string });
      expect(report.lost.from).toBeGreaterThanOrEqual(1);
      expect(report.lost.from).toBeLessThanOrEqual(version);
      expect(readFileSync(report.aside).equals(damaged)).toBe(true);
      expect(await holdfast(home, ['up'])).toMatchObject({ status: 0 });
      await until(async () => (await runtime.holdfast.get(kept!.id)).record.state === 'running', 'the adoption');
      const after = json<RuntimeStatus>(await holdfast(home, ['status', '--json']));
      expect(after).toMatchObject({ srv: { state: 'running' }, problems: [] });
      expect(after.srv.epoch).not.toBe(before);
      await expect(runtime.holdfast.history({ since: version, epoch: before })).rejects.toMatchObject({
        code: 'epoch_unknown',
      });
      expect((await runtime.holdfast.get('kept')).record).toMatchObject({ pid, shim_pid, state: 'running' });
      await attachAndType((await runtime.holdfast.get('kept')).record, 'after the repair');
      expect(await holdfast(home, ['doctor', '--repair', '--json'])).toMatchObject({ status: 1 });

      async function attachAndType({ id }: SessionRecord, text: string): Promise<void> {
        const { session: found } = await runtime.holdfast.get(id);
        let seen = '';
        const attachment = await found.attach({
          from: 'screen',
          onItem(item) {
            if (item.type !== 'data') return;
            seen += item.bytes.toString();
            attachment.consumed(item.bytes.length);
          },
        });
        await attachment.write(Buffer.from(`${text}\r`));
        await until(() => seen.includes(text), `"${text}" to come back`);
        attachment.close();
      }
    } finally {
      await runtime.close();
    }
  });

  function damage(file: string): void {
    rmSync(`${file}-wal`, { force: true });
    rmSync(`${file}-shm`, { force: true });
    const fd = openSync(file, 'r+');
    writeSync(fd, Buffer.alloc(4096, 0x5a), 0, 4096, 0);
    closeSync(fd);
  }
});

describe('who else wants the home', () => {
  const srvOf = async (): Promise<number> => {
    const { stdout } = await holdfast(home, ['status', '--json']);
    return (JSON.parse(stdout) as RuntimeStatus).srv.pid!;
  };

  it('[A4] eight starters at once end with one srv, which all of them reach', async () => {
    const starters = await Promise.all(Array.from({ length: 8 }, () => holdfast(home, ['up', '--json'])));
    const pids = starters.map(({ status, stdout, stderr }) => {
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      return (JSON.parse(stdout) as RuntimeStatus).srv.pid;
    });
    expect(new Set(pids).size).toBe(1);
    await until(() => srvProcesses(home).length === 1, 'the losers to leave');
    await holdfast(home, ['down']);
  });

  it('[A4] a second srv leaves, and the first one never notices', async () => {
    const runtime = await TestRuntime.start({ home });
    try {
      const bystander = await Bystander.settle(runtime);
      const first = await runtime.srvPid();
      for (let round = 0; round < 2; round++) {
        execFileSync(process.execPath, [FAULTS_LOADER, '--process=srv', '--home', home], {
          env: { PATH: process.env['PATH'], HOLDFAST_RUNTIME: '1' },
        });
      }
      await until(() => srvProcesses(home).length === 1, 'the second srv to leave');
      expect(await runtime.srvPid()).toBe(first);
      await bystander.check();
      await bystander.leave();
    } finally {
      await runtime.close();
    }
  });

  it('[A4] a stale socket is replaced, and no word is lost about it', async () => {
    expect(await holdfast(home, ['up'])).toMatchObject({ status: 0 });
    const first = await srvOf();
    await killHard(first);
    expect(existsSync(join(home, 'run', 'srv.sock'))).toBe(true);
    expect(await holdfast(home, ['doctor'])).toMatchObject({ stdout: expect.stringContaining('stale') as string });
    expect(await holdfast(home, ['ls', '--json'])).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(await srvOf()).not.toBe(first);
    await holdfast(home, ['down']);
  });

  it('[C5] [X1] a client with the wrong secret is told whose home it needs', async () => {
    const runtime = await TestRuntime.start({ home });
    const secret = join(home, 'run', 'secret');
    const right = readFileSync(secret);
    try {
      const bystander = await Bystander.settle(runtime);
      writeFileSync(secret, `${'0'.repeat(32)}\n`);
      const ran = await holdfast(home, ['ls']);
      expect(ran).toMatchObject({
        status: 1,
        stdout: '',
        stderr: expect.stringMatching(/^holdfast: .*token/) as string,
      });
      await bystander.check();
      await bystander.leave();
    } finally {
      writeFileSync(secret, right);
      await runtime.close();
    }
  });

  it('[X1] a srv of a protocol this client does not speak', async () => {
    await withFakeSrv(
      (socket) => {
        const error = { code: 'unsupported_protocol', message: 'this srv speaks 9 to 9', fatal: true, version: 0 };
        socket.end(`${JSON.stringify({ event: 'error', ...error })}\n`);
      },
      async () => expectRefused(['ls'], 6, /speaks 9 to 9/),
    );
  });

  it('[X1] somebody who takes connections and never says a word', async () => {
    await withFakeSrv(
      () => undefined,
      async () => {
        const ran = await holdfast(home, ['ls']);
        expect([4, 6]).toContain(ran.status);
        expect(ran.stderr).toMatch(/^holdfast: [^\n]+\n$/);
      },
    );
  });

  it('[X1] a srv that cannot be started at all', async () => {
    const exits = join(home, 'exits.cjs');
    writeFileSync(exits, `if (process.argv.includes('--process=srv')) process.exit(3);`);
    await expectRefused(['ls'], 6, /srv could not be started.*see .*srv\.log/, { NODE_OPTIONS: `--require ${exits}` });
  });

  async function withFakeSrv(serve: (socket: Socket) => void, work: () => Promise<void>): Promise<void> {
    mkdirSync(join(home, 'run'), { mode: 0o700 });
    writeFileSync(join(home, 'run', 'secret'), `${'1'.repeat(32)}\n`, { mode: 0o600 });
    const sockets: Socket[] = [];
    const server: Server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      serve(socket);
    }).listen(join(home, 'run', 'srv.sock'));
    await new Promise((resolve) => server.once('listening', resolve));
    try {
      await work();
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  }
});
