/**
 * One live session as srv tends it: connected to its shim, or finding out what became of it. Every road leads here –
 * a start whose report is missing, an adoption, a lost connection – because claim, manifest, identity and log answer
 * them all alike.
 */
import { rmSync } from 'node:fs';
import { isLive, type Session } from '../domains/sessions/index.ts';
import { isAlive, processIdentity } from '../process/index.ts';
import { sessionDirectory, sessionSocket } from '../protocol/home/index.ts';
import { HoldfastError, limits } from '../protocol/index.ts';
import type { Claim } from '../protocol/launch/index.ts';
import type { ExitFact, SessionCommand, SessionEvent } from '../protocol/session/index.ts';
import { withDeadline } from '../runtime/index.ts';
import { readClosedFacts } from '../session/index.ts';
import type { BrokerContext } from './broker-context.ts';
import { closeDead, closedLogOf, tellEnd } from './dead-session.ts';
import { claimAsAborted, readClaim } from './session-files.ts';
import { ShimLink } from './shim-link.ts';

const FIRST_RETRY_MS = 10;
const LAST_RETRY_MS = 5_000;
/** A claim that is not whole after this long has lost its writer. */
const TORN_CLAIM_MS = 2_000;
const REQUEST_MS = 10_000;
/** Warnings of one shim that become events, per minute. */
const WARNINGS_PER_MINUTE = 6;

export interface TendedHandlers {
  /** The session is in nobody's hands any more: its record is closed, or srv stops. */
  done(): void;
  /** About this many bytes may have been added to its log on disk. */
  wrote(bytes: number): void;
  /** There is a connection to its shim; what it says comes after. */
  connected(): void;
  event(event: SessionEvent): void;
  disconnected(): void;
}

export class TendedSession {
  readonly id: string;
  readonly #context: BrokerContext;
  readonly #handlers: TendedHandlers;
  #link: ShimLink | null = null;
  #examining: Promise<void> | null = null;
  #cancelRetry: (() => void) | null = null;
  #retryMs = FIRST_RETRY_MS;
  #tornSince: number | null = null;
  /** No shim is on its way to this session. */
  #nobodyComes = false;
  /** Until the first connection to a session that another srv started. */
  #adopting: boolean;
  #closed = false;
  #waiting: (() => void)[] = [];
  #exit: ExitFact | null = null;
  #warnings = { since: 0, count: 0 };
  /** Output of the shim's life, by its last statistics. */
  #outputBytes = 0;

  constructor(id: string, context: BrokerContext, origin: 'launched' | 'found', handlers: TendedHandlers) {
    this.id = id;
    this.#context = context;
    this.#adopting = origin === 'found';
    this.#handlers = handlers;
  }

  /** The shim this srv started will not claim the session: it never began, or it has ended. */
  nobodyComes(): void {
    this.#nobodyComes = true;
  }

  /** Finds out where the session stands. Resolves after one look; goes on by itself if that was not enough. */
  examine(): Promise<void> {
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    this.#examining ??= this.#look()
      .catch((thrown: unknown) => {
        this.#context.journal.write('error', `session ${this.id}: ${HoldfastError.from(thrown).message}`);
        this.#later();
      })
      .finally(() => {
        this.#examining = null;
      });
    return this.#examining;
  }

  /** Sends to the shim as soon as there is a connection. Rejects with `session_exited` when the session is over. */
  async request(command: SessionCommand): Promise<SessionEvent> {
    const { clock } = this.#context;
    const until = clock.monotonic() + REQUEST_MS;
    for (;;) {
      if (this.#closed) throw new HoldfastError('session_exited', `session ${this.id} has ended`);
      const left = until - clock.monotonic();
      if (this.#link?.open === true) return this.#link.request(command, left);
      const changed = new Promise<void>((resolve) => this.#waiting.push(resolve));
      await withDeadline(
        clock,
        left,
        changed,
        () =>
          new HoldfastError('timeout', `the shim of session ${this.id} cannot be reached; "holdfast doctor" says more`),
      );
    }
  }

  close(): void {
    this.#closed = true;
    this.#cancelRetry?.();
    this.#link?.close();
    this.#link = null;
    this.#wake();
  }

  async #look(): Promise<void> {
    const session = this.#session();
    if (session === undefined) return this.#finish();
    const directory = sessionDirectory(this.#context.paths, this.id);
    const state = readClaim(directory);
    if (state === 'none') return this.#unclaimed(session, directory);
    if (state === 'torn') return this.#torn();
    const { claim } = state;
    if (claim.by === 'aborted') return this.#aborted();
    if (claim.boot_id !== this.#context.bootId) return this.#dead(claim, 'reboot');
    if (!isAlive({ pid: claim.pid, start_time: claim.start_time })) return this.#dead(claim, 'shim_lost');
    return this.#connect(session, claim);
  }

  /** Fences late shims once the time for a start is over (DESIGN §6 "Start"). */
  async #unclaimed(session: Session, directory: string): Promise<void> {
    const { clock, version, bootId, readOnly } = this.#context;
    if (session.started !== null) return this.#dead(null, 'shim_lost');
    const rest = session.created_at + limits.START_MS - clock.now();
    if (readOnly || (rest > 0 && rest <= limits.START_MS && !this.#nobodyComes)) return this.#later();
    const self = processIdentity(process.pid);
    const mine = {
      session_id: this.id,
      pid: process.pid,
      start_time: self?.start_time ?? 0,
      boot_id: bootId,
      version,
      at_ms: clock.now(),
    };
    try {
      if (!claimAsAborted(directory, mine)) return this.#later();
    } catch (error) {
      // Without its directory no shim can claim the session either.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    return this.#aborted();
  }

  async #aborted(): Promise<void> {
    const error = this.#nobodyComes
      ? new HoldfastError('start_failed', 'the shim ended before it took the session; see logs/shim.log', {
          retryable: true,
        })
      : new HoldfastError('timeout', `no shim took the session within ${limits.START_MS} ms`);
    await this.#context.observer.observe({
      cmd: 'observe_start_failed',
      session_id: this.id,
      error: error.toWire(),
      exit_status: 125,
    });
    this.#finish();
  }

  /** Between its creation and its content a claim is torn for an instant, or for ever. */
  async #torn(): Promise<void> {
    const now = this.#context.clock.monotonic();
    this.#tornSince ??= now;
    if (now - this.#tornSince < TORN_CLAIM_MS) return this.#later();
    return this.#dead(null, 'shim_lost');
  }

  async #dead(claim: Claim | null, cause: 'shim_lost' | 'reboot'): Promise<void> {
    await closeDead(this.#context, this.id, claim, cause);
    if (!this.#context.readOnly) rmSync(sessionSocket(this.#context.paths, this.id), { force: true });
    this.#finish();
  }

  async #connect(session: Session, claim: Claim): Promise<void> {
    const { paths, token, clock } = this.#context;
    if (this.#link?.open === true) return;
    const handlers = { event: (event: SessionEvent) => this.#take(event), closed: () => this.#lost() };
    const options = { socketPath: sessionSocket(paths, this.id), sessionId: this.id, token, clientId: 'srv', clock };
    let link: ShimLink;
    try {
      link = await ShimLink.open(options, handlers);
    } catch (thrown) {
      const error = HoldfastError.from(thrown);
      if (error.code !== 'unreachable' && error.code !== 'timeout') {
        this.#context.journal.write(
          'warn',
          `session ${this.id}: its shim (pid ${claim.pid}) refuses srv: ${error.message}`,
        );
        this.#retryMs = LAST_RETRY_MS;
      }
      return this.#later();
    }
    if (this.#closed || !link.open) {
      link.close();
      return this.#later();
    }
    this.#link = link;
    this.#retryMs = FIRST_RETRY_MS;
    this.#greet(session, link);
    this.#handlers.connected();
    this.#wake();
  }

  /** What the Hello says beyond what is known; in order, so that every later event finds the session started. */
  #greet(session: Session, link: ShimLink): void {
    const { observer, epoch } = this.#context;
    const { child, lease, shim_pid, start_time, version } = link.hello;
    const session_id = this.id;
    if (child !== undefined) {
      const facts = {
        pid: child.pid,
        start_time: child.start_time,
        shim_pid,
        shim_start_time: start_time,
        containment: child.containment,
      };
      if (session.started === null) void observer.observe({ cmd: 'observe_started', session_id, ...facts });
      if (this.#adopting) void observer.observe({ cmd: 'observe_adopted', session_id, ...facts, version, epoch });
      if (child.rows !== session.rows || child.cols !== session.cols) {
        void observer.observe({ cmd: 'observe_resized', session_id, rows: child.rows, cols: child.cols });
      }
      if (child.exit !== null) this.#exited(child.exit);
      // The end was told before this connection; the log has it.
      if (child.state === 'ended')
        void tellEnd(this.#context, session_id, readClosedFacts(closedLogOf(this.#context.paths, session)));
      if (child.state === 'exited') void observer.observe({ cmd: 'observe_held', session_id, held_by: child.held_by });
    }
    void observer.observe({ cmd: 'observe_driver', session_id, driver: lease });
    this.#adopting = false;
    const { desired } = this.#session() ?? session;
    if (desired !== 'running' && !this.#context.readOnly) this.#terminateAsDesired();
  }

  #terminateAsDesired(): void {
    this.request({ cmd: 'Terminate', grace_ms: limits.STOP_GRACE_MS }).catch((thrown: unknown) => {
      // Asked again at the next connection; if there is none, the session is over.
      this.#context.journal.write(
        'warn',
        `session ${this.id} was not terminated: ${HoldfastError.from(thrown).message}`,
      );
    });
  }

  // Observations never reject and need no waiting for: they commit in the order they are made.
  #take(event: SessionEvent): void {
    this.#handlers.event(event);
    const { observer } = this.#context;
    const session_id = this.id;
    switch (event.event) {
      case 'ChildExit':
        this.#exited(event.exit);
        break;
      case 'HeldBy':
        void observer.observe({ cmd: 'observe_held', session_id, held_by: event.holders });
        break;
      case 'LeaseChanged':
        void observer.observe({ cmd: 'observe_driver', session_id, driver: event.lease });
        break;
      case 'Resized':
        void observer.observe({ cmd: 'observe_resized', session_id, rows: event.rows, cols: event.cols });
        break;
      case 'Warning':
        this.#warn(event.message);
        break;
      case 'SessionStats':
        this.#wrote(event.output_bytes);
        break;
      case 'End':
        void observer.observe({
          cmd: 'observe_ended',
          session_id,
          cause: event.cause,
          exit: this.#exit,
          survivors: event.survivors,
        });
        break;
      default:
        break;
    }
  }

  #wrote(outputBytes: number): void {
    const spillBytes = this.#session()?.limits.spill_bytes ?? 0;
    const bytes = Math.min(spillBytes, Math.max(0, outputBytes - this.#outputBytes));
    this.#outputBytes = outputBytes;
    if (bytes > 0) this.#handlers.wrote(bytes);
  }

  #exited(exit: ExitFact): void {
    this.#exit = exit;
    void this.#context.observer.observe({ cmd: 'observe_exited', session_id: this.id, exit, held_by: [] });
  }

  #warn(message: string): void {
    const now = this.#context.clock.monotonic();
    if (now - this.#warnings.since > 60_000) this.#warnings = { since: now, count: 0 };
    if (++this.#warnings.count > WARNINGS_PER_MINUTE) return;
    void this.#context.observer.observe({ cmd: 'observe_warning', session_id: this.id, message });
  }

  #lost(): void {
    this.#link = null;
    this.#handlers.disconnected();
    if (!this.#closed) void this.examine(); // Handles its own failures.
  }

  #later(): void {
    if (this.#closed || this.#cancelRetry !== null) return;
    this.#cancelRetry = this.#context.clock.after(this.#retryMs, () => {
      this.#cancelRetry = null;
      void this.examine(); // Handles its own failures.
    });
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }

  #session(): Session | undefined {
    const session = this.#context.observer.session(this.id);
    return session !== undefined && isLive(session) ? session : undefined;
  }

  #finish(): void {
    if (this.#closed) return;
    this.close();
    this.#handlers.done();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
