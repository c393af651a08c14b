/**
 * What is done about an agent that does not come back, one rung after the other, each with a deadline: ask, interrupt,
 * end softly, end hard, see that everything of it is gone. Only then may another take its place: two drivers of one
 * conversation or one directory are worse than none.
 */
import { HoldfastError, limits } from '../../protocol/index.ts';
import { type Clock, withDeadline } from '../../runtime/index.ts';

export type Rung = 'probe' | 'interrupt' | 'soft' | 'hard';

/** `idle`: it can take a message again. `over`: its session has ended. */
export type Standing = 'idle' | 'busy' | 'over';

export interface LadderPorts {
  readonly clock: Clock;
  /** Asks the shim how the agent stands. */
  probe(): Promise<Standing>;
  interrupt(): Promise<void>;
  /** Ends the whole tree; resolves when that was begun. */
  terminate(graceMs: number): Promise<void>;
  /** Resolves when it is over, or with `until: 'idle'` idle or over; `signal` ends the wait. */
  settled(signal: AbortSignal, until: 'idle' | 'over'): Promise<Exclude<Standing, 'busy'>>;
  /** Processes of its tree that are still there after the end. */
  survivors(): number;
  /** Before each rung. */
  climbing(rung: Rung): void;
}

export interface LadderTimings {
  probe_ms: number;
  interrupt_ms: number;
  grace_ms: number;
  hard_ms: number;
}

export const LADDER_TIMINGS: LadderTimings = {
  probe_ms: 2_000,
  interrupt_ms: 10_000,
  grace_ms: limits.STOP_GRACE_MS,
  hard_ms: 10_000,
};

/** `recovered`: it is idle, its conversation goes on. `stuck`: something of it could not be ended. */
export type Climbed = 'recovered' | 'gone' | 'stuck';

/** `to: 'idle'` stops at the first rung that helps; `to: 'gone'` ends it also when an interrupt would do. */
export async function climb(ports: LadderPorts, to: 'idle' | 'gone', timings: LadderTimings): Promise<Climbed> {
  const standing = (found: Standing): Climbed | null => {
    if (found === 'over') return ports.survivors() === 0 ? 'gone' : 'stuck';
    return found === 'idle' && to === 'idle' ? 'recovered' : null;
  };
  ports.climbing('probe');
  const probed = standing(await within(ports, timings.probe_ms, ports.probe()));
  if (probed !== null) return probed;
  const rungs: [Rung, number, () => Promise<void>][] = [
    ['interrupt', timings.interrupt_ms, () => ports.interrupt()],
    // The shim itself goes from soft to hard after the grace; a moment more than that, and nobody there does.
    ['soft', timings.grace_ms + timings.hard_ms, () => ports.terminate(timings.grace_ms)],
    ['hard', timings.hard_ms, () => ports.terminate(0)],
  ];
  for (const [rung, ms, begin] of rungs) {
    ports.climbing(rung);
    const found = standing(await attempt(ports, ms, begin, rung === 'interrupt' ? 'idle' : 'over'));
    // An interrupted agent may be idle: enough to end it without losing half a turn, not enough when it is to go.
    if (found !== null) return found;
  }
  return 'stuck';
}

/** Begins a rung and waits for what comes of it. A rung that fails is one that did not help. */
async function attempt(
  ports: LadderPorts,
  ms: number,
  begin: () => Promise<void>,
  until: 'idle' | 'over',
): Promise<Standing> {
  const abort = new AbortController();
  const settled = ports.settled(abort.signal, until);
  const both = begin().then(
    () => settled,
    () => settled,
  );
  try {
    return await within(ports, ms, both);
  } finally {
    abort.abort();
  }
}

async function within(ports: LadderPorts, ms: number, work: Promise<Standing>): Promise<Standing> {
  try {
    return await withDeadline(ports.clock, ms, work, () => new HoldfastError('timeout', `no answer within ${ms} ms`));
  } catch {
    // No answer and a refusal say the same here: this rung did not help.
    return 'busy';
  }
}
