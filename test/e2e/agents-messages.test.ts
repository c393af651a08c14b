/** Messages to agents on a real srv and real shims: what is accepted comes back once, whatever dies in between. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'smol-toml';
import { afterEach, describe, expect, it } from 'vitest';
import type { AgentRecord, MessageRecord, SessionRecord } from '../../src/protocol/control/index.ts';
import { TestHome, type TestConnection, untilAsync } from '../../src/srv/testing.ts';
import { insideOf } from '../support/agent-home.ts';
import { type AgentScript, scriptedEnv, scriptedProfile } from '../support/scripted-profile.ts';

const homes: TestHome[] = [];
afterEach(async () => {
  for (const home of homes.splice(0)) await home.clean();
});

class Scene {
  readonly home = new TestHome();
  control!: TestConnection;

  static async up(): Promise<Scene> {
    const scene = new Scene();
    homes.push(scene.home);
    const { name, ...profile } = scriptedProfile;
    writeFileSync(join(scene.home.path, 'config.toml'), stringify({ agents: { [name]: withoutNulls(profile) } }));
    scene.control = await scene.home.up();
    await scene.control.request({ cmd: 'subscribe' });
    return scene;
  }

  /** After its srv was killed. */
  async again(): Promise<void> {
    this.control = await this.home.up();
    await this.control.request({ cmd: 'subscribe' });
  }

  async agent(name: string, script: AgentScript = {}, agent: Record<string, unknown> = {}): Promise<SessionRecord> {
    const log = join(this.home.path, `truth-${name}`);
    const env = [['PATH', process.env['PATH'] ?? ''], scriptedEnv({ log, ...script })];
    const command = { cmd: 'create_session', cwd: this.home.path, env, name };
    const reply = await this.control.request({
      ...command,
      agent: { profile: 'scripted', share_directory: true, ...agent },
    });
    return reply['session'] as SessionRecord;
  }

  async send(to: string, body: string, extra: Record<string, unknown> = {}): Promise<string> {
    return (await this.control.request({ cmd: 'send_message', to, body, ...extra }))['message_id'] as string;
  }

  async message(message: string): Promise<MessageRecord> {
    return (await this.control.request({ cmd: 'get_message', message }))['message'] as MessageRecord;
  }

  async record(session: string): Promise<AgentRecord> {
    return (await this.control.request({ cmd: 'get_agent', session }))['agent'] as AgentRecord;
  }

  /** Resolves when it has an outcome. */
  async closed(message: string): Promise<MessageRecord> {
    await untilAsync(async () => (await this.message(message)).closed_at !== null, `the outcome of ${message}`);
    return this.message(message);
  }

  async state(message: string, state: string): Promise<void> {
    await untilAsync(async () => (await this.message(message)).state === state, `${message} to be ${state}`);
  }

  /** What the agent itself says was submitted to it. */
  submitted(name: string): string[] {
    const lines = readFileSync(join(this.home.path, `truth-${name}`), 'utf8').split('\n');
    return lines
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { event: string; text: string })
      .filter(({ event }) => event === 'submitted')
      .map(({ text }) => text);
  }

  /** Every message has one `message_closed`, whoever looks. */
  async closings(): Promise<Map<string, number>> {
    const { events } = (await this.control.request({ cmd: 'get_events', since: 0 })) as unknown as {
      events: { event: string; message_id: string }[];
    };
    const counts = new Map<string, number>();
    for (const { event, message_id } of events) {
      if (event === 'message_closed') counts.set(message_id, (counts.get(message_id) ?? 0) + 1);
    }
    return counts;
  }
}

/** What `request` is refused with. */
async function refusal(request: Promise<unknown>): Promise<string> {
  try {
    await request;
    return 'accepted';
  } catch (thrown) {
    const { code, field } = thrown as { code: string; field?: string };
    return `${code} ${field ?? '-'}`;
  }
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, entry]) => entry !== null);
  return Object.fromEntries(kept.map(([key, entry]) => [key, withoutNulls(entry)]));
}

describe('messages', () => {
  it('[M1] are delivered in order, equal ones too, and come back answered', async () => {
    const scene = await Scene.up();
    await scene.agent('one', { turns: [{ answer: 'first' }, { answer: 'second' }, { answer: 'third' }] });
    const ids = [await scene.send('one', 'same words'), await scene.send('one', 'same words')];
    ids.push(await scene.send('one', 'other words', { priority: 'urgent' }));
    const closed = await Promise.all(ids.map((id) => scene.closed(id)));
    expect(closed.map(({ state }) => state)).toEqual(['answered', 'answered', 'answered']);
    expect(scene.submitted('one').toSorted()).toEqual(['other words', 'same words', 'same words']);
    expect(closed.map(({ response }) => response).toSorted()).toEqual(
      ['first', 'second', 'third'].map((answer) => expect.stringContaining(answer)),
    );
    expect([...(await scene.closings()).values()]).toEqual([1, 1, 1]);
    expect(await scene.record('one')).toMatchObject({ queue: { waiting: 0, delivering: null } });
  });

  it('[M3] go on after a kill of srv, each delivered once', async () => {
    const scene = await Scene.up();
    await scene.agent('two', { turns: [{ work_ms: 1_500, answer: 'late' }, { answer: 'next' }] });
    const first = await scene.send('two', 'a long one');
    const second = await scene.send('two', 'another');
    await scene.state(first, 'delivered');
    await scene.home.kill();
    await scene.again();
    expect(await scene.closed(first)).toMatchObject({ state: 'answered' });
    expect(await scene.closed(second)).toMatchObject({ state: 'answered' });
    expect(scene.submitted('two')).toEqual(['a long one', 'another']);
  });

  it('[M4] under way when the shim is killed fail; those that wait go to the next session', async () => {
    const scene = await Scene.up();
    const restart = { when: 'on_failure', backoff_ms: 0 };
    const session = await scene.agent('three', { turns: [{ never: true }] }, { restart });
    const first = await scene.send('three', 'never answered');
    const second = await scene.send('three', 'waits', { answer_ms: 1_000 });
    await scene.state(first, 'delivered');
    const { shim_pid } = await scene.control.get('three');
    process.kill(shim_pid ?? 0, 'SIGKILL');
    expect(await scene.closed(first)).toMatchObject({ state: 'failed', reason: 'shim_lost', session_id: session.id });
    await scene.state(second, 'delivered');
    const agent = await scene.record(session.id);
    expect(agent).toMatchObject({ agent_id: session.id, name: 'three', restarts: 1 });
    expect(agent.session_id).not.toBe(session.id);
    expect(await scene.closed(second)).toMatchObject({ state: 'failed', reason: 'no_answer' });
    expect(scene.submitted('three')).toEqual(['never answered', 'waits']);
  });

  it('[M5] that wait fail when the agent ends and nobody starts it again; later ones are refused', async () => {
    const scene = await Scene.up();
    const session = await scene.agent('four', { turns: [{ never: true }] });
    const first = await scene.send('four', 'one');
    const second = await scene.send('four', 'two');
    await scene.state(first, 'delivered');
    await scene.control.request({ cmd: 'terminate_session', session: 'four', grace_ms: 0 });
    expect(await scene.closed(first)).toMatchObject({ state: 'failed' });
    expect(await scene.closed(second)).toMatchObject({ state: 'failed', reason: 'agent_ended' });
    await expect(scene.send(session.id, 'three')).rejects.toMatchObject({ code: 'session_exited', field: 'to' });
  });

  it('[M7] are cancelled while they wait and while they are worked on', async () => {
    const scene = await Scene.up();
    await scene.agent('five', { turns: [{ never: true }, { answer: 'fresh' }] });
    const first = await scene.send('five', 'one');
    const second = await scene.send('five', 'two');
    await scene.state(first, 'delivered');
    await scene.control.request({ cmd: 'cancel_message', message: second });
    await scene.control.request({ cmd: 'cancel_message', message: first });
    expect(await scene.message(first)).toMatchObject({ state: 'cancelled', reason: 'delivered' });
    expect(await scene.message(second)).toMatchObject({ state: 'cancelled', reason: 'before_delivery' });
    const third = await scene.send('five', 'three');
    expect(await scene.closed(third)).toMatchObject({ state: 'answered', response: expect.stringContaining('fresh') });
    expect(scene.submitted('five')).toEqual(['one', 'three']);
  });

  it('[M9] come from whom the server says, and a program of a session does nothing else', async () => {
    const scene = await Scene.up();
    const writer = await scene.agent('writer', { turns: [{ answer: 'ok' }] });
    const reader = await scene.agent('reader', { turns: [{ answer: 'thanks' }] });
    await scene.control.event('session_started', writer.id);
    const { pid } = await scene.control.get('writer');
    const { HOLDFAST_TOKEN: token = '', HOLDFAST_SESSION, HOLDFAST_HOME, HOLDFAST_REPORT } = insideOf(pid!);
    expect({ HOLDFAST_SESSION, HOLDFAST_HOME }).toEqual({
      HOLDFAST_SESSION: writer.id,
      HOLDFAST_HOME: scene.home.path,
    });
    expect(HOLDFAST_REPORT).toMatch(/holdfast\.cjs' 'report'$/);
    const inside = await scene.home.connect(token);
    const send = (fields: Record<string, unknown>) => inside.request({ cmd: 'send_message', body: 'hello', ...fields });
    const { message_id } = (await send({ to: 'reader' })) as { message_id: string };
    const { message: outcome } = await inside.request({ cmd: 'get_message', message: message_id, wait_ms: 30_000 });
    expect(outcome).toMatchObject({ message_id, state: 'answered' });
    expect(await scene.closed(message_id)).toMatchObject({
      from: { kind: 'agent', name: 'writer', session_id: writer.id },
      state: 'answered',
    });
    expect(scene.submitted('reader')[0]).toContain('writer');
    const forged = { kind: 'person', name: 'boss', session_id: null };
    expect(await refusal(send({ to: 'reader', from: forged }))).toBe('forbidden from');
    expect(await refusal(send({ to: 'writer' }))).toBe('invalid_argument to');
    expect(await refusal(inside.request({ cmd: 'list_messages', session: 'reader' }))).toBe('forbidden session');
    expect((await inside.request({ cmd: 'list_messages', sent: true }))['messages']).toHaveLength(1);
    expect(await inside.request({ cmd: 'get_session', session: 'reader' })).toMatchObject({ token: '' });
    const others = await scene.send('reader', 'between others');
    expect(await refusal(inside.request({ cmd: 'get_message', message: others }))).toBe('forbidden message');
    expect(await refusal(inside.request({ cmd: 'cancel_message', message: others }))).toBe('forbidden message');
    for (const command of [
      { cmd: 'subscribe' },
      { cmd: 'get_events' },
      { cmd: 'shutdown' },
      { cmd: 'get_srv_snapshot' },
      { cmd: 'terminate_session', session: 'reader' },
      { cmd: 'answer_request', session: 'reader', choice: 'allow' },
      { cmd: 'broadcast_message', select: { all: true }, body: 'all' },
      { cmd: 'create_session', argv: ['true'], cwd: '/', env: [] },
    ])
      expect(await refusal(inside.request(command)), command.cmd).toBe('forbidden cmd');
    const tampered = `${reader.id}${token.slice(26)}`;
    await expect(scene.home.connect(tampered)).rejects.toThrow('closed');
  });

  it('[M11] surface a permission request, which is answered by whoever may, and say who did', async () => {
    const scene = await Scene.up();
    await scene.agent('six', { turns: [{ permission: 'Run rm -r build?', answer: 'removed' }] });
    const message = await scene.send('six', 'clean up');
    const { request } = (await scene.control.event('agent_requested')) as unknown as {
      request: { request_id: string };
    };
    await untilAsync(async () => (await scene.record('six')).status.attention === 'permission', 'attention');
    await scene.control.request({ cmd: 'answer_request', session: 'six', choice: 'allow' });
    const gone = await scene.control.event('agent_request_closed');
    expect(gone).toMatchObject({ request_id: request.request_id, how: 'answered', by: { kind: 'person' } });
    expect(await scene.closed(message)).toMatchObject({ state: 'answered' });
  });
});
