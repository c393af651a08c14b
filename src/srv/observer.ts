/** The broker's way into the kernel: observations that must not be lost because the disk was full for a while. */
import { isLive, type ObservationCommand, type Session } from '../domains/sessions/index.ts';
import type { AgentsInternal } from '../domains/agents/index.ts';
import type { SrvEvent, SrvInput, SrvState } from '../domains/srv/index.ts';
import type { Kernel } from '../kernel/index.ts';
import { HoldfastError } from '../protocol/index.ts';
import type { Clock } from '../runtime/index.ts';
import type { Journal } from './journal.ts';

/** What srv itself saw, or decided to do. */
export type Observation = ObservationCommand | AgentsInternal;

export type SrvKernel = Kernel<SrvState, SrvInput, SrvEvent>;

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;

export class Observer {
  readonly #kernel: SrvKernel;
  readonly #clock: Clock;
  readonly #journal: Journal;
  /** What could not be written, the newest of each kind and of what it is about: as many as there are such things. */
  readonly #unwritten = new Map<string, Observation>();
  #retryMs = FIRST_RETRY_MS;
  #cancelRetry: (() => void) | null = null;
  #closed = false;

  constructor(kernel: SrvKernel, clock: Clock, journal: Journal) {
    this.#kernel = kernel;
    this.#clock = clock;
    this.#journal = journal;
  }

  session(id: string): Session | undefined {
    return this.#kernel.state.sessions.sessions.get(id);
  }

  live(): Session[] {
    return [...this.#kernel.state.sessions.sessions.values()].filter(isLive);
  }

  over(): Session[] {
    return [...this.#kernel.state.sessions.sessions.values()].filter((session) => !isLive(session));
  }

  wasRemoved(id: string): boolean {
    return this.#kernel.state.sessions.removed.includes(id);
  }

  /** Resolves when it is committed, or kept for later because the log cannot be written now. Never rejects. */
  async observe(command: Observation): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#kernel.execute(command, { actor: { client_id: 'broker', pid: process.pid, kind: 'srv' } });
      this.#retryMs = FIRST_RETRY_MS;
    } catch (thrown) {
      const error = HoldfastError.from(thrown);
      this.#journal.write('error', `${command.cmd} was not written: ${error.message}`);
      if (this.#closed || !error.retryable) return;
      this.#unwritten.set(keyOf(command), command);
      this.#planRetry();
    }
  }

  close(): void {
    this.#closed = true;
    this.#cancelRetry?.();
  }

  #planRetry(): void {
    if (this.#cancelRetry !== null) return;
    this.#cancelRetry = this.#clock.after(this.#retryMs, () => {
      this.#cancelRetry = null;
      const commands = [...this.#unwritten.values()];
      this.#unwritten.clear();
      for (const command of commands) void this.observe(command); // Never rejects; a failure comes back here.
    });
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }
}

function keyOf(command: Observation): string {
  if ('message_id' in command) return `${command.cmd} ${command.message_id}`;
  if ('request_id' in command) return `${command.cmd} ${command.request_id}`;
  if ('agent_id' in command) return `${command.cmd} ${command.agent_id}`;
  if (command.cmd === 'observe_found') return `${command.cmd} ${command.created.session_id}`;
  return 'session_id' in command ? `${command.cmd} ${command.session_id}` : command.cmd;
}
