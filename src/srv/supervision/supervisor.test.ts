import { describe, expect, it } from 'vitest';
import type { Agent } from '../../domains/agents/index.ts';
import { DEFAULT_RESTART_POLICY } from '../../domains/agents/index.ts';
import { HoldfastError } from '../../protocol/index.ts';
import { VirtualClock } from '../../runtime/index.ts';
import type { LadderPorts } from './ladder.ts';
import { Supervisor, type SupervisorPorts } from './supervisor.ts';

/** Agents by what is due for them; what the supervisor does is written down. */
class Fleet implements SupervisorPorts {
  readonly clock = new VirtualClock();
  readonly known = new Map<string, Agent>();
  readonly done: string[] = [];
  readonly notes: string[] = [];
  refusal: HoldfastError | null = null;
  pending: Promise<void> | null = null;

  add(agent_id: string, due: Partial<Pick<Agent, 'parked' | 'restarting' | 'policy'>>): void {
    const agent = { agent_id, name: agent_id, parked: null, restarting: null, policy: DEFAULT_RESTART_POLICY, ...due };
    this.known.set(agent_id, agent as Agent);
  }

  agents(): Iterable<Agent> {
    return this.known.values();
  }

  agent(agentId: string): Agent | undefined {
    return this.known.get(agentId);
  }

  async replace(agentId: string, { automatic }: { automatic: boolean }): Promise<void> {
    this.done.push(`${automatic ? 'restart' : 'replace'} ${agentId} at ${this.clock.monotonic()}`);
    await this.pending;
    if (this.refusal !== null) throw this.refusal;
    this.#change(agentId, { restarting: null });
  }

  async unpark(agentId: string): Promise<void> {
    this.done.push(`unpark ${agentId} at ${this.clock.monotonic()}`);
    this.#change(agentId, { parked: null });
  }

  async failed(agentId: string, { code }: HoldfastError): Promise<void> {
    this.done.push(`failed ${agentId}: ${code}`);
    this.#change(agentId, { restarting: null });
  }

  ladder(): LadderPorts {
    return {
      clock: this.clock,
      probe: () => Promise.resolve('over'),
      interrupt: () => Promise.resolve(),
      terminate: () => Promise.resolve(),
      settled: () => new Promise(() => {}),
      survivors: () => 0,
      climbing: () => {},
    };
  }

  note(message: string): void {
    this.notes.push(message);
  }

  #change(agentId: string, change: Partial<Agent>): void {
    this.known.set(agentId, { ...this.known.get(agentId), ...change } as Agent);
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

async function pass(fleet: Fleet, ms: number, step = 100): Promise<void> {
  for (let passed = 0; passed < ms; passed += step) {
    fleet.clock.advance(step);
    await settle();
  }
}

const inMs = (fleet: Fleet, ms: number) => ({ due_at: fleet.clock.now() + ms, attempt: 1, reason: 'exited' });

describe('the supervisor', () => {
  it('[V2] starts an agent when its restart is due, not before, and once', async () => {
    const fleet = new Fleet();
    fleet.add('a', { restarting: inMs(fleet, 1_000) });
    const supervisor = new Supervisor(fleet);
    supervisor.look();
    await pass(fleet, 900);
    expect(fleet.done).toEqual([]);
    await pass(fleet, 5_000);
    expect(fleet.done).toEqual(['restart a at 1000']);
  });

  it('[V6] after a reboot starts one after the other', async () => {
    const fleet = new Fleet();
    for (const id of ['a', 'b', 'c']) fleet.add(id, { restarting: inMs(fleet, 0) });
    new Supervisor(fleet).look();
    await pass(fleet, 2_000);
    expect(fleet.done).toEqual(['restart a at 0', 'restart b at 500', 'restart c at 1000']);
  });

  it('[V3] lets a parked agent go on when its quota is back, and starts nothing before', async () => {
    const fleet = new Fleet();
    const { clock } = fleet;
    fleet.add('a', {
      parked: { reason: 'quota', since: clock.now(), until: clock.now() + 3_600_000 },
      restarting: inMs(fleet, 0),
    });
    fleet.add('b', { parked: { reason: 'auth', since: clock.now(), until: null } });
    new Supervisor(fleet).look();
    await pass(fleet, 3_599_000, 1_000);
    expect(fleet.done).toEqual([]);
    await pass(fleet, 3_000, 500);
    expect(fleet.done).toEqual(['unpark a at 3600000', 'restart a at 3600000']);
  });

  it('[V2] a start that fails is told, and others go on', async () => {
    const fleet = new Fleet();
    fleet.add('a', { restarting: inMs(fleet, 0) });
    fleet.refusal = new HoldfastError('start_failed', 'no such program');
    new Supervisor(fleet).look();
    await settle();
    expect(fleet.done).toEqual(['restart a at 0', 'failed a: start_failed']);
    expect(fleet.notes).toEqual(['agent a: no such program']);
  });

  it('[V5] never acts twice on one agent at a time', async () => {
    const fleet = new Fleet();
    let release = (): void => {};
    fleet.pending = new Promise((resolve) => (release = resolve));
    fleet.add('a', { restarting: inMs(fleet, 0) });
    const supervisor = new Supervisor(fleet);
    supervisor.look();
    supervisor.look();
    await expect(supervisor.resume('a', false)).rejects.toMatchObject({ code: 'busy', retryable: true });
    await expect(supervisor.restart('a')).rejects.toMatchObject({ code: 'busy' });
    release();
    await settle();
    expect(fleet.done).toEqual(['restart a at 0']);
    await supervisor.restart('a');
    expect(fleet.done.at(-1)).toBe('replace a at 0');
  });

  it('[V1] leaves an agent alone that its policy does not start again', async () => {
    const fleet = new Fleet();
    fleet.add('a', {});
    const supervisor = new Supervisor(fleet);
    supervisor.recover('a');
    await settle();
    expect(fleet.done).toEqual([]);
    fleet.add('b', { policy: { ...DEFAULT_RESTART_POLICY, when: 'on_failure' } });
    supervisor.recover('b');
    await settle();
    expect(fleet.done).toEqual(['replace b at 0']);
  });
});
