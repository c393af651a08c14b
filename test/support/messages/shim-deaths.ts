/** The ways the shims of a fleet die. */
import type { FaultPoint } from '../../../src/runtime/index.ts';
import type { Random } from '../random.ts';
import { killHard, until } from '../runtime.ts';
import type { MessageLoad } from './load.ts';

/** Longest until a shim came to its point: its agent must get that many messages. */
const POINT_MS = 60_000;
/** Hits of one delivery that ends: it is to die in one of the first few. */
const HITS = 6;
const REPLACED = 3;

export class ShimDeaths {
  readonly #load: MessageLoad;

  constructor(load: MessageLoad) {
    this.#load = load;
  }

  /** `kill -9` of any shim that lives. */
  async killOne(random: Random): Promise<void> {
    const shims = await this.#shims();
    if (shims.length > 0) await killHard(shims[random(shims.length)]!);
  }

  /**
   * Replaces a few shims by such that kill themselves at `point`, and waits until one has: a srv that starts with the plan
   * hands it to the shims it starts, and one without it follows.
   */
  async dieAt(point: FaultPoint, random: Random): Promise<void> {
    const { runtime } = this.#load;
    const planned = `${point}=kill@${1 + random(HITS)}`;
    runtime.planFaults(planned);
    await runtime.killSrv();
    await runtime.srvPid();
    runtime.planFaults(undefined);
    const before = this.#load.lost;
    const shims = await this.#shims();
    for (const pid of shims.slice(0, REPLACED)) await killHard(pid);
    const killed = Math.min(shims.length, REPLACED);
    await until(
      () => {
        this.#load.expectWorking();
        return this.#load.lost > before + killed;
      },
      `a shim to die at ${planned}`,
      POINT_MS,
    );
    // The shims that come now have no plan.
    await runtime.killSrv();
  }

  /** Of each agent whose shim is there. */
  async #shims(): Promise<number[]> {
    const records = await this.#load.runtime.holdfast.list();
    return records.flatMap(({ state, shim_pid }) => (state === 'running' && shim_pid !== null ? [shim_pid] : []));
  }
}
