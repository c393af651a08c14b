/**
 * The courier: brings messages to agents and back what became of them (DESIGN §7). One actor an agent, and one timer for
 * the next deadline of all; while nothing waits and nothing happens it does nothing.
 */
import { deadlineOf } from '../../domains/agents/index.ts';
import type { SrvEvent } from '../../domains/srv/index.ts';
import type { Recorded } from '../../kernel/index.ts';
import { HoldfastError } from '../../protocol/index.ts';
import type { SessionEvent } from '../../protocol/session/index.ts';
import { AgentActor } from './actor.ts';
import type { AgentPorts } from './ports.ts';

/** What is overdue could not be written: it is tried again after this. */
const OVERDUE_MS = 1_000;
/** Longest delay of a Node timer is below 25 days. */
const LONGEST_TIMER_MS = 24 * 60 * 60 * 1000;

export class Courier {
  readonly #ports: AgentPorts;
  /** By the agent's id: the actor of its current session. */
  readonly #actors = new Map<string, AgentActor>();
  #timer: { due: number; cancel: () => void } | null = null;
  #closed = false;

  constructor(ports: AgentPorts) {
    this.#ports = ports;
  }

  /** What an earlier srv left: sessions that ended unseen, and deadlines. Call once, before sessions are adopted. */
  begin(): void {
    const { agents, messages } = this.#ports.agents();
    for (const { agent_id, session_id, delivering } of agents.values()) {
      const actor = this.#actor(agent_id, session_id);
      const holder = messages.get(delivering ?? '')?.session_id ?? session_id;
      if (holder !== session_id) this.#settle(new AgentActor(agent_id, holder, this.#ports));
      else if (this.#ports.over(session_id) !== null) this.#settle(actor);
    }
    this.#scan();
  }

  /** The actor of an agent's current session. */
  actorOf(sessionId: string): AgentActor | undefined {
    const agentId = this.#ports.agents().bySession.get(sessionId);
    const actor = agentId === undefined ? undefined : this.#actors.get(agentId);
    return actor?.sessionId === sessionId ? actor : undefined;
  }

  connected(sessionId: string): void {
    this.actorOf(sessionId)?.connected();
  }

  disconnected(sessionId: string): void {
    this.actorOf(sessionId)?.disconnected();
  }

  shimEvent(sessionId: string, event: SessionEvent): void {
    this.actorOf(sessionId)?.take(event);
  }

  /** Reacts to what was committed; synchronous. */
  react(events: readonly Recorded<SrvEvent>[]): void {
    const touched = new Set<string>();
    for (const event of events) {
      this.#reactTo(event);
      if ('agent_id' in event) touched.add(event.agent_id);
    }
    for (const agentId of touched) this.#actors.get(agentId)?.wake();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    for (const actor of this.#actors.values()) actor.close();
  }

  #reactTo(event: Recorded<SrvEvent>): void {
    const { messages } = this.#ports.agents();
    switch (event.event) {
      case 'agent_created':
      case 'agent_replaced':
        this.#actor(event.agent_id, event.session_id);
        break;
      case 'message_accepted':
      case 'message_requeued':
      case 'message_delivered':
        this.#expect(event.message_id);
        break;
      case 'message_delivering': {
        this.#expect(event.message_id);
        const message = messages.get(event.message_id);
        // Not of a commit that a later event of the same batch has overtaken.
        if (message?.state === 'delivering') this.#actors.get(event.agent_id)?.hand(message);
        break;
      }
      case 'message_closed':
        this.#actors.get(event.agent_id)?.closed(event.message_id);
        break;
      case 'session_ended':
      case 'session_lost':
      case 'session_start_failed': {
        const actor = this.actorOf(event.session_id);
        if (actor !== undefined) this.#settle(actor);
        break;
      }
      case 'session_removed':
        this.#forget(event.session_id);
        break;
      default:
        break;
    }
  }

  #actor(agentId: string, sessionId: string): AgentActor {
    const known = this.#actors.get(agentId);
    if (known?.sessionId === sessionId) return known;
    known?.close();
    const actor = new AgentActor(agentId, sessionId, this.#ports);
    this.#actors.set(agentId, actor);
    return actor;
  }

  #settle(actor: AgentActor): void {
    actor.settle().catch((thrown: unknown) => {
      const { message } = HoldfastError.from(thrown);
      this.#ports.journal.write('error', `session ${actor.sessionId}: its message was not settled: ${message}`);
    });
  }

  #forget(sessionId: string): void {
    for (const [agentId, actor] of this.#actors) {
      if (actor.sessionId !== sessionId) continue;
      actor.close();
      this.#actors.delete(agentId);
    }
  }

  #expect(messageId: string): void {
    const message = this.#ports.agents().messages.get(messageId);
    const due = message === undefined ? null : deadlineOf(message);
    if (due !== null) this.#arm(due);
  }

  #arm(due: number): void {
    if (this.#closed || (this.#timer !== null && this.#timer.due <= due)) return;
    this.#timer?.cancel();
    const rest = due - this.#ports.clock.now();
    const delay = rest > 0 ? Math.min(LONGEST_TIMER_MS, rest) : OVERDUE_MS;
    this.#timer = { due, cancel: this.#ports.clock.after(delay, () => this.#due()) };
  }

  /** A message that was closed before its deadline may have set the timer: then there is nothing but the next one. */
  #due(): void {
    this.#timer = null;
    void this.#ports.observe({ cmd: 'settle_messages' }).then(() => this.#scan()); // Never rejects.
  }

  #scan(): void {
    let next = Number.POSITIVE_INFINITY;
    for (const message of this.#ports.agents().messages.values()) next = Math.min(next, deadlineOf(message) ?? next);
    if (next < Number.POSITIVE_INFINITY) this.#arm(next);
  }
}
