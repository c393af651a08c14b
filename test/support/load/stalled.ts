/** A subscriber that stops reading, and what it is told when it reads on. */
import { expect } from 'vitest';
import type { ControlClient } from '../../../src/control/index.ts';
import { type ControlMessage, openControl } from '../control-client.ts';
import { type TestRuntime, until } from '../runtime.ts';
import { LOAD_MS } from './load.ts';

interface Cursor {
  since?: number;
  epoch?: string;
}

export class Stalled implements AsyncDisposable {
  readonly #runtime: TestRuntime;
  #client: ControlClient | undefined;
  #first: number | undefined;
  #version = 0;
  #epoch = '';
  #failure: Error | undefined;
  /** Events it got. */
  events = 0;
  /** What srv said will not come. */
  readonly gaps: { from: number; to: number; reason: string }[] = [];
  /** Reasons it was closed for. */
  readonly closed: (string | undefined)[] = [];

  private constructor(runtime: TestRuntime) {
    this.#runtime = runtime;
  }

  /** Subscribed from now on; nothing is read. */
  static async start(runtime: TestRuntime): Promise<Stalled> {
    const stalled = new Stalled(runtime);
    await stalled.#subscribe({});
    stalled.#client!.pause();
    return stalled;
  }

  readOn(): void {
    this.#client?.resume();
  }

  /** Every event up to `last` came once, in order, or is in a gap that was told; a new connection goes on at the cursor. */
  async check(last: number): Promise<void> {
    while (this.#version < last) {
      const lost = this.closed.length;
      await until(
        () => this.#failure !== undefined || this.#version >= last || this.closed.length > lost,
        `the subscriber that had stopped to reach ${last} (it is at ${this.#version})`,
        LOAD_MS,
      );
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#version < last) await this.#subscribe({ since: this.#version, epoch: this.#epoch });
    }
    if (this.#failure !== undefined) throw this.#failure;
    const told = this.gaps.reduce((sum, { from, to }) => sum + to - from + 1, 0);
    expect(this.events + told).toBe(this.#version - this.#first!);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#client?.destroy();
    return Promise.resolve();
  }

  async #subscribe(cursor: Cursor): Promise<void> {
    // What comes with the reply is here before whoever waits for the reply.
    let held: ControlMessage[] | null = [];
    const client = await openControl(
      this.#runtime,
      (event) => (held === null ? this.#take(event) : void held.push(event)),
      (reason) => this.closed.push(reason),
    );
    const { version } = await client.request({ cmd: 'subscribe', ...cursor });
    this.#first ??= version;
    this.#version = Math.max(this.#version, version);
    this.#epoch = client.registered.epoch;
    this.#client = client;
    const early = held;
    held = null;
    for (const event of early) this.#take(event);
  }

  #take(event: ControlMessage): void {
    if (event.event === 'gap') {
      const gap = event as unknown as { from: number; to: number; reason: string };
      if (gap.from !== this.#version + 1 || gap.to < gap.from) this.#fail(`a gap from ${gap.from} to ${gap.to}`);
      this.gaps.push({ from: gap.from, to: gap.to, reason: gap.reason });
      this.#version = gap.to;
    } else if (typeof event['at'] === 'number') {
      if (event['version'] !== this.#version + 1) this.#fail(`event ${String(event['version'])}`);
      if (event['prev'] !== this.#version) this.#fail(`an event after ${String(event['prev'])}`);
      this.#version++;
      this.events++;
    }
  }

  #fail(what: string): void {
    this.#failure ??= new Error(`${what} came after ${this.#version}`);
  }
}
