/**
 * Today's srv, SDK and command line with the shim of the first release, which is frozen in test/fixtures and was
 * started before they were. A command that is new since then is refused by it (`unknown_command`), never mistaken.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SessionRecord } from '../../src/client/index.ts';
import { isAlive, processIdentity } from '../../src/process/index.ts';
import type { SessionCommand, SessionCommandName, SessionEvent } from '../../src/protocol/session/index.ts';
import type { ShimClient } from '../../src/shim/testing.ts';
import { FakeTerminal } from '../support/fake-terminal.ts';
import { FrozenRelease } from '../support/frozen-shim.ts';
import { FAULTS_LOADER, TestRuntime, until } from '../support/runtime.ts';
import { openSession } from '../support/session-socket.ts';

const release = new FrozenRelease('0.1.0');
/** Says every line it gets and every USR1. */
const PARROT = `trap 'echo usr1' USR1; printf 'hello\\n'; while :; do if read -r l; then echo "got $l"; elif [ $? -le 128 ]; then exit 4; fi; done`;

let runtime: TestRuntime;
const records = new Map<string, SessionRecord>();
/** Sessions by what they are for: those whose end is tested are nobody else's. */
const SESSIONS: Record<string, 'pty' | 'pipe'> = {
  pty: 'pty',
  pipe: 'pipe',
  Terminate: 'pty',
  Kill: 'pipe',
  Shutdown: 'pty',
  StopReading: 'pipe',
  WriteStdin: 'pipe',
  stop: 'pty',
  kill: 'pipe',
  rm: 'pty',
};

beforeAll(async () => {
  release.install();
  const ids: [string, string][] = [];
  for (const [name, kind] of Object.entries(SESSIONS)) {
    ids.push([name, await release.start(kind, ['bash', '-c', PARROT])]);
  }
  release.upgrade();
  runtime = await TestRuntime.start({ home: release.home });
  for (const [name, id] of ids) {
    await until(async () => (await runtime.holdfast.get(id)).record.state === 'running', `${name} to be adopted`);
    records.set(name, (await runtime.holdfast.get(id)).record);
  }
});

afterAll(async () => {
  try {
    await runtime.close();
  } finally {
    release.clean();
  }
});

const record = (name: string): SessionRecord => records.get(name)!;

function connect(name: string, role: 'client' | 'broker' = 'client', clientId = 'today'): Promise<ShimClient> {
  return openSession(runtime, record(name), { role, clientId });
}

/** Reads a session from its start. */
async function reader(name: string, mode: 'observe' | 'exclusive' = 'observe'): Promise<ShimClient> {
  const client = await connect(name, 'client', `reader of ${name}`);
  await client.askFor({ cmd: 'Attach', from: 'start', mode, credit: 1 << 20 }, 'Attached');
  await client.untilText('hello');
  return client;
}

async function ended(name: string): Promise<SessionRecord> {
  const { session } = await runtime.holdfast.get(record(name).id);
  return session.wait({ for: 'end' });
}

const KILLED = { code: null, signal: 'SIGKILL', outcome: 'hard_killed', cause: 'terminated' };
/** It catches USR1 only. */
const ASKED = { code: null, signal: 'SIGTERM', outcome: 'soft_exit', cause: 'terminated' };

/** What the first release answers to each command; a missing one is a compile error. */
const ANSWERS: Record<SessionCommandName, () => Promise<void>> = {
  async Hello() {
    const client = await connect('pty');
    const { shim_pid, pid } = record('pty');
    expect(client.events[0]).toMatchObject({
      protocol: 1,
      session_id: record('pty').id,
      kind: 'pty',
      version: release.version,
      shim_pid,
      child: { pid, state: 'running' },
    });
    expect(
      await client.ask({ cmd: 'Hello', protocol: [1, 1], client_id: 'x', token: '', role: 'client' }),
    ).toMatchObject({ event: 'Error', code: 'conflict' });
  },
  async Attach() {
    const client = await connect('pty');
    const attached = await client.askFor({ cmd: 'Attach', from: 'screen', mode: 'observe', credit: 0 }, 'Attached');
    expect(attached).toMatchObject({ mode: 'observe', rows: 24, cols: 80, streams: [{ id: 1 }] });
    expect(Buffer.from((await client.next('Screen')).data, 'base64').toString()).toContain('hello');
  },
  async Detach() {
    const client = await reader('pty');
    expect(await client.ask({ cmd: 'Detach' })).toMatchObject({ event: 'Ended', reason: 'detached' });
  },
  async Credit() {
    const client = await connect('pipe');
    await client.askFor({ cmd: 'Attach', from: 'start', mode: 'observe', credit: 0 }, 'Attached');
    await client.askFor({ cmd: 'Ping' }, 'Pong');
    expect(client.bytes()).toHaveLength(0);
    client.send({ cmd: 'Credit', bytes: 3 });
    await client.untilText('hel');
    client.send({ cmd: 'Credit', bytes: 1 << 20 });
    await client.untilText('hello\n');
  },
  async Lease() {
    const [one, two] = [await reader('pipe'), await connect('pipe', 'client', 'another')];
    const { lease } = await one.askFor({ cmd: 'Lease', action: 'take' }, 'LeaseGranted');
    one.input(lease.epoch, 1, 'leased\n');
    expect(await one.next('InputAck')).toMatchObject({ epoch: lease.epoch, seq: 1 });
    await one.untilText('got leased\n');
    expect(await two.ask({ cmd: 'Lease', action: 'take' })).toMatchObject({ event: 'Error', code: 'not_driver' });
    const stolen = await two.askFor({ cmd: 'Lease', action: 'steal' }, 'LeaseGranted');
    expect(stolen.lease.epoch).toBeGreaterThan(lease.epoch);
    one.input(lease.epoch, 2, 'late\n');
    expect(await one.next('Error')).toMatchObject({ code: 'lease_lost' });
    await two.askFor({ cmd: 'Lease', action: 'release', lease: stolen.lease }, 'Done');
  },
  async WriteStdin() {
    const client = await reader('WriteStdin');
    const data = Buffer.from('line\n').toString('base64');
    expect(await client.ask({ cmd: 'WriteStdin', data })).toMatchObject({ event: 'Written', bytes: 5 });
    await client.untilText('got line\n');
    expect(await client.ask({ cmd: 'WriteStdin', close: true })).toMatchObject({ event: 'Written', bytes: 0 });
    expect((await ended('WriteStdin')).exit).toMatchObject({ code: 4, outcome: 'natural_exit', cause: 'child' });
  },
  async Signal() {
    const client = await reader('pty');
    await client.askFor({ cmd: 'Signal', signal: 'SIGUSR1' }, 'Done');
    await client.untilText('usr1');
  },
  async Terminate() {
    const client = await connect('Terminate');
    expect(await client.ask({ cmd: 'Terminate', grace_ms: 60_000 })).toMatchObject({
      event: 'Terminating',
      already_exited: false,
    });
    expect((await ended('Terminate')).exit).toMatchObject(ASKED);
  },
  async Backlog() {
    const { data, last } = await (await reader('pipe')).askFor({ cmd: 'Backlog', stream: 1 }, 'BacklogSnapshot');
    expect(Buffer.from(data, 'base64').toString()).toMatch(/^hello\n/);
    expect(last).toBe(true);
  },
  async Tee() {
    const client = await reader('pipe');
    const path = join(release.home, 'tee.txt');
    const { tee } = await client.askFor(
      { cmd: 'Tee', stream: 1, sink: { kind: 'file', path, mode: 'truncate' }, options: { from: 'start' } },
      'TeeOpened',
    );
    await client.askFor({ cmd: 'Untee', tee }, 'TeeClosed');
    expect(readFileSync(path, 'utf8')).toMatch(/^hello\n/);
  },
  async TeeStatus() {
    const { client, tee } = await ringTee();
    expect(await client.ask({ cmd: 'TeeStatus', tee })).toMatchObject({
      event: 'TeeStatuses',
      tees: [{ tee, kind: 'ring', missed_bytes: 0, disconnected: false }],
    });
  },
  async TeeSnapshot() {
    const { client, tee } = await ringTee();
    await until(async () => {
      const { data } = await client.askFor({ cmd: 'TeeSnapshot', tee }, 'TeeSnapshot');
      return Buffer.from(data, 'base64').toString().startsWith('hello\n');
    }, 'the ring to hold the beginning');
  },
  async Untee() {
    const { client, tee } = await ringTee();
    expect(await client.ask({ cmd: 'Untee', tee })).toMatchObject({ event: 'TeeClosed', existed: true });
    expect(await client.ask({ cmd: 'Untee', tee })).toMatchObject({ event: 'TeeClosed', existed: false });
  },
  async SetProfile() {
    expect(await (await connect('pty')).ask({ cmd: 'SetProfile', profile: {} })).toMatchObject(REFUSED);
  },
  async ClearAttachment() {
    const holder = await reader('pipe', 'exclusive');
    await (await connect('pipe', 'broker')).askFor({ cmd: 'ClearAttachment', stream: 1 }, 'Done');
    expect(await holder.next('Ended')).toMatchObject({ reason: 'cleared' });
  },
  async NotifyAttached() {
    const holder = await reader('pipe', 'exclusive');
    const event: SessionEvent = { event: 'Warning', message: 'from the broker', idle_secs: null };
    await (await connect('pipe', 'broker')).askFor({ cmd: 'NotifyAttached', stream: 1, event }, 'Done');
    expect(await holder.next('Warning')).toMatchObject(event);
    await holder.ask({ cmd: 'Detach' });
  },
  async StopReading() {
    const client = await reader('StopReading');
    await (await connect('StopReading', 'broker')).askFor({ cmd: 'StopReading' }, 'Done');
    await client.next('Eof');
    await client.askFor({ cmd: 'Kill' }, 'Terminating');
    expect((await ended('StopReading')).exit).toMatchObject(KILLED);
  },
  async SendMessage() {
    expect(await (await connect('pty')).ask({ cmd: 'SendMessage', from: 'me', body: 'hi' })).toMatchObject(REFUSED);
  },
  async CancelMessage() {
    await isUnknown({ cmd: 'CancelMessage', message_id: 'm' });
  },
  async Interrupt() {
    await isUnknown({ cmd: 'Interrupt' });
  },
  async AnswerRequest() {
    await isUnknown({ cmd: 'AnswerRequest', request_id: 'r', choice: 'allow' });
  },
  async Report() {
    const report = { name: 'Stop', payload: {}, at: 1, report_id: '01JCFVQ5T80000000000000000' };
    await isUnknown({ cmd: 'Report', report });
  },
  async Explain() {
    await isUnknown({ cmd: 'Explain' });
  },
  async GetAgent() {
    await isUnknown({ cmd: 'GetAgent' });
  },
  async GetTranscript() {
    await isUnknown({ cmd: 'GetTranscript', from: 0, limit: 1 });
  },
  async CaptureScreen() {
    const screen = await (await reader('pty')).askFor({ cmd: 'CaptureScreen', last_n_lines: 24 }, 'ScreenCapture');
    expect(screen).toMatchObject({
      rows: 24,
      cols: 80,
      exact: true,
      content: expect.stringContaining('hello') as string,
    });
  },
  async GetState() {
    const client = await reader('pty');
    expect(['idle', 'working']).toContain((await client.askFor({ cmd: 'GetState' }, 'State')).state);
  },
  async Resize() {
    const client = await connect('pty');
    expect(await client.ask({ cmd: 'Resize', rows: 30, cols: 100 })).toMatchObject({
      event: 'Resized',
      rows: 30,
      cols: 100,
    });
    await until(async () => (await runtime.holdfast.get(record('pty').id)).record.cols === 100, 'srv to hear of it');
    await client.askFor({ cmd: 'Resize', rows: 24, cols: 80 }, 'Resized');
  },
  async Shutdown() {
    const client = await connect('Shutdown');
    expect(await client.ask({ cmd: 'Shutdown', timeout_secs: 60, reason: 'daemon_stop' })).toMatchObject({
      event: 'Terminating',
      grace_ms: 60_000,
    });
    expect((await ended('Shutdown')).exit).toMatchObject(ASKED);
  },
  async Kill() {
    const client = await connect('Kill');
    expect(await client.ask({ cmd: 'Kill' })).toMatchObject({ event: 'Terminating', grace_ms: 0 });
    expect((await ended('Kill')).exit).toMatchObject(KILLED);
  },
  async Ping() {
    expect(await (await connect('pty')).ask({ cmd: 'Ping' })).toMatchObject({ event: 'Pong' });
  },
};

const REFUSED = { event: 'Error', code: 'conflict', field: expect.any(String) as string };

/** New since that release. */
async function isUnknown(command: SessionCommand): Promise<void> {
  const client = await connect('pty');
  expect(await client.ask(command)).toMatchObject({ event: 'Error', code: 'unknown_command', command: command.cmd });
  await client.askFor({ cmd: 'Ping' }, 'Pong');
}

async function ringTee(): Promise<{ client: ShimClient; tee: number }> {
  const client = await connect('pipe');
  const options = { from: 'start' } as const;
  const opened = await client.askFor(
    { cmd: 'Tee', stream: 1, sink: { kind: 'ring', capacity: 64 }, options },
    'TeeOpened',
  );
  return { client, tee: opened.tee };
}

function cli(...words: string[]): string {
  const { status, stdout, stderr } = runtime.command(words);
  expect({ words, status, stderr }).toEqual({ words, status: 0, stderr: '' });
  return stdout.toString();
}

describe('the shim of release 0.1.0', () => {
  it('[A6] is the one of that release, to the byte', () => {
    expect(release.changes()).toEqual([]);
  });

  it('[A6] is adopted, and again when srv was killed; its child never notices', async () => {
    const child = processIdentity(record('pty').pid!)!;
    await runtime.killSrv();
    await runtime.holdfast.status();
    const { events } = await runtime.holdfast.history();
    const adopted = events.filter(
      ({ event, session_id }) => event === 'session_adopted' && session_id === record('pty').id,
    );
    expect(adopted).toHaveLength(2);
    for (const event of adopted) expect(event).toMatchObject({ shim_version: release.version, pid: child.pid });
    expect(isAlive(child)).toBe(true);
  });

  it.each(Object.entries(ANSWERS))('[A6] answers %s', async (_name, answers) => {
    await answers();
  });

  it('[A6] [Q5] leaves the query of OSC 7501 to the terminal, as it always did; today’s answers it itself', async () => {
    const today = await runtime.run(['bash', '-c', PARROT]);
    const asked = async (session: string): Promise<boolean> => {
      const argv = [process.execPath, FAULTS_LOADER, 'attach', session];
      const terminal = new FakeTerminal({ argv, env: runtime.env, cwd: runtime.home });
      await terminal.shows('hello');
      terminal.type('\x1b]7501;?\x07 asked\r');
      await until(() => /got .* asked/.test(terminal.text), 'the child to ask');
      terminal.type('\x1cd');
      await terminal.exited();
      return terminal.text.includes('got \x1b]7501;?\x07 asked');
    };
    expect(await asked(record('pty').id)).toBe(true);
    expect(await asked(today.id)).toBe(false);
  });

  it('[A6] [F4] refuses a command it cannot know, and goes on', async () => {
    const client = await connect('pty');
    expect(await client.ask({ cmd: 'FromTheFuture' } as never)).toMatchObject({
      event: 'Error',
      code: 'unknown_command',
    });
    await client.askFor({ cmd: 'Ping' }, 'Pong');
  });
});

describe('the command line with a session of release 0.1.0', () => {
  it('[A6] lists, reads, draws, writes, resizes, signals and renames', () => {
    const { id } = record('pipe');
    const { id: pty } = record('pty');
    const listed = cli('ls', '--json')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as SessionRecord);
    expect(listed.find((session) => session.id === id)).toMatchObject({
      state: 'running',
      kind: 'pipe',
      originator: 'an old srv',
      pid: record('pipe').pid,
    });
    cli('write', id, 'words', '--enter');
    cli('signal', id, 'USR1');
    cli('resize', pty, '40', '120');
    cli('rename', pty, 'old');
    expect(JSON.parse(cli('screen', 'old', '--json'))).toMatchObject({ rows: 40, cols: 120 });
    expect(cli('screen', 'old')).toContain('hello');
    expect(JSON.parse(cli('status', '--json'))).toMatchObject({ srv: { state: 'running' }, problems: [] });
    expect(runtime.command(['wait', 'old', '--timeout', '10ms']).status).toBe(4);
  });

  it('[A6] follows its output, and keeps it in tees', async () => {
    const { id } = record('pipe');
    const tee = cli('tee', 'add', id, '--ring', '4096', '--from-start').trim();
    expect(cli('tee', 'ls', id)).toContain('ring');
    await until(() => cli('tee', 'snapshot', id, tee).includes('got words\n'), 'the ring to hold it');
    expect(cli('tee', 'rm', id, tee)).toContain('0 missed');
    expect(cli('logs', id)).toMatch(/^hello\n[^]*got words\n/);
  });

  it('[A6] attaches to it', async () => {
    const terminal = await runtime.run([process.execPath, FAULTS_LOADER, '--home', runtime.home, 'attach', 'old']);
    const screen = async (): Promise<string> => (await terminal.screen()).content;
    await until(async () => (await screen()).includes('hello'), 'the screen of the old session');
    await terminal.write('typed\r');
    await until(async () => (await screen()).includes('got typed'), 'what was typed to come back');
    await terminal.write('\x1cd');
    await until(async () => (await screen()).includes('detached'), 'the detach');
    expect(await terminal.wait({ for: 'exit' })).toMatchObject({ exit: { code: 0 } });
  });

  it('[A6] [X1] ends it, and its closed log stays readable', async () => {
    expect(cli('stop', record('stop').id)).toContain('SIGTERM');
    expect(cli('kill', record('kill').id)).toContain('SIGKILL');
    expect(runtime.command(['wait', '--exit', record('stop').id]).status).toBe(143);
    expect(runtime.command(['wait', '--exit', record('kill').id]).status).toBe(137);
    expect(cli('logs', record('kill').id)).toBe('hello\n');
    expect(cli('screen', record('stop').id)).toContain('hello');
    const shim = processIdentity(record('rm').shim_pid!)!;
    expect(cli('rm', '--force', record('rm').id)).toBe(`${record('rm').id}\n`);
    await until(() => !isAlive(shim), 'the shim to leave');
  });
});
