/**
 * Every process of a session, and their end.
 */
import type { HolderFact, TerminationOutcome } from '../protocol/session/index.ts';
import type { Clock, Faults } from '../runtime/index.ts';
import { type OutputEnd, holdersOf } from './holders.ts';
import { signalIdentity } from './identity.ts';
import { MemberScan } from './membership.ts';
import { endsOnHangUp } from './signals.ts';
import { type ProcessIdentity, type ProcessRow, type ProcessTable, systemTable } from './table.ts';

/** Rounds of stopping what appeared since the last one before the hard signal; a fork storm is frozen long before. */
const FREEZE_ROUNDS = 10;
/** How long after the first hard signal processes may take to go, ms: one in an uninterruptible wait stays behind. */
const HARD_MS = 5_000;
/** Pause between two looks while a termination runs: doubles from the first to the last. */
const FIRST_LOOK_MS = 2;
const LAST_LOOK_MS = 50;

export interface ExitStatus {
  code: number | null;
  signal: string | null;
}

export interface ProcessTreeOptions {
  child: ProcessIdentity;
  /** The session's id: the value of HOLDFAST_SESSION in its children's environment. */
  mark: string;
  /** This process's pid where it is a subreaper and the session's orphans come to it (`Containment.reaper`). */
  reaper?: number | undefined;
  /** The far ends of the session's output streams; whoever has one open holds the session's output. */
  outputs?: () => readonly OutputEnd[];
  clock: Clock;
  faults: Faults;
  table?: ProcessTable;
}

export class ProcessTree {
  /** `tree`: complete. `marked`: what leaves group, session, environment and ancestors unseen is missed. */
  readonly containment: 'tree' | 'marked';
  readonly #child: ProcessIdentity;
  readonly #outputs: () => readonly OutputEnd[];
  readonly #clock: Clock;
  readonly #faults: Faults;
  readonly #table: ProcessTable;
  readonly #scan: MemberScan;
  #sentToChild: 'nothing' | 'soft' | 'hard' = 'nothing';
  #hardAt = Infinity;
  #termination: Promise<HolderFact[]> | undefined;
  #wake: () => void = () => {};

  constructor(options: ProcessTreeOptions) {
    this.containment = options.reaper === undefined ? 'marked' : 'tree';
    this.#child = options.child;
    this.#outputs = options.outputs ?? (() => []);
    this.#clock = options.clock;
    this.#faults = options.faults;
    this.#table = options.table ?? systemTable;
    this.#scan = new MemberScan({ child: options.child, mark: options.mark, reaper: options.reaper }, this.#table);
  }

  /** Live members, zombies not among them; the child included while it lives. */
  members(): HolderFact[] {
    return this.#scan.scan().map((row) => this.#fact(row));
  }

  /** Processes that still have one of the session's output streams open, members or not. */
  holders(): HolderFact[] {
    return holdersOf(this.#outputs(), this.#table).map((row) => this.#fact(row));
  }

  /**
   * To be called when the child has exited: remembers what is left in its group and session while their ids are
   * certainly still the session's.
   */
  childExited(): void {
    if (this.#groupIsEmpty()) return;
    this.#scan.scan(true);
  }

  /**
   * SIGTERM to every member, after `graceMs` SIGKILL to whatever is left; 0 kills at once. Interactive shells, which
   * ignore SIGTERM, get SIGHUP as well, and stopped processes SIGCONT. Ends as soon as nobody is left. A second call
   * can only shorten the grace. Resolves with what could not be ended: members that survived the hard signal, and
   * others that hold the session's output without proof that they belong to it, which are never signalled.
   */
  terminate(graceMs: number): Promise<HolderFact[]> {
    this.#hardAt = Math.min(this.#hardAt, this.#clock.monotonic() + graceMs);
    this.#wake();
    this.#termination ??= this.#run(graceMs > 0);
    return this.#termination;
  }

  /** From the signals sent to the child and its wait status, never from timing. */
  outcome(status: ExitStatus): TerminationOutcome {
    if (this.#sentToChild === 'nothing') return 'natural_exit';
    return this.#sentToChild === 'hard' && status.signal === 'SIGKILL' ? 'hard_killed' : 'soft_exit';
  }

  async #run(soft: boolean): Promise<HolderFact[]> {
    // A child's end wakes the wait; orphans of others' are seen by looking.
    const onChildEnd = (): void => this.#wake();
    process.on('SIGCHLD', onChildEnd);
    try {
      if (soft) {
        const gone = await this.#softly();
        if (gone) return this.#unproven([]);
      }
      return this.#unproven(await this.#hard());
    } finally {
      process.off('SIGCHLD', onChildEnd);
      this.#termination = undefined;
      this.#hardAt = Infinity;
    }
  }

  /** True when nobody is left before the grace is over. */
  async #softly(): Promise<boolean> {
    const asked = new Map<number, number>();
    let pause = FIRST_LOOK_MS;
    for (let left = this.#scan.scan(); left.length > 0; left = this.#remaining()) {
      const fresh = left.filter((row) => asked.get(row.pid) !== row.start_time);
      for (const row of fresh) {
        asked.set(row.pid, row.start_time);
        this.#askToEnd(row);
      }
      if (fresh.length > 0) this.#faults.hit('shim.soft.after');
      const rest = this.#hardAt - this.#clock.monotonic();
      if (rest <= 0) return false;
      pause = (await this.#pause(Math.min(pause, rest))) ? FIRST_LOOK_MS : Math.min(pause * 2, LAST_LOOK_MS);
    }
    return true;
  }

  async #hard(): Promise<ProcessRow[]> {
    this.#faults.hit('shim.hard.before');
    let pause = FIRST_LOOK_MS;
    const giveUpAt = this.#clock.monotonic() + HARD_MS;
    let left = this.#freeze();
    while (left.length > 0) {
      for (const row of left) this.#kill(row);
      this.#faults.hit('shim.hard.after');
      for (;;) {
        if (this.#clock.monotonic() >= giveUpAt) return this.#scan.scan();
        pause = (await this.#pause(pause)) ? FIRST_LOOK_MS : Math.min(pause * 2, LAST_LOOK_MS);
        if (this.#scan.remaining().length === 0) break;
      }
      left = this.#freeze();
    }
    return [];
  }

  /** Stops every member, so that none can start another unseen; returns them all. */
  #freeze(): ProcessRow[] {
    const stopped = new Map<number, number>();
    let members: ProcessRow[] = [];
    for (let round = 0; round < FREEZE_ROUNDS; round++) {
      members = this.#scan.scan();
      const running = members.filter((row) => stopped.get(row.pid) !== row.start_time);
      if (running.length === 0) break;
      for (const row of running) {
        stopped.set(row.pid, row.start_time);
        signalIdentity(row, 'SIGSTOP', this.#table);
      }
    }
    return members;
  }

  /** What is left of the members seen; when it is nobody, whoever has appeared since. */
  #remaining(): ProcessRow[] {
    const left = this.#scan.remaining();
    return left.length > 0 ? left : this.#scan.scan();
  }

  #askToEnd(row: ProcessRow): void {
    const hangUp = endsOnHangUp(row.pid);
    if (!signalIdentity(row, 'SIGTERM', this.#table)) return;
    if (hangUp) signalIdentity(row, 'SIGHUP', this.#table);
    signalIdentity(row, 'SIGCONT', this.#table);
    if (this.#isChild(row) && this.#sentToChild === 'nothing') this.#sentToChild = 'soft';
  }

  #kill(row: ProcessRow): void {
    if (signalIdentity(row, 'SIGKILL', this.#table) && this.#isChild(row)) this.#sentToChild = 'hard';
  }

  #isChild(row: ProcessRow): boolean {
    return row.pid === this.#child.pid && row.start_time === this.#child.start_time;
  }

  /** True when woken before the time was over. */
  #pause(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(ms, () => resolve(false));
      this.#wake = () => {
        cancel();
        resolve(true);
      };
    });
  }

  #groupIsEmpty(): boolean {
    try {
      return !process.kill(-this.#child.pid, 0);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ESRCH';
    }
  }

  #unproven(survivors: ProcessRow[]): HolderFact[] {
    const facts = survivors.map((row) => this.#fact(row));
    const pids = new Set(facts.map((fact) => fact.pid));
    return [...facts, ...this.holders().filter((holder) => !pids.has(holder.pid))];
  }

  #fact(row: ProcessRow): HolderFact {
    return { pid: row.pid, start_time: row.start_time, command: this.#table.command(row) };
  }
}
