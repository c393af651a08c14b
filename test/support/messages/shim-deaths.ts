/** The ways the shims of a fleet die. */
import type { FaultPoint } from '../../../src/runtime/index.ts';
import { isAlive, processIdentity } from '../../../src/process/index.ts';
import type { Random } from '../random.ts';
import { killHard, until } from '../runtime.ts';
import type { MessageLoad } from './load.ts';

/** Longest until a shim came to its point: its agent must get that many messages. */
const POINT_MS = 60_000;
/** Hits of one delivery that ends: it is to die in one of the first few. */
const HITS = 6;

export class ShimDeaths {
  readonly #load: MessageLoad;

  constructor(load: MessageLoad) {
    this.#load = load;
  }

  /** `kill -9` of any shim that lives. */
  async killOne(random: Random): Promise<void> {
    const shims = [...(await this.#shims()).values()];
    if (shims.length > 0) await killHard(shims[random(shims.length)]!);
  }

  /**
   * Replaces one shim by one that kills itself at `point`, and waits until one has: a srv that starts with the plan hands
   * it to the shims it starts, and one without it follows.
   */
  async dieAt(point: FaultPoint, random: Random): Promise<void> {
    const { runtime } = this.#load;
    const planned = `${point}=kill@${1 + random(HITS)}`;
    runtime.planFaults(planned);
    await runtime.killSrv();
    await runtime.srvPid();
    runtime.planFaults(undefined);
    const before = new Set((await this.#shims()).values());
    await this.killOne(random);
    const doomed = await this.#next(before);
    await runtime.killSrv();
    await until(
      () => {
        this.#load.expectWorking();
        return !isAlive(doomed);
      },
      `a shim to die at ${planned}`,
      POINT_MS,
    );
  }

  /** The first that was not there. */
  async #next(before: ReadonlySet<number>) {
    for (;;) {
      let pid: number | undefined;
      await until(async () => {
        this.#load.expectWorking();
        pid = [...(await this.#shims()).values()].find((one) => !before.has(one));
        return pid !== undefined;
      }, 'a shim in place of the killed one');
      const identity = processIdentity(pid!);
      // Its agent may have died of its first message.
      if (identity !== undefined) return identity;
    }
  }

  /** Of each agent whose shim is there. */
  async #shims(): Promise<Map<string, number>> {
    const shims = new Map<string, number>();
    for (const { name, state, shim_pid } of await this.#load.runtime.holdfast.list()) {
      if (name !== null && state === 'running' && shim_pid !== null) shims.set(name, shim_pid);
    }
    return shims;
  }
}
