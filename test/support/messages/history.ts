/** What the event log says of messages: each with all that happened to it, and each agent with the order of things. */
import { expect } from 'vitest';
import type { MessageOutcome, MessagePriority } from '../../../src/protocol/agent/index.ts';
import type { HistoryEvent } from '../workload.ts';

/** A hand-over of a message to a session. */
export interface Attempt {
  message: Logged;
  session: string;
  /** Nothing of it was typed, says the log. */
  requeued: boolean;
}

/** A message as the log has it. */
export interface Logged {
  id: string;
  agent: string;
  from: { kind: string; session_id: string | null };
  body: string;
  priority: MessagePriority;
  order: number;
  attempts: Attempt[];
  deliveredAt: number | null;
  closed: { at: number; outcome: MessageOutcome; reason: string | null; response: string | null }[];
}

const RANKS: MessagePriority[] = ['urgent', 'high', 'normal', 'low'];

export class History {
  readonly messages = new Map<string, Logged>();
  /** Of each agent, in the order of the log. */
  readonly attempts = new Map<string, Attempt[]>();
  /** Ids of agents by those of their sessions. */
  readonly agentOf = new Map<string, string>();
  /** Whatever must not be. */
  readonly faults: string[] = [];
  /** Messages that wait, of each agent. */
  readonly #waiting = new Map<string, Logged[]>();

  constructor(events: readonly HistoryEvent[]) {
    expect(events.findIndex(({ version }, at) => version !== at + 1)).toBe(-1);
    for (const event of events) this.#take(event);
  }

  #take(event: HistoryEvent): void {
    const agent = event['agent_id'] as string;
    if (event.event === 'agent_created' || event.event === 'agent_replaced') {
      this.agentOf.set(event['session_id'] as string, agent);
    } else if (event.event === 'message_accepted') this.#accept(event);
    else if (event.event.startsWith('message_')) this.#step(event);
  }

  #accept(event: HistoryEvent): void {
    const {
      message_id: id,
      agent_id: agent,
      from,
      body,
      priority,
    } = event as unknown as Record<'message_id' | 'agent_id' | 'body', string> & Pick<Logged, 'from' | 'priority'>;
    if (this.messages.has(id)) this.faults.push(`${id} was accepted twice`);
    const message: Logged = {
      id,
      agent,
      from,
      body,
      priority,
      order: this.messages.size,
      attempts: [],
      deliveredAt: null,
      closed: [],
    };
    this.messages.set(id, message);
    this.#wait(message);
  }

  #step(event: HistoryEvent): void {
    const id = event['message_id'] as string;
    const message = this.messages.get(id);
    if (message === undefined) {
      this.faults.push(`${event.event} of ${id}, which nobody sent`);
      return;
    }
    if (message.closed.length > 0) this.faults.push(`${event.event} of ${id}, which was ${message.closed[0]!.outcome}`);
    switch (event.event) {
      case 'message_delivering':
        this.#deliver(message, event['session_id'] as string);
        break;
      case 'message_requeued':
        message.attempts.at(-1)!.requeued = true;
        if (message.deliveredAt !== null) this.faults.push(`${id} was delivered and waits again`);
        this.#wait(message);
        break;
      case 'message_delivered':
        if (message.deliveredAt !== null) this.faults.push(`${id} was delivered twice`);
        message.deliveredAt = event.at;
        break;
      case 'message_closed': {
        const { at, outcome, reason, response } = event as unknown as Logged['closed'][number];
        message.closed.push({ at, outcome, reason, response });
        this.#leave(message);
        break;
      }
      default:
        this.faults.push(`${event.event} is not known here`);
    }
  }

  /** The first by priority, then by age; and alone. */
  #deliver(message: Logged, session: string): void {
    const waiting = this.#waiting.get(message.agent)!;
    const first = waiting.toSorted((a, b) => rank(a) - rank(b) || a.order - b.order)[0];
    if (first !== message)
      this.faults.push(`${message.id} (${message.priority}) went before ${first?.id} (${first?.priority})`);
    const attempts = this.attempts.get(message.agent) ?? [];
    const last = attempts.at(-1);
    if (last !== undefined && !last.requeued && last.message.closed.length === 0) {
      this.faults.push(`${message.id} was handed over beside ${last.message.id}`);
    }
    if (this.agentOf.get(session) !== message.agent) this.faults.push(`${message.id} went to session ${session}`);
    const attempt = { message, session, requeued: false };
    message.attempts.push(attempt);
    this.attempts.set(message.agent, [...attempts, attempt]);
    this.#leave(message);
  }

  #wait(message: Logged): void {
    this.#waiting.set(message.agent, [...(this.#waiting.get(message.agent) ?? []), message]);
  }

  #leave(message: Logged): void {
    const waiting = this.#waiting.get(message.agent) ?? [];
    this.#waiting.set(
      message.agent,
      waiting.filter((one) => one !== message),
    );
  }
}

function rank({ priority }: Logged): number {
  return RANKS.indexOf(priority);
}
