/** Restart policy, ladder, parking, leases, resume and worktrees, with a scripted agent that misbehaves in each way. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentProfile } from '../../src/protocol/agent/index.ts';
import type { AgentGiven, AgentRecord, AgentsEvent } from '../../src/protocol/control/index.ts';
import { isAlive, processIdentity } from '../../src/process/index.ts';
import { agentHome, truthOf } from '../support/agent-home.ts';
import { TestRuntime, until } from '../support/runtime.ts';
import { type AgentScript, scriptedEnv } from '../support/scripted-profile.ts';

const QUOTA_RULE: AgentProfile['rules'][number] = {
  id: 'quota',
  // Of this turn: what an earlier one said stands above it.
  region: { of: 'after', mark: '^» ' },
  match: { any: ['^Quota used up'] },
  activity: 'error',
  attention: 'quota',
  priority: 16,
  confidence: 0.9,
  settle_ms: 100,
};

let runtime: TestRuntime;
beforeAll(async () => {
  const home = agentHome(undefined, (profile) => ({ ...profile, rules: [QUOTA_RULE, ...profile.rules] }));
  runtime = await TestRuntime.start({ home });
});
afterAll(() => runtime.close());

async function start(
  name: string,
  script: AgentScript,
  agent: Partial<AgentGiven> = {},
  cwd?: string,
): Promise<string> {
  const directory = cwd ?? join(runtime.home, `at-${name}`);
  mkdirSync(directory, { recursive: true });
  const told = scriptedEnv({ log: join(runtime.home, `truth-${name}`), says: ['screen', 'hook'], ...script });
  const { record } = await runtime.holdfast.run({
    name,
    cwd: directory,
    env: [...Object.entries(runtime.env), told],
    agent: { profile: 'scripted', ...agent },
  });
  return record.id;
}

const ready = (name: string) => runtime.holdfast.agents.waitFor(name, 'idle', { timeoutMs: 15_000 });
const agentOf = (name: string): Promise<AgentRecord> => runtime.holdfast.agents.get(name);

/** The agent once it is as `fits` says. */
async function becomes(name: string, fits: (agent: AgentRecord) => boolean, what: string): Promise<AgentRecord> {
  let agent = await agentOf(name);
  await until(async () => {
    agent = await agentOf(name);
    return fits(agent);
  }, `${name} to be ${what}`);
  return agent;
}

async function eventsOf(agentId: string): Promise<AgentsEvent[]> {
  const { events } = await runtime.holdfast.history();
  return (events as unknown as AgentsEvent[]).filter((event) => event.agent_id === agentId);
}

async function refusal(promise: Promise<unknown>): Promise<{ code: string; field?: string; message: string }> {
  return promise.then(
    () => {
      throw new Error('accepted');
    },
    (error: { code: string; field?: string; message: string }) => error,
  );
}

const quick = { max_restarts: 3, within_ms: 60_000, backoff_ms: 50, backoff_max_ms: 200 };
const onFailure = { when: 'on_failure' as const, ...quick };

describe('an agent that dies', () => {
  it('[V1] [V2] is started again with its name, its conversation and the messages that wait', async () => {
    const id = await start('crasher', { obeys: true }, { restart: onFailure });
    const { conversation_id } = await ready('crasher');
    const { agents, messages } = runtime.holdfast;
    const first = await messages.send('crasher', 'die now\n%{"die":3}');
    const second = await messages.send('crasher', 'and after that\n%{"answer":"still here"}');
    const answered = await messages.wait(second.id, { timeoutMs: 20_000 });
    expect(answered).toMatchObject({ state: 'answered', response: 'still here' });
    expect(await messages.get(first.id)).toMatchObject({
      state: expect.stringMatching(/^(failed|indeterminate)$/),
    });
    const now = await agents.get('crasher');
    expect(now).toMatchObject({ agent_id: id, conversation_id, restarts: 1, sessions: [id, now.session_id] });
    expect(now.session_id).not.toBe(id);
    const { record } = await runtime.holdfast.get(now.session_id);
    expect(record.argv.slice(-2)).toEqual(['--resume', conversation_id]);
    const told = (await eventsOf(id)).map(({ event }) => event);
    expect(told).toContain('agent_restarting');
    expect(told).toContain('agent_replaced');
    const texts = truthOf(runtime.home, 'crasher', 'submitted').map(({ text }) => text?.split('\n')[0]);
    expect(texts).toEqual(['die now', 'and after that']);
  });

  it('[V2] again and again is parked after the last restart that its policy allows, and said so', async () => {
    const id = await start('looper', { ready_ms: 60_000 }, { restart: onFailure });
    // Whatever session it has is killed, until nobody starts another.
    await until(async () => {
      const agent = await agentOf('looper');
      const { record } = await runtime.holdfast.get(agent.session_id);
      const child = record.pid === null ? undefined : processIdentity(record.pid);
      if (record.state === 'running' && child !== undefined) process.kill(child.pid, 'SIGKILL');
      return agent.parked !== null;
    }, 'looper to be parked');
    const parked = await agentOf('looper');
    expect(parked).toMatchObject({ parked: { reason: 'restarts_exhausted', until: null }, restarts: 3 });
    const restarting = (await eventsOf(id)).filter(({ event }) => event === 'agent_restarting');
    expect(restarting.map((event) => 'delay_ms' in event && event.delay_ms)).toEqual([50, 100, 200]);
    await runtime.holdfast.agents.unpark('looper');
    await becomes('looper', ({ restarts }) => restarts === 4, 'started again by hand');
  });

  it('[V1] with its shim, or while srv is dead, is started again by whoever comes', async () => {
    const id = await start('orphan', {}, { restart: onFailure });
    await ready('orphan');
    const { record } = await runtime.holdfast.get(id);
    await runtime.killSrv();
    process.kill(record.shim_pid!, 'SIGKILL');
    const again = await becomes(
      'orphan',
      ({ restarts, status }) => restarts === 1 && status.activity === 'idle',
      'back',
    );
    expect(again.sessions).toEqual([id, again.session_id]);
    expect(await runtime.holdfast.get(id)).toMatchObject({ record: { state: 'lost', name: null } });
  });

  it('[V1] as nobody wants it again stays so, and what waits for it fails', async () => {
    await start('mortal', { turns: [{ die: 1 }] });
    await ready('mortal');
    const first = await runtime.holdfast.messages.send('mortal', 'die');
    const second = await runtime.holdfast.messages.send('mortal', 'never read');
    expect(await runtime.holdfast.messages.wait(second.id, { timeoutMs: 20_000 })).toMatchObject({
      state: 'failed',
    });
    await runtime.holdfast.messages.wait(first.id, { timeoutMs: 20_000 });
    expect(await agentOf('mortal')).toMatchObject({ status: { activity: 'dead' }, restarts: 0 });
    expect(truthOf(runtime.home, 'mortal', 'submitted')).toHaveLength(1);
  });
});

describe('an agent that does not come back', () => {
  it('[V4] is interrupted, ended and replaced by a restart, and nothing of it is left', async () => {
    const id = await start('stubborn', { turns: [{ never: true, ignore_interrupt: true }, { answer: 'fresh' }] });
    await ready('stubborn');
    const stuck = await runtime.holdfast.messages.send('stubborn', 'never answer');
    await becomes('stubborn', ({ status }) => status.activity === 'working', 'at work');
    const { record } = await runtime.holdfast.get(id);
    const child = processIdentity(record.pid!);
    const replaced = await runtime.holdfast.agents.restart('stubborn', { reason: 'stuck' });
    expect(replaced.session_id).not.toBe(id);
    expect(child !== undefined && isAlive(child)).toBe(false);
    expect(await runtime.holdfast.messages.wait(stuck.id, { timeoutMs: 20_000 })).toMatchObject({
      state: expect.stringMatching(/^(cancelled|failed)$/),
    });
    await ready('stubborn');
    expect(await runtime.holdfast.get(id)).toMatchObject({ record: { state: 'ended', survivors: [] } });
  }, 60_000);
});

describe('an agent without quota', () => {
  it('[V3] is parked with the hour of its return; what is sent meanwhile waits, and is delivered after it', async () => {
    // Nobody tells that it failed: the screen shows it.
    await start('spender', { says: ['screen'], turns: [{ error: 'Quota used up' }, { answer: 'paid again' }] });
    await ready('spender');
    const refused = await runtime.holdfast.messages.send('spender', 'too much');
    const parked = await becomes('spender', (agent) => agent.parked !== null, 'parked');
    expect(parked.parked).toMatchObject({ reason: 'quota' });
    expect(parked.parked!.until! - parked.parked!.since).toBe(15 * 60_000);
    expect(await runtime.holdfast.messages.wait(refused.id, { timeoutMs: 20_000 })).toMatchObject({
      state: 'failed',
      reason: 'quota',
    });
    const waiting = await runtime.holdfast.messages.send('spender', 'later');
    expect(await agentOf('spender')).toMatchObject({ queue: { waiting: 1, delivering: null } });
    await runtime.holdfast.agents.unpark('spender');
    expect(await runtime.holdfast.messages.wait(waiting.id, { timeoutMs: 20_000 })).toMatchObject({
      state: 'answered',
      response: expect.stringContaining('paid again'),
    });
  });
});

describe('what an agent works with', () => {
  it('[V5] is nobody else’s: neither its directory nor its conversation', async () => {
    await start('owner', {});
    const { conversation_id, cwd } = await ready('owner');
    expect(await refusal(start('second', {}, {}, cwd))).toMatchObject({ code: 'conflict', field: 'cwd' });
    expect(await refusal(start('second', {}, { conversation: conversation_id! }))).toMatchObject({
      code: 'conflict',
      field: 'agent.conversation',
    });
    await runtime.holdfast.kill('owner');
    await runtime.holdfast.wait('owner', { for: 'end', timeoutMs: 10_000 });
    await start('second', {}, {}, cwd);
    expect(await refusal(runtime.holdfast.agents.resume('owner'))).toMatchObject({ code: 'conflict', field: 'cwd' });
    await runtime.holdfast.kill('second');
  });

  it('[V7] [V8] is a worktree when it is to be; its work is shown, and is not lost with it', async () => {
    const repository = join(realpathSync(runtime.home), 'repo');
    const git = (...words: string[]): string =>
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@localhost', '-C', repository, ...words], {
        env: { ...runtime.env, GIT_CONFIG_NOSYSTEM: '1' },
        encoding: 'utf8',
      });
    mkdirSync(repository);
    git('init', '-q', '-b', 'main');
    writeFileSync(join(repository, 'a.txt'), 'one\n');
    git('add', '.');
    git('commit', '-q', '-m', 'One');
    await start('brancher', {}, { worktree: true }, repository);
    const { cwd, worktree } = await ready('brancher');
    expect(worktree).toEqual({ path: cwd, branch: 'holdfast/brancher' });
    writeFileSync(join(cwd, 'b.txt'), 'work\n');
    const { agents } = runtime.holdfast;
    expect(await agents.worktree('brancher', { diff: true })).toMatchObject({
      worktree: { path: cwd, unsaved: ['b.txt'], commits: 0 },
      patch: expect.stringContaining('+work\n'),
    });
    expect((await refusal(agents.removeWorktree('brancher'))).message).toMatch(/stop it first/);
    await runtime.holdfast.kill('brancher');
    await runtime.holdfast.wait('brancher', { for: 'end', timeoutMs: 10_000 });
    expect((await refusal(agents.removeWorktree('brancher'))).message).toMatch(/unsaved files \(b\.txt\)/);
    expect(existsSync(join(cwd, 'b.txt'))).toBe(true);
    execFileSync('git', ['-C', cwd, 'add', '.'], { env: runtime.env });
    execFileSync(
      'git',
      ['-C', cwd, '-c', 'user.name=a', '-c', 'user.email=a@localhost', 'commit', '-q', '-m', 'Work'],
      {
        env: runtime.env,
      },
    );
    expect(await agents.removeWorktree('brancher')).toMatchObject({ worktree: null });
    expect(existsSync(cwd)).toBe(false);
    expect(git('log', '--format=%s', 'holdfast/brancher')).toBe('Work\nOne\n');
    expect(await refusal(agents.worktree('brancher'))).toMatchObject({ code: 'not_found' });
    expect(await refusal(start('nowhere', {}, { worktree: true }))).toMatchObject({ code: 'start_failed' });
  });
});
