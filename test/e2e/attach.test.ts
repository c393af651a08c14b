/** `holdfast attach` as a person uses it: in a real terminal, typed at and looked at. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAlive, processIdentity } from '../../src/process/index.ts';
import { CuttingProxy } from '../support/cutting-proxy.ts';
import { FAULTS_LOADER, TestRuntime, until } from '../support/runtime.ts';
import { hasProgram, needs, type Pane, Tmux } from '../support/tmux.ts';

const CTRL_BACKSLASH = '\x1c';
const SIZE = { rows: 24, cols: 80 };
/** Full screen, hidden cursor, mouse, paste, application keys, kitty keyboard, a scroll region, colours: all left on. */
const GREEDY = String.raw`printf '\033[?1049h\033[?25l\033[?1002;1006h\033[?2004h\033[?1h\033=\033[>1u\033[3;9r\033[44mgreedy'; exec cat`;

describe.skipIf(!hasProgram('tmux'))(needs('tmux', 'attach, in a terminal'), () => {
  let runtime: TestRuntime;
  let tmux: Tmux;

  beforeAll(async () => {
    [runtime, tmux] = await Promise.all([TestRuntime.start(), Tmux.start()]);
  });
  afterAll(async () => {
    await tmux.close();
    await runtime.close();
  });

  /** A shell in a terminal, with `$HF` for the command line. */
  async function sit(): Promise<Pane> {
    const env = { ...runtime.env, PS1: 'outer> ', HF: `${process.execPath} ${FAULTS_LOADER}` };
    const pane = await tmux.pane(['sh'], env, SIZE, runtime.home);
    await pane.shows(/^outer>$/m);
    return pane;
  }

  /** A command on a screen that shows nothing of what was before. */
  async function enter(pane: Pane, command: string): Promise<void> {
    await pane.type('clear\r');
    await pane.shows(/^outer>\n*$/);
    await pane.type(`${command}\r`);
  }

  /** What a terminal is besides its text. */
  async function terminalState(pane: Pane): Promise<string> {
    await enter(pane, 'stty -a; echo asked');
    const stty = await pane.shows(/^asked\nouter>$/m);
    const { state } = await pane.styled();
    return `${stty}\n${state.replace(/cursor_x=\d+ cursor_y=\d+/, '')}`;
  }

  async function attachProcess(pane: Pane): Promise<number> {
    const shell = await pane.format('#{pane_pid}');
    return Number(readFileSync(`/proc/${shell}/task/${shell}/children`, 'utf8').trim());
  }

  it('[X5] leaves with Ctrl-\\ d or the keys it was given, and sends the first one when it is typed twice', async () => {
    const session = await runtime.run(['sh', '-c', 'stty -icanon -isig -echo; printf ready; exec od -An -tx1 -v -w1'], {
      name: 'keys',
    });
    const pane = await sit();
    const before = await terminalState(pane);
    await enter(pane, '$HF attach keys');
    await pane.shows(/^ready/);
    await pane.type(`a${CTRL_BACKSLASH}${CTRL_BACKSLASH}b${CTRL_BACKSLASH}`);
    await pane.shows(/^ready 61\n 1c\n 62$/m);
    await pane.type('d');
    await pane.shows(/ 62\n\[detached\]\nouter>$/m);
    expect(await terminalState(pane)).toBe(before);
    await enter(pane, '$HF attach --detach-key "ctrl-a q" keys');
    await pane.shows(/ 62$/m);
    await pane.type(`${CTRL_BACKSLASH}d\x01q`);
    await pane.shows(/\[detached\]\nouter>$/m);
    // What was typed before the keys has reached the child, although nobody was there to see it.
    await until(
      async () => (await session.screen()).content.includes(' 62\n 1c\n 64'),
      'the child to get the other keys',
    );
    expect((await session.record()).state).toBe('running');
    await pane.close();
  });

  it('[X5] leaves the terminal as it was, whatever the child left on and however it is ended', async () => {
    const session = await runtime.run(['sh', '-c', GREEDY], { name: 'leftover' });
    const pane = await sit();
    const before = await terminalState(pane);
    for (const signal of ['SIGTERM', 'SIGHUP', 'detach'] as const) {
      await enter(pane, '$HF attach leftover');
      await pane.shows(/greedy/);
      expect((await pane.styled()).state).toMatch(
        /alternate_on=1 cursor_flag=0 .*keypad_cursor_flag=1 keypad_flag=1 .*mouse_button_flag=1/,
      );
      if (signal === 'detach') await pane.type(`${CTRL_BACKSLASH}d`);
      else process.kill(await attachProcess(pane), signal);
      await pane.shows(/^outer>$/m);
      expect(await terminalState(pane)).toBe(before);
    }
    await session.terminate(0);
    await pane.close();
  });

  it('[X4] [L2] says in one line that the connection went, and goes on where it was', async () => {
    const session = await runtime.run(['sh', '-c', 'while read -r line; do echo "got $line"; done'], { name: 'cut' });
    const { socket } = await session.record();
    await using proxy = await CuttingProxy.before(socket, { random: () => 0, mostBytes: 1, cuts: 0 });
    const pane = await sit();
    await enter(pane, '$HF attach cut');
    await pane.type('one\r');
    await pane.shows(/^got one$/m);
    await runtime.killSrv();
    await pane.type('two\r');
    expect(await pane.shows(/^got two$/m)).not.toContain('connection');
    proxy.interrupt();
    await pane.shows(/^\[holdfast: connection lost, reconnecting …$/m);
    await pane.type('three\r');
    proxy.restore();
    const text = await pane.shows(/^\[holdfast: connection lost, reconnecting … connected again\]\nthree\ngot three$/m);
    expect(text.match(/got one|got two|got three/g)).toEqual(['got one', 'got two', 'got three']);
    await pane.type(`${CTRL_BACKSLASH}d`);
    await pane.shows(/^\[detached\]\nouter>$/m);
    await session.terminate(0);
    await pane.close();
  });

  it('[X1] [E1] [E2] says how the child ended, although something else holds its output', async () => {
    const pane = await sit();
    await enter(
      pane,
      '$HF run --name held -- sh -c \'(trap "" HUP; exec sleep 1000) & echo out; exit 3\'; echo status $?',
    );
    await pane.shows(/^out\nstatus 3\nouter>$/m);
    await runtime.holdfast.remove((await runtime.holdfast.get('held')).record.id, { force: true });
    await enter(pane, "$HF run --name ends -- sh -c 'read x; kill -TERM $$'");
    await until(
      async () => (await runtime.holdfast.list()).some(({ name }) => name === 'ends'),
      'the session to be there',
    );
    const other = await sit();
    await enter(other, '$HF attach --read-only ends; echo status $?');
    await other.shows(/^$/m);
    await pane.type('\r');
    await other.shows(/\[exited SIGTERM\]\nstatus 0\nouter>$/m);
    await pane.type('echo status $?\r');
    await pane.shows(/^status 143\nouter>$/m);
    await Promise.all([pane.close(), other.close()]);
  });

  it('[I1] [I2] is read-only or steals when asked to, is told of a theft, and follows the window’s size', async () => {
    const session = await runtime.run(['sh', '-c', 'PS1="inner> " exec sh -i'], { name: 'prize' });
    const [victim, thief] = await Promise.all([sit(), sit()]);
    await enter(victim, '$HF attach prize');
    await victim.shows(/^inner>/m);
    await victim.resize({ rows: 30, cols: 100 });
    await victim.type('stty size\r');
    await victim.shows(/^30 100$/m);
    await enter(thief, '$HF attach prize; echo status $?');
    await thief.shows(/holds the input of this session[^]*status 5\nouter>$/m);
    await enter(thief, '$HF attach --read-only prize');
    await thief.shows(/^30 100$/m);
    await thief.type('echo not typed\r');
    await victim.type('echo typed by the driver\r');
    expect(await thief.shows(/^typed by the driver$/m)).not.toContain('not typed');
    await thief.type(`${CTRL_BACKSLASH}d`);
    await thief.shows(/\[detached\]\nouter>$/m);
    await enter(thief, '$HF attach --steal prize');
    await victim.shows(/^\[stolen by [^\]]+\]\nouter>$/m);
    await victim.type('echo status $?\r');
    await victim.shows(/^status 5\nouter>$/m);
    await thief.type('clear; stty size\r');
    await thief.shows(/^24 80$/m);
    await session.terminate(0);
    await thief.shows(/\[exited SIGKILL\]\nouter>$/m);
    await Promise.all([victim.close(), thief.close()]);
  });

  it('[A2] ends only itself when it is killed', async () => {
    const session = await runtime.run(['sh', '-c', 'printf ready; exec cat'], { name: 'survivor' });
    const pane = await sit();
    await enter(pane, '$HF attach survivor');
    await pane.shows(/^ready/);
    const attached = processIdentity(await attachProcess(pane))!;
    process.kill(attached.pid, 'SIGKILL');
    await until(() => !isAlive(attached), 'attach to be gone');
    // The docs say so: nobody is left to restore the terminal after kill -9; `reset` does.
    await pane.type('\rreset\r');
    await pane.shows(/outer>$/m);
    await session.write('still here\n', { steal: true });
    expect(await session.screen()).toMatchObject({ content: expect.stringContaining('still here') as string });
    await session.terminate(0);
    await pane.close();
  });

  it('[X1] opens the user’s shell, attached, when it is called bare', async () => {
    const pane = await sit();
    await enter(pane, "PS1='bare> ' $HF");
    await pane.shows(/^bare>$/m);
    await pane.type(`echo mine${CTRL_BACKSLASH}d`);
    await pane.shows(/^\[detached\]\nyour shell runs on; come back with: holdfast attach \w+\nouter>$/m);
    const { record } = await runtime.holdfast.get(
      (await runtime.holdfast.list()).find(({ command, state }) => command === '/bin/sh' && state === 'running')!.id,
    );
    await enter(pane, `$HF attach ${record.id}`);
    await pane.shows(/^bare> echo mine$/m);
    await pane.type('\rexit 4\r');
    await pane.shows(/^\[exited 4\]\nouter>$/m);
    await enter(pane, "PS1='bare> ' $HF");
    await pane.shows(/^bare>$/m);
    await pane.type('exit 4\r');
    await pane.shows(/^\[exited 4\]\nouter>$/m);
    await pane.type('echo status $?\r');
    await pane.shows(/^status 4\nouter>$/m);
    const { status, stdout } = runtime.command([]);
    expect({ status, said: stdout.toString() }).toEqual({
      status: 0,
      said: expect.stringContaining('holdfast attach demo') as string,
    });
    await pane.close();
  });
});
