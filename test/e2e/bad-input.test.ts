/** What people and programs get wrong: each is refused with what is at fault and what to do, and nobody else notices. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type ErrorCode, HoldfastError, type Session } from '../../src/client/index.ts';
import { ERROR_EXIT_STATUS } from '../../src/protocol/index.ts';
import { createIds, systemClock } from '../../src/runtime/index.ts';
import { Bystander } from '../support/bystander.ts';
import { collect } from '../support/collect.ts';
import { FAULTS_LOADER, killHard, TestRuntime, until } from '../support/runtime.ts';
import { openSession } from '../support/session-socket.ts';

let runtime: TestRuntime;
let bystander: Bystander;
/** Sessions the rows speak of, by name: `pty`, `pipe`, `closed` (its input), `driven`, `done` (ended with 7), `lost`. */
const sessions = new Map<string, Session>();

beforeAll(async () => {
  runtime = await TestRuntime.start();
  bystander = await Bystander.settle(runtime);
  const { home } = runtime;
  writeFileSync(join(home, 'plain'), 'echo hi\n', { mode: 0o644 });
  writeFileSync(join(home, 'lost-interpreter'), '#!/no/such/interpreter\n');
  chmodSync(join(home, 'lost-interpreter'), 0o755);
  mkdirSync(join(home, 'directory'));
  const run = async (name: string, argv: string[], kind: 'pty' | 'pipe'): Promise<Session> => {
    const session = await runtime.run(argv, { name, kind });
    sessions.set(name, session);
    return session;
  };
  await run('pty', ['cat'], 'pty');
  await run('pipe', ['sh', '-c', 'echo hi; exec cat'], 'pipe');
  await (await run('closed', ['sh', '-c', 'exec <&-; exec sleep 1000'], 'pipe')).closeStdin();
  const driven = await run('driven', ['cat'], 'pty');
  await (await driven.attach({ mode: 'drive', onItem: () => undefined })).write(Buffer.from('mine'));
  await (await run('done', ['sh', '-c', 'exit 7'], 'pty')).wait({ for: 'end' });
  const lost = await run('lost', ['sleep', '1000'], 'pipe');
  await killHard((await lost.record()).shim_pid!);
  await lost.wait({ for: 'end' });
});
afterAll(async () => {
  await bystander.leave();
  await runtime.close();
});

/** Words, exit status, and what standard error must say: the fault and what to do. */
type Row = [what: string, words: string[], status: number, says: RegExp];

function refuses(rows: Row[]): void {
  it.each(rows)('[X1] [X2] %s', async (_what, words, status, says) => {
    const ran = await collect(runtime.spawn(words));
    expect({ status: ran.status, stdout: ran.stdout.toString() }).toEqual({ status, stdout: '' });
    expect(ran.stderr).toMatch(says);
    // One line for a person, never a stack.
    expect(ran.stderr).toMatch(/^holdfast: [^\n]+\n$/);
    await bystander.check();
  });
}

describe('a start', () => {
  const own: Row[] = [
    ['without a command', ['run'], 125, /run needs a command, as in/],
    ['of an empty name', ['run', '--', ''], 125, /argv.*name a program/],
    [
      'of a program that is nowhere',
      ['run', '--', 'no-such-program'],
      127,
      /"no-such-program" was not found in .*PATH/,
    ],
    ['of a path that is not there', ['run', '--', './no-such'], 127, /no-such does not exist/],
    ['of a file without x-bit', ['run', '--', './plain'], 126, /plain .*x permission/],
    ['of a directory', ['run', '--', './directory'], 126, /directory is a directory, not a program/],
    ['of a script without its interpreter', ['run', '--', './lost-interpreter'], 126, /\/no\/such\/interpreter/],
    [
      'in a directory that is not there',
      ['run', '--cwd', '/no/such', '--', 'true'],
      125,
      /working directory \/no\/such/,
    ],
    ['in a file', ['run', '--cwd', 'plain', '--', 'true'], 125, /plain is not a directory/],
    [
      'with an environment entry without =',
      ['run', '--env', 'bad', '--', 'true'],
      125,
      /--env must be NAME=VALUE.*"bad"/,
    ],
    [
      'with an environment entry without a name',
      ['run', '-e', '=x', '--', 'true'],
      125,
      /--env must be NAME=VALUE.*"=x"/,
    ],
    ['with an unknown flag', ['run', '--bogus', '--', 'true'], 125, /--bogus.*holdfast help run/],
    ['with 0 rows', ['run', '--rows', '0', '--', 'true'], 125, /--rows must be .* from 1 to 10000, not "0"/],
    ['with 70,000 columns', ['run', '--cols', '70000', '--', 'true'], 125, /--cols must be .* to 10000, not "70000"/],
    [
      'with too big an area',
      ['run', '--rows', '9999', '--cols', '9999', '--', 'true'],
      125,
      /rows × cols must be at most/,
    ],
    ['with a linger that is no time', ['run', '--linger', 'soon', '--', 'true'], 125, /--linger must be a duration/],
    ['with pipes it does not have', ['run', '--merge-stderr', '--', 'true'], 125, /--merge-stderr needs --pipe/],
    ['with a name that is taken', ['run', '--name', 'pty', '--', 'true'], 125, /"pty"/],
    ['with a name like a flag', ['run', '--name=-x', '--', 'true'], 125, /name.*start with "-"/],
  ];
  refuses([
    ...own,
    // Without the child's status the statuses are those of every command.
    ['--detach without a command', ['run', '--detach'], 2, /run needs a command/],
    ['--detach of a missing program', ['run', '-d', '--', 'no-such-program'], 1, /was not found/],
    ['--detach with a bad entry', ['run', '-d', '--env', 'bad', '--', 'true'], 2, /--env/],
    ['--detach with a name that is taken', ['run', '-d', '--name', 'pty', '--', 'true'], 5, /"pty"/],
  ]);

  it('[S1] leaves no session that runs', async () => {
    const records = await runtime.holdfast.list();
    const live = records.filter(({ state }) => state === 'running').map(({ name }) => name);
    expect(live.sort()).toEqual(['bystander', 'closed', 'driven', 'pipe', 'pty']);
    for (const { start_error, exit } of records.filter((record) => record.start_error !== null)) {
      expect(start_error).toMatchObject({ code: 'start_failed', field: expect.stringMatching(/argv|cwd/) as string });
      expect(exit).toMatchObject({ code: null, cause: 'start_failed' });
    }
  });
});

describe('a session that is not there', () => {
  const rest: Record<string, string[]> = {
    write: ['text'],
    resize: ['24', '80'],
    rename: ['name'],
    signal: ['INT'],
  };
  const commands = ['logs', 'screen', 'write', 'wait', 'resize', 'rename', 'signal', 'stop', 'kill', 'rm'];
  refuses([
    ...commands.map(
      (name): Row => [name, [name, 'nobody', ...(rest[name] ?? [])], 3, /"nobody"; "holdfast ls" lists them/],
    ),
    ['tee', ['tee', 'ls', 'nobody'], 3, /"nobody"/],
    ['wait --exit', ['wait', '--exit', 'nobody'], 125, /"nobody"/],
    ['an ambiguous prefix', ['logs', '0'], 2, /\d+ sessions have an id that starts with "0"; give more of it/],
  ]);

  it('[X1] attach', async () => {
    const terminal = await runtime.run([process.execPath, FAULTS_LOADER, '--home', runtime.home, 'attach', 'nobody']);
    expect((await terminal.wait({ for: 'exit' })).exit).toMatchObject({ code: 3 });
    await bystander.check();
  });
});

describe('a stream, input or size that cannot be', () => {
  refuses([
    ['a stream a terminal does not have', ['logs', 'pty', '--stream', 'stderr'], 3, /stderr|stream 2/],
    ['a stream nobody has', ['logs', 'pty', '--stream', 'third'], 2, /--stream is stdout, stderr or both, not "third"/],
    ['a tee of it', ['tee', 'add', 'pty', 'file', '--stream', 'stderr'], 3, /stderr|stream 2/],
    ['a screen of pipes', ['screen', 'pipe'], 3, /no screen/],
    ['a size of pipes', ['resize', 'pipe', '24', '80'], 3, /no terminal/],
    ['an offset in the future', ['logs', 'pipe', '--since-offset', '999999'], 1, /999999/],
    ['a write after close', ['write', 'closed', 'text'], 5, /stdin is closed/],
    ['a write to a session another drives', ['write', 'driven', 'text'], 5, /drive|lease/],
    ['a write to a session that has ended', ['write', 'done', 'text'], 5, /exited|ended/],
    ['a signal to a session that has ended', ['signal', 'done', 'INT'], 5, /ended|exited/],
    ['a size of a session that has ended', ['resize', 'done', '24', '80'], 5, /ended|exited/],
    ['a signal that does not exist', ['signal', 'pty', 'WAVE'], 2, /"WAVE"; give a name such as INT/],
    ['0 rows', ['resize', 'pty', '0', '80'], 2, /ROWS must be a whole number from 1 to 10000, not "0"/],
    ['70,000 columns', ['resize', 'pty', '24', '70000'], 2, /COLS must be a whole number from 1 to 10000, not "70000"/],
    ['too big an area', ['resize', 'pty', '9999', '9999'], 2, /cols|rows/],
    ['a tee that does not exist', ['tee', 'rm', 'pty', '77'], 2, /no tee 77; see: holdfast tee ls/],
    ['a tee into no directory', ['tee', 'add', 'pty', '/no/such/file'], 1, /\/no\/such\/file/],
  ]);

  it.each([
    ['0 rows', 0, 80, 'rows'],
    ['70,000 columns', 24, 70_000, 'cols'],
    ['half a column', 24, 79.5, 'cols'],
  ])('[F5] %s through the SDK and on the wire', async (_what, rows, cols, field) => {
    const session = sessions.get('pty')!;
    await expect(session.resize(rows, cols)).rejects.toMatchObject({ code: 'invalid_argument', field });
    const raw = await openSession(runtime, await session.record());
    expect(await raw.ask({ cmd: 'Resize', rows, cols })).toMatchObject({
      event: 'Error',
      code: 'invalid_argument',
      field,
    });
    raw.socket.destroy();
    expect(await session.record()).toMatchObject({ rows: 24, cols: 80 });
    await bystander.check();
  });
});

describe('other faults of a command', () => {
  refuses([
    ['a command that does not exist', ['atach'], 2, /no command "atach"; (did you mean|see: holdfast help)/],
    ['a missing argument', ['logs'], 2, /logs is missing an argument; usage: holdfast logs/],
    ['one argument too many', ['screen', 'a', 'b'], 2, /"b"; usage: holdfast screen/],
    ['attach without a terminal', ['attach', 'pty'], 2, /needs a terminal.*holdfast logs --follow/],
    ['the removal of a live session', ['rm', 'pty'], 5, /is live.*force/],
    ['an epoch nobody knows', ['events', '--since', '1', '--epoch', 'bogus'], 1, /epoch/],
    ['a wait that takes too long', ['wait', 'pty', '--timeout', '10ms'], 4, /still running after 10 ms/],
    ['the same with --exit', ['wait', 'pty', '--exit', '--timeout', '10ms'], 125, /still running/],
    ['the exit status of a lost session', ['wait', 'lost', '--exit'], 125, /without an exit status \(shim_lost\)/],
  ]);
});

describe('the status of a child', () => {
  it.each([
    ['its code', 'exit 7', 7],
    ['128 + TERM', 'kill -TERM $$', 143],
    ['128 + KILL', 'kill -KILL $$', 137],
    ['128 + a signal of its own', 'kill -USR1 $$', 138],
  ])('[X1] is %s, from run and from wait --exit', async (_what, script, status) => {
    for (const kind of [[], ['--pipe']]) {
      const name = `child${Math.random()}`;
      const ran = await collect(runtime.spawn(['run', ...kind, '--name', name, '--', 'sh', '-c', script]));
      expect(ran).toMatchObject({ status, stderr: '' });
      expect(await collect(runtime.spawn(['wait', '--exit', name]))).toMatchObject({ status, stderr: '' });
    }
  });
});

describe('the SDK', () => {
  const env: [string, string][] = [['PATH', '/usr/bin:/bin']];
  const refusals: [string, Parameters<TestRuntime['holdfast']['run']>[0], ErrorCode, string][] = [
    ['no arguments', { argv: [], cwd: '/', env }, 'invalid_argument', 'argv'],
    ['a NUL in an argument', { argv: ['a\0b'], cwd: '/', env }, 'invalid_argument', 'argv[0]'],
    ['an argument the kernel does not take', { argv: ['x'.repeat(200_000)], cwd: '/', env }, 'too_large', 'argv[0]'],
    ['a relative directory', { argv: ['true'], cwd: 'here', env }, 'invalid_argument', 'cwd'],
    ['an environment name with =', { argv: ['true'], cwd: '/', env: [['A=B', '']] }, 'invalid_argument', 'env[0]'],
    ['a NUL in the environment', { argv: ['true'], cwd: '/', env: [['A', '\0']] }, 'invalid_argument', 'env[0]'],
    ['0 rows', { argv: ['true'], cwd: '/', env, rows: 0 }, 'invalid_argument', 'rows'],
    ['70,000 columns', { argv: ['true'], cwd: '/', env, cols: 70_000 }, 'invalid_argument', 'cols'],
    ['a program that is nowhere', { argv: ['no-such-program'], cwd: '/', env }, 'start_failed', 'argv[0]'],
  ];
  it.each(refusals)('[S1] names the field of %s', async (_what, spec, code, field) => {
    const refused = await runtime.holdfast.run(spec).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(HoldfastError);
    expect(refused).toMatchObject({ code, field });
    await bystander.check();
  });

  it('[K5] refuses a key that is too old, or was used for something else', async () => {
    const spec = { argv: ['true'], cwd: '/', env };
    const old = createIds({ ...systemClock, now: () => Date.now() - 48 * 3_600_000 }).ulid();
    await expect(runtime.holdfast.create(spec, { key: old })).rejects.toMatchObject({ code: 'key_expired' });
    const key = createIds(systemClock).ulid();
    await runtime.holdfast.create(spec, { key });
    await expect(runtime.holdfast.create({ ...spec, argv: ['false'] }, { key })).rejects.toMatchObject({
      code: 'key_reused',
    });
  });

  it('[I5] [L4] refuses a write after the close, and ends the output there', async () => {
    const session = await runtime.run(['cat'], { kind: 'pipe' });
    await session.write('last\n');
    await session.closeStdin();
    await expect(session.write('more\n')).rejects.toMatchObject({
      code: expect.stringMatching(/stdin_closed|session_exited/) as string,
    });
    expect((await session.wait({ for: 'end' })).exit).toMatchObject({ code: 0 });
  });

  it('[X1] does not find a runtime it may not start', async () => {
    const nobody = connect({
      home: join(runtime.home, 'inner'),
      start: false,
      loader: FAULTS_LOADER,
      env: runtime.env,
    });
    await expect(nobody).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('holdfast up') as string,
    });
  });
});

describe('a reader of the command line that goes away', () => {
  it.each([
    ['logs --follow', ['logs', 'pipe', '--follow']],
    ['events --follow', ['events', '--follow', '--since', '0']],
    ['ls', ['ls']],
  ])('[X1] ends %s as SIGPIPE would, and nothing else', async (_what, words) => {
    const child = runtime.spawn(words);
    child.stdout!.destroy();
    if (words[0] === 'logs') await sessions.get('pipe')!.write('more\n');
    if (words[0] === 'events') await runtime.holdfast.rename('pipe', 'pipe');
    await until(() => child.exitCode !== null || child.signalCode !== null, `${words.join(' ')} to end`);
    expect(child.exitCode === 141 || child.signalCode === 'SIGPIPE').toBe(true);
    await bystander.check();
  });
});

it('[X1] knows an exit status for every error code', () => {
  for (const status of Object.values(ERROR_EXIT_STATUS)) expect([1, 2, 3, 4, 5, 6]).toContain(status);
});
