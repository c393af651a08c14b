/** One Holdfast for the agents of a test file: what it told of them, when it was heard, and how right that was. */
import type { Holdfast } from '../../../src/client/index.ts';
import { systemClock, withDeadline } from '../../../src/runtime/index.ts';
import { TestRuntime } from '../../support/runtime.ts';
import type { AgentCli } from '../cli/contract.ts';
import { falselyFree, summary, type Verdict } from '../judge.ts';
import { type AgentOptions, AgentUnderTest } from './agent.ts';

export interface Told {
  /** When it was heard, ms since the Unix epoch. */
  at: number;
  event: string;
  [field: string]: unknown;
}

/** Share of the phases of a kind whose status must be right. */
const RIGHT_SHARE = 0.95;

export class ProductBench {
  readonly cli: AgentCli;
  readonly runtime: TestRuntime;
  readonly told: Told[] = [];
  readonly verdicts: Verdict[] = [];
  readonly #watchers = new Set<() => void>();
  readonly #agents = new Set<AgentUnderTest>();
  readonly #stop = new AbortController();
  #listening: Promise<void> = Promise.resolve();

  private constructor(cli: AgentCli, runtime: TestRuntime) {
    this.cli = cli;
    this.runtime = runtime;
  }

  static async start(cli: AgentCli): Promise<ProductBench> {
    const bench = new ProductBench(cli, await TestRuntime.start());
    bench.#listening = bench.#listen();
    return bench;
  }

  get holdfast(): Holdfast {
    return this.runtime.holdfast;
  }

  /** Starts the CLI in a place of its own. */
  async agent(options: AgentOptions = {}): Promise<AgentUnderTest> {
    const agent = await AgentUnderTest.start(this, options);
    this.#agents.add(agent);
    return agent;
  }

  /** Resolves with the first event (also an earlier one, from index `from`) that fits. */
  async until<T>(look: () => T | undefined, what: () => string, deadlineMs: number): Promise<T> {
    let check = (): void => {};
    const found = new Promise<T>((resolve) => {
      check = () => {
        const seen = look();
        if (seen !== undefined) resolve(seen);
      };
      this.#watchers.add(check);
      check();
    });
    const late = (): Error => new Error(`no ${what()} within ${deadlineMs} ms`);
    return withDeadline(systemClock, deadlineMs, found, late).finally(() => this.#watchers.delete(check));
  }

  /** The phases of all agents so far; a table for people, and what is wrong with it. */
  verdict(): { table: string; wrong: string[] } {
    const kinds = [...new Set(this.verdicts.map(({ phase }) => phase.kind))];
    const wrong = kinds.filter((kind) => {
      const of = this.verdicts.filter(({ phase }) => phase.kind === kind);
      return of.filter(({ right }) => right).length < RIGHT_SHARE * of.length;
    });
    const free = falselyFree(this.verdicts);
    return {
      table: summary(this.verdicts),
      wrong: [
        ...this.verdicts.filter(({ phase, right }) => !right && wrong.includes(phase.kind)).map(described),
        ...free.map((verdict) => `falsely free: ${described(verdict)}`),
      ],
    };
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#listening;
    for (const agent of this.#agents) agent.leave();
    await this.runtime.close();
    for (const agent of this.#agents) await agent.place.close();
  }

  async #listen(): Promise<void> {
    const stream = await this.holdfast.events({
      topics: ['agent_*', 'message_*'],
      since: 0,
      signal: this.#stop.signal,
    });
    try {
      for await (const item of stream) {
        if (item.type !== 'event') continue;
        this.told.push({ ...item.event, at: systemClock.now() });
        for (const watcher of this.#watchers) watcher();
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error;
    }
  }
}

function described({ phase, seen }: Verdict): string {
  const said = seen.map(({ at, activity, attention }) => `${at - phase.from} ms: ${activity}/${attention}`);
  return `${phase.kind} of ${phase.to - phase.from} ms: ${said.join(', ')}`;
}
