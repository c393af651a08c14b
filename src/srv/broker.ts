/**
 * The session broker: the one part of srv that reconciles what is wanted with what is (DESIGN §5 "Sessions"). It starts
 * a shim for a session once, ever, and never ends one because srv itself ends.
 */
import { mkdirSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isLive } from '../domains/sessions/index.ts';
import type { SrvEvent } from '../domains/srv/index.ts';
import type { Recorded } from '../kernel/index.ts';
import { sessionDirectory, sessionSocket } from '../protocol/home/index.ts';
import { HoldfastError, limits } from '../protocol/index.ts';
import type { AgentLaunch, LaunchReport, LaunchSpec } from '../protocol/launch/index.ts';
import type { SessionCommand, SessionEvent } from '../protocol/session/index.ts';
import type { BrokerContext } from './broker-context.ts';
import type { ShimProcess } from './shim-process.ts';
import type { Spares } from './spares.ts';
import { TendedSession } from './tended-session.ts';

export type Environment = readonly [string, string][];

/** How long after a start the next spare is made: not while a burst of starts needs the processor. */
const SPARE_DELAY_MS = 150;
/** A forced removal answers when the session is gone; past this it says that it goes on. */
const REMOVE_MS = limits.STOP_GRACE_MS + 10_000;

/** Hears of every shim: what comes from it, and whether anything can. */
export interface ShimListener {
  connected(sessionId: string): void;
  disconnected(sessionId: string): void;
  shimEvent(sessionId: string, event: SessionEvent): void;
}

/** What a session with an agent is started with beside. */
export interface AgentStartFiles {
  launch: AgentLaunch;
  /** Writes what is kept of the start into the session's directory. */
  write(sessionDir: string): void;
}

export interface BrokerOptions {
  context: BrokerContext;
  spares: Spares;
  /** Handed to every shim; fault builds only. */
  faultPlan: string | undefined;
  /** A session is over or removed: retention may have something to do. */
  closed(): void;
  /** Live sessions may have added about this many bytes to their logs. */
  wrote(bytes: number): void;
  /** Whoever speaks with the agents in sessions. */
  agents: ShimListener;
}

export class Broker {
  readonly #options: BrokerOptions;
  readonly #context: BrokerContext;
  readonly #tended = new Map<string, TendedSession>();
  readonly #removals = new Map<string, (() => void)[]>();
  #starting = 0;
  #cancelSpare: (() => void) | null = null;
  #closed = false;

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.#context = options.context;
  }

  /** Reacts to what was committed; synchronous, before the replies. */
  react(events: readonly Recorded<SrvEvent>[]): void {
    let anyClosed = false;
    for (const event of events) {
      switch (event.event) {
        case 'session_ended':
        case 'session_lost':
        case 'session_start_failed':
          this.#release(event.session_id);
          anyClosed = true;
          break;
        case 'session_removed':
          this.#release(event.session_id);
          this.#discard(event.session_id);
          break;
        default:
          break;
      }
    }
    if (anyClosed) this.#options.closed();
  }

  /**
   * Starts the shim of a session that was just created. Returns at once: what becomes of it is observed.
   * `env` is the child's; it is in memory and in the launch line only.
   */
  launch(id: string, env: Environment, agent: AgentStartFiles | null = null): void {
    const session = this.#context.observer.session(id);
    if (session === undefined || !isLive(session)) return;
    const { paths, token, clock, faults } = this.#context;
    const spec: LaunchSpec = {
      launch: 1,
      session_id: id,
      session_dir: sessionDirectory(paths, id),
      socket_path: sessionSocket(paths, id),
      token,
      kind: session.kind,
      argv: session.argv,
      cwd: session.cwd,
      env: childEnvironment(env),
      merge_stderr: session.merge_stderr,
      rows: session.rows,
      cols: session.cols,
      umask: session.umask,
      limits: session.limits,
      originator: session.originator,
      command: session.command,
      name: session.name,
      created_at_ms: session.created_at,
      agent: agent?.launch ?? null,
      ...(this.#options.faultPlan === undefined ? {} : { fault_plan: this.#options.faultPlan }),
    };
    let shim: ShimProcess;
    try {
      mkdirSync(spec.session_dir, { mode: 0o700 });
      agent?.write(spec.session_dir);
      shim = this.#options.spares.take();
    } catch (error) {
      this.refuse(
        id,
        new HoldfastError('start_failed', `no shim could be started: ${(error as Error).message}`, {
          retryable: true,
          cause: error,
        }),
      );
      return;
    }
    faults.hit('broker.assign.before');
    this.#starting++;
    const deadlineMs = Math.max(1, session.created_at + limits.START_MS - clock.now());
    shim.launch(spec, deadlineMs).then(
      (report) => this.#reported(id, report),
      (thrown: unknown) => this.#unreported(id, HoldfastError.from(thrown)),
    );
    faults.hit('broker.assign.after');
  }

  /** Finds or finds out about a live session that this srv did not start; resolves after the first look. */
  adopt(id: string): Promise<void> {
    return this.#tend(id, 'found').examine();
  }

  /** Resolves when the shim has accepted it; it finishes without srv. */
  async terminate(id: string, graceMs: number): Promise<{ already_exited: boolean }> {
    const tended = this.#tended.get(id);
    if (tended === undefined) return { already_exited: true };
    try {
      const answer = await tended.request({ cmd: 'Terminate', grace_ms: graceMs });
      return { already_exited: answer.event === 'Terminating' && answer.already_exited };
    } catch (thrown) {
      if (HoldfastError.from(thrown).code === 'session_exited' || !this.#tended.has(id))
        return { already_exited: true };
      throw thrown;
    }
  }

  /** Rejects with `session_exited`, `timeout`, `shim_lost`, or what the shim answers. */
  async request(id: string, command: SessionCommand): Promise<SessionEvent> {
    const tended = this.#tended.get(id);
    if (tended === undefined)
      throw new HoldfastError('session_exited', `session ${id} has ended`, { field: 'session' });
    return tended.request(command);
  }

  async signal(id: string, signal: string): Promise<void> {
    await this.request(id, { cmd: 'Signal', signal });
  }

  /** Resolves when the session is removed. Rejects with `timeout`: then it goes on, and its end removes it. */
  async removed(id: string): Promise<void> {
    if (this.#context.observer.session(id) === undefined) return;
    const { clock } = this.#context;
    await new Promise<void>((resolve, reject) => {
      const cancel = clock.after(REMOVE_MS, () =>
        reject(
          new HoldfastError(
            'timeout',
            `session ${id} has not ended within ${REMOVE_MS} ms; it is removed when it does`,
          ),
        ),
      );
      const waiting = this.#removals.get(id) ?? [];
      waiting.push(() => {
        cancel();
        resolve();
      });
      this.#removals.set(id, waiting);
    });
  }

  /** A spare soon, if none is there: called when srv has started, and after each start. */
  spareSoon(): void {
    if (this.#closed || this.#cancelSpare !== null) return;
    this.#cancelSpare = this.#context.clock.after(SPARE_DELAY_MS, () => {
      this.#cancelSpare = null;
      if (this.#starting > 0) this.spareSoon();
      else this.#options.spares.refill();
    });
  }

  /** Lets go of every shim; they run on. */
  close(): void {
    this.#closed = true;
    this.#cancelSpare?.();
    this.#options.spares.close();
    for (const tended of this.#tended.values()) tended.close();
    this.#tended.clear();
  }

  #reported(id: string, report: LaunchReport): void {
    this.#started();
    if (this.#closed) return;
    const { observer } = this.#context;
    if (report.report === 'start_failed') {
      void observer.observe({
        cmd: 'observe_start_failed',
        session_id: id,
        error: report.error,
        exit_status: report.exit_status,
      }); // Never rejects.
      return;
    }
    if (report.report === 'started') {
      this.#options.spares.forgive();
      const { report: _kind, ...facts } = report;
      void observer.observe({ cmd: 'observe_started', session_id: id, ...facts }); // Never rejects.
    }
    void this.#tend(id, 'launched').examine(); // Handles its own failures.
  }

  #unreported(id: string, error: HoldfastError): void {
    this.#started();
    if (this.#closed) return;
    this.#context.journal.write('warn', `session ${id}: ${error.message}`);
    const tended = this.#tend(id, 'launched');
    if (error.code === 'shim_lost') tended.nobodyComes();
    void tended.examine(); // Handles its own failures.
  }

  /** There will be no shim. */
  refuse(id: string, error: HoldfastError): void {
    void this.#context.observer.observe({
      cmd: 'observe_start_failed',
      session_id: id,
      error: error.toWire(),
      exit_status: 125,
    }); // Never rejects.
  }

  #started(): void {
    this.#starting--;
    this.spareSoon();
  }

  #tend(id: string, origin: 'launched' | 'found'): TendedSession {
    let tended = this.#tended.get(id);
    if (tended === undefined) {
      tended = new TendedSession(id, this.#context, origin, {
        done: () => this.#tended.delete(id),
        wrote: (bytes) => this.#options.wrote(bytes),
        connected: () => this.#options.agents.connected(id),
        disconnected: () => this.#options.agents.disconnected(id),
        event: (event) => this.#options.agents.shimEvent(id, event),
      });
      this.#tended.set(id, tended);
    }
    return tended;
  }

  #release(id: string): void {
    this.#tended.get(id)?.close();
    this.#tended.delete(id);
  }

  #discard(id: string): void {
    for (const resolve of this.#removals.get(id) ?? []) resolve();
    this.#removals.delete(id);
    if (!this.#context.readOnly) void removeSessionFiles(this.#context, id); // Handles its own failures.
  }
}

/** Removes a session's directory: out of sight at once, then bit by bit. */
export async function removeSessionFiles(context: Pick<BrokerContext, 'paths' | 'journal'>, id: string): Promise<void> {
  const directory = sessionDirectory(context.paths, id);
  const doomed = join(context.paths.sessions, `.removed-${id}`);
  try {
    await rename(directory, doomed);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      context.journal.write('warn', `${directory} was not removed: ${(error as Error).message}`);
  }
  try {
    await rm(doomed, { recursive: true, force: true, maxRetries: 2 });
    await rm(sessionSocket(context.paths, id), { force: true });
  } catch (error) {
    // The next start tries again: the name says what it is.
    context.journal.write('warn', `${doomed} was not removed: ${(error as Error).message}`);
  }
}

/** Later entries win; what is ours is not the child's. */
function childEnvironment(env: Environment): [string, string][] {
  const merged = new Map<string, string>();
  for (const [name, value] of env) if (!name.startsWith('HOLDFAST_')) merged.set(name, value);
  return [...merged];
}
