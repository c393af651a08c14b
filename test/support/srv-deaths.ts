/** The ways srv dies in tests, whoever is watching. */
import { isAlive, processIdentity } from '../../src/process/index.ts';
import type { FaultPoint } from '../../src/runtime/index.ts';
import { dawdle } from './oracle-reader.ts';
import type { Random } from './random.ts';
import { PATIENCE_MS, type TestRuntime, until } from './runtime.ts';
import { srvProcesses } from './srv-processes.ts';

/** `kill -9` after a while; every third time of whoever is there, serving or still starting. */
export async function killAtRandom(runtime: TestRuntime, random: Random, round: number, mostMs: number): Promise<void> {
  await dawdle(random(mostMs));
  if (round % 3 !== 2) {
    await runtime.killSrv();
    return;
  }
  for (const { pid, start_time } of srvProcesses(runtime.home)) {
    if (processIdentity(pid)?.start_time === start_time) process.kill(pid, 'SIGKILL');
  }
}

export interface Dying {
  /** The one that will die serves. */
  started?(): void;
  /** Asked again and again: throws when nothing works towards its death any more. */
  working?(): void;
}

/** Replaces srv by one that kills itself at a fault point, and waits for that. */
export async function dieAt(runtime: TestRuntime, point: FaultPoint, hit: number, dying: Dying = {}): Promise<void> {
  runtime.planFaults(`${point}=kill@${hit}`);
  await runtime.killSrv();
  const doomed = processIdentity(await runtime.srvPid())!;
  runtime.planFaults(undefined);
  dying.started?.();
  await until(
    () => {
      dying.working?.();
      return !isAlive(doomed);
    },
    `srv to die at ${point}, hit ${hit}`,
    2 * PATIENCE_MS,
  );
}
