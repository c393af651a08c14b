/** A turn the agent was seen to start for a message: its end, its answer, or how it is stopped. */
import { saysStopped } from '../../../agents/index.ts';
import type { Attention } from '../../../protocol/agent/index.ts';
import type { AgentHost } from '../contract.ts';
import type { PtyHost } from './contract.ts';
import type { Evidence } from './evidence.ts';
import { HISTORY_LINES, type MessageKeys, responseOf } from './response.ts';
import type { Waiting } from './waiting.ts';

export interface TurnOutcome {
  outcome: Parameters<AgentHost['closed']>[1];
  said: Parameters<AgentHost['closed']>[2];
}

export interface TurnOptions {
  host: PtyHost;
  evidence: Evidence;
  waiting: Waiting;
  interrupt(): Promise<void>;
  /** When it was submitted, wall clock: what is older belongs to another turn. */
  since: number;
  body: string;
  keys: MessageKeys;
  /** Screen and scrollback when it was submitted. */
  history: string;
}

/** srv ends a turn without an answer long before; this is for a shim that srv never comes back to. */
const LONGEST_MS = 24 * 60 * 60 * 1000;
/** After the status says idle: hooks, which carry the answer, take the start of a process or two, on a busy machine. */
const HOOK_MS = 5_000;

/** Why a turn failed, by what a person is needed for. */
const REASONS: { readonly [attention in Attention]?: string } = {
  exhausted: 'context_exhausted',
  quota: 'quota',
  auth: 'auth',
};

const INTERRUPTED: TurnOutcome = { outcome: 'cancelled', said: { reason: 'interrupted' } };

type End = 'exited' | 'stopped' | 'hook' | 'hook_stopped' | 'hook_failed' | 'idle' | 'blocked' | 'error';

export class Turn {
  readonly #options: TurnOptions;
  #stop: string | null = null;
  #stoppedAt = 0;
  #pressed: Promise<void> | null = null;
  #exited = false;

  constructor(options: TurnOptions) {
    this.#options = options;
  }

  exited(): void {
    this.#exited = true;
  }

  /** Resolves when the keys are written. */
  stop(reason: string): Promise<void> {
    const { host, interrupt, waiting } = this.#options;
    this.#stop = reason;
    this.#stoppedAt = host.clock.now();
    this.#pressed ??= interrupt();
    waiting.observe();
    return this.#pressed;
  }

  async ended(): Promise<TurnOutcome> {
    const { waiting } = this.#options;
    for (;;) {
      const end = await waiting.until(() => this.#end(), LONGEST_MS);
      if (end === undefined) return { outcome: 'failed', said: { reason: 'no_answer' } };
      if (end === 'exited') return { outcome: 'failed', said: { reason: 'agent_died' } };
      if (end === 'stopped') return this.#stopped();
      if (end === 'hook_stopped') return INTERRUPTED;
      if (end === 'hook') return this.#answered(this.#options.evidence.turns.response);
      if (await this.#holds(end)) return this.#settled(end);
    }
  }

  /** What ends it without a doubt, and what does when it stays so. */
  #end(): End | undefined {
    if (this.#exited) return 'exited';
    if (this.#stop !== null) return 'stopped';
    const told = this.#hookEnd();
    if (told !== undefined) return told;
    const { status } = this.#options.evidence;
    if (this.#asks || status.activity === 'working') return undefined;
    if (status.attention === 'exhausted' || status.attention === 'quota' || status.attention === 'auth') {
      return status.since >= this.#options.since ? 'blocked' : undefined;
    }
    if (status.activity === 'error') return status.since >= this.#options.since ? 'error' : undefined;
    if (status.attention !== 'none') return undefined;
    return status.activity === 'idle' || status.activity === 'done' ? 'idle' : undefined;
  }

  /** A dialog is open: the turn waits for a person. */
  get #asks(): boolean {
    return (this.#options.evidence.look?.reading.dialog ?? null) !== null;
  }

  /** A hook that belongs to an earlier turn, late, ends nothing. */
  #hookEnd(): 'hook' | 'hook_failed' | 'hook_stopped' | undefined {
    const { evidence, since } = this.#options;
    const { started, ended, failed, stopped } = evidence.turns;
    // Where the agent tells starts, the end of a turn whose start was not told is somebody else's.
    if (started !== -Infinity && started < since) return undefined;
    if (ended >= since && ended >= started) return 'hook';
    if (stopped >= since && stopped >= started) return 'hook_stopped';
    return failed >= since && failed >= started ? 'hook_failed' : undefined;
  }

  /** Whether it stays so for as long as the profile asks; a hook that comes meanwhile counts at once. */
  async #holds(end: End): Promise<boolean> {
    const { evidence, waiting } = this.#options;
    const { settle_ms } = evidence.reader.profile.timings;
    const wait = Math.max(settle_ms, this.#quietMs());
    const changed = await waiting.until(() => (this.#end() === end ? undefined : true), wait);
    if (changed === true) return false;
    if (end === 'idle' && this.#quietMs() > 0) return false;
    if (end !== 'idle' || this.#wasStopped() || !this.#awaitsHook()) return true;
    const later = await waiting.until(() => (this.#end() === end ? undefined : true), HOOK_MS);
    return later !== true;
  }

  /** Its end, with the answer, will be told by a hook: its start was, or that is how this program ends its turns. */
  #awaitsHook(): boolean {
    const { evidence, since } = this.#options;
    const { turns, status, reader } = evidence;
    if (turns.started >= since) return true;
    const tells = reader.profile.hooks.events.some(({ turn, response }) => turn === 'ended' && response !== undefined);
    return tells && (turns.ended !== -Infinity || (status.source === 'psp' && status.activity === 'done'));
  }

  /**
   * Ms until the output was quiet for long enough, when nothing but the box and the conversation showed that the turn
   * began: the agent never said that it works, so its silence is what says that it is done. Where its hooks tell starts,
   * one that was not told yet is rather on its way: some programs take seconds from the submit to the first sign of work.
   */
  #quietMs(): number {
    const { evidence, host, since } = this.#options;
    if (evidence.workedAt >= since || evidence.turns.started >= since) return 0;
    const silence = host.clock.monotonic() - host.figures.lastOutput;
    const { hooks, timings } = evidence.reader.profile;
    const isLoaded = hooks.settings !== null || hooks.plugin !== undefined;
    const tellsStarts = isLoaded && hooks.events.some(({ turn }) => turn === 'started');
    return Math.max(0, (tellsStarts ? timings.start_ms : timings.settle_ms) - silence);
  }

  async #settled(end: End): Promise<TurnOutcome> {
    if (end === 'idle') return this.#wasStopped() ? INTERRUPTED : this.#answered(null);
    return { outcome: 'failed', said: { reason: REASONS[this.#options.evidence.status.attention] ?? 'agent_error' } };
  }

  /**
   * Somebody stopped it at the terminal: a program that says `done` at the end of a turn, or whose hooks tell it, rests
   * without either.
   */
  #wasStopped(): boolean {
    const { evidence, since } = this.#options;
    const { status, turns, workedAt, doneAt } = evidence;
    if (status.source !== 'psp' || status.activity !== 'idle' || workedAt < since || doneAt >= since) return false;
    return doneAt !== -Infinity || (turns.started >= since && turns.ended < since);
  }

  async #answered(response: string | null): Promise<TurnOutcome> {
    const { host, evidence, body, keys, history } = this.#options;
    if (response !== null) return { outcome: 'answered', said: { response } };
    await evidence.refresh();
    const after = (await host.screen()).text(HISTORY_LINES).content;
    const found = responseOf(evidence.reader, { before: history, after }, { body, keys });
    return saysStopped(evidence.reader, found) ? INTERRUPTED : { outcome: 'answered', said: { response: found } };
  }

  /** Interrupted: the turn is over when the agent shows it; what it says later is nobody's. */
  async #stopped(): Promise<TurnOutcome> {
    const { evidence, waiting } = this.#options;
    await this.#pressed;
    const { interrupt_ms, settle_ms } = evidence.reader.profile.timings;
    await waiting.until(() => {
      const { turns, status, look } = evidence;
      if (this.#exited || turns.ended >= this.#stoppedAt || turns.failed >= this.#stoppedAt) return true;
      if (turns.stopped >= this.#stoppedAt) return true;
      const resting = (status.activity === 'idle' || status.activity === 'done') && !this.#asks;
      const shown = status.since >= this.#stoppedAt || (look !== null && look.at >= this.#stoppedAt + settle_ms);
      return resting && shown ? true : undefined;
    }, interrupt_ms);
    return { outcome: 'cancelled', said: { reason: this.#stop ?? 'cancelled' } };
  }
}
