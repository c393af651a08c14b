/** The proof of one CLI: the flows that every CLI goes through, those of its own, and the verdict on all of them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whyNot } from '../chosen.ts';
import type { AgentCli } from '../cli/contract.ts';
import { ProductBench } from './bench.ts';
import { exchanges, failing, life, stops } from './flows.ts';
import { person } from './person.ts';
import { texts } from './texts.ts';
import type { CliTraits } from './traits.ts';

export type Flow = (bench: ProductBench, traits: CliTraits) => Promise<void>;

/** Of one flow; those that wait for others are given their time as well. */
const TIMEOUT_MS = 120_000;
/** Programs at a time: they share two cores with Holdfast, and what is measured are seconds. */
const AT_A_TIME = 3;
/** `--long` wants more than one sample of what comes once in a flow. */
const ROUNDS = process.env['HOLDFAST_TEST_LONG'] === '1' ? 5 : 1;

const FLOWS: Readonly<Record<string, Flow>> = {
  'starts, is trusted, works, asks, ends and goes on': life,
  'is refused something, and interrupted with and without anything to see': stops,
  'works on one message after the other': exchanges,
  'takes every text as it is': texts,
  'is left alone while a person types, and stopped by one': person,
  'runs out of quota': failing({ kind: 'quota', phase: 'quota', reason: 'quota' }),
  'loses its login': failing({ kind: 'auth', phase: 'auth', reason: 'auth' }),
  'runs out of context': failing({ kind: 'context_length', phase: 'exhausted', reason: 'context_exhausted' }),
  'finds the model overloaded': failing({ kind: 'overloaded', phase: 'error', reason: 'agent_error' }),
};

/** Of docs/SPEC.md; what is not here is about the status above all. */
const RULES: Readonly<Record<string, string>> = {
  'starts, is trusted, works, asks, ends and goes on': '[G10] [G13]',
  'is refused something, and interrupted with and without anything to see': '[G7]',
  'works on one message after the other': '[G6]',
  'takes every text as it is': '[G2] [G9]',
  'is left alone while a person types, and stopped by one': '[G8]',
  'reports its status with nobody there': '[Q5]',
  'reports its status with somebody attached': '[Q5]',
  'fills its context': '[G14]',
};
const STATUS = '[G12]';

/** `more`: flows of this CLI alone, by what the agent goes through. */
export function prove(cli: AgentCli, traits: CliTraits, more: Readonly<Record<string, Flow>> = {}): void {
  const reason = whyNot(cli.name) ?? notInstalled(cli);
  const flows = Object.entries({ ...FLOWS, ...more }).filter(([name]) => traits.without?.includes(name) !== true);

  const { atATime = AT_A_TIME } = traits;
  const timeout = TIMEOUT_MS * Math.max(2, Math.ceil((flows.length * ROUNDS) / atATime));

  describe.skipIf(reason !== null)(`${cli.name} ${cli.version}`, () => {
    const slots = new Slots(atATime);
    let bench: ProductBench;

    beforeAll(async () => {
      bench = await ProductBench.start(cli);
    });
    afterAll(() => bench.close());

    describe.concurrent('an agent that', { timeout }, () => {
      for (const [name, flow] of flows) {
        for (let round = 0; round < ROUNDS; round++)
          it(`${RULES[name] ?? STATUS} ${name}`, () => slots.use(() => flow(bench, traits)));
      }
    });

    // After all of them: it is about what they saw.
    it(`${STATUS} is never said to be free while it works, and what is said is right within a second`, () => {
      const { table, wrong } = bench.verdict();
      console.log(`${cli.name} ${cli.version}\n${table}`);
      expect(wrong).toEqual([]);
      expect(bench.verdicts.length).toBeGreaterThan(0);
    });
  });
}

class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async use<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}

function notInstalled(cli: AgentCli): string | null {
  try {
    cli.launch({ endpoint: '', home: '/', cwd: '/' });
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
