import { describe, expect, it } from 'vitest';
import {
  type AgentRecord,
  type AgentsCommand,
  COMMAND_REGISTRY,
  type MessageRecord,
  type SessionRecord,
  type SuccessReply,
} from '../protocol/control/index.ts';
import { parseCommand } from '../protocol/control/schemas.ts';
import type { HoldfastError } from '../protocol/index.ts';
import { Agents, type AgentsContext } from './agents.ts';
import type { CallOptions } from './control-calls.ts';
import { Messages } from './messages.ts';
import type { Condition } from './watch.ts';

const MESSAGE = '01ARZ3NDEKTSV4RRFFQ69G5FAV';

interface Sent {
  command: AgentsCommand;
  options: CallOptions;
}

/** What each method sends; waits look once. */
function recorder(
  results: Record<string, unknown>[] = [],
): AgentsContext & { sent: Sent[]; waits: Condition<unknown>[] } {
  const sent: Sent[] = [];
  const waits: Condition<unknown>[] = [];
  const answer = (command: AgentsCommand, options: CallOptions): Promise<SuccessReply> => {
    sent.push({ command, options });
    const result = results.length > 1 ? results.shift() : results[0];
    return Promise.resolve({ reply: 'r', ok: true, version: 9, ...result } satisfies SuccessReply);
  };
  return {
    sent,
    waits,
    read: answer,
    change: answer,
    wait: async <T>(condition: Condition<T>, _options: unknown, late: () => HoldfastError) => {
      waits.push(condition);
      const found = await condition.look();
      if (found === undefined) throw late();
      return found;
    },
    events: () => Promise.reject(new Error('no events here')),
    session: () => Promise.resolve({ exit: { code: 0 } } as SessionRecord),
    newId: () => MESSAGE,
  };
}

const CALLS: [string, (context: AgentsContext) => Promise<unknown>, Record<string, unknown>][] = [
  ['messages.send', (c) => new Messages(c).send('a', 'hi'), { to: 'a', body: 'hi', message_id: MESSAGE }],
  [
    'messages.send with everything',
    (c) => new Messages(c).send('a', 'hi', { priority: 'high', ttlMs: 5, answerMs: 6, replyTo: MESSAGE }),
    { to: 'a', body: 'hi', message_id: MESSAGE, priority: 'high', ttl_ms: 5, answer_ms: 6, reply_to: MESSAGE },
  ],
  [
    'messages.broadcast',
    (c) => new Messages(c).broadcast({ agent: 'claude', activity: 'idle' }, 'hi', { ttlMs: 5 }),
    { select: { agent: 'claude', activity: 'idle' }, body: 'hi', ttl_ms: 5 },
  ],
  ['messages.get', (c) => new Messages(c).get(MESSAGE), { message: MESSAGE }],
  [
    'messages.get with its outcome',
    (c) => new Messages(c).get(MESSAGE, { waitMs: 60_000 }),
    { message: MESSAGE, wait_ms: 60_000 },
  ],
  ['messages.cancel', (c) => new Messages(c).cancel(MESSAGE), { message: MESSAGE }],
  ['messages.list', (c) => new Messages(c).list(), {}],
  [
    'messages.list of one',
    (c) => new Messages(c).list({ session: 'a', state: 'accepted', sent: true, limit: 3 }),
    { session: 'a', state: 'accepted', sent: true, limit: 3 },
  ],
  ['agents.list', (c) => new Agents(c).list(), {}],
  ['agents.get', (c) => new Agents(c).get('a'), { session: 'a' }],
  ['agents.explain', (c) => new Agents(c).explain('a'), { session: 'a' }],
  ['agents.profiles', (c) => new Agents(c).profiles(), {}],
  ['agents.profile', (c) => new Agents(c).profile('claude'), { profile: 'claude' }],
  ['agents.answer', (c) => new Agents(c).answer('a', 'allow'), { session: 'a', choice: 'allow' }],
  [
    'agents.answer a question',
    (c) => new Agents(c).answer('a', 'other', { request: 'r', text: 'blue' }),
    { session: 'a', choice: 'other', request: 'r', text: 'blue' },
  ],
  ['agents.interrupt', (c) => new Agents(c).interrupt('a'), { session: 'a' }],
  ['agents.resume', (c) => new Agents(c).resume('a', { force: true }), { session: 'a', force: true }],
  ['agents.restart', (c) => new Agents(c).restart('a', { reason: 'stuck' }), { session: 'a', reason: 'stuck' }],
  [
    'agents.setRestartPolicy',
    (c) => new Agents(c).setRestartPolicy('a', { when: 'always', max_restarts: 3 }),
    { session: 'a', policy: { when: 'always', max_restarts: 3 } },
  ],
  ['agents.park', (c) => new Agents(c).park('a'), { session: 'a' }],
  ['agents.unpark', (c) => new Agents(c).unpark('a'), { session: 'a' }],
  ['agents.worktree', (c) => new Agents(c).worktree('a', { diff: true }), { session: 'a', diff: true }],
  ['agents.removeWorktree', (c) => new Agents(c).removeWorktree('a'), { session: 'a' }],
];

describe('a method about agents', () => {
  it.each(CALLS)('%s sends a command that the schema takes', async (_, call, fields) => {
    const context = recorder();
    await call(context);
    const [{ command }] = context.sent as [Sent];
    const { cmd: _cmd, ...rest } = command;
    expect(rest).toEqual(fields);
    expect(() => parseCommand({ ...command })).not.toThrow();
  });

  it('exists for each command on agents', async () => {
    const context = recorder();
    for (const [, call] of CALLS) await call(context);
    const ours = Object.entries(COMMAND_REGISTRY).flatMap(([name, { domain }]) => (domain === 'agents' ? [name] : []));
    expect([...new Set(context.sent.map(({ command }) => command.cmd))].sort()).toEqual(ours.sort());
  });

  it('hands key, deadline and signal on, and nothing else of its options', async () => {
    const options = { key: 'k', deadlineMs: 5, signal: new AbortController().signal };
    const context = recorder();
    await new Messages(context).send('a', 'hi', { ...options, id: MESSAGE, priority: 'low' });
    await new Messages(context).broadcast({ all: true }, 'hi', { ...options, answerMs: 5 });
    await new Agents(context).answer('a', 'deny', { ...options, request: 'r' });
    await new Agents(context).resume('a', { ...options, force: false });
    await new Agents(context).restart('a', { ...options, reason: 'x' });
    expect(context.sent.map((sent) => sent.options)).toEqual(context.sent.map(() => options));
  });
});

const closed = { message_id: MESSAGE, state: 'answered', response: 'four' } as MessageRecord;

describe('waiting for a message', () => {
  it('ends with its outcome, and looks again only at what is about it', async () => {
    const context = recorder([{ message: closed }]);
    expect(await new Messages(context).wait(MESSAGE)).toBe(closed);
    const { topics, concerns } = context.waits[0]!;
    expect(topics).toEqual(['message_closed']);
    expect(concerns?.({ event: 'message_closed', message_id: 'other' } as never)).toBe(false);
    expect(concerns?.({ event: 'message_closed', message_id: MESSAGE } as never)).toBe(true);
  });

  it('goes on while it has none, and says so when time is up', async () => {
    const context = recorder([{ message: { ...closed, state: 'delivered' } }]);
    await expect(new Messages(context).wait(MESSAGE, { timeoutMs: 5 })).rejects.toMatchObject({ code: 'timeout' });
  });
});

const agent = (status: Partial<AgentRecord['status']>, more: Partial<AgentRecord> = {}): { agent: AgentRecord } => ({
  agent: {
    agent_id: 'A',
    session_id: 'S',
    name: 'coder',
    parked: null,
    requests: [],
    policy: { when: 'never' },
    status: { activity: 'working', attention: 'none', ...status },
    ...more,
  } as AgentRecord,
});

describe('waiting for an agent', () => {
  it.each([
    ['idle', { activity: 'idle' }, true],
    ['idle', { activity: 'done' }, true],
    ['idle', { activity: 'idle', attention: 'auth' }, false],
    ['idle', { activity: 'unknown' }, false],
    ['idle', { activity: 'starting' }, false],
    ['done', { activity: 'done' }, true],
    ['done', { activity: 'idle' }, false],
    ['blocked', { activity: 'working', attention: 'permission' }, true],
    ['blocked', { activity: 'error' }, false],
  ] as const)('to be %s, when it is %j: %s', async (target, status, met) => {
    const waiting = new Agents(recorder([agent(status)])).waitFor('coder', target);
    if (met) expect((await waiting).agent_id).toBe('A');
    else await expect(waiting).rejects.toMatchObject({ code: 'timeout' });
  });

  it('waits a moment for the request that a hook told of', async () => {
    const asks = agent({ attention: 'permission' });
    const request = agent({ attention: 'permission' }, { requests: [{ request_id: 'r' }] as never });
    const context = recorder([asks, asks, request]);
    expect((await new Agents(context).waitFor('coder', 'blocked')).requests).toHaveLength(1);
    const untold = recorder([asks]);
    expect((await new Agents(untold).waitFor('coder', 'blocked')).requests).toEqual([]);
    expect(untold.waits).toHaveLength(2);
    const quota = recorder([agent({ attention: 'quota' })]);
    await new Agents(quota).waitFor('coder', 'blocked');
    expect(quota.waits).toHaveLength(1);
  });

  it('asks for the agent that was meant, whoever has its name later', async () => {
    const context = recorder([agent({ activity: 'idle' })]);
    await new Agents(context).waitFor('coder', 'idle');
    expect(context.sent.map(({ command }) => command)).toEqual([
      { cmd: 'get_agent', session: 'coder' },
      { cmd: 'get_agent', session: 'A' },
    ]);
  });

  it.each([
    [{ policy: { when: 'never' } }, 'session_exited'],
    [{ policy: { when: 'on_failure' } }, 'session_exited'],
    [{ policy: { when: 'always' } }, 'timeout'],
    [{ policy: { when: 'always' }, parked: { reason: 'auth' } }, 'session_exited'],
  ])('that is dead, with %j: %s', async (more, code) => {
    const waiting = new Agents(recorder([agent({ activity: 'dead' }, more as never)])).waitFor('coder', 'idle');
    await expect(waiting).rejects.toMatchObject({ code });
  });
});
