/** One srv: its home, lock, kernel, broker and sockets, put together and taken apart in order. */
import { ControlServer } from '../control/index.ts';
import type { SocketPlaces } from '../domains/sessions/index.ts';
import { acquireLock, type HeldLock } from '../kernel/sqlite/index.ts';
import { bootId } from '../process/index.ts';
import type { RuntimeStatus } from '../protocol/control/index.ts';
import { parseSrvCommand } from '../protocol/control/schemas.ts';
import type { HomePaths } from '../protocol/home/index.ts';
import { HoldfastError, limits } from '../protocol/index.ts';
import type { Clock, Faults, Ids } from '../runtime/index.ts';
import { type Listener, listenUnix } from '../transport/index.ts';
import { adoptSessions, strayDirectories } from './adoption.ts';
import { type AgentParts, Agents, createAgentParts, sessionOfToken, worktreesOf } from './agents/index.ts';
import { type Archive, startArchive } from './archive.ts';
import { Broker } from './broker.ts';
import type { BrokerContext } from './broker-context.ts';
import { readConfig, type SrvConfig } from './config.ts';
import { homeError, prepareHome } from './home.ts';
import { type Journal, openJournal } from './journal.ts';
import { Observer, type SrvKernel } from './observer.ts';
import { type OpenedKernel, openSrvKernel, placesOf } from './open-kernel.ts';
import { ownerName } from './owner.ts';
import { Retention } from './retention.ts';
import { type DomainCommand, SrvService } from './service.ts';
import { type ShimCommand, startShim } from './shim-process.ts';
import { Spares } from './spares.ts';
import { createGit, Worktrees } from './worktrees/index.ts';

export interface SrvOptions {
  home: string;
  version: string;
  clock: Clock;
  ids: Ids;
  faults: Faults;
  /** Handed on to the log's worker and to shims; fault builds only. */
  faultPlan: string | undefined;
  /** How a shim is started. */
  shim: Omit<ShimCommand, 'logFile'>;
  /** The command that hooks of agents report with, quoted for sh. */
  report: string;
  /** The bundle of the log's worker thread. */
  workerPath: string;
  /** srv is to end: asked by a client, or because its log cannot be replayed any more. */
  ended(exitCode: number): void;
}

/** Room for the last signal and the last record, after a grace. */
const AFTER_GRACE_MS = 6_000;
/** How a session answers that goes on its own. */
const OVERTAKEN: ReadonlySet<string> = new Set(['not_found', 'shim_lost', 'session_exited']);
/** Clients at a time; each may hold many subscriptions and requests. */
const CONTROL_CONNECTIONS_COUNT = 4_096;

/** Null when another srv holds the home's lock. Rejects with what keeps this one from starting. */
export async function startSrv(options: SrvOptions): Promise<Srv | null> {
  const { paths, secret } = prepareHome(options.home, { newSecret: () => options.ids.secret() });
  const config = readConfig(paths.config);
  const lock = acquireLock(paths.lock);
  if (lock === null) return null;
  let opened: { foundation: Foundation; kernel: OpenedKernel };
  let journal: Journal | undefined;
  try {
    journal = openJournal(paths.srvLog, options.clock);
    const agents = createAgentParts({ ...options, paths, secret, journal, configured: config.profiles });
    const foundation = { paths, secret, config, lock, journal, agents };
    opened = { foundation, kernel: await openSrvKernel(options, foundation) };
  } catch (error) {
    journal?.write('error', `start failed: ${(error as Error).message}`);
    journal?.close();
    lock.release();
    throw error instanceof HoldfastError ? error : homeError(options.home, error);
  }
  const srv = new Srv(options, opened.foundation, opened.kernel);
  try {
    await srv.begin();
  } catch (error) {
    journal.write('error', `start failed: ${(error as Error).message}`);
    await srv.stop();
    throw error;
  }
  return srv;
}

interface Foundation {
  paths: HomePaths;
  secret: string;
  config: SrvConfig;
  lock: HeldLock;
  journal: Journal;
  agents: AgentParts;
}

export class Srv {
  readonly #options: SrvOptions;
  readonly #foundation: Foundation;
  readonly #kernel: SrvKernel;
  readonly #damage: HoldfastError | null;
  readonly #context: BrokerContext;
  readonly #spares: Spares;
  readonly #broker: Broker;
  readonly #agents: Agents;
  readonly #retention: Retention;
  readonly #places: SocketPlaces;
  readonly #startedAt: number;
  #control: ControlServer<DomainCommand> | null = null;
  #listener: Listener | null = null;
  #archive: Archive | null = null;
  #state: 'starting' | 'running' | 'stopping' = 'starting';
  #stopping: Promise<void> | null = null;

  constructor(options: SrvOptions, foundation: Foundation, opened: OpenedKernel) {
    const { paths, secret, config, journal } = foundation;
    const { clock, faults, version } = options;
    this.#options = options;
    this.#foundation = foundation;
    this.#kernel = opened.kernel;
    this.#damage = opened.damage;
    this.#startedAt = clock.now();
    this.#places = placesOf(paths);
    const observer = new Observer(this.#kernel, clock, journal);
    this.#context = {
      paths,
      token: secret,
      version,
      bootId: bootId(),
      epoch: this.#kernel.epoch,
      clock,
      faults,
      journal,
      observer,
      readOnly: opened.damage !== null,
    };
    const shim = { ...options.shim, logFile: `${paths.logs}/shim.log` };
    this.#spares = new Spares(opened.damage === null ? config.warmSpares : 0, () => startShim(shim, clock), journal);
    this.#retention = new Retention({ context: this.#context, limits: config });
    this.#broker = new Broker({
      context: this.#context,
      spares: this.#spares,
      faultPlan: options.faultPlan,
      closed: () => this.#closed(),
      wrote: (bytes) => {
        if (this.#damage === null) this.#retention.grown(bytes);
      },
      agents: {
        connected: (id) => this.#agents.courier.connected(id),
        disconnected: (id) => this.#agents.courier.disconnected(id),
        shimEvent: (id, event) => this.#agents.courier.shimEvent(id, event),
      },
    });
    this.#agents = new Agents({
      context: this.#context,
      kernel: this.#kernel,
      broker: this.#broker,
      ...foundation.agents,
      worktrees: new Worktrees(worktreesOf(paths), createGit(shim.env)),
    });
    this.#kernel.onCommitted((events) => {
      for (const event of events) if (event.event === 'session_removed') this.#archive?.release(event.session_id);
      this.#broker.react(events);
      this.#agents.react(events);
    });
  }

  /** Adopts and serves; call once. What it rejects with ends this srv: `stop` it. */
  async begin(): Promise<void> {
    this.#forgetConnections();
    this.#agents.begin();
    await adoptSessions(this.#broker, this.#context);
    await this.#serve();
  }

  /** Takes srv apart; sessions run on. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** The last words before the process ends by an error of its own. */
  noteCrash(error: Error): void {
    this.#foundation.journal.write('error', `srv ends by an error of its own: ${error.stack ?? error.message}`);
  }

  /** Those of the last srv. Decided before any of this one's: it is the first command. */
  #forgetConnections(): void {
    const actor = { client_id: 'srv', pid: process.pid, kind: 'srv' };
    this.#kernel
      .execute({ cmd: 'connections_reset' }, { actor })
      .catch((error: unknown) =>
        this.#foundation.journal.write('error', `old connections are not forgotten: ${(error as Error).message}`),
      );
  }

  async #serve(): Promise<void> {
    const { paths, secret, journal } = this.#foundation;
    const { clock } = this.#options;
    this.#archive = await startArchive(this.#context);
    const service = new SrvService({
      kernel: this.#kernel,
      broker: this.#broker,
      agents: this.#agents,
      journal,
      places: this.#places,
      token: secret,
      owner: ownerName(),
      identity: {
        pid: process.pid,
        version: this.#options.version,
        capabilities: ['sessions', 'workspaces', 'agents'],
        limits: this.#limits(),
      },
      parse: parseSrvCommand,
      status: () => this.#status(),
      shutdown: (sessions) => this.#shutdown(sessions),
      readOnly: this.#damage,
    });
    const control = new ControlServer({
      clock,
      service,
      token: secret,
      sessionOf: (token) => this.#sessionOf(token),
    });
    this.#control = control;
    this.#listener = await listenUnix(paths.srvSocket, (stream) => control.accept(stream), {
      clock,
      // The lock is held: a socket nobody answers on was another srv's.
      replaceStale: true,
      maxConnections: CONTROL_CONNECTIONS_COUNT,
      onError: (error) => journal.write('error', `the control socket takes no connection: ${error.message}`),
    });
    this.#state = 'running';
    journal.write(
      'info',
      `srv ${this.#options.version} (pid ${process.pid}) serves ${paths.home}, epoch ${this.#kernel.epoch}`,
    );
    if (this.#damage !== null) return;
    this.#broker.spareSoon();
    this.#retention.soon();
  }

  /** A session that is forgotten has no programs. */
  #sessionOf(token: string): string | null {
    const id = sessionOfToken(this.#foundation.secret, token);
    return id !== null && this.#kernel.state.sessions.sessions.has(id) ? id : null;
  }

  #closed(): void {
    if (this.#damage === null) this.#retention.soon();
  }

  async #shutdown(sessions: boolean): Promise<void> {
    this.#state = 'stopping';
    if (sessions) {
      try {
        await this.#endSessions();
      } catch (error) {
        this.#state = 'running';
        throw error;
      }
    }
    // The reply goes first.
    this.#options.clock.after(0, () => this.#options.ended(0));
  }

  /** Ends every live session, softly first. Rejects with `timeout` naming how many are left. */
  async #endSessions(): Promise<void> {
    const { clock } = this.#options;
    const asked = new Set<string>();
    const endAll = async (): Promise<void> => {
      const more = this.#context.observer.live().filter(({ id }) => !asked.has(id));
      for (const { id } of more) asked.add(id);
      await Promise.all(more.map(({ id }) => this.#endSession(id)));
    };
    await endAll();
    await new Promise<void>((resolve, reject) => {
      const finish = (end: () => void) => {
        cancel();
        stopReacting();
        end();
      };
      const check = () => {
        if (this.#kernel.state.sessions.live === 0) finish(resolve);
        // An agent that was due may just have been started again.
        else endAll().catch((error: unknown) => finish(() => reject(HoldfastError.from(error))));
      };
      const cancel = clock.after(limits.STOP_GRACE_MS + AFTER_GRACE_MS, () => {
        finish(() =>
          reject(
            new HoldfastError(
              'timeout',
              `${this.#kernel.state.sessions.live} sessions have not ended; "holdfast ls" shows them`,
            ),
          ),
        );
      });
      const stopReacting = this.#kernel.onCommitted(check);
      check();
    });
  }

  /** A removal that is under way stays one. */
  async #endSession(id: string): Promise<void> {
    const actor = { client_id: 'shutdown', pid: process.pid, kind: 'srv' };
    try {
      await this.#kernel.execute({ cmd: 'terminate_session', session: id }, { actor });
      await this.#broker.terminate(id, limits.STOP_GRACE_MS);
    } catch (error) {
      // Removed, or ending, before its turn came: whoever does not end is told of by the wait for all.
      if (!OVERTAKEN.has(HoldfastError.from(error).code)) throw error;
    }
  }

  #status(): RuntimeStatus {
    const { live, sessions } = this.#kernel.state.sessions;
    const { version } = this.#options;
    return {
      home: this.#foundation.paths.home,
      launcher: { pid: null, state: 'absent' },
      srv: {
        pid: process.pid,
        state: this.#srvState(),
        version,
        epoch: this.#kernel.epoch,
        started_at: this.#startedAt,
      },
      host: { pid: null, state: 'absent' },
      sessions: { live, exited: sessions.size - live },
      spare: { pid: this.#spares.pid, configured: this.#spares.configured },
      limits: this.#limits(),
      spill_bytes: this.#retention.spillBytes,
      events: { first_version: this.#kernel.firstVersion, last_version: this.#kernel.version },
      problems: this.#problems(),
    };
  }

  #srvState(): RuntimeStatus['srv']['state'] {
    if (this.#damage !== null) return 'safe_mode';
    if (this.#state === 'running' && this.#kernel.storage.state === 'failing') return 'degraded';
    return this.#state;
  }

  #problems(): string[] {
    const problems: string[] = [];
    if (this.#damage !== null) problems.push(this.#damage.message);
    const { error } = this.#kernel.storage;
    if (error !== null) problems.push(error.message);
    for (const name of strayDirectories(this.#context)) problems.push(`sessions/${name} belongs to no session`);
    return problems;
  }

  #limits(): Record<string, number> {
    const { config } = this.#foundation;
    return {
      live_sessions: config.liveSessions,
      home_spill_bytes: config.homeSpillBytes,
      session_spill_bytes: config.session.spill_bytes,
      session_memory_bytes: config.session.memory_bytes,
      exited_kept_ms: config.exitedKeptMs,
      exited_kept_count: config.exitedKeptCount,
      events_kept_ms: config.eventsKeptMs,
      events_kept_count: config.eventsKeptCount,
    };
  }

  async #stop(): Promise<void> {
    const { lock, journal } = this.#foundation;
    this.#state = 'stopping';
    await this.#listener?.close();
    await this.#control?.close();
    await this.#archive?.close();
    this.#retention.close();
    this.#agents.close();
    this.#broker.close();
    this.#context.observer.close();
    await this.#kernel.close();
    journal.write('info', 'srv stopped; sessions run on');
    journal.close();
    lock.release();
  }
}
