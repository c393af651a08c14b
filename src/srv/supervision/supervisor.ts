/**
 * Carries out what was decided about agents: starts the one whose restart is due, lets the one go on whose parking is
 * over, ends the one that is to be replaced. What is due is in the committed state, so a killed srv forgets nothing; one
 * timer, for the next of them, and none when nothing is due.
 */
import type { Agent } from '../../domains/agents/index.ts';
import { HoldfastError } from '../../protocol/index.ts';
import type { Clock } from '../../runtime/index.ts';
import { climb, LADDER_TIMINGS, type LadderPorts } from './ladder.ts';

export interface SupervisorPorts {
  readonly clock: Clock;
  agents(): Iterable<Agent>;
  agent(agentId: string): Agent | undefined;
  /** Gives the agent a new session, with its conversation where it can be resumed. `automatic`: its policy wants it. */
  replace(agentId: string, how: { automatic: boolean; force: boolean }): Promise<void>;
  unpark(agentId: string): Promise<void>;
  /** Commits that a restart failed before there was a session: the policy decides what comes next. */
  failed(agentId: string, error: HoldfastError): Promise<void>;
  /** `recover`: until it rests or works on another message; else until it is gone. */
  ladder(agent: Agent, why: 'recover' | 'restart'): LadderPorts;
  note(message: string): void;
}

/** After a reboot every agent is due at once: one start in this time. */
const STAGGER_MS = 500;
/** Longest delay of a Node timer is below 25 days. */
const LONGEST_TIMER_MS = 24 * 60 * 60 * 1000;

export class Supervisor {
  readonly #ports: SupervisorPorts;
  /** Agents on the ladder or getting a new session: one at a time each. */
  readonly #busy = new Set<string>();
  /** Of those, whose next answer is overdue already. */
  readonly #overdue = new Set<string>();
  #lastStart = -Infinity;
  #cancelTimer: (() => void) | null = null;
  #closed = false;

  constructor(ports: SupervisorPorts) {
    this.#ports = ports;
  }

  /** What is due may have changed: called at the start, and after every commit about agents. */
  look(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    if (this.#closed) return;
    const now = this.#ports.clock.now();
    let next = Infinity;
    for (const agent of this.#ports.agents()) {
      const due = this.#dueAt(agent);
      if (due === null || this.#busy.has(agent.agent_id)) continue;
      if (due <= now && this.#mayStart(agent)) this.#carryOut(agent);
      else next = Math.min(next, Math.max(due, now + this.#staggerLeft(agent)));
    }
    if (next === Infinity) return;
    const wait = Math.min(Math.max(1, next - now), LONGEST_TIMER_MS);
    this.#cancelTimer = this.#ports.clock.after(wait, () => this.look());
  }

  /**
   * Ends the agent by the ladder and starts it again. Throws `busy` when that is under way, `conflict` when something of
   * it could not be ended.
   */
  async restart(agentId: string): Promise<void> {
    const agent = this.#ports.agent(agentId);
    if (agent === undefined)
      throw new HoldfastError('not_found', `no agent has the id ${agentId}`, { field: 'session' });
    await this.#alone(agentId, async () => {
      const climbed = await climb(this.#ports.ladder(agent, 'restart'), 'gone', LADDER_TIMINGS);
      if (climbed !== 'gone')
        throw new HoldfastError(
          'conflict',
          `something of agent ${agent.name ?? agentId} could not be ended; "holdfast ls --json" names it under survivors`,
          { field: 'session' },
        );
      await this.#ports.replace(agentId, { automatic: false, force: false });
    });
  }

  /** Gives an agent whose session is over a new one. Throws `busy` when that is under way. */
  async resume(agentId: string, force: boolean): Promise<void> {
    await this.#alone(agentId, () => this.#ports.replace(agentId, { automatic: false, force }));
  }

  /** An agent that does not take an interrupt after its answer is overdue: ended, if its policy starts it again. */
  recover(agentId: string): void {
    const agent = this.#ports.agent(agentId);
    if (this.#closed || agent === undefined || agent.policy.when === 'never') return;
    if (this.#busy.has(agentId)) {
      // What is under way was begun for something else, and may be over too soon for this.
      this.#overdue.add(agentId);
      return;
    }
    this.#alone(agentId, async () => {
      const climbed = await climb(this.#ports.ladder(agent, 'recover'), 'idle', LADDER_TIMINGS);
      this.#ports.note(`agent ${agentId}: ${climbed} after an overdue answer`);
      if (climbed === 'gone') await this.#ports.replace(agentId, { automatic: false, force: false });
    }).catch((thrown: unknown) => this.#ports.note(`agent ${agentId}: ${HoldfastError.from(thrown).message}`));
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer?.();
  }

  #dueAt(agent: Agent): number | null {
    if (agent.parked !== null) return agent.parked.until;
    return agent.restarting?.due_at ?? null;
  }

  #mayStart(agent: Agent): boolean {
    return agent.parked !== null || this.#staggerLeft(agent) === 0;
  }

  #staggerLeft(agent: Agent): number {
    if (agent.parked !== null) return 0;
    return Math.max(0, this.#lastStart + STAGGER_MS - this.#ports.clock.monotonic());
  }

  #carryOut(agent: Agent): void {
    const id = agent.agent_id;
    const act =
      agent.parked === null
        ? () => this.#ports.replace(id, { automatic: true, force: false })
        : () => this.#ports.unpark(id);
    if (agent.parked === null) this.#lastStart = this.#ports.clock.monotonic();
    this.#alone(id, act).catch(async (thrown: unknown) => {
      const error = HoldfastError.from(thrown);
      this.#ports.note(`agent ${id}: ${error.message}`);
      await this.#ports.failed(id, error);
    });
  }

  async #alone(agentId: string, act: () => Promise<void>): Promise<void> {
    if (this.#busy.has(agentId))
      throw new HoldfastError('busy', `agent ${agentId} is being started or ended already; try again`, {
        field: 'session',
        retryable: true,
      });
    this.#busy.add(agentId);
    try {
      await act();
    } finally {
      this.#busy.delete(agentId);
      this.look();
      if (this.#overdue.delete(agentId)) this.recover(agentId);
    }
  }
}
