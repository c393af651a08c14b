/** Agents on the real command line: real srv and shims, a scripted agent in a PTY. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AgentRecord, MessageRecord } from '../../src/client/index.ts';
import { createIds, systemClock } from '../../src/runtime/index.ts';
import { agentHome, insideOf, scripted, truthOf } from '../support/agent-home.ts';
import { collect } from '../support/collect.ts';
import { openControl } from '../support/control-client.ts';
import { holdfast, type Ran } from '../support/holdfast-command.ts';
import { FAULTS_LOADER, TestRuntime, until } from '../support/runtime.ts';
import type { AgentScript } from '../support/scripted-profile.ts';

let runtime: TestRuntime;

beforeAll(async () => {
  runtime = await TestRuntime.start({ home: agentHome() });
});
afterAll(() => runtime.close());

/** What a test leaves, the next would find on its lists. */
afterEach(async () => {
  const left = (await runtime.holdfast.list()).filter(({ state }) => state !== 'ended' && state !== 'lost');
  await Promise.all(left.map(({ id }) => runtime.holdfast.kill(id)));
  await Promise.all(left.map(({ id }) => runtime.holdfast.wait(id, { for: 'end', timeoutMs: 10_000 })));
});

const hf = (words: string[], env: Record<string, string> = {}): Promise<Ran> =>
  holdfast(runtime.home, words, { cwd: runtime.home, env });

/** What it printed, when it succeeded. */
async function ok(...words: string[]): Promise<string> {
  const { status, stdout, stderr } = await hf(words);
  expect({ words, status, stderr }).toEqual({ words, status: 0, stderr: '' });
  return stdout.trimEnd();
}

async function json<T>(...words: string[]): Promise<T[]> {
  const text = await ok('--json', ...words);
  return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as T);
}

async function refused(status: number, message: RegExp, words: string[], env?: Record<string, string>): Promise<void> {
  const ran = await hf(words, env);
  expect({ words, status: ran.status, stdout: ran.stdout }).toEqual({ words, status, stdout: '' });
  expect(ran.stderr).toMatch(/^holdfast: /);
  expect(ran.stderr).toMatch(message);
  expect(ran.stderr.trimEnd().split('\n')).toHaveLength(1);
}

/** So long that the hook at its beginning has come when it ends: then the end, and its answer, are the next hook's. */
const WORK_MS = 400;

/** Starts an agent under a name; returns the id of its session. */
async function start(name: string, script: AgentScript = {}, ...words: string[]): Promise<string> {
  const turns = (script.turns ?? [{}]).map((turn) => ({ work_ms: WORK_MS, ...turn }));
  const told = scripted(runtime.home, name, { says: ['screen', 'hook'], ...script, turns });
  return ok('run', '--agent', 'scripted', '--share', '--detach', '--name', name, ...words, ...told);
}

async function ready(name: string, script: AgentScript = {}, ...words: string[]): Promise<string> {
  const id = await start(name, script, ...words);
  expect(await ok('wait', name, '--state', 'idle', '--timeout', '15s')).toMatch(/^(idle|done)$/);
  return id;
}

async function agent(name: string): Promise<AgentRecord> {
  const found = (await json<AgentRecord>('agents')).find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no agent ${name}`);
  return found;
}

async function pidOf(name: string): Promise<number> {
  const { record } = await runtime.holdfast.get(name);
  return record.pid!;
}

const submitted = (name: string): string[] => truthOf(runtime.home, name, 'submitted').map(({ text }) => text ?? '');

describe('an agent', () => {
  it('[X13] is started from a profile of config.toml, listed with its state, and stopped', async () => {
    expect(await json<{ name: string; source: string }>('profiles')).toContainEqual(
      expect.objectContaining({ name: 'scripted', source: 'config', title: 'Scripted agent' }),
    );
    expect(JSON.parse(await ok('profiles', 'scripted'))).toMatchObject({ name: 'scripted', input: { submit: '\r' } });
    const id = await ready('lister');
    expect(await agent('lister')).toMatchObject({
      agent_id: id,
      session_id: id,
      profile: 'scripted',
      mode: 'pty',
      status: { activity: 'idle', attention: 'none' },
      queue: { waiting: 0, delivering: null },
      policy: { when: 'never' },
    });
    expect(await ok('agents')).toMatch(
      /^NAME +AGENT +STATE +ATTENTION +SINCE +QUEUE +SUMMARY\n[^]*lister +scripted +idle +- +\d+s +-/,
    );
    expect(await ok('ls')).toMatch(/^ID +NAME +AGENT +STATE [^]*lister +scripted +running /);
    await ok('stop', 'lister');
    expect(await agent('lister')).toMatchObject({ status: { activity: 'dead' } });
    await refused(5, /has ended.*holdfast resume/, ['send', 'lister', 'hello']);
    await refused(5, /has ended and will not be idle; bring it back with: holdfast resume lister/, [
      'wait',
      'lister',
      '--state',
      'idle',
    ]);
    const next = await ok('resume', 'lister');
    expect(next).toMatch(/^[0-9A-Z]{26}$/);
    expect(next).not.toBe(id);
    await ok('wait', id, '--state', 'idle', '--timeout', '15s');
    expect(await agent('lister')).toMatchObject({ agent_id: id, session_id: next, sessions: [id, next] });
    await ok('stop', 'lister');
  });

  it('[X13] is ended and started again, in its conversation', async () => {
    const id = await ready('again');
    const { conversation_id } = await agent('again');
    const next = await ok('restart', 'again', '--reason', 'a test');
    expect(await ok('wait', id, '--state', 'idle', '--timeout', '15s')).toBe('idle');
    expect(await agent('again')).toMatchObject({
      agent_id: id,
      session_id: next,
      sessions: [id, next],
      conversation_id,
    });
  });

  it('[X2] is refused when a word is wrong', async () => {
    await refused(2, /--mode goes with --agent/, ['run', '--detach', '--mode', 'acp', '--', 'true']);
    await refused(2, /--mode is pty, acp, stream_json, not "x"/, ['run', '-d', '--agent', 'scripted', '--mode', 'x']);
    await refused(2, /--restart is never, on_failure, always/, ['run', '-d', '--agent', 'scripted', '--restart', 'x']);
    await refused(2, /--pipe is for commands/, ['run', '-d', '--agent', 'scripted', '--pipe']);
    await refused(3, /nobody|profile/, ['run', '-d', '--agent', 'nobody']);
    await refused(2, /send needs an ID and a TEXT/, ['send', 'hello']);
    await refused(2, /send needs a TEXT and no ID/, ['send', '--all', 'x', 'hello']);
    await refused(2, /--timeout goes with --wait/, ['send', 'x', 'hello', '--timeout', '1s']);
    await refused(2, /--priority is low, normal, high, urgent/, ['send', 'x', 'hello', '--priority', 'now']);
    await refused(2, /--state is one of accepted/, ['inbox', '--state', 'lost']);
    await refused(2, /--state is idle, blocked, done, exited/, ['wait', 'x', '--state', 'happy']);
    await refused(2, /explain needs an ID, or a --recording/, ['explain']);
    await refused(2, /--recording needs the profile/, ['explain', '--recording', 'x']);
    await refused(3, /nothing-there/, ['explain', '--recording', '/nothing-there', '--agent', 'scripted']);
    for (const words of [['interrupt'], ['approve'], ['explain'], ['send', 'x'], ['wait', '--state', 'idle']]) {
      await refused(3, /nosuch/, [words[0]!, 'nosuch', ...words.slice(1)]);
    }
    await runtime.run(['cat'], { name: 'shell' });
    await refused(5, /runs no agent/, ['send', 'shell', 'hello']);
    await refused(5, /runs no agent/, ['explain', 'shell']);
    await refused(5, /runs no agent/, ['wait', 'shell', '--state', 'idle']);
    await ok('kill', 'shell');
  });
});

describe('a message', () => {
  it('[X14] is answered on the spot, or is durable and comes in its order', async () => {
    await ready('writer', { turns: [{ answer: 'four' }, {}] });
    expect(await ok('send', 'writer', '--wait', 'what is two and two?')).toBe('four');
    const [one] = await json<{ message_id: string; state: string }>('send', 'writer', 'the same');
    const two = await ok('send', 'writer', 'the same');
    expect(one).toEqual({ message_id: expect.stringMatching(/^[0-9A-Z]{26}$/) as string, state: 'accepted' });
    await runtime.holdfast.messages.wait(two, { timeoutMs: 20_000 });
    expect(submitted('writer').map((text) => text.split('\n').at(-1))).toEqual([
      'what is two and two?',
      'the same',
      'the same',
    ]);
    const records = await json<MessageRecord>('inbox', 'writer');
    expect(records.map(({ state, response }) => [state, response])).toEqual([
      ['answered', 'four'],
      ['answered', 'answer to the same'],
      ['answered', 'answer to the same'],
    ]);
    expect(records[0]).toMatchObject({
      from: { kind: 'person', name: userInfo().username, session_id: null },
      body: 'what is two and two?',
    });
    expect(submitted('writer')[0]).toBe('what is two and two?');
    expect((await ok('inbox', 'writer')).replace(userInfo().username, 'OWNER')).toMatch(
      /^MESSAGE +STATE +PRIORITY +FROM +TO +AGE +TEXT\n\S+ +answered +normal +OWNER +writer +\d+s +what is two and two\?\n/,
    );
    const fed = runtime.command(['send', 'writer', '--wait', '-'], 'first\nsecond');
    expect([fed.status, fed.stdout.toString()]).toEqual([0, 'answer to second\n']);
  });

  it('[X14] has the exit status of its outcome', async () => {
    await start('late', { ready_ms: 60_000 });
    const expired = await hf(['send', 'late', 'hello', '--wait', '--ttl', '300ms']);
    expect([expired.status, expired.stdout]).toEqual([4, '']);
    expect(expired.stderr).toMatch(/message \S+: expired/);
    await refused(4, /has no outcome after 200 ms; it goes on/, [
      'send',
      'late',
      'hello',
      '--wait',
      '--timeout',
      '200ms',
    ]);
    await ok('kill', 'late');
    await ready('fragile', { turns: [{ die: 3 }] });
    const failed = await hf(['send', 'fragile', 'break', '--wait']);
    expect([failed.status, failed.stdout]).toEqual([1, '']);
    expect(failed.stderr).toMatch(/message \S+: (failed|indeterminate) \(\w+\)/);
  });

  it('[X14] of one id is one message', async () => {
    await ready('once');
    const id = createIds(systemClock).ulid();
    expect(await ok('send', 'once', 'hi', '--id', id, '--wait')).toBe('answer to hi');
    expect(await ok('send', 'once', 'hi', '--id', id, '--wait')).toBe('answer to hi');
    await refused(5, /message_id/, ['send', 'once', 'something else', '--id', id]);
    expect(submitted('once')).toHaveLength(1);
    const large = runtime.command(['send', 'once', '-'], 'x'.repeat(256 * 1024 + 1));
    expect([large.status, large.stdout.toString()]).toEqual([2, '']);
    expect(large.stderr).toMatch(/^holdfast: .*body.*262144 bytes/);
    await refused(2, /body/, ['send', 'once', '']);
    await refused(2, /\d+ sessions have an id that starts with "01"; give more of it/, ['send', '01', 'x']);
  });

  it('[X14] is taken back from the queue, or interrupted under way', async () => {
    await ready('busy', { turns: [{ never: true }, {}] });
    const one = await ok('send', 'busy', 'work for ever');
    await until(() => submitted('busy').length === 1, 'the first message to be taken');
    const two = await ok('send', 'busy', 'wait');
    expect(await agent('busy')).toMatchObject({ queue: { waiting: 1, delivering: one } });
    expect(await ok('agents')).toMatch(/busy +scripted +\w+ +- +\d+s +2 /);
    expect(await ok('cancel', two)).toMatch(new RegExp(`^${two} cancelled`));
    const waiting = hf(['send', 'busy', 'after it', '--wait']);
    expect(await ok('cancel', one)).toMatch(new RegExp(`^${one} cancelled`));
    expect(await waiting).toMatchObject({ status: 0, stdout: 'answer to after it\n' });
    expect(submitted('busy')).toHaveLength(2);
    expect(truthOf(runtime.home, 'busy', 'interrupted')).toHaveLength(1);
    await refused(3, /message/, ['cancel', createIds(systemClock).ulid()]);
  });

  it('[X14] goes to all of a selection', async () => {
    await ready('many-1');
    await ready('many-2');
    const ran = await hf(['--json', 'send', '--agent', 'scripted', 'hello all', '--wait', '--timeout', '20s']);
    expect(ran.status).toBe(0);
    const records = ran.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as MessageRecord);
    expect(records.map(({ state, response }) => [state, response])).toEqual([
      ['answered', 'answer to hello all'],
      ['answered', 'answer to hello all'],
    ]);
    const lines = (await ok('send', '--all', 'again')).split('\n');
    expect(lines).toHaveLength(2);
    for (const line of lines) await runtime.holdfast.messages.wait(line.split(' ')[0]!, { timeoutMs: 20_000 });
    await ok('kill', 'many-1', 'many-2');
    await refused(3, /no agent is meant/, ['send', '--all', 'nobody hears']);
  });
});

describe('what an agent asks', () => {
  const asks: AgentScript = { turns: [{ permission: 'Run touch approved.txt?', answer: 'done so' }] };

  it('[X13] [X17] comes first in the list, and goes on when it is approved', async () => {
    await ready('calm');
    await ready('asker', asks);
    const sent = hf(['send', 'asker', 'make it', '--wait']);
    expect(await ok('wait', 'asker', '--state', 'blocked', '--timeout', '15s')).toMatch(/permission/);
    // It holds already: at once.
    expect(await ok('wait', 'asker', '--state', 'blocked', '--timeout', '5s')).toMatch(/permission/);
    const listed = await json<AgentRecord>('agents');
    expect(listed[0]).toMatchObject({ name: 'asker', status: { attention: 'permission' } });
    expect(listed[0]!.requests).toMatchObject([
      { kind: 'permission', text: expect.stringContaining('Run touch approved.txt?') as string },
    ]);
    expect((await ok('agents')).split('\n')[1]).toMatch(/^asker .* permission .*Run touch approved\.txt\?/);
    expect(await json('approve', 'asker')).toMatchObject([{ choice: 'allow' }]);
    expect(await sent).toMatchObject({ status: 0, stdout: 'done so\n' });
    expect(truthOf(runtime.home, 'asker', 'chosen')).toMatchObject([{ key: '1' }]);
    await refused(3, /request|asks nothing/, ['approve', 'asker']);
  });

  it.each([
    ['deny', ['deny', 'ID', 'REQUEST'], '3', 'then not'],
    ['approve --always', ['approve', 'ID', '--always'], '2', 'done so'],
    ['answer', ['answer', 'ID', 'deny', '--request', 'REQUEST'], '3', 'then not'],
  ])('[X13] takes %s', async (name, words, key, answer) => {
    const called = name.replaceAll(/\W+/g, '-');
    await ready(called, asks);
    const sent = hf(['send', called, 'make it', '--wait']);
    await ok('wait', called, '--state', 'blocked', '--timeout', '15s');
    const request = (await agent(called)).requests[0]!.request_id;
    await ok(...words.map((word) => (word === 'ID' ? called : word === 'REQUEST' ? request : word)));
    expect(await sent).toMatchObject({ status: 0, stdout: `${answer}\n` });
    expect(truthOf(runtime.home, called, 'chosen')).toMatchObject([{ key }]);
  });
});

it('[X17] waiting ends when it is so, when time is up, and when it cannot become so', async () => {
  await ready('waiter', { turns: [{ work_ms: 500 }, { never: true }] });
  await refused(4, /is not blocked after 300 ms/, ['wait', 'waiter', '--state', 'blocked', '--timeout', '300ms']);
  const id = await ok('send', 'waiter', 'go');
  await until(() => submitted('waiter').length === 1, 'the message to be taken');
  await runtime.holdfast.messages.wait(id, { timeoutMs: 10_000 });
  expect(await ok('wait', 'waiter', '--state', 'idle', '--timeout', '10s')).toMatch(/idle|done/);
  const gone = hf(['wait', 'waiter', '--state', 'blocked', '--timeout', '20s']);
  const exited = hf(['wait', 'waiter', '--state', 'exited', '--timeout', '20s']);
  await ok('kill', 'waiter');
  expect(await gone).toMatchObject({ status: 5, stdout: '' });
  expect((await exited).status).toBe(0);
});

it('an interrupt stops a turn', async () => {
  await ready('stopped', { turns: [{ never: true }] });
  const sent = hf(['send', 'stopped', 'for ever', '--wait']);
  await until(() => submitted('stopped').length === 1, 'the message to be taken');
  await ok('wait', 'stopped', '--state', 'idle', '--timeout', '1ms').catch(() => undefined);
  await ok('interrupt', 'stopped');
  const { status, stdout, stderr } = await sent;
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(/message \S+: cancelled/);
  await ok('wait', 'stopped', '--state', 'idle', '--timeout', '10s');
});

it('[X13] every change of state is told to who follows, also over the death of srv', async () => {
  const following = runtime.spawn(['agents', '--follow']);
  let told = '';
  following.stdout!.on('data', (bytes: Buffer) => (told += bytes.toString()));
  await until(async () => {
    // Each is an agent of its own: whoever subscribes late sees the next.
    const name = `follow-${told.length}-${Date.now()}`;
    await ready(name);
    await ok('kill', name);
    return told.includes('agent_status_changed');
  }, 'a first transition');
  await runtime.killSrv();
  await ready('survivor');
  await until(
    () => / +starting → idle|unknown → idle/.test(told.slice(told.indexOf('survivor'))),
    'a later transition',
  );
  following.kill('SIGTERM');
});

it('[X13] an agent may have a git worktree of its own', async () => {
  const git = (...words: string[]): void => {
    const environment = { ...runtime.env, GIT_CONFIG_NOSYSTEM: '1' };
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...words], {
      cwd: repository,
      env: environment,
    });
  };
  const repository = join(runtime.home, 'repository');
  mkdirSync(repository);
  git('init', '-q', '-b', 'main');
  git('commit', '-q', '--allow-empty', '-m', 'first');
  await ready('apart', {}, '--cwd', repository, '--worktree=topic');
  const { worktree, cwd } = await agent('apart');
  expect(worktree).toMatchObject({ branch: 'topic' });
  expect(readlinkSync(`/proc/${await pidOf('apart')}/cwd`)).toBe(worktree!.path);
  expect(cwd).not.toBe('');
});

describe('explaining', () => {
  it('[X18] shows each piece of evidence, and the same of a recording', async () => {
    await ready('reason', { says: ['screen', 'title'] });
    await ok('send', 'reason', 'hello', '--wait');
    await ok('wait', 'reason', '--state', 'idle', '--timeout', '10s');
    const text = await ok('explain', 'reason');
    expect(text).toMatch(/^reason: (idle|done), for \d+s \(\w+ \S+, confidence [\d.]+\)/);
    expect(text).toMatch(/\nprofile scripted revision 1\n/);
    expect(text).toMatch(/\nSOURCE +RULE +SAYS +AGE +SEEN +LEASE +CONFIDENCE +VERDICT +DETAIL\n/);
    expect(text).toMatch(/\nscreen +prompt +idle .*\n/);
    expect(text).toMatch(/ decides activity/);
    expect(text).toMatch(/rules ran \d+ times/);
    const [explanation] = await json<{ evidence: { source: string }[] }>('explain', 'reason');
    expect(explanation!.evidence.map(({ source }) => source)).toContain('screen');
    const recording = join(runtime.home, 'recording');
    writeFileSync(recording, runtime.command(['logs', 'reason', '--raw']).stdout);
    const replayed = await json<{ offset: number; status?: { activity: string } }>(
      'explain',
      '--recording',
      recording,
      '--agent',
      'scripted',
    );
    const activities = replayed.flatMap(({ status }) => (status === undefined ? [] : [status.activity]));
    expect(activities).toContain('working');
    expect(activities.at(-1)).toBe('idle');
    expect(replayed.at(-1)).toMatchObject({ explanation: { status: { activity: 'idle' } } });
    expect(await ok('explain', '--recording', recording, '--agent', 'scripted')).toMatch(
      /^OFFSET +STATUS +SOURCE +RULE +SUMMARY\n[^]*\nat its end: idle/,
    );
  });
});

it('[X13] an agent that speaks ACP has the same commands, and a transcript that is followed to its end', async () => {
  await ok('run', '--agent', 'scripted', '--share', '--mode', 'acp', '--detach', '--name', 'speaker');
  await ok('wait', 'speaker', '--state', 'idle', '--timeout', '15s');
  expect(await ok('agents')).toMatch(/speaker +scripted \(acp\) +\w+ +- /);
  const following = runtime.spawn(['transcript', 'speaker', '--follow', '--json']);
  const followed = collect(following);
  const sent = hf(['send', 'speaker', '--wait', 'work', '--timeout', '20s']);
  await ok('wait', 'speaker', '--state', 'blocked', '--timeout', '15s');
  await ok('approve', 'speaker');
  expect((await sent).status).toBe(0);
  const entries = await json<{ seq: number; entry: string }>('transcript', 'speaker');
  const kinds = entries.map(({ entry }) => entry);
  expect(kinds).toEqual(expect.arrayContaining(['turn', 'message', 'tool', 'plan', 'request']));
  const text = await ok('transcript', 'speaker');
  expect(text).toMatch(/^agent: I look\.$/m);
  expect(text).toMatch(/^tool: Run ls \(completed\)$/m);
  expect(text).toMatch(/^plan: ✓ look\n +· act$/m);
  const last = entries.at(-1)!;
  expect(await json('transcript', 'speaker', '--from', String(last.seq))).toEqual([last]);
  await ok('stop', 'speaker');
  const { status, stdout } = await followed;
  expect(status).toBe(0);
  const told = stdout
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { seq: number });
  expect(told.slice(0, entries.length)).toEqual(entries);
  expect(told.map(({ seq }) => seq)).toEqual(told.map((_, at) => at));
  await ok('wait', 'speaker', '--state', 'exited', '--timeout', '15s');
  expect((await json<{ seq: number }>('transcript', 'speaker')).slice(0, told.length)).toEqual(told);
  expect(await json('transcript', 'speaker', '--from', String(last.seq), '--follow')).toContainEqual(last);
});

describe('inside a session', () => {
  it('[X16] what is sent is stamped with it, and what is not its own is forbidden', async () => {
    const [here, there] = [await ready('here'), await ready('there')];
    const inside = insideOf(await pidOf('here'));
    expect(inside).toMatchObject({ HOLDFAST_SESSION: here, HOLDFAST_HOME: runtime.home });
    expect(await hf(['send', 'there', 'psst', '--wait', '--timeout', '20s'], inside)).toEqual({
      status: 0,
      stdout: 'answer to psst\n',
      stderr: '',
    });
    expect(submitted('there')[0]).toMatch(/here[^]*\npsst$/);
    const [record] = await json<MessageRecord>('inbox', 'there');
    expect(record).toMatchObject({ from: { kind: 'agent', session_id: here, name: 'here' } });
    const sent = await hf(['--json', 'inbox', '--sent'], inside);
    expect(JSON.parse(sent.stdout)).toMatchObject({ message_id: record!.message_id });
    expect((await hf(['agents'], inside)).status).toBe(0);
    expect((await hf(['ls'], inside)).status).toBe(0);
    await refused(2, /to: |itself/, ['send', 'here', 'me'], inside);
    for (const words of [
      ['stop', 'there'],
      ['interrupt', 'there'],
      ['approve', 'there'],
      ['run', '-d', '--', 'true'],
      ['write', 'there', 'x'],
      ['down'],
    ]) {
      await refused(1, /./, words, inside);
    }
    await refused(1, /token/, ['send', 'there', 'x'], { ...inside, HOLDFAST_TOKEN: `${there}.${'0'.repeat(32)}` });
    await refused(1, /token/, ['send', 'there', 'x'], {
      ...inside,
      HOLDFAST_TOKEN: `${there}.${inside['HOLDFAST_TOKEN']!.split('.')[1]!}`,
    });
    expect(submitted('there')).toHaveLength(1);
  });

  it('[X16] nobody claims to be another', async () => {
    await ready('victim');
    const client = await openControl(runtime);
    const forged = {
      cmd: 'send_message',
      to: 'victim',
      body: 'x',
      from: { kind: 'agent', name: 'boss', session_id: null },
    };
    await expect(client.request(forged)).rejects.toMatchObject({ code: 'forbidden', field: 'from' });
    client.close();
    expect(await json('inbox', 'victim')).toEqual([]);
  });

  it('[X15] a report waits on disk while nobody listens, and is taken with the next', async () => {
    const id = await ready('hooked', { says: ['screen'] });
    const { record } = await runtime.holdfast.get('hooked');
    const inside = insideOf(record.pid!);
    const queue = join(runtime.home, 'sessions', id, 'reports');
    const queued = (): string[] => readdirSync(queue).filter((name) => name.endsWith('.json'));
    process.kill(record.shim_pid!, 'SIGSTOP');
    try {
      expect(await hf(['report', 'Asked', '{"text":"while away"}'], inside)).toEqual({
        status: 0,
        stdout: '',
        stderr: '',
      });
      expect(queued()).toHaveLength(1);
      expect(readFileSync(join(queue, queued()[0]!), 'utf8')).toContain('while away');
    } finally {
      process.kill(record.shim_pid!, 'SIGCONT');
    }
    const blocked = hf(['wait', 'hooked', '--state', 'blocked', '--timeout', '10s']);
    expect(await hf(['report', 'Unknown', '{}'], inside)).toEqual({ status: 0, stdout: '', stderr: '' });
    expect((await blocked).status).toBe(0);
    expect(queued()).toEqual([]);
    const stranger = { ...inside, HOLDFAST_TOKEN: `${id}.${'0'.repeat(32)}` };
    expect(await hf(['report', 'TurnEnded', '{}'], stranger)).toEqual({ status: 0, stdout: '', stderr: '' });
    expect((await agent('hooked')).status.attention).toBe('permission');
  });
});

it('[X11] events tell what agents did, each in a line', async () => {
  const text = await ok('events', '--topics', 'agent_*,message_*');
  expect(text).toMatch(/agent_created +\S+ +lister: scripted \(pty\) in \//);
  expect(text).toMatch(/message_accepted +\S+ +from \S.* to \S+: what is two and two\?/);
  expect(text).toMatch(/message_closed +\S+ +answered: four$/m);
  expect(text).toMatch(/agent_requested +\S+ +permission \S+: .*Run touch approved\.txt\?/);
  expect(text).not.toContain('undefined');
});

describe('the README', () => {
  it('[X13] says what is true of agents', async () => {
    await using fresh = await TestRuntime.start({ home: agentHome(['claude']) });
    const text = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    const section = text.slice(text.indexOf('## Agents'), text.indexOf('## Workspaces and layout'));
    const lines = [...section.matchAll(/^```sh\n([^]*?)^```/gm)].flatMap(([, commands = '']) =>
      commands.trim().split('\n'),
    );
    expect(lines.length).toBeGreaterThan(8);
    const script: AgentScript = {
      turns: [{ answer: 'A runtime.' }, { permission: 'Run npm test?' }, { never: true }, {}],
    };
    const [flag, value] = scripted(fresh.home, 'coder', script);
    // `attach` wants a terminal.
    const shown = lines.filter((line) => !line.includes(' attach '));
    const started = shown.map((line) => line.replace('run --detach', `run --detach ${flag} "$SCRIPT"`));
    const child = spawn('sh', ['-ec', `holdfast() { "$NODE" "$LOADER" "$@"; }\n${started.join('\n')}`], {
      env: { ...fresh.env, NODE: process.execPath, LOADER: FAULTS_LOADER, SCRIPT: value! },
      cwd: fresh.home,
    });
    const { status, stdout, stderr } = await collect(child);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.toString()).toMatch(/A runtime\.\n[^]*coder +claude +\w+ +permission/);
  });
});
