/**
 * Compares what Holdfast said of an agent with what was true. The truth is a list of phases from the endpoint's log and
 * the keys the test pressed; a phase is right when the status is right from one second after its start to its end.
 */
import type { Activity, Attention } from '../../src/protocol/agent/index.ts';

export interface Seen {
  /** Ms since the Unix epoch. */
  at: number;
  activity: Activity;
  attention: Attention;
}

export interface Phase {
  kind:
    | 'starting'
    | 'ready'
    | 'working'
    | 'permission'
    | 'done'
    | 'interrupted'
    | 'auth'
    | 'quota'
    | 'exhausted'
    | 'error'
    | 'exited';
  from: number;
  to: number;
}

export interface Verdict {
  phase: Phase;
  right: boolean;
  /** Ms from the start of the phase to the first right status that held; null: never. */
  after: number | null;
  seen: Seen[];
}

/** The delay that is allowed. */
export const WITHIN_MS = 1_000;
/** Below this a phase proves nothing. */
export const PHASE_MS = 3_000;

const RIGHT: Readonly<Record<Phase['kind'], (seen: Seen) => boolean>> = {
  starting: ({ activity }) => activity === 'starting' || activity === 'unknown',
  ready: (seen) => isFree(seen),
  working: ({ activity, attention }) => activity === 'working' && attention === 'none',
  permission: ({ attention }) => attention === 'permission',
  done: (seen) => isFree(seen),
  interrupted: (seen) => isFree(seen),
  auth: ({ attention }) => attention === 'auth',
  quota: ({ attention }) => attention === 'quota',
  exhausted: ({ attention }) => attention === 'exhausted',
  error: ({ activity }) => activity === 'error',
  exited: ({ activity }) => activity === 'dead',
};

/** Phases in which somebody who trusts "idle" or "done" would be wrong. */
const BUSY = new Set<Phase['kind']>(['starting', 'working', 'permission']);

function isFree({ activity, attention }: Seen): boolean {
  return (activity === 'idle' || activity === 'done') && attention === 'none';
}

/** `seen` is in order; each holds until the next. */
export function judge(phases: readonly Phase[], seen: readonly Seen[]): Verdict[] {
  return phases.map((phase) => {
    if (phase.to - phase.from < PHASE_MS) throw new Error(`the ${phase.kind} phase lasts less than ${PHASE_MS} ms`);
    const during = within(seen, phase.from, phase.to);
    const late = within(seen, phase.from + WITHIN_MS, phase.to);
    const firstRight = during.findIndex((_, index) => during.slice(index).every(RIGHT[phase.kind]));
    const after = firstRight < 0 ? null : Math.max(0, (during[firstRight] as Seen).at - phase.from);
    return { phase, right: late.length > 0 && late.every(RIGHT[phase.kind]), after, seen: during };
  });
}

/** Idle or done told more than the allowed delay into a phase that is neither: the one error nobody forgives. */
export function falselyFree(verdicts: readonly Verdict[]): Verdict[] {
  return verdicts.filter(
    ({ phase, seen }) => BUSY.has(phase.kind) && within(seen, phase.from + WITHIN_MS, phase.to).some(isFree),
  );
}

/** What held at `from`, and every change until `to`. */
function within(seen: readonly Seen[], from: number, to: number): Seen[] {
  const before = seen.filter(({ at }) => at <= from).slice(-1);
  return [...before, ...seen.filter(({ at }) => at > from && at < to)];
}

/** A table for people: kind, phases, right, slowest. */
export function summary(verdicts: readonly Verdict[]): string {
  const kinds = [...new Set(verdicts.map(({ phase }) => phase.kind))];
  const lines = kinds.map((kind) => {
    const of = verdicts.filter(({ phase }) => phase.kind === kind);
    const right = of.filter((verdict) => verdict.right).length;
    const slowest = Math.max(...of.map(({ after }) => after ?? Infinity));
    return `${kind.padEnd(12)} ${right}/${of.length} right within ${WITHIN_MS} ms, slowest ${slowest} ms`;
  });
  return lines.join('\n');
}
