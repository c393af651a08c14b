/** Gathers what tells the agent's status: signals on the raw bytes, hooks, and the screen at a bounded rate. */
import {
  applySignal,
  compileProfile,
  createSignalScanner,
  createStatusBoard,
  type ProfileReader,
  type ReportReading,
  type ScreenReading,
  type ScreenView,
  type Signal,
  type StatusBoard,
} from '../../../agents/index.ts';
import type { AgentProfile, AgentReport, AgentStatus, Explanation } from '../../../protocol/agent/index.ts';
import type { AgentLaunch } from '../../../protocol/launch/index.ts';
import type { PtyHost } from './contract.ts';
import { ScreenWatch } from './watch.ts';

/** A screen as the rules read it. */
export interface Look {
  reading: ScreenReading;
  view: ScreenView;
  /** Wall clock: what the child wrote before is in it. */
  at: number;
}

/** What hooks said of turns, by the clock of their reports; -Infinity: never. */
export interface TurnMarks {
  started: number;
  ended: number;
  failed: number;
  /** By a person. */
  stopped: number;
  /** Of the last end. */
  response: string | null;
}

/** All rules on one screen. Patterns are bounded one by one; a profile may have thousands. */
const LOOK_MS = 1_000;
/** A timer that is due already waits this long, so that nothing spins. */
const LEAST_MS = 10;

export class Evidence {
  readonly #host: PtyHost;
  readonly #changed: () => void;
  readonly #cliVersion: string | null;
  readonly #watch: ScreenWatch;
  readonly #scanner = createSignalScanner((signal) => this.#signal(signal));
  readonly board: StatusBoard = createStatusBoard();
  #reader: ProfileReader;
  #status: AgentStatus;
  #look: Look | null = null;
  #cost: Explanation['cost'] = { evaluations: 0, total_ms: 0, slowest_ms: 0 };
  #cancelNext: () => void = () => {};
  /** Wall clock: when the status was last seen to be `working`. */
  workedAt = -Infinity;
  /** When it last came to be `done`: it stays so until the next turn shows. */
  doneAt = -Infinity;
  readonly turns: TurnMarks = {
    started: -Infinity,
    ended: -Infinity,
    failed: -Infinity,
    stopped: -Infinity,
    response: null,
  };

  /** `changed` follows everything that may have changed the status or was seen on the screen. */
  constructor({ profile, cli_version = null }: AgentLaunch, host: PtyHost, changed: () => void) {
    this.#host = host;
    this.#cliVersion = cli_version;
    this.#changed = changed;
    this.#reader = compileProfile(profile);
    // Known before anything else, and the least: all that the program shows counts more.
    const now = host.clock.now();
    this.board.add(
      {
        source: 'process',
        rule: 'process.started',
        activity: 'starting',
        attention: null,
        confidence: 1,
        until: now + profile.timings.ready_ms,
        detail: 'started',
      },
      now,
    );
    this.#status = this.board.status(now);
    this.#watch = new ScreenWatch({
      clock: host.clock,
      screen: () => host.screen(),
      look: (view, at) => this.#read(view, at),
      failed: (error) => host.warn(`the agent's screen cannot be read: ${error.message}`),
    });
  }

  get reader(): ProfileReader {
    return this.#reader;
  }

  get status(): AgentStatus {
    return this.#status;
  }

  /** The screen as it was seen last; null: not yet. */
  get look(): Look | null {
    return this.#look;
  }

  output(bytes: Buffer): void {
    this.#scanner.push(bytes);
    this.#watch.output();
  }

  /** The screen with all the child wrote by now. */
  async refresh(): Promise<void> {
    await this.#watch.fresh();
  }

  /** `isWhole`: its response is that of the turn under way. */
  report(report: AgentReport, isWhole = true): ReportReading {
    // It says when it happened: one from the queue may be old, and none is from the future, nor is what it leases.
    const at = Math.min(report.at, this.#host.clock.now());
    const reading = this.#reader.report({ ...report, at });
    const { evidence, turn, response } = reading;
    if (evidence !== null) this.board.add(evidence, at);
    if (turn === 'started') this.turns.started = Math.max(at, this.turns.started);
    else if (turn === 'ended' && at >= this.turns.ended) {
      Object.assign(this.turns, { ended: at, response: isWhole ? response : null });
    } else if (turn === 'failed') this.turns.failed = Math.max(at, this.turns.failed);
    else if (turn === 'stopped') this.turns.stopped = Math.max(at, this.turns.stopped);
    this.update();
    return reading;
  }

  setProfile(profile: AgentProfile): void {
    this.#reader = compileProfile(profile);
    this.board.withdraw('screen');
    this.#look = null;
    this.update();
    this.#watch.output();
  }

  exited(detail: string): void {
    this.board.programReset('exit');
    this.board.add(
      {
        source: 'process',
        rule: 'process.exited',
        activity: 'dead',
        attention: 'none',
        confidence: 1,
        until: null,
        detail,
      },
      this.#host.clock.now(),
    );
    this.update();
  }

  explain(): Explanation {
    const { name, revision } = this.#reader.profile;
    return {
      ...this.board.explain(this.#host.clock.now()),
      profile: { name, revision, cli: this.#cliVersion },
      rules: this.#look?.reading.tried ?? [],
      cost: { ...this.#cost },
    };
  }

  /** Decides anew, and again when time alone may change what was decided. */
  update(): void {
    const now = this.#host.clock.now();
    this.#status = this.board.status(now);
    if (this.#status.activity === 'working') this.workedAt = now;
    if (this.#status.activity === 'done') this.doneAt = this.#status.since;
    // It rested: that it was started is no longer news, and its lease need wake nobody.
    if (this.#status.activity === 'idle' || this.#status.activity === 'done')
      this.board.withdraw('process', 'process.started');
    this.#cancelNext();
    const next = this.board.nextChange(now);
    this.#cancelNext =
      next === null ? () => {} : this.#host.clock.after(Math.max(LEAST_MS, next - now), () => this.update());
    this.#changed();
  }

  close(): void {
    this.#watch.close();
    this.#cancelNext();
  }

  #signal(signal: Signal): void {
    if (signal.signal === 'bell' || signal.signal === 'program_query') return;
    const wrong = applySignal(this.board, this.#reader, signal, this.#host.clock.now());
    if (wrong === null) this.update();
  }

  #read(view: ScreenView, at: number): void {
    const before = this.#look;
    if (before !== null && isSame(before.view, view)) {
      before.at = at;
      this.update();
      return;
    }
    const started = this.#host.clock.monotonic();
    const { clock } = this.#host;
    const reading = this.#reader.screen(view, () => clock.monotonic() - started > LOOK_MS);
    const spent = this.#host.clock.monotonic() - started;
    this.#cost.evaluations++;
    this.#cost.total_ms += spent;
    this.#cost.slowest_ms = Math.max(this.#cost.slowest_ms, spent);
    this.#look = { reading, view, at };
    this.board.screen(reading, this.#host.clock.now());
    this.update();
  }
}

function isSame(one: ScreenView, other: ScreenView): boolean {
  return (
    one.cursorRow === other.cursorRow &&
    one.cursorCol === other.cursorCol &&
    one.cursorVisible === other.cursorVisible &&
    one.cols === other.cols &&
    one.lines.length === other.lines.length &&
    one.lines.every((line, row) => line === other.lines[row])
  );
}
