/** `holdfast events --follow` as a real process, and what it printed. */
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { systemClock, withDeadline } from '../../src/runtime/index.ts';
import { PATIENCE_MS, type TestRuntime } from './runtime.ts';
import type { HistoryEvent } from './workload.ts';

export class EventsFollower {
  readonly process: ChildProcess;
  readonly events: HistoryEvent[] = [];
  #stderr = '';
  #watchers: (() => void)[] = [];

  /** From the first event. */
  constructor(runtime: TestRuntime) {
    this.process = runtime.spawn(['events', '--all', '--follow', '--json', '--since', '0']);
    createInterface(this.process.stdout!).on('line', (line) => {
      this.events.push(JSON.parse(line) as HistoryEvent);
      this.#changed();
    });
    this.process.stderr!.on('data', (bytes: Buffer) => (this.#stderr += bytes.toString()));
    this.process.once('close', () => this.#changed());
  }

  /** Connections it said it lost. */
  get lost(): number {
    return this.#stderr.split('\n').filter((line) => line.includes('connection lost')).length;
  }

  /** Resolves when it has printed an event of that version or a later one. */
  async reached(version: number): Promise<void> {
    const there = (): boolean => (this.events.at(-1)?.version ?? 0) >= version;
    const reached = new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (there()) resolve();
        else if (this.process.exitCode !== null) reject(new Error(`events --follow ended: ${this.#stderr}`));
        else this.#watchers.push(look);
      };
      look();
    });
    await withDeadline(systemClock, PATIENCE_MS, reached, () => {
      return new Error(`events --follow is at ${this.events.at(-1)?.version}, not at ${version}: ${this.#stderr}`);
    });
  }

  end(): void {
    this.process.kill('SIGKILL');
  }

  #changed(): void {
    for (const look of this.#watchers.splice(0)) look();
  }
}

/** An event without what belongs to one subscription. */
export function bare({ prev: _prev, ...event }: HistoryEvent): HistoryEvent {
  return event;
}
