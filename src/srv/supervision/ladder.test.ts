import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../runtime/index.ts';
import { climb, LADDER_TIMINGS, type Rung, type Standing } from './ladder.ts';

/** An agent that gives way at one rung, or at none. */
class Stubborn {
  readonly clock = new VirtualClock();
  readonly rungs: Rung[] = [];
  readonly waiting = new Set<(found: 'idle' | 'over') => void>();
  left = 0;
  #is: Standing = 'busy';
  readonly #yieldsTo: Rung | 'nothing' | 'lost shim';

  constructor(yieldsTo: Rung | 'nothing' | 'lost shim') {
    this.#yieldsTo = yieldsTo;
    if (yieldsTo === 'probe') this.#is = 'idle';
  }

  climbing(rung: Rung): void {
    this.rungs.push(rung);
  }

  probe(): Promise<Standing> {
    return this.#yieldsTo === 'lost shim' ? new Promise(() => {}) : Promise.resolve(this.#is);
  }

  async interrupt(): Promise<void> {
    if (this.#yieldsTo === 'lost shim') throw new Error('unreachable');
    if (this.#yieldsTo === 'interrupt') this.#become('idle');
  }

  async terminate(graceMs: number): Promise<void> {
    const rung = graceMs === 0 ? 'hard' : 'soft';
    if (this.#yieldsTo === rung || this.#yieldsTo === 'interrupt') this.#become('over');
    // One that is idle goes when it is told to, a moment later.
    if (this.#yieldsTo === 'probe') this.clock.after(100, () => this.#become('over'));
    if (this.#yieldsTo === 'lost shim' && graceMs === 0) this.#become('over');
  }

  settled(signal: AbortSignal, until: 'idle' | 'over'): Promise<'idle' | 'over'> {
    return new Promise((resolve) => {
      const found = (is: 'idle' | 'over'): void => {
        if (is === 'over' || until === 'idle') resolve(is);
      };
      if (this.#is !== 'busy') found(this.#is);
      this.waiting.add(found);
      signal.addEventListener('abort', () => this.waiting.delete(found));
    });
  }

  survivors(): number {
    return this.left;
  }

  #become(is: 'idle' | 'over'): void {
    this.#is = is;
    for (const resolve of this.waiting) resolve(is);
  }
}

/** Runs to the end on virtual time; the number of steps is bounded by the deadlines of the rungs. */
async function run(agent: Stubborn, to: 'idle' | 'gone'): Promise<string> {
  let outcome = '';
  const climbing = climb(agent, to, LADDER_TIMINGS).then((how) => {
    outcome = how;
  });
  for (let turn = 0; outcome === '' && turn < 100; turn++) {
    for (let tick = 0; tick < 20; tick++) await Promise.resolve();
    if (outcome === '') agent.clock.advance(1_000);
  }
  await climbing;
  return outcome;
}

describe('the ladder', () => {
  it.each<[Rung | 'nothing' | 'lost shim', 'idle' | 'gone', string, Rung[]]>([
    ['probe', 'idle', 'recovered', ['probe']],
    ['interrupt', 'idle', 'recovered', ['probe', 'interrupt']],
    ['interrupt', 'gone', 'gone', ['probe', 'interrupt', 'soft']],
    ['probe', 'gone', 'gone', ['probe', 'interrupt', 'soft']],
    ['soft', 'idle', 'gone', ['probe', 'interrupt', 'soft']],
    ['hard', 'idle', 'gone', ['probe', 'interrupt', 'soft', 'hard']],
    ['lost shim', 'gone', 'gone', ['probe', 'interrupt', 'soft', 'hard']],
    ['nothing', 'idle', 'stuck', ['probe', 'interrupt', 'soft', 'hard']],
  ])('[V4] an agent that gives way to %s, wanted %s: %s', async (yieldsTo, to, outcome, rungs) => {
    const agent = new Stubborn(yieldsTo);
    expect(await run(agent, to)).toBe(outcome);
    expect(agent.rungs).toEqual(rungs);
    expect(agent.waiting.size).toBe(0);
  });

  it('[V5] an agent that left processes behind is not gone', async () => {
    const agent = new Stubborn('soft');
    agent.left = 1;
    expect(await run(agent, 'gone')).toBe('stuck');
  });

  it('[V4] takes no longer than its deadlines', async () => {
    const agent = new Stubborn('nothing');
    await run(agent, 'gone');
    const { probe_ms, interrupt_ms, grace_ms, hard_ms } = LADDER_TIMINGS;
    expect(agent.clock.monotonic()).toBeLessThanOrEqual(probe_ms + interrupt_ms + grace_ms + 2 * hard_ms + 4_000);
  });
});
