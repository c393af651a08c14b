/** What the supervisor acts through: the kernel, the broker and the shims of agents. */
import type { Agent, Message } from '../../domains/agents/index.ts';
import { isLive, type Session } from '../../domains/sessions/index.ts';
import type { SrvEvent } from '../../domains/srv/index.ts';
import type { Recorded } from '../../kernel/index.ts';
import { isAlive } from '../../process/index.ts';
import { HoldfastError } from '../../protocol/index.ts';
import type { BrokerContext } from '../broker-context.ts';
import type { Broker } from '../broker.ts';
import type { SrvKernel } from '../observer.ts';
import { climb, LADDER_TIMINGS, type LadderPorts, type Standing } from '../supervision/ladder.ts';
import { Supervisor } from '../supervision/supervisor.ts';

export interface SupervisionOptions {
  context: BrokerContext;
  kernel: SrvKernel;
  broker: Broker;
  /** A new session for an agent whose session is over. */
  replace(agent: Agent, how: { automatic: boolean }): Promise<void>;
}

/** A parking that could not be ended is tried again after this. */
const AGAIN_MS = 1_000;

export class Supervision {
  readonly #options: SupervisionOptions;
  readonly #supervisor: Supervisor;

  constructor(options: SupervisionOptions) {
    this.#options = options;
    const { context, kernel } = options;
    this.#supervisor = new Supervisor({
      clock: context.clock,
      agents: () => kernel.state.agents.agents.values(),
      agent: (id) => kernel.state.agents.agents.get(id),
      replace: (id, how) => this.#replace(id, how),
      unpark: (id) => this.#unpark(id),
      failed: (id, error) =>
        context.observer.observe({ cmd: 'restart_failed', agent_id: id, retryable: error.retryable }),
      ladder: (agent, why) => this.#ladder(agent, why),
      note: (message) => context.journal.write('warn', message),
    });
  }

  /** Once, after a start: what is due, and what an earlier srv was about to do. */
  begin(): void {
    this.look();
    if (this.#options.context.readOnly) return;
    const { agents, messages } = this.#options.kernel.state.agents;
    const last = new Map<string, Message>();
    for (const message of messages.values()) {
      const { agent_id, closed_at, delivered_at } = message;
      if (closed_at !== null && delivered_at !== null && closed_at >= (last.get(agent_id)?.closed_at ?? 0))
        last.set(agent_id, message);
    }
    for (const { agent_id, reason, closed_at } of last.values()) {
      const status = agents.get(agent_id)?.status;
      // It still works on what was given up: whatever began later is somebody else's.
      const stillWorks =
        status?.activity === 'working' && status.since <= (closed_at ?? 0) + LADDER_TIMINGS.interrupt_ms;
      if (reason === 'no_answer' && stillWorks) this.#supervisor.recover(agent_id);
    }
  }

  look(): void {
    if (!this.#options.context.readOnly) this.#supervisor.look();
  }

  react(events: readonly Recorded<SrvEvent>[]): void {
    let dueChanged = false;
    for (const event of events) {
      if (event.event === 'agent_parked' || event.event === 'agent_unparked' || event.event === 'agent_restarting') {
        dueChanged = true;
      } else if (event.event === 'message_closed' && event.reason === 'no_answer')
        this.#supervisor.recover(event.agent_id);
    }
    if (dueChanged) this.look();
  }

  restart(agentId: string): Promise<void> {
    return this.#supervisor.restart(agentId);
  }

  resume(agentId: string, force: boolean): Promise<void> {
    return this.#supervisor.resume(agentId, force);
  }

  close(): void {
    this.#supervisor.close();
  }

  /** One driver of a conversation at a time: what is left of the last session keeps the next from starting. */
  async #replace(agentId: string, { automatic, force }: { automatic: boolean; force: boolean }): Promise<void> {
    const agent = this.#options.kernel.state.agents.agents.get(agentId);
    const session = this.#sessionOf(agent);
    if (agent === undefined || session === undefined) return;
    if (isLive(session)) {
      if (!automatic && !force) throw conflict(agent, 'runs; restart it, or resume it with force');
      if ((await climb(this.#ladder(agent, 'restart'), 'gone', LADDER_TIMINGS)) !== 'gone') {
        throw conflict(agent, 'could not be ended');
      }
    }
    const left = survivors(this.#sessionOf(agent));
    if (left > 0 && !force) throw conflict(agent, `has left ${left} processes; end them, or resume it with force`);
    await this.#options.replace(agent, { automatic });
  }

  async #unpark(agentId: string): Promise<void> {
    const { context, kernel } = this.#options;
    await context.observer.observe({ cmd: 'parking_over', agent_id: agentId });
    const until = kernel.state.agents.agents.get(agentId)?.parked?.until ?? null;
    if (until === null || until > context.clock.now()) return;
    await new Promise<void>((resolve) => context.clock.after(AGAIN_MS, resolve, { unref: true }));
  }

  #ladder(agent: Agent, why: 'recover' | 'restart'): LadderPorts {
    const { context, broker, kernel } = this.#options;
    const { agent_id, session_id } = agent;
    /** It took the next message: nothing of the overdue one is left to be stopped. */
    const goesOn = (): boolean => {
      const { agents, messages } = kernel.state.agents;
      const next = messages.get(agents.get(agent_id)?.delivering ?? '');
      return why === 'recover' && next?.state === 'delivered';
    };
    const standing = (): Standing => {
      const session = kernel.state.sessions.sessions.get(session_id);
      if (session === undefined || !isLive(session)) return 'over';
      const { activity, attention } = kernel.state.agents.agents.get(agent_id)?.status ?? agent.status;
      if (goesOn()) return 'idle';
      return (activity === 'idle' || activity === 'done') && attention === 'none' ? 'idle' : 'busy';
    };
    return {
      clock: context.clock,
      probe: async () => {
        const asked = standing() === 'over' ? null : await broker.request(session_id, { cmd: 'GetAgent' });
        return asked?.event === 'Agent' && !asked.ready && !goesOn() ? 'busy' : standing();
      },
      interrupt: async () => {
        const { delivering } = kernel.state.agents.agents.get(agent_id) ?? agent;
        // It would stop the next message.
        if (why === 'recover' && delivering !== null) return;
        await broker.request(session_id, { cmd: 'Interrupt' });
      },
      terminate: async (graceMs) => {
        // Its messages wait for the next session; and a killed srv goes on from here.
        await context.observer.observe({ cmd: 'mark_restart', agent_id, session_id, reason: 'requested' });
        await broker.terminate(session_id, graceMs);
      },
      settled: (signal, until) => this.#settled(standing, signal, until),
      survivors: () => survivors(kernel.state.sessions.sessions.get(session_id)),
      climbing: (rung) => context.journal.write('info', `agent ${agent_id}: ${rung}`),
    };
  }

  #settled(standing: () => Standing, signal: AbortSignal, until: 'idle' | 'over'): Promise<Exclude<Standing, 'busy'>> {
    return new Promise((resolve) => {
      const look = () => {
        const found = standing();
        // An agent that is being ended still looks idle.
        if (found === 'busy' || (found === 'idle' && until === 'over')) return;
        stop();
        resolve(found);
      };
      const stop = this.#options.kernel.onCommitted(look);
      signal.addEventListener('abort', () => stop(), { once: true });
      look();
    });
  }

  #sessionOf(agent: Agent | undefined): Session | undefined {
    return this.#options.kernel.state.sessions.sessions.get(agent?.session_id ?? '');
  }
}

/** Of the processes that were left when the session ended, those that are still there. */
function survivors(session: Session | undefined): number {
  return (session?.survivors ?? []).filter((holder) => isAlive(holder)).length;
}

function conflict({ agent_id, name, session_id }: Agent, what: string): HoldfastError {
  return new HoldfastError('conflict', `agent ${name ?? agent_id} ${what}`, {
    field: 'session',
    details: { session: session_id },
  });
}
