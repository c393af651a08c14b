/** Drives an agent at its terminal: what it shows is read, what is for it is typed, and nothing is taken for granted. */
import { HoldfastError } from '../../../protocol/errors.ts';
import type {
  Activity,
  AgentProfile,
  AgentReport,
  AgentRequest,
  AgentStatus,
  AgentUsage,
  Explanation,
} from '../../../protocol/agent/index.ts';
import type { AgentLaunch } from '../../../protocol/launch/index.ts';
import type { AgentDriver, AgentMessage } from '../contract.ts';
import { readUsage, usageOf } from '../usage.ts';
import type { PtyHost } from './contract.ts';
import { Draft } from './draft.ts';
import { Evidence } from './evidence.ts';
import { pressKeys } from './keys.ts';
import { LateEnds } from './late-ends.ts';
import { Requests } from './requests.ts';
import { Delivery, type StopReason } from './typing.ts';
import { Waiting } from './waiting.ts';

/** From the end of a turn to its last line in the agent's own file. */
const WRITTEN_MS = 1_000;
/** No turn is under way: the last one failed, ended, or there was none. */
const RESTS: ReadonlySet<Activity> = new Set<Activity>(['idle', 'done', 'error']);

export class PtyAgent implements AgentDriver {
  readonly #host: PtyHost;
  readonly #waiting: Waiting;
  readonly #evidence: Evidence;
  readonly #requests: Requests;
  readonly #draft = new Draft();
  readonly #lateEnds: LateEnds;
  #delivery: Delivery | null = null;
  /** Wall clock of an interrupt whose end was not seen yet. */
  #interruptedAt: number | null = null;
  /** Wall clock of the last one from here. */
  #pressedAt = -Infinity;
  #exited = false;
  #closed = false;
  #conversationId: string | null;
  #transcriptPath: string | null = null;
  #usage: AgentUsage | null = null;
  #cancelDraft: () => void = () => {};
  #cancelRest: () => void = () => {};
  #cancelUsage: () => void = () => {};

  constructor(launch: AgentLaunch, host: PtyHost) {
    this.#host = host;
    this.#conversationId = launch.conversation_id;
    this.#waiting = new Waiting(host.clock);
    this.#evidence = new Evidence(launch, host, () => this.#changed());
    this.#requests = new Requests(host, this.#evidence, this.#waiting);
    this.#lateEnds = new LateEnds({
      clock: host.clock,
      evidence: this.#evidence,
      apply: (report, isWhole) => this.#report(report, isWhole),
    });
    this.#evidence.update();
  }

  get readiness(): { ready: boolean; waits_for: string } {
    const waitsFor = this.#waitsFor();
    return { ready: waitsFor === '', waits_for: waitsFor };
  }

  get status(): AgentStatus {
    return this.#evidence.status;
  }

  get requests(): readonly AgentRequest[] {
    return this.#requests.list;
  }

  get conversationId(): string | null {
    return this.#conversationId;
  }

  get transcriptPath(): string | null {
    return this.#transcriptPath;
  }

  get usage(): AgentUsage | null {
    return this.#usage;
  }

  refresh(): Promise<void> {
    return this.#evidence.refresh();
  }

  deliver(message: AgentMessage): void {
    const { ready, waits_for } = this.readiness;
    if (!ready) throw new HoldfastError('busy', 'agent busy', { details: { waits_for } });
    const delivery = new Delivery(message, {
      host: this.#host,
      evidence: this.#evidence,
      waiting: this.#waiting,
      interrupt: () => this.#pressInterrupt(),
    });
    this.#delivery = delivery;
    const { started, ended } = this.#evidence.turns;
    // A turn of somebody else's, which the screen shows to be over: its hook is on its way.
    if (started > ended) this.#lateEnds.owe();
    // It tells its outcome itself, and ends in one whatever happens.
    void delivery.run().finally(() => {
      this.#delivery = null;
      if (this.#evidence.turns.ended < delivery.submittedAt) this.#lateEnds.owe();
      this.#changed();
    });
  }

  cancel(messageId: string): void {
    // Its outcome tells whether it worked.
    if (this.#delivery?.messageId === messageId) void this.#stop(this.#delivery, 'cancelled');
  }

  async interrupt(): Promise<void> {
    if (this.#exited) throw new HoldfastError('session_exited', 'the agent has exited');
    if (this.#delivery !== null) return this.#stop(this.#delivery, 'interrupted');
    await this.#evidence.refresh();
    const { activity, attention } = this.status;
    // A message that came meanwhile is not what was to be stopped: the agent rested when it was taken.
    const rests = this.#delivery !== null || ((activity === 'idle' || activity === 'done') && attention === 'none');
    if (rests && this.#requests.list.length === 0)
      throw new HoldfastError('conflict', `the agent is ${activity}; there is nothing to interrupt`);
    await this.#pressInterrupt();
  }

  answer(requestId: string, choice: string, text: string | undefined): Promise<void> {
    return this.#requests.answer(requestId, choice, text);
  }

  report(report: AgentReport): void {
    const delivery = this.#delivery;
    // What was told before the submit ends no turn that came of it.
    const submitted = delivery !== null && !delivery.isStopped && delivery.submittedAt > -Infinity;
    this.#lateEnds.take(report, submitted && report.at >= delivery.submittedAt);
  }

  #report(report: AgentReport, isWhole: boolean): void {
    const { conversationId, transcriptPath, turn, usage } = this.#evidence.report(report, isWhole);
    this.#usage = usageOf(usage) ?? this.#usage;
    if (turn === 'started') this.#judgeStart();
    if (conversationId !== null) this.#conversationId = conversationId;
    if (transcriptPath !== null) this.#transcriptPath = transcriptPath;
    if (this.#transcriptPath !== null && (turn === 'ended' || turn === 'failed'))
      this.#countUsage(this.#transcriptPath);
    this.#changed();
  }

  async explain(): Promise<Explanation> {
    await this.#evidence.refresh();
    return this.#evidence.explain();
  }

  setProfile(profile: AgentProfile): void {
    this.#evidence.setProfile(profile);
  }

  output(bytes: Buffer): void {
    this.#evidence.output(bytes);
  }

  typed(bytes: Uint8Array): void {
    const wasHeld = this.#draft.held;
    if (!this.#draft.typed(bytes, this.#host.clock.now())) return;
    this.#evidence.board.input(this.#host.clock.now());
    if (this.#draft.held) this.#lookAfterKeys();
    if (wasHeld !== this.#draft.held) this.#evidence.update();
  }

  exited(exit: { code: number | null; signal: string | null }): void {
    this.#exited = true;
    this.#evidence.exited(exit.signal === null ? `exited with ${exit.code}` : `ended by ${exit.signal}`);
    this.#requests.close();
    this.#delivery?.exited();
  }

  transcript(): { entries: []; next: number } {
    // A terminal's conversation is on its screen and in its log.
    return { entries: [], next: 0 };
  }

  close(): void {
    this.#closed = true;
    this.#evidence.close();
    this.#lateEnds.close();
    this.#requests.close();
    this.#cancelDraft();
    this.#cancelRest();
    this.#cancelUsage();
  }

  /** Now, and once more when the agent, which tells of the end of a turn first, has written the turn down. */
  #countUsage(path: string): void {
    const read = (): void => {
      this.#usage = readUsage(path) ?? this.#usage;
    };
    read();
    this.#cancelUsage();
    this.#cancelUsage = this.#host.clock.after(WRITTEN_MS, () => {
      read();
      this.#changed();
    });
  }

  #waitsFor(): string {
    if (this.#exited) return 'exited';
    if (this.#delivery !== null) return 'message';
    const { activity, attention } = this.status;
    // Without quota or login the next turn may fail like the last; whether to try is for whoever sends.
    if (attention !== 'none' && attention !== 'quota' && attention !== 'auth') return attention;
    if (this.#requests.list.length > 0) return 'question';
    if (activity === 'working') return 'busy';
    if (!RESTS.has(activity)) return activity === 'dead' ? 'exited' : activity;
    if (this.#interruptedAt !== null) return 'interrupt';
    return this.#boxWaitsFor();
  }

  #boxWaitsFor(): string {
    const { look, reader } = this.#evidence;
    if (this.#draft.held) return 'draft';
    if (look === null) return 'starting';
    const { reading } = look;
    if (reading.skipped) return 'menu';
    if (reading.dialog !== null) return 'question';
    if (reader.profile.input.box === null) return '';
    if (reading.box === null) return 'box';
    return reading.box.text === '' && !reading.box.collapsed ? '' : 'draft';
  }

  /** Everything that may follow from what was just seen. */
  #changed(): void {
    if (this.#closed) return;
    const { look } = this.#evidence;
    if (look !== null) {
      this.#lateEnds.observe();
      this.#requests.observe(look);
      this.#judgeDraft(look.at);
    }
    this.#judgeInterrupt();
    this.#waiting.observe();
    this.#host.changed();
  }

  #judgeDraft(lookedAt: number): void {
    if (!this.#draft.held) return;
    const { look, reader } = this.#evidence;
    if (lookedAt < this.#draft.lastKey + reader.profile.timings.echo_ms) return;
    const box = look?.reading.box ?? null;
    if (box !== null && box.text === '' && !box.collapsed) this.#draft.cleared();
  }

  /** Keys may show nothing: a later look says whether they are in the box. */
  #lookAfterKeys(): void {
    const { echo_ms } = this.#evidence.reader.profile.timings;
    this.#cancelDraft();
    // The look tells what it saw by itself.
    this.#cancelDraft = this.#host.clock.after(echo_ms, () => void this.#evidence.refresh());
  }

  async #stop(delivery: Delivery, reason: StopReason): Promise<void> {
    this.#lateEnds.owe();
    await delivery.stop(reason);
  }

  /** A hook takes its time: the start of a turn that was interrupted meanwhile says nothing any more. */
  #judgeStart(): void {
    const now = this.#host.clock.now();
    const { interrupt_ms } = this.#evidence.reader.profile.timings;
    if (now > this.#pressedAt + interrupt_ms || this.#delivery?.isStopped === false) return;
    this.#evidence.board.interrupted(now);
    this.#evidence.update();
  }

  async #pressInterrupt(): Promise<void> {
    const { input } = this.#evidence.reader.profile;
    this.#interruptedAt = this.#host.clock.now();
    await pressKeys(this.#host, this.#waiting, input.interrupt);
    this.#interruptedAt = this.#host.clock.now();
    this.#pressedAt = this.#interruptedAt;
    this.#evidence.board.interrupted(this.#interruptedAt);
    this.#evidence.update();
  }

  /** An interrupt is over when the agent rests on evidence that is newer; what it wrote until then is nobody's. */
  #judgeInterrupt(): void {
    const at = this.#interruptedAt;
    if (at === null) return;
    const { status, look, reader } = this.#evidence;
    if (status.activity !== 'idle' && status.activity !== 'done') return;
    const { settle_ms } = reader.profile.timings;
    const rested = this.#host.clock.now() - Math.max(at, status.since);
    const seen = look !== null && look.at >= at + settle_ms;
    if (rested >= settle_ms && (seen || status.since >= at)) {
      this.#interruptedAt = null;
      return;
    }
    this.#cancelRest();
    // The look tells what it saw by itself.
    this.#cancelRest = this.#host.clock.after(Math.max(20, settle_ms - rested), () => void this.#evidence.refresh());
  }
}
