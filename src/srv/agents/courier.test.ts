// The courier on a real kernel and domain: which message goes to a shim when, and what is made of what the shim says.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUILT_IN_PROFILES } from '../../agents/index.ts';
import { createDomain, FACTS } from '../../domains/srv/fixtures/runtime.ts';
import type { SrvEvent, SrvInput, SrvState } from '../../domains/srv/index.ts';
import { type Kernel, MemoryLog, openKernel } from '../../kernel/index.ts';
import { homePaths, sessionDirectory } from '../../protocol/home/index.ts';
import { type ErrorOptions, HoldfastError, type ErrorCode, limits } from '../../protocol/index.ts';
import type { SessionCommand, SessionEvent } from '../../protocol/session/index.ts';
import { type Clock, createIds, VirtualClock } from '../../runtime/index.ts';
import { Courier } from './courier.ts';

const ACTOR = { client_id: 'me', pid: 1, kind: 'tool' };
const PROFILE = BUILT_IN_PROFILES.find(({ name }) => name === 'claude')!;

/** Counts what is set and not yet over. */
class CountingClock implements Clock {
  readonly time = new VirtualClock();
  timers = 0;
  now = () => this.time.now();
  monotonic = () => this.time.monotonic();
  after(ms: number, fire: () => void): () => void {
    this.timers++;
    let isOver = false;
    const over = () => {
      if (!isOver) this.timers--;
      isOver = true;
    };
    const cancel = this.time.after(ms, () => {
      over();
      fire();
    });
    return () => {
      over();
      cancel();
    };
  }
}

class Scene {
  readonly home = mkdtempSync(join(tmpdir(), 'hf-co-'));
  readonly paths = homePaths(this.home);
  readonly clock = new CountingClock();
  readonly asked: SessionCommand[] = [];
  readonly notes: string[] = [];
  /** What the shim answers to a command; throws to refuse. */
  answer: (command: SessionCommand) => SessionEvent = ({ cmd }) =>
    cmd === 'GetAgent' ? this.standing({}) : { event: 'Done', command: cmd };
  kernel!: Kernel<SrvState, SrvInput, SrvEvent>;
  courier!: Courier;
  session = '';

  async open(): Promise<void> {
    const { clock } = this;
    const warn = (error: HoldfastError) => this.notes.push(error.message);
    const ids = createIds(clock);
    this.kernel = await openKernel({ domain: createDomain(), log: new MemoryLog(), clock, ids, warn });
    this.courier = this.newCourier();
    this.kernel.onCommitted((events) => this.courier.react(events));
    const { result } = await this.execute({
      cmd: 'create_session',
      cwd: '/',
      env: [],
      name: 'a',
      agent: { profile: 'claude', share_directory: true },
    });
    this.session = (result['session'] as { id: string }).id;
    await this.execute({ cmd: 'observe_started', session_id: this.session, ...FACTS });
    mkdirSync(sessionDirectory(this.paths, this.session), { recursive: true });
  }

  newCourier(): Courier {
    return new Courier({
      paths: this.paths,
      clock: this.clock,
      journal: { write: (_level, message) => this.notes.push(message), close() {} },
      agents: () => this.kernel.state.agents,
      over: (id) => this.kernel.state.sessions.sessions.get(id)?.cause ?? null,
      observe: async (command) => {
        await this.kernel.execute(command, { actor: ACTOR });
      },
      request: async (_session, command) => {
        this.asked.push(command);
        await Promise.resolve();
        return this.answer(command);
      },
      profile: () => PROFILE,
    });
  }

  standing(more: Partial<Extract<SessionEvent, { event: 'Agent' }>>): SessionEvent {
    const { status } = this.agent();
    return {
      event: 'Agent',
      status: { ...status, activity: 'idle' },
      ready: true,
      waits_for: '',
      message_id: null,
      requests: [],
      conversation_id: null,
      usage: null,
      ...more,
    };
  }

  execute(command: SrvInput) {
    return this.kernel.execute(command, { actor: ACTOR });
  }

  async send(body: string, more: object = {}): Promise<string> {
    const { result } = await this.execute({ cmd: 'send_message', to: 'a', body, ...more });
    return result['message_id'] as string;
  }

  agent() {
    return [...this.kernel.state.agents.agents.values()][0]!;
  }

  say(event: SessionEvent): void {
    this.courier.shimEvent(this.session, event);
  }

  stateOf(id: string) {
    return this.kernel.state.agents.messages.get(id);
  }

  sent(): string[] {
    return this.asked.flatMap((command) => (command.cmd === 'SendMessage' ? [command.body] : []));
  }

  /** Everything that was begun is done: commits, answers, and what they lead to. */
  async settled(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
  }

  async connect(): Promise<void> {
    this.courier.connected(this.session);
    await this.settled();
  }

  async close(): Promise<void> {
    this.courier.close();
    await this.kernel.close();
    rmSync(this.home, { recursive: true, force: true });
  }
}

let scene: Scene;
beforeEach(async () => {
  scene = new Scene();
  await scene.open();
});
afterEach(() => scene.close());

const refusing =
  (code: ErrorCode, options: ErrorOptions = {}) =>
  (command: SessionCommand): SessionEvent => {
    if (command.cmd === 'GetAgent') return scene.standing({});
    throw new HoldfastError(code, 'no', options);
  };

describe('the courier', () => {
  it('[M1] hands over one message at a time, when the agent would take it', async () => {
    const first = await scene.send('one');
    const second = await scene.send('two');
    await scene.settled();
    expect(scene.sent()).toEqual([]);
    await scene.connect();
    expect(scene.sent()).toEqual(['one']);
    expect(scene.stateOf(first)?.state).toBe('delivering');
    scene.say({ event: 'MessageDelivered', id: first });
    scene.say({ event: 'AgentReady', ready: false, waits_for: 'message' });
    await scene.settled();
    expect(scene.stateOf(first)?.state).toBe('delivered');
    scene.say({ event: 'Completion', message_id: first, response: 'done', last_lines: '' });
    await scene.settled();
    expect(scene.stateOf(first)).toMatchObject({ state: 'answered', response: 'done' });
    expect(scene.sent()).toEqual(['one']);
    scene.say({ event: 'AgentReady', ready: true, waits_for: '' });
    await scene.settled();
    expect(scene.sent()).toEqual(['one', 'two']);
    scene.say({ event: 'DeliveryFailed', id: second, reason: 'no_echo', outcome: 'refused' });
    await scene.settled();
    expect(scene.stateOf(second)).toMatchObject({ state: 'refused', reason: 'no_echo' });
  });

  it('[M1] takes a message back that the agent is too busy for, and sends it when that is over', async () => {
    scene.answer = refusing('busy', { details: { waits_for: 'draft' } });
    const message = await scene.send('one');
    await scene.connect();
    expect(scene.stateOf(message)?.state).toBe('accepted');
    expect(scene.sent()).toEqual(['one']);
    await scene.send('more');
    await scene.settled();
    expect(scene.sent()).toEqual(['one']);
    scene.answer = () => ({ event: 'Done', command: 'SendMessage' });
    scene.say({ event: 'AgentReady', ready: true, waits_for: '' });
    await scene.settled();
    expect(scene.sent()).toEqual(['one', 'one']);
    expect(scene.stateOf(message)?.state).toBe('delivering');
  });

  it('[M1] waits for the end of a message that came to the shim from elsewhere', async () => {
    scene.answer = refusing('busy', { details: { waits_for: 'message' } });
    const message = await scene.send('one');
    await scene.connect();
    scene.answer = () => ({ event: 'Done', command: 'SendMessage' });
    scene.say({ event: 'Completion', message_id: 'another', response: '', last_lines: '' });
    await scene.settled();
    expect(scene.sent()).toEqual(['one', 'one']);
    expect(scene.stateOf(message)?.state).toBe('delivering');
  });

  it('[M1] leaves a message alone that came to the shim from elsewhere, also when it finds it there', async () => {
    const message = await scene.send('one');
    scene.answer = ({ cmd }) =>
      cmd === 'GetAgent' ? scene.standing({ ready: false, message_id: 'another' }) : { event: 'Done', command: cmd };
    await scene.connect();
    expect(scene.asked.map(({ cmd }) => cmd)).toEqual(['GetAgent']);
    scene.say({ event: 'Completion', message_id: 'another', response: '', last_lines: '' });
    await scene.settled();
    expect(scene.sent()).toEqual(['one']);
    expect(scene.stateOf(message)?.state).toBe('delivering');
  });

  it('[M3] says again what is under way to a shim it lost sight of, and sends nothing else meanwhile', async () => {
    scene.answer = refusing('shim_lost', { retryable: true });
    const message = await scene.send('one');
    await scene.connect();
    expect(scene.stateOf(message)?.state).toBe('delivering');
    scene.courier.disconnected(scene.session);
    await scene.send('two');
    await scene.settled();
    expect(scene.sent()).toEqual(['one']);
    scene.answer = ({ cmd }) =>
      cmd === 'GetAgent' ? scene.standing({ ready: false, message_id: message }) : { event: 'Done', command: cmd };
    await scene.connect();
    expect(scene.sent()).toEqual(['one', 'one']);
    const ids = scene.asked.flatMap((command) => (command.cmd === 'SendMessage' ? [command.message_id] : []));
    expect(ids).toEqual([message, message]);
  });

  it('[M7] stops what was cancelled, also when the shim could not be reached then', async () => {
    const message = await scene.send('one');
    await scene.connect();
    scene.courier.disconnected(scene.session);
    await scene.execute({ cmd: 'cancel_message', message });
    await scene.settled();
    expect(scene.asked.map(({ cmd }) => cmd)).not.toContain('CancelMessage');
    await scene.send('two');
    scene.answer = ({ cmd }) =>
      cmd === 'GetAgent' ? scene.standing({ ready: false, message_id: message }) : { event: 'Done', command: cmd };
    await scene.connect();
    expect(scene.asked.at(-1)).toMatchObject({ cmd: 'CancelMessage', message_id: message });
    expect(scene.sent()).toEqual(['one']);
    scene.say({ event: 'DeliveryFailed', id: message, reason: 'cancelled', outcome: 'cancelled' });
    scene.say({ event: 'AgentReady', ready: true, waits_for: '' });
    await scene.settled();
    expect(scene.sent()).toEqual(['one', 'two']);
  });

  it.each([
    [[], 'failed', 'agent_ended'],
    [['taken'], 'failed', 'agent_ended'],
    [['taken', 'pasting'], 'indeterminate', 'shim_lost'],
    [['taken', 'pasting', 'submitting'], 'indeterminate', 'shim_lost'],
    [['taken', 'pasting', 'submitting', 'delivered'], 'failed', 'shim_lost'],
    [['taken', 'answered'], 'answered', null],
    [['taken', 'refused'], 'refused', 'why'],
  ])('[M4] after a lost shim that had come to %j says %s', async (phases, state, reason) => {
    const message = await scene.send('one');
    await scene.connect();
    const lines = phases.map((phase) => ({
      outcome: 1,
      message_id: message,
      phase,
      at: 1,
      ...(phase === 'refused' ? { reason: 'why' } : {}),
    }));
    const file = join(sessionDirectory(scene.paths, scene.session), 'outcomes');
    writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    await scene.execute({ cmd: 'observe_lost', session_id: scene.session, cause: 'shim_lost', survivors: [] });
    await expect.poll(() => scene.stateOf(message)).toMatchObject({ state, reason });
  });

  it('[M4] settles what an earlier srv saw no end of', async () => {
    const message = await scene.send('one');
    await scene.connect();
    scene.courier.close();
    const idle = scene.newCourier();
    scene.courier = { react() {}, close() {} } as unknown as Courier;
    await scene.execute({ cmd: 'observe_lost', session_id: scene.session, cause: 'reboot', survivors: [] });
    expect(scene.stateOf(message)?.state).toBe('delivering');
    scene.courier = idle;
    idle.begin();
    await expect.poll(() => scene.stateOf(message)).toMatchObject({ state: 'failed', reason: 'agent_ended' });
  });

  it('[M6] has one timer while something waits, and none when nothing does', async () => {
    await scene.connect();
    expect(scene.clock.timers).toBe(0);
    const late = await scene.send('late', { ttl_ms: 60_000 });
    scene.courier.disconnected(scene.session);
    const early = await scene.send('early', { ttl_ms: 1_000 });
    await scene.settled();
    expect(scene.clock.timers).toBe(1);
    scene.clock.time.advance(1_000);
    await scene.settled();
    expect(scene.stateOf(early)?.state).toBe('expired');
    expect(scene.stateOf(late)?.state).toBe('delivering');
    expect(scene.clock.timers).toBe(1);
    scene.clock.time.advance(limits.MESSAGE_DELIVERY_MS);
    await scene.settled();
    expect(scene.stateOf(late)?.state).toBe('indeterminate');
    expect(scene.clock.timers).toBe(0);
  });

  it('[M9] hands a long message over as a file for the agent alone', async () => {
    await scene.connect();
    const body = `long\n${'x'.repeat(PROFILE.input.by_reference_bytes)}`;
    const message = await scene.send(body);
    await expect.poll(() => scene.sent()).toHaveLength(1);
    const file = join(sessionDirectory(scene.paths, scene.session), 'messages', `${message}.md`);
    expect(scene.sent()[0]).toContain(file);
    expect(scene.sent()[0]).not.toContain('\n');
    expect(readFileSync(file, 'utf8')).toBe(body);
  });

  it('tells axes at once, tasks once a second, mere detail every five, of an idle agent never, and figures every ten', async () => {
    await scene.connect();
    const { status } = scene.agent();
    const usage = (used_tokens: number) => ({
      input_tokens: 1,
      cached_input_tokens: 0,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      output_tokens: 1,
      reasoning_output_tokens: 0,
      context_limit_tokens: null,
      used_tokens,
      usage_pct: null,
      model: null,
    });
    const before = scene.kernel.version;
    for (let step = 0; step < 100; step++) {
      scene.say({ event: 'AgentChanged', status: { ...status, activity: 'working', summary: `${step} %` } });
      scene.say({ event: 'UsageChanged', usage: usage(step) });
    }
    await scene.settled();
    expect(scene.kernel.version - before).toBe(2);
    scene.clock.time.advance(10_000);
    await scene.settled();
    expect(scene.agent()).toMatchObject({
      status: { activity: 'working', summary: '99 %' },
      usage: { used_tokens: 99 },
    });
    expect(scene.kernel.version - before).toBe(4);
    const working = { ...status, activity: 'working' as const };
    const task = {
      path: 't',
      app: '',
      activity: 'working',
      attention: 'none',
      title: '',
      message: '',
      since: 1,
    } as const;
    const counted = async (ms: number, ...statuses: (typeof status)[]): Promise<number> => {
      const since = scene.kernel.version;
      for (const one of statuses) scene.say({ event: 'AgentChanged', status: one });
      scene.clock.time.advance(ms);
      await scene.settled();
      return scene.kernel.version - since;
    };
    expect(await counted(0, { ...working, summary: 'a' })).toBe(1);
    expect(await counted(4_999, { ...working, summary: 'b' }, { ...working, summary: 'c' })).toBe(0);
    expect(await counted(1)).toBe(1);
    expect(scene.agent().status.summary).toBe('c');
    const moved = [1, 2, 3].map((progress) => ({ ...working, tasks: [{ ...task, progress }] }));
    expect(await counted(1_000, { ...working, summary: 'd' }, ...moved)).toBe(1);
    expect(scene.agent().status.tasks).toMatchObject([{ progress: 3 }]);
    expect(await counted(0, { ...working, activity: 'idle' })).toBe(1);
    const typed = Array.from({ length: 200 }, (_, key) => ({ ...status, activity: 'idle' as const, rule: `r${key}` }));
    expect(await counted(10_000, ...typed)).toBe(0);
    expect(scene.clock.timers).toBe(0);
  });
});
