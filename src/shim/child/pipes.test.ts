import { afterEach, describe, expect, it } from 'vitest';
import { record, type RecordedChild, type RecordOptions } from '../../../test/support/recorded-child.ts';
import { type LibC, loadLibC } from '../../process/index.ts';
import type { LaunchSpec } from '../../protocol/launch/index.ts';

const running: RecordedChild[] = [];
afterEach(async () => {
  for (const child of running.splice(0)) await child.end();
});

const withLibC = await loadLibC();
const variants: [string, LibC | undefined][] = [['mkfifo', undefined]];
if (withLibC !== undefined) variants.push(['pipe2', withLibC]);

describe.each(variants)('pipes made by %s', (_name, libc) => {
  function start(script: string, spec: Partial<LaunchSpec> = {}, options: RecordOptions = {}): RecordedChild {
    const recorded = record(['bash', '-c', script], { kind: 'pipe', ...spec }, { ports: { libc }, ...options });
    running.push(recorded);
    return recorded;
  }

  it('are pipes, which a program can open again', async () => {
    const child = start('for i in 0 1 2; do stat -Lc %F /dev/fd/$i; done; echo again > /dev/stdout; echo err >&2');
    await Promise.all([child.eof(1), child.eof(2)]);
    expect(child.text(1)).toBe('fifo\nfifo\nfifo\nagain\n');
    expect(child.text(2)).toBe('err\n');
    expect(await child.exit).toEqual({ code: 0, signal: null });
  });

  it('are blocking for the child and all it inherits', async () => {
    const child = start(
      'for i in 0 1 2; do grep flags /proc/self/fdinfo/$i; done < /dev/null; ls /proc/self/fd | wc -l',
    );
    await child.eof(1);
    const O_NONBLOCK = 0o4000;
    const flags = [...child.text().matchAll(/flags:\s*([0-7]+)/g)].map((match) => Number.parseInt(match[1]!, 8));
    expect(flags.map((value) => value & O_NONBLOCK)).toEqual([0, 0, 0]);
  });

  it('carry 300 fast exits of 20 KB completely', async () => {
    for (let run = 0; run < 300; run++) {
      const child = record(['bash', '-c', `printf '%019d\\n' {0..999}; exit 7`], { kind: 'pipe' }, { ports: { libc } });
      await child.eof(1);
      expect(child.bytes().length).toBe(20_000);
      expect(child.text().endsWith('0000999\n')).toBe(true);
      expect(await child.exit).toEqual({ code: 7, signal: null });
      child.child.close();
      await child.end();
    }
  });

  it('carry a gigabyte exactly, in pieces of at most a slab', async () => {
    const zeros = Buffer.alloc(64 * 1024);
    let total = 0;
    let wrong = 0;
    const child = start(
      'exec head -c 1000000000 /dev/zero',
      {},
      {
        output(_, bytes) {
          total += bytes.length;
          if (!bytes.equals(zeros.subarray(0, bytes.length))) wrong++;
        },
      },
    );
    await child.eof(1);
    expect([total, wrong]).toEqual([1_000_000_000, 0]);
  });

  it('keep the write order of a merged session', async () => {
    const child = start('for ((i = 0; i < 500; i++)); do echo o$i; echo e$i >&2; done', { merge_stderr: true });
    await child.eof(1);
    expect(child.text()).toBe(Array.from({ length: 500 }, (_, i) => `o${i}\ne${i}\n`).join(''));
    expect(child.order.filter((entry) => entry.startsWith('eof'))).toEqual(['eof 1']);
  });

  it('take input up to its end', async () => {
    const child = start('cat; echo end');
    const input = Buffer.alloc(3_000_000, 'abcdefgh\n');
    const writes = Promise.all(
      [0, 1, 2].map((part) => child.child.write(input.subarray(part * 1e6, (part + 1) * 1e6))),
    );
    await child.child.closeStdin();
    expect(await writes).toEqual(['written', 'written', 'written']);
    await child.eof(1);
    expect(child.bytes().equals(Buffer.concat([input, Buffer.from('end\n')]))).toBe(true);
    expect(await child.child.write(Buffer.from('late'))).toBe('closed');
  });

  it('report input that nobody will read as closed', async () => {
    const child = start('exec <&-; echo ready; read -u 9 2>/dev/null; exec sleep 1000');
    await child.until(() => child.text() === 'ready\n', 'ready');
    expect(await child.child.write(Buffer.alloc(200_000))).toBe('closed');
    expect(await child.child.write(Buffer.from('x'))).toBe('closed');
  });

  it('cost nothing while a child does not read', async () => {
    const child = start('echo ready; exec sleep 1000');
    await child.until(() => child.text() === 'ready\n', 'ready');
    let settled = false;
    const write = child.child.write(Buffer.alloc(1_000_000)).then((outcome) => {
      settled = true;
      return outcome;
    });
    const before = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, 500));
    const used = process.cpuUsage(before);
    expect(used.user + used.system).toBeLessThan(50_000);
    expect(settled).toBe(false);
    child.child.signal('SIGKILL');
    expect(await write).toBe('closed');
    expect(await child.exit).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('tell exit and end of output apart, and name who holds the output', async () => {
    const child = start('(trap "echo late; exit" USR1; echo $BASHPID; while :; do sleep 0.01; done) & exit 4');
    expect(await child.exit).toEqual({ code: 4, signal: null });
    await child.until(() => child.text().endsWith('\n'), 'pid');
    const pid = Number(child.text());
    expect(child.order).not.toContain('eof 1');
    const holder = child.tree.holders().find((fact) => fact.pid === pid);
    expect(holder?.command).toContain('bash');
    process.kill(pid, 'SIGUSR1');
    await Promise.all([child.eof(1), child.eof(2)]);
    expect(child.text()).toBe(`${pid}\nlate\n`);
    expect(child.tree.holders()).toEqual([]);
  });

  it('stop and go on with the reader', async () => {
    const child = start('head -c 5000000 /dev/zero');
    child.child.pauseOutput();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(child.bytes().length).toBeLessThan(2_000_000);
    const before = child.bytes().length;
    child.child.drainOutput();
    expect(child.bytes().length).toBeGreaterThan(before);
    child.child.resumeOutput();
    await child.eof(1);
    expect(child.bytes().length).toBe(5_000_000);
  });

  it('[S4] leave an own session and group, default signals, the umask and exactly the given environment', async () => {
    const child = start(
      'umask; grep -E "Sig(Blk|Ign)" /proc/self/status; ps -o pid=,pgid=,sess= $$; env -0 | sort -z | tr "\\0" "\\n"',
      {
        umask: 0o77,
        env: [
          ['PATH', process.env['PATH']!],
          ['EMPTY', ''],
          ['A B', 'x=y'],
        ],
      },
    );
    await child.eof(1);
    const [umask, blocked, ignored, ids, ...env] = child.text().trimEnd().split('\n');
    expect(umask).toBe('0077');
    expect([blocked, ignored]).toEqual(['SigBlk:\t0000000000000000', 'SigIgn:\t0000000000000000']);
    expect(new Set(ids!.trim().split(/\s+/))).toEqual(new Set([String(child.child.pid)]));
    const set = env.filter((line) => !/^(PWD|SHLVL|_|OLDPWD)=/.test(line)).map((line) => line.split('=')[0]);
    expect(set).toEqual(['A B', 'EMPTY', 'HOLDFAST_SESSION', 'PATH']);
  });
});
