/**
 * Turns of one agent, one at a time. A turn carries one message, and the message gets exactly one outcome: of its own
 * turn's end, or of what made the wait for it senseless. The turn itself lasts until the agent ended it.
 */
import type { AgentTimings } from '../../../protocol/agent/index.ts';
import type { AgentHost } from '../contract.ts';
import type { TurnEnd } from './contract.ts';
import type { Turn } from './turn.ts';

export interface TurnsOptions {
  host: AgentHost;
  timings(): AgentTimings;
  /** Asks the agent to stop. */
  interrupt(): void;
  /** A turn began, was taken, ended, or its message got its outcome. */
  changed(turn: Turn, what: 'started' | 'taken' | 'settled' | 'ended', end?: TurnEnd): void;
}

type Settled = Parameters<AgentHost['closed']>[1];

export class Turns {
  readonly #options: TurnsOptions;
  #current: Turn | null = null;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  get current(): Turn | null {
    return this.#current;
  }

  /** A prompt is about to be written. Throws what the outcomes file says; then nothing began. */
  begin(turn: Turn): void {
    const { host, timings } = this.#options;
    host.phase(turn.messageId, 'submitting');
    this.#current = turn;
    const { start_ms } = timings();
    turn.timer(host.clock.after(start_ms, () => this.#notTaken(turn)));
    this.#options.changed(turn, 'started');
  }

  /** The agent has the prompt of turn `id`; null: of whichever is under way. */
  taken(id: string | null): void {
    const turn = this.#find(id);
    if (turn === null || turn.taken) return;
    turn.taken = true;
    if (!turn.settled) this.#options.host.phase(turn.messageId, 'delivered');
    this.#options.changed(turn, 'taken');
    // What was asked to stop before it began did not hear that.
    if (turn.givenUp !== null) this.#options.interrupt();
  }

  /** Turn `id` ended. A turn that is not under way is nobody's: false. */
  ended(id: string | null, end: TurnEnd): boolean {
    const turn = this.#find(id);
    if (turn === null) return false;
    // An agent that stopped what it had never begun did not answer; one that answered had it.
    if (end.end !== 'cancelled' && turn.givenUp === null) this.taken(turn.id);
    turn.stopTimers();
    this.#current = null;
    // First what the agent does now, then what became of the message: whoever hears of the latter asks for the former.
    this.#options.changed(turn, 'ended', end);
    this.#settleByEnd(turn, end);
    return true;
  }

  /** The input of the child is closed: the prompt cannot have been read whole. */
  notWritten(id: string): void {
    const turn = this.#find(id);
    if (turn === null) return;
    turn.stopTimers();
    this.#current = null;
    this.#options.changed(turn, 'ended', { end: 'cancelled' });
    this.#settle(turn, 'failed', 'input_closed');
  }

  /** The turn under way is stopped; its message becomes `cancelled`, at the latest after `interrupt_ms`. */
  giveUp(why: 'cancelled' | 'interrupted'): void {
    const turn = this.#current;
    if (turn === null) return;
    turn.givenUp ??= why;
    this.#options.interrupt();
    if (turn.settled) return;
    const { host, timings } = this.#options;
    turn.timer(host.clock.after(timings().interrupt_ms, () => this.#settle(turn, 'cancelled', turn.givenUp ?? why)));
  }

  /** The agent is gone: nothing more will come. */
  died(): void {
    const turn = this.#current;
    if (turn === null) return;
    turn.stopTimers();
    this.#current = null;
    this.#options.changed(turn, 'ended', { end: 'cancelled' });
    if (turn.givenUp !== null) this.#settle(turn, 'cancelled', turn.givenUp);
    else this.#settle(turn, turn.taken ? 'failed' : 'indeterminate', 'agent_died');
  }

  #find(id: string | null): Turn | null {
    const turn = this.#current;
    return turn !== null && (id === null || turn.id === id) ? turn : null;
  }

  #notTaken(turn: Turn): void {
    if (turn.taken || turn.settled) return;
    this.#settle(turn, 'indeterminate', 'not_started');
  }

  #settleByEnd(turn: Turn, end: TurnEnd): void {
    if (turn.givenUp !== null) return this.#settle(turn, 'cancelled', turn.givenUp);
    if (end.end === 'failed') return this.#settle(turn, 'failed', end.problem.reason);
    if (end.end === 'cancelled') return this.#settle(turn, 'cancelled', 'interrupted');
    this.#settle(turn, 'answered', undefined, end.response ?? turn.response);
  }

  #settle(turn: Turn, outcome: Settled, reason?: string, response?: string): void {
    if (turn.settled) return;
    turn.settled = true;
    this.#options.host.closed(turn.messageId, outcome, {
      ...(reason === undefined ? {} : { reason }),
      ...(response === undefined ? {} : { response }),
    });
    this.#options.changed(turn, 'settled');
  }
}
