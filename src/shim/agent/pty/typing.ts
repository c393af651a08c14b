/**
 * Brings one message into the agent's box and through its turn (DESIGN §7): paste, see the echo, submit, see the start,
 * see the end. Each step is proven on the screen or by the agent's own signals before the next, and written to the
 * outcomes before it begins.
 */
import { formatMessage } from '../../../agents/index.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { AgentMessage } from '../contract.ts';
import type { PtyHost } from './contract.ts';
import type { Evidence } from './evidence.ts';
import { pressKeys } from './keys.ts';
import { HISTORY_LINES, isNew, keysOf, type MessageKeys } from './response.ts';
import { Turn, type TurnOutcome } from './turn.ts';
import type { Waiting } from './waiting.ts';

export type StopReason = 'cancelled' | 'interrupted';

export interface DeliveryPorts {
  host: PtyHost;
  evidence: Evidence;
  waiting: Waiting;
  /** Presses what stops a turn. */
  interrupt(): Promise<void>;
}

const PASTE_START = '\x1b[200~';
const PASTE_END = '\x1b[201~';
/** A submit that was swallowed is pressed again: the draft stands there still, so nothing is doubled. */
const SUBMIT_AGAIN = 3;
/** In vain. */
const CLEAR_TRIES = 3;
/** In all. */
const CLEAR_PRESSES = 40;

export class Delivery {
  readonly messageId: string;
  readonly #ports: DeliveryPorts;
  readonly #body: string;
  #keys: MessageKeys = { first: '', last: '' };
  /** The screen before anything was typed. */
  #before: readonly string[] = [];
  #history = '';
  #submittedAt = -Infinity;
  #stop: StopReason | null = null;
  #exited = false;
  #turn: Turn | null = null;

  constructor(message: AgentMessage, ports: DeliveryPorts) {
    this.messageId = message.message_id;
    this.#ports = ports;
    this.#body = formatMessage(message, ports.evidence.reader.profile.input);
  }

  /** To its one outcome, whatever happens. */
  async run(): Promise<void> {
    const { host } = this.#ports;
    let outcome: TurnOutcome;
    try {
      outcome = await this.#deliver();
    } catch (error) {
      const { code, message } = HoldfastError.from(error);
      host.warn(`message ${this.messageId} was not delivered for certain: ${message}`);
      outcome = { outcome: 'indeterminate', said: { reason: code } };
    } finally {
      host.hold(false);
    }
    host.closed(this.messageId, outcome.outcome, outcome.said);
  }

  /** Wall clock; -Infinity: not yet. */
  get submittedAt(): number {
    return this.#submittedAt;
  }

  get isStopped(): boolean {
    return this.#stop !== null;
  }

  /** Gives the message up. Resolves when the keys that stop a turn are written, if there is one. */
  async stop(reason: StopReason): Promise<void> {
    this.#stop ??= reason;
    if (this.#turn !== null) await this.#turn.stop(this.#stop);
    this.#ports.waiting.observe();
  }

  exited(): void {
    this.#exited = true;
    this.#turn?.exited();
    this.#ports.waiting.observe();
  }

  async #deliver(): Promise<TurnOutcome> {
    const { host, evidence } = this.#ports;
    const look = evidence.look;
    this.#keys = keysOf(this.#body, look?.view.cols ?? 80);
    this.#before = look?.view.lines ?? [];
    host.phase(this.messageId, 'pasting');
    host.hold(true);
    const notPasted = await this.#paste();
    if (notPasted !== null) return notPasted;
    this.#history = (await host.screen()).text(HISTORY_LINES).content;
    host.phase(this.messageId, 'submitting');
    const notStarted = await this.#submit();
    if (notStarted !== null) return notStarted;
    host.hold(false);
    host.phase(this.messageId, 'delivered');
    const outcome = await this.#follow();
    if (this.#stop !== null) await this.#takeBack();
    return outcome;
  }

  /** Some programs put the text of a turn that was stopped early into the box again: it is no person's draft. */
  async #takeBack(): Promise<void> {
    const { host, evidence, waiting } = this.#ports;
    await waiting.pause(evidence.reader.profile.timings.settle_ms);
    await evidence.refresh();
    const box = evidence.look?.reading.box ?? null;
    if (box === null || this.#exited || !isWhole(box, this.#body)) return;
    host.hold(true);
    await this.#clear();
  }

  async #paste(): Promise<TurnOutcome | null> {
    const { host, evidence, waiting } = this.#ports;
    const { input, timings } = evidence.reader.profile;
    const text =
      input.paste === 'bracketed'
        ? `${PASTE_START}${this.#body}${PASTE_END}`
        : this.#body.split('\n').join(input.newline);
    const at = host.clock.now();
    const written = await host.write(Buffer.from(text));
    host.faults.hit('shim.paste.after');
    if (written === 'closed') return refused('agent_died');
    const seen = await waiting.until(
      () => this.#interruption() ?? (this.#isEchoed(at) ? 'echo' : undefined),
      timings.echo_ms,
    );
    if (seen === 'echo') {
      await waiting.pause(input.submit_after_ms ?? 0);
      return null;
    }
    if (seen === 'exited') return refused('agent_died');
    const cleared = await this.#clear();
    if (seen === 'stopped') return cleared ? { outcome: 'cancelled', said: this.#stopReason() } : unsure('cancelled');
    return cleared ? refused('no_echo') : unsure('no_echo');
  }

  async #submit(): Promise<TurnOutcome | null> {
    const { host, evidence, waiting } = this.#ports;
    const { input, timings } = evidence.reader.profile;
    this.#submittedAt = host.clock.now();
    for (let again = 0; ; again++) {
      if ((await host.write(Buffer.from(input.submit))) === 'closed') return unsure('agent_died');
      host.faults.hit('shim.submit.after');
      const seen = await waiting.until(() => this.#startedOrExited(), timings.start_ms / 2);
      await evidence.refresh();
      // What a program did before it ended is on the screen that was looked at last.
      const now = this.#startedOrExited() ?? seen;
      if (now === 'started' && (await this.#leavesBox())) return null;
      if (now === 'exited') return unsure('agent_died');
      if (!this.#isEchoed(this.#submittedAt)) return this.#startedLate();
      if (this.#stop !== null) return (await this.#clear()) ? this.#cancelled() : unsure('cancelled');
      if (again === SUBMIT_AGAIN) break;
    }
    // It would stand there as a draft for ever.
    await this.#clear();
    return unsure('not_started');
  }

  /** Whatever else says that the agent works: a text that stands in the box was not taken. */
  async #leavesBox(): Promise<boolean> {
    const { evidence, waiting } = this.#ports;
    const left = await waiting.until(
      () => (this.#exited || !this.#isEchoed(this.#submittedAt) ? true : undefined),
      evidence.reader.profile.timings.start_ms / 2,
    );
    return left === true;
  }

  /** The text has left the box: it was taken or thrown away. */
  async #startedLate(): Promise<TurnOutcome | null> {
    const { evidence, waiting } = this.#ports;
    const seen = await waiting.until(() => this.#startedOrExited(), evidence.reader.profile.timings.start_ms / 2);
    if (seen === 'started') return null;
    return unsure(seen === 'exited' ? 'agent_died' : 'not_started');
  }

  async #follow(): Promise<TurnOutcome> {
    const { host, evidence, waiting, interrupt } = this.#ports;
    this.#turn = new Turn({
      host,
      evidence,
      waiting,
      interrupt,
      since: this.#submittedAt,
      body: this.#body,
      keys: this.#keys,
      history: this.#history,
    });
    if (this.#exited) this.#turn.exited();
    // Pressing is part of the turn's end, which is waited for right below.
    if (this.#stop !== null) void this.#turn.stop(this.#stop);
    return this.#turn.ended();
  }

  #cancelled(): TurnOutcome {
    return { outcome: 'cancelled', said: this.#stopReason() };
  }

  #stopReason(): { reason?: string } {
    return this.#stop === null ? {} : { reason: this.#stop };
  }

  #interruption(): 'exited' | 'stopped' | undefined {
    if (this.#exited) return 'exited';
    return this.#stop === null ? undefined : 'stopped';
  }

  /** On a screen that was looked at after `since`. */
  #isEchoed(since: number): boolean {
    const { look, reader } = this.#ports.evidence;
    if (look === null || look.at < since || look.reading.dialog !== null) return false;
    return reader.echoed(look.reading, this.#body);
  }

  #startedOrExited(): 'started' | 'exited' | undefined {
    if (this.#hasStarted()) return 'started';
    return this.#exited ? 'exited' : undefined;
  }

  #hasStarted(): boolean {
    const { evidence } = this.#ports;
    const { turns, status, look, workedAt } = evidence;
    const since = this.#submittedAt;
    if (workedAt >= since || turns.started >= since || turns.ended >= since || turns.failed >= since) return true;
    if (turns.stopped >= since) return true;
    const told = status.activity === 'done' || status.activity === 'error' || status.attention !== 'none';
    if (told && status.activity !== 'dead' && status.since >= since) return true;
    if (look === null || look.at < since) return false;
    return look.reading.dialog !== null || this.#isInConversation();
  }

  /** The box is empty, and the message stands above it as something that was said. */
  #isInConversation(): boolean {
    const look = this.#ports.evidence.look;
    if (look === null || !isEmpty(look.reading)) return false;
    return isNew(this.#keys, this.#before, look.view.lines);
  }

  /** Empties the box and sees that it is. */
  async #clear(): Promise<boolean> {
    const { host, evidence, waiting } = this.#ports;
    const { input, timings } = evidence.reader.profile;
    const shown = (): string => evidence.look?.reading.box?.text ?? '';
    for (let presses = 0, vain = 0; vain < CLEAR_TRIES && presses < CLEAR_PRESSES && !this.#exited; presses++) {
      const before = shown();
      if ((await pressKeys(host, waiting, input.clear)) === 'closed') return false;
      const at = host.clock.now();
      await waiting.until(
        () => (evidence.look !== null && evidence.look.at >= at && shown() !== before ? true : this.#isBoxEmpty(at)),
        Math.ceil(timings.echo_ms / CLEAR_TRIES),
      );
      await evidence.refresh();
      if (this.#isBoxEmpty(at) === true) return true;
      // A key may take a line only: as long as there is less each time, it goes on.
      if (shown() === before) vain++;
    }
    return false;
  }

  /** On a screen that was looked at after `since`. */
  #isBoxEmpty(since: number): true | undefined {
    const { look } = this.#ports.evidence;
    return look !== null && look.at >= since && isEmpty(look.reading) ? true : undefined;
  }
}

function isEmpty({ box }: { box: { text: string; collapsed: boolean } | null }): boolean {
  return box !== null && box.text === '' && !box.collapsed;
}

/** A collapsed paste that stands alone is taken for the one that was made here. */
function isWhole({ text, collapsed }: { text: string; collapsed: boolean }, body: string): boolean {
  const blanks = /\s+/g;
  return collapsed ? /^\[[^\]]*\]$/.test(text.trim()) : text.replace(blanks, '') === body.replace(blanks, '');
}

function refused(reason: string): TurnOutcome {
  return { outcome: 'refused', said: { reason } };
}

function unsure(reason: string): TurnOutcome {
  return { outcome: 'indeterminate', said: { reason } };
}
