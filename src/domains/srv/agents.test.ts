// Agents and messages as commands say it: whom a selector means, what is refused and how, what goes with an end.
import { beforeEach, describe, expect, it } from 'vitest';
import type { AgentRequest, AgentStatus } from '../../protocol/agent/index.ts';
import type { AgentRecord, MessageRecord } from '../../protocol/control/index.ts';
import { limits } from '../../protocol/index.ts';
import { encodedTime } from './fixtures/ulid.ts';
import { ENDED, FACTS, Runtime } from './fixtures/runtime.ts';
import type { SrvInput } from './index.ts';

let srv: Runtime;
beforeEach(() => {
  srv = new Runtime();
});

function agent(name: string, more: Record<string, unknown> = {}): string {
  srv.execute({
    cmd: 'create_session',
    cwd: '/',
    env: [],
    name,
    agent: { profile: 'toy', share_directory: true, ...more },
  });
  const { id } = srv.result['session'] as { id: string };
  srv.execute({ cmd: 'observe_started', session_id: id, ...FACTS });
  return id;
}

function send(to: string, body = 'hello', more: Record<string, unknown> = {}): string {
  srv.execute({ cmd: 'send_message', to, body, ...more });
  return srv.result['message_id'] as string;
}

const sendCommand = (to: string, more: Record<string, unknown> = {}): SrvInput => ({
  cmd: 'send_message',
  to,
  body: 'hello',
  ...more,
});
const agents = (): AgentRecord[] => srv.snapshot().state.agents;
const messages = (): MessageRecord[] => srv.snapshot().state.messages;
const stateOf = (id: string) => srv.state.agents.messages.get(id);

describe('an agent', () => {
  it('[M10] begins with its session, in one commit, its first message with it', () => {
    const events = srv.names({
      cmd: 'create_session',
      cwd: '/src',
      env: [],
      name: 'one',
      agent: { profile: 'toy', args: ['-v'], prompt: 'begin', restart: { when: 'always' } },
    });
    expect(events).toEqual(['session_created', 'agent_created', 'message_accepted']);
    expect(srv.result['session']).toMatchObject({ agent: 'toy', argv: ['toy', '-v'], kind: 'pty', name: 'one' });
    expect(agents()).toMatchObject([
      { name: 'one', profile: 'toy', cwd: '/src', policy: { when: 'always', max_restarts: 5 }, queue: { waiting: 1 } },
    ]);
    expect(messages()).toMatchObject([{ body: 'begin', state: 'accepted', position: 1, from: { kind: 'tool' } }]);
  });

  it('works in a worktree of its own when it is to', () => {
    agent('one', { worktree: true });
    agent('two', { worktree: { branch: 'fix' } });
    const [one, two] = agents();
    expect(one).toMatchObject({ cwd: `/worktrees/${one!.agent_id}`, worktree: { branch: 'holdfast/one' } });
    expect(two?.worktree?.branch).toBe('fix');
  });

  it('runs in the kind of session its mode needs', () => {
    const create = (more: object, mode: 'pty' | 'acp'): SrvInput => ({
      cmd: 'create_session',
      cwd: '/',
      env: [],
      agent: { profile: 'toy', mode },
      ...more,
    });
    srv.execute(create({}, 'acp'));
    expect(srv.result['session']).toMatchObject({ kind: 'pipe' });
    expect(srv.refusal(create({ kind: 'pipe' }, 'pty'))).toBe('invalid_argument kind');
    expect(srv.refusal({ cmd: 'create_session', cwd: '/', env: [] })).toBe('invalid_argument argv');
  });

  it('[M10] is meant by its name, its ids, and every session it had; by no other', () => {
    const first = agent('one');
    srv.execute({ cmd: 'observe_lost', session_id: first, cause: 'shim_lost', survivors: [] });
    const start = { profile: 'toy', mode: 'pty' as const };
    const events = srv.names({
      cmd: 'replace_agent',
      agent_id: first,
      previous_session_id: first,
      start,
      resume: true,
      automatic: false,
    });
    expect(events).toEqual(['session_renamed', 'session_created', 'agent_replaced']);
    const { session_id } = agents()[0]!;
    expect(session_id).not.toBe(first);
    for (const selector of ['one', first, session_id]) expect(srv.refusal(sendCommand(selector))).toBe('accepted');
    expect(srv.state.sessions.sessions.get(first)?.name).toBeNull();
    const plain = srv.session();
    expect(srv.refusal(sendCommand(plain))).toBe('conflict to');
    expect(srv.refusal(sendCommand('nobody'))).toBe('not_found to');
    expect(srv.refusal(sendCommand('0000'))).toBe('ambiguous to');
    expect(srv.refusal({ cmd: 'park_agent', session: 'nobody' })).toBe('not_found session');
  });

  it('[M5] goes with its last session, and its messages fail', () => {
    const id = agent('one');
    const message = send('one');
    expect(srv.names({ cmd: 'remove_session', session: id, force: true })).toEqual(['session_desired']);
    expect(srv.names({ cmd: 'observe_ended', session_id: id, ...ENDED })).toEqual([
      'session_ended',
      'message_closed',
      'session_removed',
    ]);
    expect(agents()).toEqual([]);
    expect(stateOf(message)).toMatchObject({ state: 'failed', reason: 'agent_removed' });
  });

  it('[M5] that ends for good is dead, asks nothing, and reads nothing any more', () => {
    const id = agent('one');
    const message = send('one');
    const request: AgentRequest = {
      request_id: 'r',
      kind: 'permission',
      text: '?',
      choices: [],
      since: 1,
      source: 's',
    };
    srv.execute({ cmd: 'observe_requested', session_id: id, request });
    expect(srv.names({ cmd: 'observe_ended', session_id: id, ...ENDED })).toEqual([
      'session_ended',
      'agent_status_changed',
      'agent_request_closed',
      'message_closed',
    ]);
    expect(agents()).toMatchObject([{ status: { activity: 'dead' }, requests: [] }]);
    expect(stateOf(message)).toMatchObject({ state: 'failed', reason: 'agent_ended' });
    expect(srv.refusal(sendCommand('one'))).toBe('session_exited to');
    expect(srv.refusal({ cmd: 'interrupt_agent', session: 'one' })).toBe('session_exited session');
  });

  it('[M5] that is to be started again keeps what waits, until its policy has enough', () => {
    const id = agent('one', { restart: { when: 'on_failure', max_restarts: 1 } });
    const message = send('one');
    const lost: SrvInput = { cmd: 'observe_lost', session_id: id, cause: 'shim_lost', survivors: [] };
    expect(srv.names(lost)).toEqual(['session_lost', 'agent_status_changed', 'agent_restarting']);
    expect(stateOf(message)?.state).toBe('accepted');
    expect(srv.refusal(sendCommand('one'))).toBe('accepted');
    expect(srv.names({ cmd: 'restart_failed', agent_id: id, retryable: true })).toEqual(['agent_parked']);
    expect(agents()[0]?.parked).toMatchObject({ reason: 'restarts_exhausted', until: null });
    expect(srv.names({ cmd: 'unpark_agent', session: 'one' })).toEqual(['agent_unparked', 'agent_restarting']);
  });

  it('[M9] is told who sends: its owner by name, an agent of his by its own, else the runtime', () => {
    agent('one');
    const two = agent('two');
    const senders = () => {
      send('one');
      return messages().map(({ from }) => from);
    };
    srv.actor = { client_id: 'c', kind: 'tool', owner: 'ada' };
    senders();
    srv.actor = { client_id: 'c', kind: 'tool', session_id: two };
    senders();
    srv.actor = { client_id: 'supervisor', kind: 'srv' };
    expect(senders()).toEqual([
      { kind: 'person', name: 'ada', session_id: null },
      { kind: 'agent', name: 'two', session_id: two },
      { kind: 'tool', name: 'supervisor', session_id: null },
    ]);
  });

  it('[G12] that is idle is idle, by whatever else it is known', () => {
    const id = agent('one');
    const status: AgentStatus = {
      activity: 'idle',
      attention: 'none',
      since: 1,
      summary: '',
      source: 'hook',
      rule: 'r',
      confidence: 1,
      tasks: [],
    };
    const names = (more: Partial<AgentStatus>) =>
      srv.names({ cmd: 'observe_status', session_id: id, status: { ...status, ...more } });
    expect(names({})).toEqual(['agent_status_changed']);
    expect(names({ since: 2, summary: '> hello all', source: 'screen', rule: 'prompt', confidence: 0.9 })).toEqual([]);
    expect(names({ activity: 'working' })).toEqual(['agent_status_changed']);
    expect(names({ activity: 'working', summary: 'Thinking' })).toEqual(['agent_status_changed']);
  });

  it('[M5] without quota is parked until it may be asked again, and let go on by a better status', () => {
    const id = agent('one');
    const status: AgentStatus = {
      activity: 'idle',
      attention: 'quota',
      since: 1,
      summary: '',
      source: 'hook',
      rule: 'r',
      confidence: 1,
      tasks: [],
    };
    expect(srv.names({ cmd: 'observe_status', session_id: id, status })).toEqual([
      'agent_status_changed',
      'agent_parked',
    ]);
    send('one');
    srv.execute({ cmd: 'deliver_next', agent_id: id, session_id: id });
    expect(srv.result).toEqual({ message_id: null });
    expect(srv.names({ cmd: 'parking_over', agent_id: id })).toEqual([]);
    const better: AgentStatus = { ...status, attention: 'none' };
    expect(srv.names({ cmd: 'observe_status', session_id: id, status: better })).toEqual([
      'agent_status_changed',
      'agent_unparked',
    ]);
  });
});

describe('a message', () => {
  it('[M2] said twice by its id is one; another with that id, or one forgotten, is refused', () => {
    agent('one');
    agent('two');
    const message_id = encodedTime(srv.now, '1');
    expect(send('one', 'hello', { message_id })).toBe(message_id);
    expect(srv.execute(sendCommand('one', { message_id }))).toEqual([]);
    expect(srv.result).toEqual({ message_id, state: 'accepted' });
    expect(srv.refusal(sendCommand('one', { message_id, body: 'other' }))).toBe('key_reused message_id');
    expect(srv.refusal(sendCommand('two', { message_id }))).toBe('key_reused message_id');
    const old = encodedTime(srv.now - limits.IDEMPOTENCY_RETENTION_MS - 1, '2');
    expect(srv.refusal(sendCommand('one', { message_id: old }))).toBe('key_expired message_id');
    const early = encodedTime(srv.now + limits.IDEMPOTENCY_SKEW_MS + 1, '3');
    expect(srv.refusal(sendCommand('one', { message_id: early }))).toBe('key_expired message_id');
  });

  it('[M2] [M8] closed long ago is forgotten, and its id with all before it is refused', () => {
    const id = agent('one');
    const first = encodedTime(srv.now, 'A');
    const body = 'x'.repeat(limits.MESSAGE_BYTES);
    const count = Math.ceil(limits.MESSAGES_KEPT_BYTES / limits.MESSAGE_BYTES) + 1;
    for (let index = 0; index < count; index++) {
      send('one', body, index === 0 ? { message_id: first } : {});
      srv.execute({ cmd: 'deliver_next', agent_id: id, session_id: id });
      const message_id = srv.result['message_id'] as string;
      const said = { outcome: 'answered', reason: null, response: 'y', truncated: false } as const;
      srv.execute({ cmd: 'observe_closed', message_id, session_id: id, ...said });
    }
    expect(stateOf(first)).toBeUndefined();
    expect(srv.state.agents.closedBytes).toBeLessThanOrEqual(limits.MESSAGES_KEPT_BYTES);
    expect(srv.refusal(sendCommand('one', { message_id: first }))).toBe('key_expired message_id');
  });

  it('[M9] says who sent it, whatever it claims', () => {
    agent('one');
    const two = agent('two');
    srv.actor = { client_id: 'inside', kind: 'tool', session_id: two };
    send('one');
    const from = { kind: 'agent', name: 'two', session_id: two } as const;
    expect(messages()[0]?.from).toEqual(from);
    expect(srv.refusal(sendCommand('one', { from }))).toBe('accepted');
    expect(srv.refusal(sendCommand('one', { from: { ...from, name: 'boss' } }))).toBe('forbidden from');
    expect(srv.refusal(sendCommand('two'))).toBe('invalid_argument to');
  });

  it('[M8] is refused when too many wait, or too much', () => {
    const id = agent('one');
    for (let index = 0; index < limits.INBOX_COUNT; index++) send('one');
    expect(srv.refusal(sendCommand('one'))).toBe('busy to');
    srv.execute({ cmd: 'terminate_session', session: id });
    srv.execute({ cmd: 'observe_ended', session_id: id, ...ENDED });
    agent('two');
    const body = 'x'.repeat(limits.MESSAGE_BYTES);
    const most = Math.floor(limits.MESSAGES_OPEN_BYTES / (limits.MESSAGE_BYTES + 2));
    for (let index = 0; index < most; index++) send('two', body);
    expect(srv.refusal(sendCommand('two', { body }))).toBe('busy body');
  });

  it('[M8] goes to all that are selected, and says who refused it', () => {
    const one = agent('one');
    const two = agent('two');
    for (let index = 0; index < limits.INBOX_COUNT; index++) send('two');
    srv.execute({ cmd: 'broadcast_message', select: { agent: 'toy', all: true }, body: 'all of you' });
    expect(srv.result).toMatchObject({
      messages: [{ session_id: one }],
      refused: [{ session_id: two, error: { code: 'busy' } }],
    });
    const unknown: SrvInput = { cmd: 'broadcast_message', select: { sessions: ['one', 'nobody'] }, body: 'b' };
    expect(srv.refusal(unknown)).toBe('not_found select.sessions[1]');
    srv.execute({ cmd: 'broadcast_message', select: { agent: 'other' }, body: 'none' });
    expect(srv.result).toEqual({ messages: [], refused: [] });
  });

  it('[M6] that nobody hears of in time has the outcome its state gives it', () => {
    const id = agent('one');
    const [first, second, third] = [
      send('one', 'a', { answer_ms: 1_000 }),
      send('one', 'b', { ttl_ms: 5_000 }),
      send('one', 'c', { ttl_ms: 600_000_000 }),
    ];
    srv.execute({ cmd: 'deliver_next', agent_id: id, session_id: id });
    srv.execute({ cmd: 'observe_delivered', message_id: first, session_id: id });
    srv.now += 5_000;
    expect(srv.names({ cmd: 'settle_messages' })).toEqual(['message_closed', 'message_closed']);
    expect(stateOf(first)).toMatchObject({ state: 'failed', reason: 'no_answer' });
    expect(stateOf(second)).toMatchObject({ state: 'expired', reason: null });
    srv.execute({ cmd: 'deliver_next', agent_id: id, session_id: id });
    srv.now += limits.MESSAGE_DELIVERY_MS;
    srv.execute({ cmd: 'settle_messages' });
    expect(stateOf(third)).toMatchObject({ state: 'indeterminate', reason: 'no_outcome' });
  });
});
