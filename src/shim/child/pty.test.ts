import { createHash } from 'node:crypto';
import { readdirSync, readlinkSync } from 'node:fs';
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
    const child = start(`trap '' HUP; (read -t 60 line; echo "late $line"; exit 0) < /dev/tty & echo $!`, {
      argv: ['bash', '-mc', `trap '' HUP; (until [ -e "$GO" ]; do sleep 0.01; done; echo late) & echo $!`],
      env: [
        ['PATH', process.env['PATH']!],
        ['GO', `/tmp/hf-go-${process.pid}`],
      ],
    });
    expect(await child.exit).toEqual({ code: 0, signal: null });
    child.child.drainOutput();
    const background = Number(child.text());
    expect(child.order).not.toContain('eof 1');
    expect(child.tree.holders().map(({ pid }) => pid)).toContain(background);
    const { writeFileSync, rmSync } = await import('node:fs');
    writeFileSync(`/tmp/hf-go-${process.pid}`, '');
    await child.eof();
    rmSync(`/tmp/hf-go-${process.pid}`);
    expect(child.text()).toMatch(/\r\nlate\r\n$/);
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

it('descriptors', async () => {
  const child = start('ls -l /proc/$$/fd; grep Sig /proc/self/status; umask; stty size; env', {
    umask: 0o27,
    rows: 31,
    cols: 101,
  });
  await child.eof();
  console.log(child.text(), readdirSync('/proc/self/fd').length);
});
