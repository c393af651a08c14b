/** One agent of a `ProductBench`: what Holdfast is asked of it, and what was true of it. */
import type { AgentRecord, MessageRecord, Session } from '../../../src/client/index.ts';
import { isAlive, processIdentity } from '../../../src/process/index.ts';
import type { AgentRequest, AgentStatus } from '../../../src/protocol/agent/index.ts';
import { systemClock } from '../../../src/runtime/index.ts';
import { holdfast } from '../../support/holdfast-command.ts';
import { until } from '../../support/runtime.ts';
import type { Entry, Turn } from '../endpoint/index.ts';
import { judge, type Phase, PHASE_MS, type Seen } from '../judge.ts';
import type { ProductBench, Told } from './bench.ts';
import { Display } from './display.ts';
import { AgentPlace, type Settled } from './place.ts';

export interface AgentOptions {
  /** Default `pty`. Otherwise nobody can look on: there is no screen. */
  mode?: 'pty' | 'acp' | 'stream_json';
  /** Default 30 rows of 100 columns. */
  rows?: number;
  cols?: number;
  /** Default `trusted`. */
  settled?: Settled;
  args?: readonly string[];
  /** Whether somebody looks on, so that `display` is there; default true. `terminal`: attached as a person is. */
  watched?: boolean | 'terminal';
}

type EntryOf<What extends Entry['what']> = Extract<Entry, { what: What }>;

const ROWS = 30;
const COLS = 100;
const PATIENCE_MS = 30_000;
/** So long a phase is held, that the judge takes it. */
const HELD_MS = PHASE_MS + 200;
/** Between keys that end the program. */
const KEY_MS = 600;

export class AgentUnderTest {
  readonly place: AgentPlace;
  readonly id: string;
  readonly phases: Phase[] = [];
  session: Session;
  readonly #bench: ProductBench;
  readonly #rows: number;
  readonly #cols: number;
  #display: Display | null = null;
  #pid: number;

  private constructor(
    bench: ProductBench,
    place: AgentPlace,
    session: Session,
    { pid, rows, cols }: { pid: number; rows: number; cols: number },
  ) {
    this.#bench = bench;
    this.place = place;
    this.session = session;
    this.id = session.id;
    this.#pid = pid;
    this.#rows = rows;
    this.#cols = cols;
  }

  static async start(bench: ProductBench, options: AgentOptions): Promise<AgentUnderTest> {
    const { settled = 'trusted', args = [], mode = 'pty', rows = ROWS, cols = COLS } = options;
    const { watched = mode === 'pty' } = options;
    const place = await AgentPlace.create(bench.cli, settled);
    const { session, record } = await bench.holdfast.run({
      agent: { profile: bench.cli.name, mode, args: [...place.args, ...args] },
      cwd: place.cwd,
      env: place.env,
      rows,
      cols,
    });
    const agent = new AgentUnderTest(bench, place, session, { pid: record.pid ?? 0, rows, cols });
    if (watched !== false) await agent.watch(watched === 'terminal');
    return agent;
  }

  get endpoint(): AgentPlace['endpoint'] {
    return this.place.endpoint;
  }

  get display(): Display {
    if (this.#display === null) throw new Error('nobody looks at this agent');
    return this.#display;
  }

  /** What Holdfast said of its status, each when it was heard. */
  get seen(): Seen[] {
    return this.told('agent_status_changed').map(({ at, status }) => {
      const { activity, attention } = status as AgentStatus;
      return { at, activity, attention };
    });
  }

  told(event?: string): Told[] {
    return this.#bench.told.filter(
      (one) => one['agent_id'] === this.id && (event === undefined || one.event === event),
    );
  }

  /** What was told under that name, as soon as there is something. */
  async tells(event: string): Promise<Told[]> {
    return this.#bench.until(
      () => (this.told(event).length > 0 ? this.told(event) : undefined),
      () => `${event}; told: ${this.#lately()}`,
      PATIENCE_MS,
    );
  }

  async watch(terminal = false): Promise<void> {
    this.#display?.close();
    this.#display = await Display.attach(this.session, { rows: this.#rows, cols: this.#cols, terminal });
  }

  record(): Promise<AgentRecord> {
    return this.#bench.holdfast.agents.get(this.id);
  }

  /** Until Holdfast says so; resolves with when. */
  async says(what: string, fits: (seen: Seen) => boolean, from = 0): Promise<number> {
    return this.#bench.until(
      () => this.seen.find((seen) => seen.at >= from && fits(seen))?.at,
      () => `status ${what}; it said ${JSON.stringify(this.seen.slice(-4))}; ${this.#shown()}`,
      PATIENCE_MS,
    );
  }

  /** Until it rests as Holdfast sees it. */
  free(from = 0): Promise<number> {
    return this.says('idle', ({ activity, attention }) => isRest(activity) && attention === 'none', from);
  }

  /** Hands a message over, with what the model does about it. */
  async send(body: string, ...turns: Turn[]): Promise<string> {
    this.endpoint.script(...turns);
    return (await this.#bench.holdfast.messages.send(this.id, body)).id;
  }

  /** When the agent was said to have started on it. */
  async delivered(message: string): Promise<number> {
    return this.#bench.until(
      () => this.told('message_delivered').find((one) => one['message_id'] === message)?.at,
      () => `delivery of ${message}; told: ${this.#lately()}; ${this.#shown()}`,
      PATIENCE_MS,
    );
  }

  async outcome(message: string): Promise<MessageRecord> {
    await this.#bench.until(
      () => this.#bench.told.find((one) => one.event === 'message_closed' && one['message_id'] === message),
      () => `outcome of ${message}; told: ${this.#lately()}; ${this.#shown()}`,
      PATIENCE_MS,
    );
    return this.#bench.holdfast.messages.get(message);
  }

  /** Its outcome, which must be `state`; else what led to another one. */
  async ends(message: string, state: MessageRecord['state']): Promise<MessageRecord> {
    const record = await this.outcome(message);
    if (record.state === state) return record;
    const { body, state: other, reason } = record;
    throw new Error(`"${body}" is ${other} (${reason}), not ${state}; told: ${this.#lately()}\n${this.#shown()}`);
  }

  /** What it asks a person now, or will. */
  async request(): Promise<AgentRequest> {
    return this.#bench.until(
      () => {
        const closed = new Set(this.told('agent_request_closed').map((one) => one['request_id']));
        const requests = this.told('agent_requested').map((one) => one['request'] as AgentRequest);
        return requests.find(({ request_id }) => !closed.has(request_id));
      },
      () => `request; told: ${this.#lately()}; ${this.#shown()}`,
      PATIENCE_MS,
    );
  }

  /** A command about this agent, as a person would give it; resolves with when he gave it. */
  async command(verb: string, ...rest: string[]): Promise<number> {
    const at = systemClock.now();
    const { status, stderr } = await holdfast(this.#bench.runtime.home, [verb, this.id, ...rest]);
    if (status !== 0) throw new Error(`holdfast ${verb} ended with ${status}: ${stderr}\n${this.#shown()}`);
    return at;
  }

  async interrupt(): Promise<number> {
    const at = systemClock.now();
    await this.#bench.holdfast.agents.interrupt(this.id);
    return at;
  }

  /** Resolves with the first entry of the endpoint, from index `from`, that fits. */
  async entry<What extends Entry['what']>(
    what: What,
    fits: (entry: EntryOf<What>) => boolean = () => true,
    from = 0,
  ): Promise<EntryOf<What>> {
    const is = (entry: Entry): entry is EntryOf<What> => entry.what === what;
    try {
      const found = await this.endpoint.entry((entry) => is(entry) && fits(entry), PATIENCE_MS, from);
      return found as EntryOf<What>;
    } catch (error) {
      const { message } = error as Error;
      throw new Error(`${what}: ${message}\ntold: ${this.#lately()}\n${this.#shown()}`, { cause: error });
    }
  }

  /** What was true, for the judge. */
  phase(kind: Phase['kind'], from: number, to: number): void {
    this.phases.push({ kind, from, to });
  }

  /** Holds what is true from `from` on for as long as a phase lasts. */
  async holds(kind: Phase['kind'], from: number): Promise<void> {
    const rest = Math.max(0, from + HELD_MS - systemClock.now());
    await new Promise<void>((resolve) => systemClock.after(rest, resolve));
    this.phase(kind, from, systemClock.now());
  }

  /** Ends the program with its own keys; resolves with when it was gone. */
  async exit(): Promise<number> {
    const identity = processIdentity(this.#pid);
    if (identity === undefined) throw new Error('it is gone already');
    for (const keys of this.#bench.cli.keys.exit) {
      await this.session.write(keys);
      const gone = await until(() => !isAlive(identity), 'its exit', KEY_MS).then(
        () => true,
        () => false,
      );
      if (gone) return systemClock.now();
    }
    await until(() => !isAlive(identity), 'its exit');
    return systemClock.now();
  }

  /** In a new session, with its conversation. */
  async resume(): Promise<void> {
    const { session_id } = await this.#bench.holdfast.agents.resume(this.id);
    await this.#bench.holdfast.wait(session_id, { for: 'started', timeoutMs: PATIENCE_MS });
    const { session, record } = await this.#bench.holdfast.get(session_id);
    this.session = session;
    this.#pid = record.pid ?? 0;
    if (this.#display !== null) await this.watch();
  }

  /** Its phases come before the judge. */
  judged(): void {
    this.#bench.verdicts.push(...judge(this.phases, this.seen));
  }

  leave(): void {
    this.#display?.close();
    this.session.close();
  }

  #lately(): string {
    return this.told()
      .slice(-12)
      .map((one) => JSON.stringify(one).slice(0, 300))
      .join('\n');
  }

  #shown(): string {
    return this.#display === null ? '' : `the screen is:\n${this.#display.text()}`;
  }
}

/** How often the model was asked what the message says. */
export function requestsFor(agent: AgentUnderTest, body: string): number {
  return agent.endpoint.entries.filter((entry) => entry.what === 'request' && entry.prompt.includes(body)).length;
}

function isRest(activity: string): boolean {
  return activity === 'idle' || activity === 'done';
}
