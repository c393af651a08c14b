import { createHash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import type { LaunchSpec } from '../../protocol/launch/index.ts';
import { record, type RecordedChild, type RecordOptions } from '../../../test/support/recorded-child.ts';
import { isAlive } from '../../process/index.ts';

const running: RecordedChild[] = [];
afterEach(async () => {
  for (const child of running.splice(0)) await child.end();
});

function start(script: string, spec: Partial<LaunchSpec> = {}, options: RecordOptions = {}): RecordedChild {
  const recorded = record(['bash', '-c', script], { kind: 'pty', ...spec }, options);
  running.push(recorded);
  return recorded;
}

const LONG = process.env['HOLDFAST_TEST_LONG'] === '1';

/** `count` lines of 20 bytes, as the terminal shows them. */
const lines = (count: number): string =>
  Array.from({ length: count }, (_, i) => `${String(i).padStart(17, '0')}\r\n`).join('');

describe('output', () => {
  it('of a command of 20 KB that ends at once is complete every time', async () => {
    const expected = lines(1_000);
    const script = `printf '%017d\\n' {0..999}; exit 7`;
    for (let run = 0; run < (LONG ? 1_000 : 300); run++) {
      const child = record(['bash', '-c', script]);
      await child.eof();
      expect(child.text().length).toBe(expected.length);
      expect(child.text() === expected).toBe(true);
      expect(await child.exit).toEqual({ code: 7, signal: null });
      await child.end();
    }
  });

  it('survives a loop that stalls after every piece, and a reader that pauses past the exit', async () => {
    const expected = lines(1_000);
    for (let run = 0; run < 5; run++) {
      const child = start(`printf '%017d\\n' {0..999}`, {}, {});
      await child.until(() => child.text().length > 0, 'first piece');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
      child.child.pauseOutput();
      // The rest fits the terminal's buffer or not: either way the child must not lose it.
      await Promise.race([child.exit, new Promise((resolve) => setTimeout(resolve, 50))]);
      child.child.resumeOutput();
      await child.eof();
      expect(child.text()).toBe(expected);
    }
  });

  it('of 100 MB is exact', async () => {
    const hash = createHash('sha256');
    let total = 0;
    const child = start(
      'stty -opost; exec head -c 100000000 /dev/zero',
      {},
      {
        output(_, bytes) {
          hash.update(bytes);
          total += bytes.length;
        },
      },
    );
    await child.eof();
    expect(total).toBe(100_000_000);
    expect(hash.digest('hex')).toBe(createHash('sha256').update(Buffer.alloc(100_000_000)).digest('hex'));
  });

  it('stops while paused, and the child with it', async () => {
    const child = start('stty -opost; head -c 10000000 /dev/zero; echo done >&2');
    await child.until(() => child.bytes().length > 100_000, 'flood');
    child.child.pauseOutput();
    const before = child.bytes().length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(child.bytes().length).toBe(before);
    expect(isAlive(child.child)).toBe(true);
    child.child.resumeOutput();
    await child.eof();
    expect(child.bytes().length).toBe(10_000_000 + 'done\n'.length);
  });

  it('keeps coming from a background process after the exit, which is reported at once', async () => {
    const child = start(
      'set -m; trap "" HUP; (trap "echo late; exit" USR1; echo $BASHPID; while :; do sleep 0.01; done) & sleep 0.1',
    );
    expect(await child.exit).toEqual({ code: 0, signal: null });
    child.child.drainOutput();
    const background = Number.parseInt(child.text(), 10);
    expect(child.order).not.toContain('eof 1');
    expect(child.tree.holders().map(({ pid }) => pid)).toContain(background);
    process.kill(background, 'SIGUSR1');
    await child.eof();
    expect(child.text()).toBe(`${background}\r\nlate\r\n`);
    expect(child.tree.holders()).toEqual([]);
  });

  it('outlives a child that redirects itself away from its terminal and comes back', async () => {
    const child = start('trap "" TTOU; echo one; exec 0<&- 1>&- 2>&-; sleep 0.2; exec >/dev/tty; echo two; exit 3');
    expect(await child.exit).toEqual({ code: 3, signal: null });
    await child.eof();
    expect(child.text()).toBe('one\r\ntwo\r\n');
  });

  it('does not hang up a child that redirects itself away for good', async () => {
    const child = start('exec sleep 1000 </dev/null >/dev/null 2>&1');
    while (readlinkSync(`/proc/${child.child.pid}/fd/2`) !== '/dev/null') await new Promise(setImmediate);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isAlive(child.child)).toBe(true);
    expect(child.order).toEqual([]);
    child.child.signal('SIGUSR1');
    expect(await child.exit).toEqual({ code: null, signal: 'SIGUSR1' });
    await child.eof();
  });
});

describe('input', () => {
  const ready = async (child: RecordedChild): Promise<void> => {
    await child.until(() => child.text().includes('ready'), 'ready');
  };

  it('of a megabyte arrives in order at a raw terminal', async () => {
    const child = start('stty raw -echo; echo ready; head -c 1000000 | sha256sum');
    await ready(child);
    const input = Buffer.alloc(1_000_000, 'one two three four five six seven eight nine ten\r\n');
    const outcomes = [0, 1, 2, 3].map((part) =>
      child.child.write(input.subarray(part * 250_000, (part + 1) * 250_000)),
    );
    expect(await Promise.all(outcomes)).toEqual(Array(4).fill('written'));
    await child.eof();
    expect(child.text()).toContain(createHash('sha256').update(input).digest('hex'));
  });

  it('costs next to nothing while the child does not read, and blocks nobody', async () => {
    const child = start('stty raw -echo; echo ready; exec sleep 1000');
    await ready(child);
    let settled = false;
    const write = child.child.write(Buffer.alloc(1_000_000, 'x')).then((outcome) => {
      settled = true;
      return outcome;
    });
    const before = process.cpuUsage();
    const start_ms = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(performance.now() - start_ms).toBeLessThan(1_500);
    const used = process.cpuUsage(before);
    expect(used.user + used.system).toBeLessThan(100_000);
    expect(settled).toBe(false);
    child.child.close();
    expect(await write).toBe('closed');
    expect(await child.child.write(Buffer.from('x'))).toBe('closed');
  });

  it('reaches a child that starts to read late', async () => {
    const child = start('stty raw -echo; echo ready; sleep 0.3; head -c 200000 | wc -c');
    await ready(child);
    expect(await child.child.write(Buffer.alloc(200_000, 'x'))).toBe('written');
    await child.eof();
    expect(child.text()).toContain('200000');
  });

  it('ends with the terminal’s end of file, at the start and in the middle of a line', async () => {
    for (const [input, output] of [
      ['', ''],
      ['line\n', 'line'],
      ['part', 'part'],
    ] as const) {
      const child = start('stty -echo; echo ready; cat; echo end');
      await ready(child);
      await child.child.write(Buffer.from(input));
      await child.child.closeStdin();
      await child.eof();
      expect(child.text()).toMatch(new RegExp(`^ready\r\n${output}(\r\n)?end\r\n$`));
    }
  });

  it('after the end of the session is closed', async () => {
    const child = start('exit 0');
    await child.eof();
    expect(await child.child.write(Buffer.from('x'))).toBe('closed');
    child.child.resize(10, 10);
    expect(() => child.child.signal('SIGTERM')).toThrow(/foreground/);
  });
});

it('shows the child its size, and every change', async () => {
  const child = start('trap "stty size" WINCH; stty size; while :; do sleep 0.01; done', { rows: 31, cols: 101 });
  await child.until(() => child.text() === '31 101\r\n', 'first size');
  child.child.resize(50, 132);
  await child.until(() => child.text().endsWith('50 132\r\n'), 'second size');
});

it('signals the foreground group, not the shell behind it', async () => {
  const child = start('', { argv: ['bash', '--norc', '-i'], rows: 24, cols: 80 });
  await child.child.write(
    Buffer.from(
      'PS1=; trap "" INT; bash -c "trap \'echo got; exit 3\' USR1; echo rea\'\'dy; while :; do sleep 0.01; done"; echo status=$?\n',
    ),
  );
  await child.until(() => /^ready/m.test(child.text()), 'ready');
  child.child.signal('SIGUSR1');
  await child.until(() => /^status=3/m.test(child.text()), 'status');
  expect(child.text()).toContain('got');
  expect(isAlive(child.child)).toBe(true);
});

it('reports the signal that ended the child', async () => {
  for (const signal of ['SIGKILL', 'SIGSEGV', 'SIGHUP'] as const) {
    const child = start(`kill -${signal.slice(3)} $$; sleep 10`);
    expect(await child.exit).toEqual({ code: null, signal });
    await child.eof();
  }
});

it('[S4] gives the child its terminal and nothing else, default signals, the umask and the given environment', async () => {
  // Descriptors as a shim has them, beyond the first hole too: all of them close on exec.
  const open = Array.from({ length: 40 }, () => openSync('/dev/null', 'r'));
  closeSync(open[10]!);
  const child = start(
    'ls -l /proc/$$/fd | grep -c -- "->"; ls -l /proc/$$/fd | grep -c null; grep -E "Sig(Blk|Ign)" /proc/self/status; umask; tty; ps -o pid=,pgid=,sess= $$; env | sort',
    {
      umask: 0o27,
      env: [
        ['PATH', process.env['PATH']!],
        ['EMPTY', ''],
      ],
    },
  );
  await child.eof();
  for (const fd of open) if (fd !== open[10]) closeSync(fd);
  const [, nulls, blocked, ignored, umask, tty, ids, ...env] = child.text().trimEnd().split('\r\n');
  expect(nulls).toBe('0');
  expect([blocked, ignored]).toEqual(['SigBlk:\t0000000000000000', 'SigIgn:\t0000000000000000']);
  expect(umask).toBe('0027');
  expect(tty).toMatch(/^\/dev\/pts\/\d+$/);
  expect(new Set(ids!.trim().split(/\s+/))).toEqual(new Set([String(child.child.pid)]));
  const names = env
    .map((line) => line.split('=')[0])
    .filter((name) => !['PWD', 'SHLVL', '_', 'OLDPWD'].includes(name!));
  expect(names.sort()).toEqual(['EMPTY', 'HOLDFAST_SESSION', 'PATH', 'TERM']);
  expect(env).toContain('TERM=xterm-256color');
});

it('leaves no descriptor behind', async () => {
  const count = (): number => readdirSync('/proc/self/fd').length;
  const run = async (): Promise<void> => {
    const child = record(['true']);
    await child.eof();
    await child.exit;
    await child.end();
  };
  await run();
  const before = count();
  for (let i = 0; i < 20; i++) await run();
  expect(count()).toBe(before);
});

it.each([
  ['bash', '--norc', '-i'],
  ['dash', '-i'],
])('ends an interactive %s, which ignores TERM, softly', async (...argv) => {
  const child = start('', { argv });
  await child.child.write(Buffer.from('sleep 1000 &\ntrap; echo rea""dy\n'));
  await child.until(() => child.text().includes('ready'), 'ready');
  expect(child.tree.members().length).toBe(2);
  const before = performance.now();
  expect(await child.tree.terminate(10_000)).toEqual([]);
  expect(performance.now() - before).toBeLessThan(5_000);
  expect(child.tree.outcome(await child.exit)).toBe('soft_exit');
  await child.eof();
});
