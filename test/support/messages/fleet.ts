/** Scripted agents of many manners in a real runtime, each with a directory and a journal of its own. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentRecord } from '../../../src/client/index.ts';
import type { TestRuntime } from '../runtime.ts';
import { type AgentScript, scriptedEnv } from '../scripted-profile.ts';

/** A line of an agent's journal: what it says that happened. */
export interface JournalLine {
  event: string;
  /** Ms since the Unix epoch. */
  at: number;
  pid: number;
  text?: string;
  /** `answered`: what it said last, and with the lines before. */
  response?: string;
  shown?: string;
}

const MANNERS: AgentScript[] = [
  {},
  { says: ['screen', 'psp'] },
  { says: ['screen', 'title'], collapse_bytes: 300 },
  { says: ['screen'], submit_ms: 250 },
  { says: ['screen', 'hook'], always_says: true },
  { says: ['screen'], screen: 'alternate', history: 40 },
  { says: ['screen'], echo_ms: 200, ready_ms: 400 },
  { says: ['screen', 'title', 'psp'], frame_ms: 30, collapse_bytes: 100 },
];

export class Fleet {
  readonly #runtime: TestRuntime;
  /** Ids of the agents, by their name. */
  readonly agents = new Map<string, string>();

  private constructor(runtime: TestRuntime) {
    this.#runtime = runtime;
  }

  static async start(runtime: TestRuntime, count: number): Promise<Fleet> {
    const fleet = new Fleet(runtime);
    for (let at = 0; at < count; at++) await fleet.#start(`a${at}`, MANNERS[at % MANNERS.length]!);
    await Promise.all(fleet.names.map((name) => runtime.holdfast.agents.waitFor(name, 'idle', { timeoutMs: 60_000 })));
    return fleet;
  }

  get names(): string[] {
    return [...this.agents.keys()];
  }

  record(name: string): Promise<AgentRecord> {
    return this.#runtime.holdfast.agents.get(this.agents.get(name)!);
  }

  journal(name: string): JournalLine[] {
    const file = this.#journalFile(name);
    if (!existsSync(file)) return [];
    // A line whose writer was killed in it is no line.
    const lines = readFileSync(file, 'utf8').split('\n');
    return lines.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line) as JournalLine);
  }

  #journalFile(name: string): string {
    return join(this.#runtime.home, `journal-${name}`);
  }

  async #start(name: string, manner: AgentScript): Promise<void> {
    const cwd = join(this.#runtime.home, `work-${name}`);
    mkdirSync(cwd);
    const script: AgentScript = { ...manner, obeys: true, log: this.#journalFile(name) };
    const { record } = await this.#runtime.holdfast.create({
      name,
      cwd,
      env: [...Object.entries(this.#runtime.env), scriptedEnv(script)],
      agent: {
        profile: 'scripted',
        restart: { when: 'on_failure', max_restarts: 1_000, backoff_ms: 10, backoff_max_ms: 100 },
      },
    });
    this.agents.set(name, record.id);
  }
}
