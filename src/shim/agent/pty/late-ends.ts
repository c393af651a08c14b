/**
 * The end of a turn, told by a hook when the turn is over and another one runs: it was stopped, or its screen told first.
 * Hooks name no turn, so after a turn whose end no hook told an end counts only when the screen agrees with it, or when
 * it is the second one.
 */
import type { AgentReport } from '../../../protocol/agent/index.ts';
import type { Clock } from '../../../runtime/index.ts';
import type { Evidence, Look } from './evidence.ts';

export interface LateEndsPorts {
  clock: Clock;
  evidence: Evidence;
  /** `isWhole`: what it says was answered counts too. */
  apply(report: AgentReport, isWhole: boolean): void;
}

/** The screen shows the end of a turn this soon after its hook; what was told earlier was the end of another. */
const SHOWN_MS = 1_000;
/** When the screen rests the hook of that end may still be on its way. */
const GRACE_MS = 500;

export class LateEnds {
  readonly #ports: LateEndsPorts;
  /** A turn is over, and no hook has told its end. */
  #owed = false;
  #held: { report: AgentReport; at: number } | null = null;
  #cancel: (() => void) | null = null;

  constructor(ports: LateEndsPorts) {
    this.#ports = ports;
  }

  /** A turn is being stopped, or was over without its hook. */
  owe(): void {
    this.#settle(true);
  }

  /** `delivering`: a message is under way, and not the stopped one. Applies the report now, later, or never. */
  take(report: AgentReport, delivering: boolean): void {
    const { evidence, clock, apply } = this.#ports;
    const { turn } = this.#owed ? evidence.reader.report(report) : { turn: null };
    // Said to be the end of a stopped one: nothing is owed any more.
    if (turn === 'stopped') this.#settle(false);
    const isEnd = turn === 'ended';
    if (isEnd && delivering && this.#held === null) {
      this.#held = { report, at: clock.now() };
      // The look tells what it saw by itself.
      void evidence.refresh();
      return;
    }
    const isOwn = !isEnd || !delivering || this.#beganBetween(report);
    if (isEnd) this.#settle(false);
    // Of two ends either may be this turn's, but for one that was told after the turn's own start.
    apply(report, isOwn);
  }

  /** The screen may be another one. */
  observe(): void {
    const { evidence, clock, apply } = this.#ports;
    const held = this.#held;
    const { look } = evidence;
    if (held === null || this.#cancel !== null || look === null || look.at < held.at) return;
    if (isAtWork(look)) return;
    if (look.at > held.at + SHOWN_MS) {
      this.#settle(false);
      return;
    }
    this.#cancel = clock.after(GRACE_MS, () => {
      const now = evidence.look;
      this.#settle(false);
      // It rested only for as long as it took to begin.
      if (now === null || isAtWork(now)) return;
      // Whose end it was nobody knows, only that this turn has ended: its answer is read from the screen.
      apply(held.report, false);
    });
  }

  close(): void {
    this.#settle(false);
  }

  /** By when each of them happened: a turn began after the end that is held, and before this one. */
  #beganBetween(end: AgentReport): boolean {
    const { started } = this.#ports.evidence.turns;
    return this.#held !== null && started >= this.#held.report.at && started <= end.at;
  }

  #settle(owed: boolean): void {
    this.#owed = owed;
    this.#held = null;
    this.#cancel?.();
    this.#cancel = null;
  }
}

function isAtWork({ reading }: Look): boolean {
  return reading.dialog !== null || reading.evidence?.activity === 'working';
}
