/** srv is killed, at random and at every fault point, while eight sessions flood and clients change others. */
import { describe, expect, it } from 'vitest';
import type { FaultPoint } from '../../src/runtime/index.ts';
import { collect } from '../support/collect.ts';
import { bare, EventsFollower } from '../support/events-follower.ts';
import { Flood } from '../support/flood.ts';
import { checkPrinted } from '../support/oracle-reader.ts';
import { type Random, seededRandom } from '../support/random.ts';
import { soon, TestRuntime, until } from '../support/runtime.ts';
import { dieAt, killAtRandom } from '../support/srv-deaths.ts';
import { type HistoryEvent, Workload } from '../support/workload.ts';

const long = process.env['HOLDFAST_TEST_LONG'] === '1';
const ROUNDS = long ? 100 : 6;
const TEST_MS = long ? 600_000 : 180_000;

const SRV_POINTS = [
  'log.append.before',
  'log.append.after',
  'kernel.publish.before',
  'kernel.publish.after',
  'kernel.reply.before',
  'broker.assign.before',
  'broker.assign.after',
] satisfies FaultPoint[];

/** Everything that watches while srv dies, and what it must have seen in the end. */
class Scene implements AsyncDisposable {
  readonly runtime: TestRuntime;
  readonly flood: Flood;
  readonly workload: Workload;
  readonly printed: EventsFollower;
  readonly #subscribed: HistoryEvent[] = [];
  readonly #reads;
  readonly #logs;
  #lost = 0;
  #stopped: unknown;

  private constructor(
    runtime: TestRuntime,
    flood: Flood,
    workload: Workload,
    reads: Awaited<ReturnType<Flood['read']>>,
  ) {
    this.runtime = runtime;
    this.flood = flood;
    this.workload = workload;
    this.#reads = reads;
    this.printed = new EventsFollower(runtime);
    // One pipe, one PTY.
    this.#logs = flood.sessions.slice(0, 2).map(({ session, pty }) => {
      let told: () => void = () => undefined;
      const begun = new Promise<void>((resolve) => (told = resolve));
      const command = runtime.spawn(['logs', session.id, '--follow']);
      return { pty, begun, printed: collect(command, { patienceMs: TEST_MS, taken: () => told() }) };
    });
    for (const { printed } of this.#logs) printed.catch(() => undefined);
  }

  static async open(random: Random): Promise<Scene> {
    const runtime = await TestRuntime.start();
    const flood = await Flood.start(runtime);
    const scene = new Scene(runtime, flood, new Workload(runtime, random), await flood.read());
    await scene.#subscribe();
    await scene.printed.reached(flood.sessions.length);
    // Whoever still looks for its session when srv dies would start one without the plan.
    for (const { begun, printed } of scene.#logs) await Promise.race([begun, printed]);
    await scene.workload.begin();
    return scene;
  }

  /** Ends the flood and compares everything with everything. */
  async checkAll(): Promise<void> {
    const { flood, workload } = this;
    await soon(workload.end(), 'the clients to be answered', TEST_MS);
    flood.expectAllAlive();
    flood.stop();
    const reads = await Promise.all(this.#reads.map(({ result }) => result));
    for (const [at, read] of reads.entries()) flood.expectWhole(flood.sessions[at]!, read);
    await Promise.all(flood.sessions.map(({ session }) => session.wait({ for: 'end' })));
    for (const [at, { pty, printed }] of this.#logs.entries()) {
      const { status, stdout, stderr } = await printed;
      expect({ status, bytes: checkPrinted(stdout, stderr, { pty }).bytes }).toEqual({
        status: 0,
        bytes: flood.total(flood.sessions[at]!),
      });
    }
    await this.#checkEvents();
  }

  async close(): Promise<void> {
    this.printed.end();
    this.flood.stop();
    await this.runtime.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #checkEvents(): Promise<void> {
    const { runtime, flood, workload, printed } = this;
    const { events, complete } = await runtime.holdfast.history();
    expect(complete).toBe(true);
    const history = events.map(bare);
    const last = history.at(-1)!.version;
    expect(this.#stopped).toBeUndefined();
    await until(() => (this.#subscribed.at(-1)?.version ?? 0) >= last, 'the subscription to be at the end of the log');
    await printed.reached(last);
    expect(this.#subscribed.slice(0, last).map(bare)).toEqual(history);
    expect(printed.events.slice(0, last).map(bare)).toEqual(history);
    for (const [at, event] of printed.events.slice(0, last).entries()) expect(event['prev']).toBe(at);
    workload.check(events);
    for (const { session, child } of flood.sessions) {
      const starts = history.filter(
        ({ event, session_id }) => event === 'session_started' && session_id === session.id,
      );
      expect(starts.map(({ pid }) => pid)).toEqual([child.pid]);
    }
    // Killed twice before a client was back is one loss for it.
    expect(this.#lost).toBeGreaterThan(0);
    expect(printed.lost).toBeGreaterThan(0);
    expect(workload.acknowledged).toBeGreaterThan(0);
    console.log(
      `${workload.acknowledged} commands acknowledged, ${workload.unacknowledged} not; ${this.#lost} connections lost`,
    );
  }

  async #subscribe(): Promise<void> {
    const stream = await this.runtime.holdfast.events({
      since: 0,
      onConnection: (state) => (this.#lost += state === 'lost' ? 1 : 0),
    });
    const work = async (): Promise<void> => {
      for await (const item of stream) {
        if (item.type !== 'event') throw new Error(`a ${item.type} in the events`);
        this.#subscribed.push(item.event);
      }
    };
    work().catch((error: unknown) => (this.#stopped = error));
  }
}

describe('under a flood in 8 sessions', () => {
  it('[A1] [K1] [K2] [K4] [K10] [L2] [X4] srv killed at random loses, doubles and ends nothing', {
    timeout: TEST_MS,
  }, async () => {
    const random = seededRandom('srv killed at random');
    await using scene = await Scene.open(random);
    for (let round = 0; round < ROUNDS; round++) {
      await killAtRandom(scene.runtime, random, round, 1_200);
      scene.flood.expectAllAlive();
    }
    await scene.checkAll();
  });

  it('[A1] [K1] [K2] [K4] [K10] [L2] [X4] srv killed at each of its fault points loses, doubles and ends nothing', {
    timeout: TEST_MS,
  }, async () => {
    const random = seededRandom('srv killed at its fault points');
    await using scene = await Scene.open(random);
    const { runtime, printed, flood } = scene;
    for (const point of SRV_POINTS) {
      // The command line has no plan to start srv with: it sleeps while the clients start one that has.
      printed.process.kill('SIGSTOP');
      // Beyond what adopting this many sessions can take.
      const hit = point.startsWith('broker') ? 1 + random(3) : 2 * flood.sessions.length + 12 + random(6);
      await dieAt(runtime, point, hit, {
        started: () => void printed.process.kill('SIGCONT'),
        working: () => scene.workload.expectWorking(),
      });
      flood.expectAllAlive();
    }
    await scene.checkAll();
  });
});
