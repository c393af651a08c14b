// Agents and their messages among the sessions: any sequence of what may happen, against a plain model.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isOver } from '../agents/index.ts';
import { InboxModel } from './fixtures/inbox-model.ts';
import { ENDED, FACTS, PLACES, Runtime, stateBehind } from './fixtures/runtime.ts';
import { sessionsViewOf, snapshotOf, type SrvInput } from './index.ts';

const VERBS = [
  'send',
  'send',
  'deliver',
  'deliver',
  'begun',
  'answered',
  'failed',
  'requeued',
  'cancel',
  'wait',
  'end',
  'lose',
  'replace',
  'park',
  'unpark',
  'status',
  'request',
  'remove',
] as const;
const PRIORITIES = ['low', 'normal', 'high', 'urgent'] as const;
const steps = fc.array(fc.record({ verb: fc.constantFrom(...VERBS), a: fc.nat(99), b: fc.nat(99) }), {
  minLength: 20,
  maxLength: 120,
  size: 'max',
});

class Scene {
  readonly srv = new Runtime();
  readonly model = new InboxModel();
  readonly agents: string[] = [];
  #sent = 0;

  constructor() {
    for (const when of ['never', 'on_failure', 'always'] as const) {
      this.srv.execute({
        cmd: 'create_session',
        cwd: '/',
        env: [],
        name: `agent-${when}`,
        agent: { profile: 'toy', share_directory: true, restart: { when, max_restarts: 2 } },
      });
      const { id } = this.srv.result['session'] as { id: string };
      this.agents.push(id);
      this.srv.execute({ cmd: 'observe_started', session_id: id, ...FACTS });
    }
  }

  step(verb: (typeof VERBS)[number], a: number, b: number): void {
    const agent = this.agents[a % this.agents.length]!;
    const known = this.srv.state.agents.agents.get(agent);
    if (known === undefined) return;
    const { session_id } = known;
    const under = this.model.underWay(agent);
    const holder = this.srv.state.agents.messages.get(under?.id ?? '')?.session_id ?? session_id;
    switch (verb) {
      case 'send':
        return this.#send(agent, b);
      case 'deliver':
        return this.#deliver(agent, session_id);
      case 'begun':
        if (under === undefined) return;
        this.srv.execute({ cmd: 'observe_delivered', message_id: under.id, session_id: holder });
        if (under.state === 'handed') under.answerBy = this.srv.now + under.answerMs;
        under.state = 'begun';
        return;
      case 'answered':
      case 'failed':
        if (under === undefined) return;
        this.#close(under.id, holder, verb);
        under.state = 'closed';
        // Said again: nothing.
        expect(this.#close(under.id, holder, verb)).toEqual([]);
        return;
      case 'requeued':
        if (under === undefined || under.state !== 'handed') return;
        this.srv.execute({ cmd: 'observe_requeued', message_id: under.id, session_id: holder, reason: 'draft' });
        under.state = this.#isOver(agent) ? 'closed' : 'waiting';
        return;
      case 'cancel': {
        const entry = this.model.entries[b % Math.max(1, this.model.entries.length)];
        if (entry === undefined) return;
        this.srv.execute({ cmd: 'cancel_message', message: entry.id });
        entry.state = 'closed';
        return;
      }
      case 'wait':
        this.srv.now += b * 500;
        this.srv.execute({ cmd: 'settle_messages' });
        this.model.settle(this.srv.now);
        return;
      default:
        this.#live(verb, agent, session_id, b);
    }
  }

  #live(verb: (typeof VERBS)[number], agent: string, session_id: string, b: number): void {
    const isLive = sessionsViewOf(this.srv.state.sessions).find(session_id)?.live === true;
    switch (verb) {
      case 'end':
        this.srv.execute({ cmd: 'observe_ended', session_id, ...ENDED });
        break;
      case 'lose':
        this.srv.execute({ cmd: 'observe_lost', session_id, cause: 'shim_lost', survivors: [] });
        break;
      case 'replace': {
        const command: SrvInput = {
          cmd: 'replace_agent',
          agent_id: agent,
          previous_session_id: session_id,
          start: { profile: 'toy', mode: 'pty' },
          resume: true,
          automatic: false,
        };
        if (isLive) expect(this.srv.refusal(command)).toBe('conflict session');
        else this.srv.execute(command);
        break;
      }
      case 'park':
        this.srv.execute({ cmd: 'park_agent', session: session_id });
        break;
      case 'unpark':
        this.srv.execute({ cmd: 'unpark_agent', session: session_id });
        break;
      case 'status':
        this.srv.execute({ cmd: 'observe_status', session_id, status: statusOf(b) });
        break;
      case 'request':
        this.srv.execute({ cmd: 'observe_requests', session_id, requests: b % 2 === 0 ? [] : [request(`r${b}`)] });
        break;
      case 'remove':
        if (isLive || b > 20) return;
        this.srv.execute({ cmd: 'remove_session', session: session_id });
        for (const entry of this.model.entries) if (entry.agent === agent) entry.state = 'closed';
        break;
      default:
        break;
    }
    if (this.srv.state.agents.agents.has(agent) && this.#isOver(agent)) this.model.closeWaiting(agent);
  }

  #send(agent: string, b: number): void {
    const body = `text ${b % 3}`;
    const priority = PRIORITIES[b % 4]!;
    const ttl_ms = 1_000 + b * 100;
    const answer_ms = 1_000 + b * 50;
    const command: SrvInput = { cmd: 'send_message', to: agent, body, priority, ttl_ms, answer_ms };
    if (this.#isOver(agent)) {
      expect(this.srv.refusal(command)).toBe('session_exited to');
      return;
    }
    const before = this.srv.log.length;
    this.srv.execute(command);
    expect(this.srv.log.length).toBe(before + 1);
    const id = this.srv.result['message_id'] as string;
    this.model.send({ id, agent, body, priority, expiresAt: this.srv.now + ttl_ms, answerMs: answer_ms });
    // Said again by its id it is the same message.
    expect(this.srv.execute({ ...command, message_id: id })).toEqual([]);
    this.#sent++;
  }

  #deliver(agent: string, session_id: string): void {
    this.srv.execute({ cmd: 'deliver_next', agent_id: agent, session_id });
    const isParked = this.srv.state.agents.agents.get(agent)?.parked !== null;
    expect(this.srv.result['message_id']).toBe(isParked ? null : this.model.deliver(agent, this.srv.now));
  }

  #close(message_id: string, session_id: string, verb: 'answered' | 'failed') {
    const said = { outcome: verb, reason: null, response: verb === 'answered' ? 'yes' : null, truncated: false };
    return this.srv.execute({ cmd: 'observe_closed', message_id, session_id, ...said });
  }

  #isOver(agent: string): boolean {
    return isOver(this.srv.state.agents.agents.get(agent)!, sessionsViewOf(this.srv.state.sessions));
  }

  check(): void {
    const { agents, messages } = this.srv.state.agents;
    const closings = new Map<string, number>();
    for (const event of this.srv.log) {
      if (event.event === 'message_closed') closings.set(event.message_id, (closings.get(event.message_id) ?? 0) + 1);
    }
    for (const { id, state } of this.model.entries) {
      expect(closings.get(id) ?? 0, `${id} is ${state}`).toBe(state === 'closed' ? 1 : 0);
      const expected = { waiting: 'accepted', handed: 'delivering', begun: 'delivered', closed: undefined }[state];
      if (expected !== undefined) expect(messages.get(id)?.state).toBe(expected);
    }
    for (const agent of agents.values()) {
      expect(agent.waiting).toEqual(this.model.waiting(agent.agent_id).map(({ id }) => id));
      expect(agent.delivering).toBe(this.model.underWay(agent.agent_id)?.id ?? null);
      expect(agent.sessions.at(-1)).toBe(agent.session_id);
    }
    expect(this.srv.state.agents.openBytes).toBe(
      this.model.entries.filter(({ state }) => state !== 'closed').reduce((sum, { body }) => sum + body.length + 2, 0),
    );
    expect(this.model.entries).toHaveLength(this.#sent);
  }

  replayed(): unknown {
    const { domain, log, times } = this.srv;
    let state = domain.initial();
    for (const [index, event] of log.entries()) state = domain.evolve(state, event, index + 1, times[index]!);
    return snapshotOf(state, PLACES);
  }
}

function statusOf(b: number) {
  const activity = (['idle', 'working', 'done', 'unknown'] as const)[b % 4]!;
  const attention = (['none', 'permission', 'quota', 'auth', 'none'] as const)[b % 5]!;
  const source = 'screen' as const;
  return { activity, attention, since: b, summary: '', source, rule: 'r', confidence: 1, tasks: [] };
}

function request(request_id: string) {
  return { request_id, kind: 'permission' as const, text: 'may I?', choices: [], since: 1, source: 'screen' };
}

it('[M1] gives every message exactly one outcome, one under way an agent, by priority and then by age', () => {
  fc.assert(
    fc.property(steps, (sequence) => {
      const scene = new Scene();
      for (const { verb, a, b } of sequence) {
        scene.step(verb, a, b);
        scene.check();
      }
      const restored = scene.srv.domain.restore(scene.srv.domain.serialise(scene.srv.state));
      expect(snapshotOf(restored, PLACES)).toEqual(scene.srv.snapshot());
      expect(snapshotOf(stateBehind(scene.srv.snapshot()), PLACES)).toEqual(scene.srv.snapshot());
      expect(scene.replayed()).toEqual(scene.srv.snapshot());
    }),
    { numRuns: 100 },
  );
});
