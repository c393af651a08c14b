/**
 * Named fault points: places where a test may stop, delay or kill a real process.
 *
 * In the ordinary build `__HOLDFAST_FAULTS__` is the constant false and every call compiles away. In the fault build a
 * process reads its plan from HOLDFAST_FAULT_PLAN: `name=action[@hit][;…]`, where action is `kill` (SIGKILL to itself),
 * `exit`, `stop` (SIGSTOP to itself: it goes on when somebody continues it), `delay:MS` (blocks the process for that
 * long) or `fail` (throws), and `hit` counts from 1 (default: every hit).
 */
declare const __HOLDFAST_FAULTS__: boolean | undefined;

const FAULTS_BUILT_IN = typeof __HOLDFAST_FAULTS__ === 'undefined' ? false : __HOLDFAST_FAULTS__;

export type FaultPoint =
  | 'log.append.before'
  | 'log.append.after'
  | 'kernel.publish.before'
  | 'kernel.publish.after'
  | 'kernel.reply.before'
  | 'broker.assign.before'
  | 'broker.assign.after'
  | 'shim.claim.before'
  | 'shim.claim.after'
  | 'shim.started.before'
  | 'shim.started.after'
  | 'shim.spill.after'
  | 'shim.outcome.before'
  | 'shim.outcome.after'
  | 'shim.paste.after'
  | 'shim.submit.after'
  | 'shim.end.before'
  | 'shim.soft.after'
  | 'shim.hard.before'
  | 'shim.hard.after';

export interface Faults {
  hit(point: FaultPoint): void;
}

export const noFaults: Faults = { hit() {} };

class InjectedFault extends Error {
  override readonly name = 'InjectedFault';
}

interface PlannedFault {
  action: string;
  atHit: number | undefined;
  hits: number;
}

/** The faults of this process; call once, in the composition root. */
export function createFaults(plan: string | undefined): Faults {
  if (!FAULTS_BUILT_IN || plan === undefined || plan === '') return noFaults;
  const planned = new Map<string, PlannedFault>();
  for (const entry of plan.split(';')) {
    const [point, action = ''] = entry.split('=');
    const [verb = '', hit] = action.split('@');
    if (point) planned.set(point, { action: verb, atHit: hit === undefined ? undefined : Number(hit), hits: 0 });
  }
  return {
    hit(point) {
      const fault = planned.get(point);
      if (fault === undefined) return;
      fault.hits++;
      if (fault.atHit === undefined || fault.atHit === fault.hits) strike(point, fault.action);
    },
  };
}

function strike(point: FaultPoint, action: string): void {
  const [verb, argument] = action.split(':');
  if (verb === 'kill') process.kill(process.pid, 'SIGKILL');
  else if (verb === 'stop') process.kill(process.pid, 'SIGSTOP');
  else if (verb === 'exit') process.exit(70);
  else if (verb === 'fail') throw new InjectedFault(`fault injected at ${point}`);
  else if (verb === 'delay') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(argument));
}
