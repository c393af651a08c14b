/**
 * Which processes belong to a session. Evidence, each of them enough:
 *
 * - the environment mark HOLDFAST_SESSION=<id>, kept through fork, exec, setpgid and setsid;
 * - the process group or session of a process known to belong: neither id is reused while a member lives;
 * - descent from a process known to belong;
 * - where the shim is a subreaper (prctl(2)), being a child of the shim: orphans of the session end there.
 *
 * The runtime's own processes (HOLDFAST_RUNTIME in their environment) never belong, nor does what descends from them:
 * a control server started from inside a session outlives that session.
 */
import type { ProcessIdentity, ProcessRow, ProcessTable } from './table.ts';

/** In the environment of every child: the id of its session. */
export const SESSION_MARK = 'HOLDFAST_SESSION';
/** In the environment of the runtime's own processes, any value. Whoever starts one sets it and drops SESSION_MARK. */
export const RUNTIME_MARK = 'HOLDFAST_RUNTIME';

export interface Membership {
  /** The session's leader; its pid is also its first process group and session. */
  child: ProcessIdentity;
  /** Value of SESSION_MARK. */
  mark: string;
  /** The subreaper to which the session's orphans go, if there is one; never itself a member. */
  reaper: number | undefined;
}

type Origin = 'ours' | 'runtime' | 'foreign' | 'none';

/**
 * Remembers what it has seen, so that a process which loses all evidence later (its parent ends, it clears its
 * environment) still belongs.
 */
export class MemberScan {
  readonly #membership: Membership;
  readonly #table: ProcessTable;
  /** pid → start time of every process ever found to belong and not yet seen gone. */
  readonly #known = new Map<number, number>();
  /** Environments do not change while a process runs one program; read once per process. */
  readonly #origins = new Map<number, { start_time: number; origin: Origin }>();
  readonly #self: ProcessRow | undefined;

  constructor(membership: Membership, table: ProcessTable) {
    this.#membership = membership;
    this.#table = table;
    this.#self = table.read(process.pid);
    this.#known.set(membership.child.pid, membership.child.start_time);
  }

  /**
   * Every live member now. `leaderJustEnded`: the child's pid cannot have been given to others yet, so its group and
   * session still are evidence although nobody known may be left in them.
   */
  scan(leaderJustEnded = false): ProcessRow[] {
    const rows = new Map<number, ProcessRow>();
    for (const row of this.#table.list()) rows.set(row.pid, row);
    this.#forget(rows);
    const members = new Set<number>();
    const groups = new Set<number>();
    const sessions = new Set<number>();
    if (leaderJustEnded) {
      groups.add(this.#membership.child.pid);
      sessions.add(this.#membership.child.pid);
    }
    const add = (row: ProcessRow): void => {
      members.add(row.pid);
      groups.add(row.pgrp);
      sessions.add(row.session);
    };
    for (const row of rows.values()) if (this.#belongsByItself(row)) add(row);
    let before: number;
    do {
      before = members.size;
      for (const row of rows.values()) {
        if (members.has(row.pid) || this.#isBarred(row)) continue;
        if (members.has(row.ppid) || this.#sharesGroup(row, groups, sessions)) add(row);
      }
    } while (members.size > before);
    const live = [...members].map((pid) => rows.get(pid)!).filter((row) => !row.gone);
    for (const row of live) this.#known.set(row.pid, row.start_time);
    return live;
  }

  /** Live members among those seen so far: cheaper than a scan, blind to new ones. */
  remaining(): ProcessRow[] {
    const left: ProcessRow[] = [];
    for (const [pid, startTime] of this.#known) {
      const row = this.#table.read(pid);
      if (row !== undefined && row.start_time === startTime && !row.gone) left.push(row);
      else this.#known.delete(pid);
    }
    return left;
  }

  #belongsByItself(row: ProcessRow): boolean {
    if (this.#known.get(row.pid) === row.start_time) return true;
    if (row.gone) return false;
    const origin = this.#originOf(row);
    if (origin === 'ours') return true;
    return origin === 'none' && this.#membership.reaper !== undefined && row.ppid === this.#membership.reaper;
  }

  /** This process's own group and session prove nothing, although members may sit in them. */
  #sharesGroup(row: ProcessRow, groups: Set<number>, sessions: Set<number>): boolean {
    if (row.session === this.#self?.session || row.pgrp === this.#self?.pgrp) return false;
    return groups.has(row.pgrp) || sessions.has(row.session);
  }

  #isBarred(row: ProcessRow): boolean {
    if (row.gone || row.pid <= 2 || row.pid === process.pid || row.pid === this.#membership.reaper) return true;
    return this.#originOf(row) === 'runtime';
  }

  #originOf(row: ProcessRow): Origin {
    const cached = this.#origins.get(row.pid);
    if (cached !== undefined && cached.start_time === row.start_time) return cached.origin;
    const origin = originOf(this.#table.environment(row.pid), this.#membership.mark);
    this.#origins.set(row.pid, { start_time: row.start_time, origin });
    return origin;
  }

  #forget(rows: Map<number, ProcessRow>): void {
    for (const [pid, startTime] of this.#known) if (rows.get(pid)?.start_time !== startTime) this.#known.delete(pid);
    for (const [pid, { start_time }] of this.#origins) {
      if (rows.get(pid)?.start_time !== start_time) this.#origins.delete(pid);
    }
  }
}

function originOf(environment: string, mark: string): Origin {
  if (environment === '') return 'none';
  const entries = `\0${environment}`;
  if (entries.includes(`\0${RUNTIME_MARK}=`)) return 'runtime';
  if (entries.includes(`\0${SESSION_MARK}=${mark}\0`)) return 'ours';
  return entries.includes(`\0${SESSION_MARK}=`) ? 'foreign' : 'none';
}
