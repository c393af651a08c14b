import { isAlive, type ProcessIdentity, processIdentity } from '../process/index.ts';
import type {
  CreateSession,
  EventEnvelope,
  RuntimeStatus,
  SessionRecord,
  SuccessReply,
} from '../protocol/control/index.ts';
import { HoldfastError } from '../protocol/index.ts';
import type { Clock, Ids } from '../runtime/index.ts';
import { Agents, type AgentsContext } from './agents.ts';
import { Backoff } from './backoff.ts';
import { Blocks } from './blocks.ts';
import type { CallOptions, ChangeOptions, ControlCalls } from './control-calls.ts';
import type { OpenControl } from './control-link.ts';
import { type EventsOptions, EventStream } from './events.ts';
import { Layout } from './layout.ts';
import { Messages, type WaitOptions } from './messages.ts';
import { outlineOf, type Outline, type Snapshot } from './outline.ts';
import { type NounContext, Tabs, Windows, Workspaces } from './places.ts';
import { Session, type WaitTarget } from './session.ts';
import type { SessionConnector } from './socket-link.ts';
import { type Condition, SESSION_TOPICS, type Watch } from './watch.ts';

/** What a session is started with; see `CreateSession` for each field. */
export type SessionSpec = Omit<CreateSession, 'cmd'>;

export interface HoldfastContext {
  home: string;
  calls: ControlCalls;
  watch: Watch;
  openEvents: OpenControl;
  connector: SessionConnector;
  clock: Clock;
  ids: Ids;
}

const START_MS = 10_000;
/** How long srv may take to close its log. */
const LEAVE_MS = 10_000;
const EVENTS_PER_PAGE = 5_000;

const SATISFIED: Record<WaitTarget, (record: SessionRecord) => boolean> = {
  started: (record) => record.state !== 'starting',
  exit: (record) => record.state === 'exited' || record.state === 'ended' || record.state === 'lost',
  end: (record) => record.state === 'ended' || record.state === 'lost',
};

/**
 * A client of one home's runtime. Made by `connect`. Requests survive srv: a lost connection is replaced, srv is started
 * when it is gone, and every command that changes something carries a key, so it happens once.
 */
export class Holdfast {
  readonly home: string;
  readonly workspaces: Workspaces;
  readonly tabs: Tabs;
  readonly blocks: Blocks;
  readonly layout: Layout;
  readonly windows: Windows;
  readonly agents: Agents;
  readonly messages: Messages;
  readonly #context: HoldfastContext;

  constructor(context: HoldfastContext) {
    this.home = context.home;
    this.#context = context;
    const nouns: NounContext = {
      change: (command, options) => this.#mutate(command, options),
      outline: (options) => this.outline(options),
      newId: () => context.ids.ulid(),
    };
    this.workspaces = new Workspaces(nouns);
    this.tabs = new Tabs(nouns);
    this.blocks = new Blocks(nouns);
    this.layout = new Layout(nouns);
    this.windows = new Windows(nouns);
    const agents: AgentsContext = {
      read: (command, options) => this.#read(command, options),
      change: (command, options) => this.#mutate(command, options),
      wait: (condition, options, late) => this.#wait(condition, options, late),
      events: (options) => this.events(options),
      session: async (session, signal) => (await this.get(session, { signal })).record,
      newId: () => context.ids.ulid(),
    };
    this.agents = new Agents(agents);
    this.messages = new Messages(agents);
  }

  /** Asks for a session; resolves when that is durable. It may still fail to start: `run` waits for that. */
  async create(spec: SessionSpec, options: CallOptions = {}): Promise<{ session: Session; record: SessionRecord }> {
    const reply = await this.#mutate({ cmd: 'create_session', ...spec }, options);
    const record = reply['session'] as SessionRecord;
    return { session: this.#handle(record.id), record };
  }

  /** Starts a session; resolves when its child runs. Throws `start_failed` with `details.exit_status` 125–127. */
  async run(spec: SessionSpec, options: CallOptions = {}): Promise<{ session: Session; record: SessionRecord }> {
    const { calls, watch } = this.#context;
    const deadline = AbortSignal.timeout(options.deadlineMs ?? START_MS + 2_000);
    const signal = options.signal === undefined ? deadline : AbortSignal.any([options.signal, deadline]);
    watch.prepare(await calls.link('always', signal), SESSION_TOPICS);
    const created = await this.create(spec, { ...options, signal });
    if (created.record.state !== 'starting') return { session: created.session, record: started(created.record) };
    try {
      const record = await watch.wait(this.#condition(created.record.id, 'started'), signal);
      return { session: created.session, record: started(record) };
    } catch (error) {
      if (deadline.aborted)
        throw new HoldfastError('timeout', `session ${created.record.id} did not start within ${START_MS} ms`);
      throw error;
    }
  }

  /** `session`: an id, a unique prefix of one, or a name. Throws `not_found` or `ambiguous`. */
  async get(session: string, options: CallOptions = {}): Promise<{ session: Session; record: SessionRecord }> {
    const reply = await this.#read({ cmd: 'get_session', session }, options);
    const record = reply['session'] as SessionRecord;
    this.#context.connector.know(record, reply['token'] as string);
    return { session: this.#handle(record.id), record };
  }

  async list(filter: { originator?: string } = {}, options: CallOptions = {}): Promise<SessionRecord[]> {
    const reply = await this.#read({ cmd: 'list_sessions', ...filter }, options);
    return reply['sessions'] as SessionRecord[];
  }

  async status(options: CallOptions = {}): Promise<RuntimeStatus> {
    return (await this.#read({ cmd: 'get_status' }, options))['status'] as RuntimeStatus;
  }

  /** The whole state at one version: with the events after it, the state they lead to. */
  async snapshot(options: CallOptions = {}): Promise<Snapshot> {
    const { reply: _reply, ok: _ok, ...snapshot } = await this.#read({ cmd: 'get_srv_snapshot' }, options);
    return snapshot as unknown as Snapshot;
  }

  /** The snapshot as records: workspaces, tabs, blocks and windows in their order, and the sessions. */
  async outline(options: CallOptions = {}): Promise<Outline> {
    return outlineOf(await this.snapshot(options));
  }

  /** Ends the whole tree: soft now, hard after `graceMs` (default 5,000). Resolves at once; `wait` for the end. */
  async stop(
    session: string,
    options: CallOptions & { graceMs?: number } = {},
  ): Promise<{ record: SessionRecord; alreadyExited: boolean }> {
    const { graceMs, ...rest } = options;
    const reply = await this.#mutate(
      { cmd: 'terminate_session', session, ...(graceMs === undefined ? {} : { grace_ms: graceMs }) },
      rest,
    );
    return { record: reply['session'] as SessionRecord, alreadyExited: reply['already_exited'] === true };
  }

  kill(session: string, options: CallOptions = {}): Promise<{ record: SessionRecord; alreadyExited: boolean }> {
    return this.stop(session, { ...options, graceMs: 0 });
  }

  async signal(session: string, signal: string, options: CallOptions = {}): Promise<SessionRecord> {
    return (await this.#mutate({ cmd: 'signal_session', session, signal }, options))['session'] as SessionRecord;
  }

  /** Gives a session another name, or with null none. `conflict` when another session has it. */
  async rename(session: string, name: string | null, options: CallOptions = {}): Promise<SessionRecord> {
    return (await this.#mutate({ cmd: 'rename_session', session, name }, options))['session'] as SessionRecord;
  }

  /** Forgets a session and its log; a live one only with `force`, which ends it first. Returns its id. */
  async remove(session: string, options: CallOptions & { force?: boolean } = {}): Promise<string> {
    const { force, ...rest } = options;
    const reply = await this.#mutate(
      { cmd: 'remove_session', session, ...(force === undefined ? {} : { force }) },
      rest,
    );
    return reply['removed'] as string;
  }

  /** Forgets every session that has ended; returns their ids. */
  async purgeExited(filter: { originator?: string } = {}, options: CallOptions = {}): Promise<string[]> {
    return (await this.#mutate({ cmd: 'purge_exited', ...filter }, options))['removed'] as string[];
  }

  async setDesired(
    session: string,
    desired: SessionRecord['desired'],
    options: CallOptions = {},
  ): Promise<SessionRecord> {
    return (await this.#mutate({ cmd: 'set_desired', session, desired }, options))['session'] as SessionRecord;
  }

  /** Waits until a session has started, exited or ended, over any number of srv's restarts. `timeout` after `timeoutMs`. */
  async wait(session: string, options: WaitOptions & { for: WaitTarget }): Promise<SessionRecord> {
    const { record } = await this.get(session, { signal: options.signal });
    if (SATISFIED[options.for](record)) return record;
    return this.#wait(this.#condition(record.id, options.for), options, () => {
      return new HoldfastError('timeout', `session ${record.id} is still running after ${options.timeoutMs} ms`);
    });
  }

  /**
   * Committed events as an async iterator; it resumes at its cursor after srv's death and throws rather than skip one.
   * A slow loop costs srv nothing: its socket is not read meanwhile.
   */
  events(options: EventsOptions = {}): Promise<EventStream> {
    const { openEvents, calls, clock } = this.#context;
    const revive = async (signal: AbortSignal): Promise<void> => {
      await calls.link('unless-shut-down', signal);
    };
    const opened = calls.link('always', options.signal);
    return opened.then(() => new EventStream({ open: openEvents, revive, clock }, options).open());
  }

  /** The events there are now, oldest first, from the one after `since`. `complete: false`: older ones are gone. */
  async history(
    from: { since?: number; epoch?: string } = {},
    options: CallOptions = {},
  ): Promise<{ events: (EventEnvelope & Record<string, unknown>)[]; epoch: string; complete: boolean }> {
    const events: (EventEnvelope & Record<string, unknown>)[] = [];
    let since = from.since ?? 0;
    let { epoch } = from;
    let complete = true;
    for (;;) {
      const page = (await this.#read(
        { cmd: 'get_events', since, max: EVENTS_PER_PAGE, ...(epoch === undefined ? {} : { epoch }) },
        options,
      )) as unknown as {
        events: (EventEnvelope & Record<string, unknown>)[];
        epoch: string;
        complete: boolean;
        next: number;
      };
      if (events.length === 0) complete = (page.events[0]?.version ?? since + 1) <= since + 1;
      events.push(...page.events);
      const last = page.events.at(-1)?.version;
      if (page.complete || last === undefined) return { events, epoch: page.epoch, complete };
      // What this page told may lie beyond the epoch that the caller's cursor was of.
      ({ epoch } = page);
      since = last;
    }
  }

  /**
   * Stops the runtime; resolves when its process is gone and the home is free. Sessions run on unless `sessions`, which
   * ends them too.
   */
  async down(options: CallOptions & { sessions?: boolean } = {}): Promise<void> {
    const { sessions, ...rest } = options;
    const link = await this.#context.calls.link('always', rest.signal);
    const gone = link.closed;
    const srv = processIdentity(link.registered.launcher_pid);
    try {
      const command = { cmd: 'shutdown', ...(sessions === undefined ? {} : { sessions }) };
      await this.#context.calls.call(command, false, rest);
    } catch (error) {
      // It may be gone before its reply is out; its word that it shuts down is as good.
      if (!(error instanceof HoldfastError) || error.details['reason'] !== 'shutdown') throw error;
    }
    await gone;
    if (srv !== undefined) await this.#left(srv, rest.signal);
  }

  /** Closes this client's connections; nothing else changes. */
  close(): void {
    this.#context.calls.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** srv closes its log after its connections: until it has left, the database and the lock are still its own. */
  async #left(srv: ProcessIdentity, signal?: AbortSignal): Promise<void> {
    const backoff = new Backoff(this.#context.clock, { firstMs: 2, maxMs: 50, deadlineMs: LEAVE_MS });
    while (await backoff.turn(signal)) if (!isAlive(srv)) return;
    throw new HoldfastError('timeout', `srv (pid ${srv.pid}) of ${this.home} stops, but has not left yet`);
  }

  async #wait<T>(condition: Condition<T>, options: WaitOptions, late: () => HoldfastError): Promise<T> {
    const deadline = options.timeoutMs === undefined ? undefined : AbortSignal.timeout(options.timeoutMs);
    const signals = [options.signal, deadline].filter((signal) => signal !== undefined);
    try {
      return await this.#context.watch.wait(condition, signals.length === 0 ? undefined : AbortSignal.any(signals));
    } catch (error) {
      if (deadline?.aborted !== true || options.signal?.aborted === true) throw error;
      throw late();
    }
  }

  #condition(id: string, target: WaitTarget): Condition<SessionRecord> {
    return {
      topics: SESSION_TOPICS,
      concerns: (event) => event['session_id'] === id,
      look: async (signal) => {
        const { record } = await this.get(id, { signal });
        return SATISFIED[target](record) ? record : undefined;
      },
    };
  }

  #handle(id: string): Session {
    const { connector, clock } = this.#context;
    return new Session({
      id,
      clock,
      open: connector.opener(id),
      record: async (signal) => (await this.get(id, { signal })).record,
      wait: (target, signal) => this.wait(id, { for: target, signal }),
    });
  }

  #read(command: { cmd: string } & Record<string, unknown>, options: CallOptions): Promise<SuccessReply> {
    return this.#context.calls.call(command, true, options);
  }

  #mutate(command: { cmd: string } & Record<string, unknown>, options: ChangeOptions): Promise<SuccessReply> {
    return this.#context.calls.call(command, true, { ...options, key: options.key ?? this.#context.ids.ulid() });
  }
}

function started(record: SessionRecord): SessionRecord {
  if (record.start_error !== null) throw HoldfastError.fromWire(record.start_error);
  return record;
}
