import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const LOADER = fileURLToPath(new URL('../../dist-faults/holdfast.cjs', import.meta.url));
const TMUX = ['-L', `hf-cli-${process.pid}`];
let home: string;

interface Ran {
  status: number;
  out: string;
  err: string;
}

function hf(words: string[], input = ''): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [LOADER, ...words],
      {
        env: { ...process.env, HOLDFAST_HOME: home, SHELL: '/bin/sh' },
        encoding: 'latin1',
        maxBuffer: 1 << 28,
        timeout: 25_000,
      },
      (error, out, err) =>
        resolve({ status: error === null ? 0 : ((error.code as unknown as number | null) ?? -1), out, err }),
    );
    child.stdin?.end(input);
  });
}

function tmux(...words: string[]): string {
  return execFileSync('tmux', [...TMUX, ...words], { encoding: 'utf8' });
}

const pane = (): string => tmux('capture-pane', '-p', '-t', 'main');

function keys(...words: string[]): void {
  tmux('send-keys', '-t', 'main', ...words);
}

/** Waits until the pane shows what is expected; the message of a failure is the pane. */
async function shows(pattern: RegExp): Promise<string> {
  const until = Date.now() + 15_000;
  for (;;) {
    const text = pane();
    if (pattern.test(text)) return text;
    if (Date.now() > until) throw new Error(`the terminal never showed ${String(pattern)}:\n${text}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'hfl-'));
});
afterAll(async () => {
  await hf(['down', '--sessions']);
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
});

describe('the command line', () => {
  it('[X2] explains itself and refuses what it does not know', async () => {
    expect(await hf(['help'])).toMatchObject({ status: 0, out: expect.stringContaining('attach') as string });
    expect(await hf(['run', '--help'])).toMatchObject({
      status: 0,
      out: expect.stringContaining('--merge-stderr') as string,
    });
    expect(await hf(['atach'])).toMatchObject({
      status: 2,
      err: expect.stringMatching(/^holdfast: there is no command "atach"/) as string,
    });
    expect(await hf(['resize', 'x', '0', '80'])).toMatchObject({
      status: 2,
      err: expect.stringContaining('ROWS') as string,
    });
    expect(await hf(['resize', 'x', '70000', '80'])).toMatchObject({ status: 2 });
    expect(await hf(['attach', 'x'])).toMatchObject({ status: 2, err: expect.stringContaining('terminal') as string });
  });

  it('says what is absent, without starting it', async () => {
    const { status, out } = await hf(['status', '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      home,
      srv: { pid: null, state: 'absent' },
      sessions: { live: 0, exited: 0 },
    });
  });

  it('starts the runtime and says what to try, without a terminal', async () => {
    expect(await hf([])).toMatchObject({ status: 0, out: expect.stringContaining('holdfast attach demo') as string });
  });

  it('[X1] returns the child’s bytes and its status', async () => {
    expect(await hf(['run', '--pipe', '--', 'sh', '-c', "printf 'a\\0\\377\\n\\r'; printf err >&2; exit 7"])).toEqual({
      status: 7,
      out: 'a\0\xff\n\r',
      err: 'err',
    });
    expect(await hf(['run', '--', 'sh', '-c', 'kill -TERM $$'])).toMatchObject({ status: 143 });
    expect(await hf(['run', '--', '/no/such/program'])).toMatchObject({ status: 127, out: '' });
    expect(await hf(['run', '--', '/etc/passwd'])).toMatchObject({ status: 126, out: '' });
    expect(await hf(['run', '--env', 'bad', '--', 'true'])).toMatchObject({ status: 125 });
    expect(await hf(['run'])).toMatchObject({ status: 125, err: expect.stringContaining('needs a command') as string });
  });

  it('hands its input and its end on', async () => {
    const input = 'line\n'.repeat(50_000);
    expect(await hf(['run', '--pipe', '--', 'cat'], input)).toEqual({ status: 0, out: input, err: '' });
  });

  it('[X3] loses nothing of a fast exit', async () => {
    const { status, out } = await hf(['run', '--', 'sh', '-c', 'seq 1 200000; exit 7']);
    expect(status).toBe(7);
    expect(out).toBe(Array.from({ length: 200_000 }, (_, index) => `${index + 1}\r\n`).join(''));
  });

  it('lists, writes, waits, logs, stops and forgets', async () => {
    const id = (await hf(['run', '--detach', '--pipe', '--name', 'job', '--', 'cat'])).out.trim();
    const listed = (await hf(['ls', '--json'])).out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string });
    expect(listed.find((session) => session.id === id)).toMatchObject({
      name: 'job',
      kind: 'pipe',
      state: 'running',
      argv: ['cat'],
    });
    expect(await hf(['write', 'job', 'one\ntwo\nthree', '--enter'])).toMatchObject({ status: 0 });
    expect(await hf(['wait', 'job', '--timeout', '50ms'])).toMatchObject({ status: 4 });
    expect(await hf(['rm', 'job'])).toMatchObject({ status: 5 });
    expect(await hf(['write', 'job', '--close'])).toMatchObject({ status: 0, err: '' });
    expect(await hf(['wait', 'job', '--exit'])).toMatchObject({ status: 0 });
    expect((await hf(['logs', 'job', '--raw'])).out).toBe('one\ntwo\nthree\n');
    expect((await hf(['logs', id, '--tail', '2'])).out).toBe('two\nthree\n');
    expect((await hf(['logs', id, '--since-offset', '4'])).out).toBe('two\nthree\n');
    expect(await hf(['rm', id])).toMatchObject({ status: 0 });
    expect(await hf(['logs', id])).toMatchObject({ status: 3 });
    await hf(['run', '--detach', '--name', 'loop', '--', 'sleep', '1000']);
    expect(await hf(['kill', 'loop'])).toMatchObject({ status: 0, out: expect.stringContaining('SIGKILL') as string });
    expect(await hf(['wait', 'loop', '--exit'])).toMatchObject({ status: 137 });
  });

  it('prints the screen and tees into a file', async () => {
    await hf(['run', '--detach', '--name', 'screen', '--', 'sh', '-c', 'printf "hello\\033[5;5Hthere"; exec cat']);
    const file = join(home, 'tee.txt');
    const tee = (await hf(['tee', 'add', 'screen', file, '--from-start'])).out.trim();
    await hf(['write', 'screen', 'typed', '--enter']);
    const screen = JSON.parse((await hf(['screen', 'screen', '--json'])).out) as { content: string };
    expect(screen).toMatchObject({ rows: 24, cols: 80, exact: true });
    expect(screen.content).toContain('hello');
    expect((await hf(['tee', 'ls', 'screen'])).out).toContain(file);
    expect(await hf(['tee', 'rm', 'screen', tee])).toMatchObject({
      status: 0,
      out: expect.stringContaining('0 missed') as string,
    });
    await hf(['kill', 'screen']);
  });

  it('prints the events in order, without a hole', async () => {
    const lines = (await hf(['events', '--all', '--json'])).out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { version: number });
    expect(lines.length).toBeGreaterThan(10);
    expect(lines.map(({ version }) => version)).toEqual(lines.map((_, index) => index + 1));
  });

  it('[X4] follows a log over the death of srv', async () => {
    await hf(['run', '--detach', '--pipe', '--name', 'follow', '--', 'cat']);
    const child = spawn(process.execPath, [LOADER, 'logs', 'follow', '--follow'], {
      env: { ...process.env, HOLDFAST_HOME: home },
    });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    for (const word of ['one', 'two', 'three']) {
      await hf(['write', 'follow', word, '--enter']);
      const { srv } = JSON.parse((await hf(['status', '--json'])).out) as { srv: { pid: number } };
      process.kill(srv.pid, 'SIGKILL');
    }
    await hf(['write', 'follow', '--close']);
    expect(await ended).toBe(0);
    expect(out).toBe('one\ntwo\nthree\n');
  });

  it('behaves like a pipe when its reader goes away', async () => {
    const child = spawn('sh', ['-c', `"${process.execPath}" "${LOADER}" run -- yes | head -n 1`], {
      env: { ...process.env, HOLDFAST_HOME: home },
    });
    let out = '';
    child.stdout.on('data', (text: Buffer) => {
      out += text.toString();
    });
    await new Promise((resolve) => child.once('close', resolve));
    expect(out).toBe('y\r\n');
    const sessions = (await hf(['ls', '--json'])).out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { argv: string[]; id: string });
    const yes = sessions.find(({ argv }) => argv[0] === 'yes');
    expect(await hf(['wait', yes!.id, '--exit'])).toMatchObject({ status: 141 });
  });

  it('finds a home healthy', async () => {
    const { status, out } = await hf(['doctor', '--json']);
    expect({ status, report: JSON.parse(out) as unknown }).toMatchObject({
      status: 0,
      report: { home, healthy: true },
    });
  });
});

describe('attach, in a terminal', () => {
  beforeAll(() => {
    const env = ['-e', `HOLDFAST_HOME=${home}`, '-e', `HF=${process.execPath} ${LOADER}`];
    tmux('-f', '/dev/null', 'new-session', '-d', '-s', 'main', '-x', '80', '-y', '24', ...env, 'sh');
  });
  afterAll(() => tmux('kill-server'));

  it('runs, detaches, comes back to the same screen, and says how it ended', async () => {
    keys("PS1='outer$ '", 'Enter');
    await shows(/^(?:\S+ )?outer\$$/m);
    keys("$HF run --name inner --env PS1='inner> ' -- sh", 'Enter');
    await shows(/^inner>/m);
    keys('echo $((6*7)); tty', 'Enter');
    await shows(/^42$/m);
    keys('C-\\', 'd');
    await shows(/\[detached\]/);
    keys('clear; $HF attach inner', 'Enter');
    await shows(/^42\n\/dev\/pts\/\d+\ninner>/m);
    keys('exit 3', 'Enter');
    await shows(/\[exited 3\]/);
    keys('echo "status $?"; stty -a | grep -o " -echo "', 'Enter');
    expect(await shows(/^(?:outer\$ )?status 0$/m)).not.toMatch(/^ -echo $/m);
  });

  it('follows the window’s size', async () => {
    keys("clear; $HF run --name sized --env PS1='sized> ' -- sh", 'Enter');
    await shows(/^sized>/m);
    tmux('resize-window', '-t', 'main', '-x', '100', '-y', '30');
    keys('stty size', 'Enter');
    await shows(/^30 100$/m);
    keys('exit', 'Enter');
    await shows(/outer\$\s*$/);
  });

  it('[X5] watches without driving, and leaves the terminal as it was', async () => {
    await hf([
      'run',
      '--detach',
      '--name',
      'watched',
      '--',
      'sh',
      '-c',
      "printf '\\033[?1049h\\033[?1000h\\033[?25lfull screen'; exec cat",
    ]);
    keys('clear; $HF attach --read-only watched', 'Enter');
    await shows(/full screen/);
    keys('nothing of this', 'Enter');
    await hf(['write', 'watched', 'seen by all', '--enter']);
    expect(await shows(/seen by all/)).not.toContain('nothing of this');
    keys('C-\\', 'd');
    await shows(/\[detached\]/);
    expect(
      tmux('display-message', '-p', '-t', 'main', '#{alternate_on} #{mouse_standard_flag} #{cursor_flag}').trim(),
    ).toBe('0 0 1');
    await hf(['kill', 'watched']);
  });

  it('is told when another client steals the session', async () => {
    keys("clear; $HF run --name prize --env PS1='prize> ' -- sh", 'Enter');
    await shows(/^prize>/m);
    tmux('new-window', '-d', '-t', 'main:9', `${process.execPath} ${LOADER} attach --steal prize`);
    await shows(/\[stolen by /);
    await hf(['kill', 'prize']);
  });
});
