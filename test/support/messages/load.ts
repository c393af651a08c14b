/** Many messages from many senders to a fleet of agents of all manners, and people in between. */
import { readFileSync } from 'node:fs';
import {
  connect,
  type EventStream,
  type Holdfast,
  HoldfastError,
  type MessageRecord,
} from '../../../src/client/index.ts';
import { agentHome, insideOf } from '../agent-home.ts';
import { type Random, randomFrom } from '../random.ts';
import { FAULTS_LOADER, TestRuntime, until } from '../runtime.ts';
import type { HistoryEvent } from '../workload.ts';
import { Fleet } from './fleet.ts';
import { check, type CheckOptions, type Verdict } from './oracle.ts';
import { Approver, Typist } from './people.ts';
import { type Entry, Sender } from './sender.ts';

export interface MessageLoadOptions {
  agents: number;
  /** Senders that are nobody's agent. */
  people: number;
  /** Agents that send as well. */
  agentSenders: number;
  impatient?: boolean;
}

/** Messages per agent without an outcome, from which on the senders wait. */
const BACKLOG = 6;
/** Longest until everything has its outcome once nobody sends any more. */
const DRAIN_MS = 90_000;

export class MessageLoad implements AsyncDisposable {
  readonly runtime: TestRuntime;
  readonly fleet: Fleet;
  readonly #options: MessageLoadOptions;
  readonly #senders: Sender[] = [];
  readonly #approver: Approver;
  readonly #typist: Typist;
  readonly #connections: Holdfast[] = [];
  readonly #open = new Set<string>();
  readonly #abort = new AbortController();
  readonly #work: Promise<void>[] = [];
  #people: Promise<void>[] = [];
  #failure: unknown;
  #accepted = 0;
  #lost = 0;

  private constructor(
    runtime: TestRuntime,
    fleet: Fleet,
    random: Random,
    options: MessageLoadOptions,
    clients: [Holdfast, Holdfast],
  ) {
    this.runtime = runtime;
    this.fleet = fleet;
    this.#options = options;
    const fork = (): Random => forked(random);
    this.#approver = new Approver(clients[0], fork());
    this.#typist = new Typist(clients[1], fork(), fleet.names);
    const { people, agentSenders, impatient = false } = options;
    for (let at = 0; at < people + agentSenders; at++) {
      const agent = at < people ? null : fleet.names[at - people]!;
      this.#senders.push(
        new Sender({
          name: `s${at}`,
          random: fork(),
          names: fleet.names,
          agent,
          impatient,
          connect: () => (agent === null ? runtime.client() : this.#inside(agent)),
          room: () => this.#room(),
        }),
      );
    }
  }

  static async start(random: Random, options: MessageLoadOptions): Promise<MessageLoad> {
    const runtime = await TestRuntime.start({ home: agentHome() });
    try {
      const fleet = await Fleet.start(runtime, options.agents);
      const clients: [Holdfast, Holdfast] = [await runtime.client(), await runtime.client()];
      const load = new MessageLoad(runtime, fleet, random, options, clients);
      await load.#begin(await runtime.client());
      return load;
    } catch (error) {
      await runtime.close();
      throw error;
    }
  }

  get entries(): Entry[] {
    return this.#senders.flatMap(({ entries }) => entries);
  }

  get accepted(): number {
    return this.#accepted;
  }

  /** Sessions that lost their shim, as the events tell. */
  get lost(): number {
    return this.#lost;
  }

  /** `count` messages by all senders together; resolves when they are sent. Rejects with what nobody should be told. */
  async send(count: number): Promise<void> {
    const share = Math.ceil(count / this.#senders.length);
    for (const sender of this.#senders) this.#watch(sender.run(share));
    await Promise.all(this.#work);
  }

  /** Throws what a sender or one of the people was told and should never be. */
  expectWorking(): void {
    if (this.#failure !== undefined) throw this.#failure as Error;
  }

  stop(): void {
    for (const sender of this.#senders) sender.stop();
  }

  /** Waits until every message has its outcome. */
  async drain(): Promise<void> {
    this.#typist.stop();
    try {
      await until(
        () => {
          this.expectWorking();
          return this.#open.size === 0;
        },
        'every message to have its outcome',
        DRAIN_MS,
      );
    } catch (error) {
      throw new Error(`${(error as Error).message}; open are ${await this.#describeOpen()}`, { cause: error });
    }
    await this.#approver.stop();
    this.#abort.abort();
    await Promise.all(this.#people);
  }

  /** Sends a share of what was acknowledged again, by its id. */
  async repeat(): Promise<number> {
    let repeated = 0;
    for (const sender of this.#senders) repeated += await sender.repeat();
    return repeated;
  }

  async check(options: CheckOptions): Promise<Verdict> {
    const { events, complete } = await this.runtime.holdfast.history();
    if (!complete) throw new Error('the log is not whole');
    const verdict = check(events, this.entries, this.fleet, options);
    await this.#checkRecords(events);
    return verdict;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    this.#typist.stop();
    this.#abort.abort();
    for (const connection of this.#connections) connection.close();
    await this.runtime.close();
    await Promise.allSettled([...this.#work, ...this.#people]);
  }

  async #begin(follower: Holdfast): Promise<void> {
    const topics = ['message_accepted', 'message_closed', 'session_lost'];
    const events = await follower.events({ topics, since: 0, signal: this.#abort.signal });
    const requests = await this.#approver.hear();
    this.#people = [this.#follow(events), this.#approver.run(requests), this.#typist.run()];
    for (const one of this.#people) this.#watch(one);
    this.#work.length = 0;
  }

  #watch(work: Promise<void>): void {
    work.catch((error: unknown) => (this.#failure ??= error));
    this.#work.push(work);
  }

  /** Which messages have no outcome, by the events. */
  async #follow(events: EventStream): Promise<void> {
    try {
      for await (const item of events) {
        if (item.type !== 'event') continue;
        const id = item.event['message_id'] as string;
        if (item.event.event === 'session_lost') this.#lost++;
        else if (item.event.event === 'message_closed') this.#open.delete(id);
        else {
          this.#open.add(id);
          this.#accepted++;
        }
      }
    } catch (error) {
      if (!this.#abort.signal.aborted) throw error;
    }
  }

  async #room(): Promise<void> {
    const most = BACKLOG * this.#options.agents;
    await until(
      () => {
        this.expectWorking();
        return this.#abort.signal.aborted || this.#open.size < most;
      },
      'the agents to get on',
      DRAIN_MS,
    );
  }

  /** As a program that runs in the agent's session. */
  async #inside(agent: string): Promise<Holdfast> {
    const { session_id } = await this.fleet.record(agent);
    const { record } = await this.runtime.holdfast.get(session_id);
    const { HOLDFAST_TOKEN: token } = environmentOf(record.pid);
    const holdfast = await connect({
      home: this.runtime.home,
      loader: FAULTS_LOADER,
      env: this.runtime.env,
      token,
      start: false,
    });
    this.#connections.push(holdfast);
    return holdfast;
  }

  /** What an inbox shows is what the log says. */
  async #checkRecords(events: readonly HistoryEvent[]): Promise<void> {
    const closed = new Map(
      events.filter(({ event }) => event === 'message_closed').map((event) => [event['message_id'], event]),
    );
    for (const agent of this.fleet.agents.values()) {
      const records = await this.runtime.holdfast.messages.list({ session: agent, limit: 1_000 });
      const wrong = records.filter((record) => !isAs(record, closed.get(record.message_id)));
      if (wrong.length > 0) throw new Error(`the inbox shows another outcome: ${JSON.stringify(wrong.slice(0, 3))}`);
    }
  }

  async #describeOpen(): Promise<string> {
    const messages = [];
    for (const id of [...this.#open].slice(0, 4)) {
      const { body, to: _to, ...record } = { to: null, ...(await this.runtime.holdfast.messages.get(id)) };
      messages.push({ ...record, body: body.slice(-120) });
    }
    const agents = [];
    for (const name of this.fleet.names) {
      const { status, queue, parked, session_id } = await this.fleet.record(name);
      if (queue.waiting > 0 || queue.delivering !== null)
        agents.push({ name, session_id, status, queue, parked, journal: this.fleet.journal(name).slice(-6) });
    }
    const log = readFileSync(`${this.runtime.home}/logs/srv.log`, 'utf8').split('\n').slice(-20).join('\n');
    return `${this.#open.size}: ${JSON.stringify(messages, null, 1)} of ${JSON.stringify(agents, null, 1)}\n${log}`;
  }
}

function isAs(record: MessageRecord, closed: HistoryEvent | undefined): boolean {
  if (closed === undefined) return false;
  return (
    record.state === closed['outcome'] && record.reason === closed['reason'] && record.response === closed['response']
  );
}

/** Throws `session_exited` when the process is gone. */
function environmentOf(pid: number | null): Record<string, string> {
  try {
    if (pid !== null) return insideOf(pid);
  } catch {
    // It ended meanwhile.
  }
  throw new HoldfastError('session_exited', 'the agent is not there');
}

/** Its own numbers, so that what one does changes nothing for another. */
function forked(random: Random): Random {
  return randomFrom(random(2 ** 31));
}
