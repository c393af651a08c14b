/** Opens a kernel over a log: replay, a new epoch, then one sequencer and any number of readers (DESIGN §4). */
import { HoldfastError, limits as bounds } from '../protocol/index.ts';
import { type Clock, type Faults, type Ids, noFaults, withDeadline } from '../runtime/index.ts';
import { Committed } from './committed.ts';
import type {
  Batch,
  CommandOptions,
  Commit,
  Domain,
  Epoch,
  EventLog,
  Kernel,
  KernelCounters,
  LogState,
  Outbox,
  Recorded,
  SubscribeOptions,
  Subscription,
} from './contract.ts';
import { digest } from './digest.ts';
import { checkCursor } from './epochs.ts';
import { EventWindow } from './event-window.ts';
import { checkKey, ResultIndex } from './idempotency.ts';
import { KernelOutbox } from './outbox.ts';
import { Retention } from './retention.ts';
import { type Ahead, type Request, Sequencer } from './sequencer.ts';
import { SubscriptionHub } from './subscriptions.ts';

export interface KernelLimits {
  /** Commands that may wait to be decided; more are `busy`. */
  queue_commands: number;
  /** Newest events held in memory for subscriptions. */
  window_events: number;
  /** Newest idempotency results held in memory. */
  recent_results: number;
  /** Events between two snapshots of the state, or what their records hold: a start replays no more than that. */
  snapshot_events: number;
  snapshot_bytes: number;
  events_kept_count: number;
  events_kept_ms: number;
  /** How long `close` waits for the commands under way. */
  close_ms: number;
}

export const DEFAULT_KERNEL_LIMITS: KernelLimits = {
  queue_commands: 10_000,
  window_events: bounds.SUBSCRIPTION_QUEUE_EVENTS,
  recent_results: 10_000,
  snapshot_events: 10_000,
  snapshot_bytes: 8 * 1024 * 1024,
  events_kept_count: bounds.EVENTS_KEPT_COUNT,
  events_kept_ms: bounds.EVENTS_KEPT_MS,
  close_ms: 5_000,
};

export interface KernelOptions<S, C, E extends { event: string }> {
  domain: Domain<S, C, E>;
  log: EventLog;
  clock: Clock;
  ids: Ids;
  faults?: Faults;
  limits?: Partial<KernelLimits>;
  /** Something went wrong that no caller can be told. */
  warn(error: HoldfastError): void;
  /** The log cannot be replayed any more: the process should end. Until it does, commands are refused. */
  fatal?(error: HoldfastError): void;
}

/** Rejects with `storage_*` (details.corrupt = true for a damaged log) or what the domain threw during replay. */
export async function openKernel<S, C, E extends { event: string }>(
  options: KernelOptions<S, C, E>,
): Promise<Kernel<S, C, E>> {
  const limits = { ...DEFAULT_KERNEL_LIMITS, ...options.limits };
  const logState = await options.log.open();
  const recent: Recorded<E>[] = [];
  const committed = await Committed.replay(options.domain, options.log, logState, (event) => {
    recent.push(event);
    if (recent.length >= 2 * limits.window_events) recent.splice(0, limits.window_events);
  });
  const epoch: Epoch = {
    id: options.ids.ulid(),
    first_version: committed.version + 1,
    at: options.clock.now(),
  };
  await options.log.appendEpoch(epoch);
  return new SequencedKernel({ ...options, limits }, logState, committed, epoch, recent);
}

type Complete<S, C, E extends { event: string }> = KernelOptions<S, C, E> & { limits: KernelLimits };

class SequencedKernel<S, C, E extends { event: string }> implements Kernel<S, C, E> {
  readonly #options: Complete<S, C, E>;
  readonly #faults: Faults;
  #committed: Committed<S, C, E>;
  readonly epochs: readonly Epoch[];
  readonly epoch: string;
  readonly #window: EventWindow<E>;
  readonly #results: ResultIndex;
  readonly #sequencer: Sequencer<S, C, E>;
  readonly #hub: SubscriptionHub<E>;
  readonly #retention: Retention;
  readonly #outbox: KernelOutbox<C>;
  readonly #reactions = new Set<(events: readonly Recorded<E>[]) => void>();
  #storageError: HoldfastError | null = null;
  #fatal: HoldfastError | null = null;
  #catchUpReads = 0;
  #closing: Promise<void> | null = null;

  constructor(
    options: Complete<S, C, E>,
    logState: LogState,
    committed: Committed<S, C, E>,
    epoch: Epoch,
    recent: Recorded<E>[],
  ) {
    const { limits, log } = options;
    this.#options = options;
    this.#faults = options.faults ?? noFaults;
    this.#committed = committed;
    this.epochs = [...logState.epochs, epoch];
    this.epoch = epoch.id;
    this.#window = new EventWindow(limits.window_events, committed.version - recent.length);
    for (const event of recent) this.#window.push(event);
    this.#results = new ResultIndex(limits.recent_results, logState.newest_key);
    this.#retention = new Retention({
      log,
      now: () => options.clock.now(),
      limits,
      resultsKeptMs: bounds.IDEMPOTENCY_RETENTION_MS + bounds.IDEMPOTENCY_SKEW_MS,
      firstVersion: logState.first_version,
      snapshotVersion: logState.snapshot?.version ?? 0,
      replaySize: logState.replay_size,
      capture: () => ({ version: this.version, state: options.domain.serialise(this.state) }),
      warn: options.warn,
    });
    this.#sequencer = new Sequencer(
      {
        domain: options.domain,
        log,
        clock: options.clock,
        ids: options.ids,
        queueLimit: limits.queue_commands,
        committed: (batch, size) => this.#publish(batch, size),
        recover: (error) => this.#recover(error),
        doubt: (keys) => {
          for (const key of keys) this.#results.mayBeInLog(key);
        },
      },
      committed.fork(),
    );
    this.#hub = new SubscriptionHub({
      window: this.#window,
      log,
      version: () => this.version,
      firstVersion: () => this.firstVersion,
      onCatchUp: () => this.#catchUpReads++,
    });
    this.#outbox = new KernelOutbox({
      rows: () => this.#committed.outbox,
      submit: (request) => this.#submit(request),
      warn: options.warn,
    });
  }

  get state(): S {
    return this.#committed.state;
  }

  get version(): number {
    return this.#committed.version;
  }

  get firstVersion(): number {
    return this.#retention.firstVersion;
  }

  get outbox(): Outbox<C> {
    return this.#outbox;
  }

  get storage(): { state: 'ok' | 'failing'; error: HoldfastError | null } {
    return { state: this.#storageError === null ? 'ok' : 'failing', error: this.#storageError };
  }

  get counters(): KernelCounters {
    return {
      ...this.#sequencer.counters,
      pending: this.#sequencer.pending,
      subscriptions: this.#hub.size,
      catch_up_reads: this.#catchUpReads,
    };
  }

  async execute(command: C, { actor, idempotency_key: key, expected_version }: CommandOptions): Promise<Commit> {
    const request = { command, actor, expectedVersion: expected_version, finishes: undefined };
    if (key === undefined) return this.#submit({ ...request, key: undefined, stored: null });
    checkKey(key, this.#options.clock.now());
    const bodyHash = digest(command);
    const recall = this.#results.recall(key, bodyHash);
    if (recall.found === 'stored') return recall.commit;
    if (recall.found === 'in_flight') return { ...(await recall.commit), replayed: true };
    const lookUp = recall.found === 'maybe_in_log';
    const commit = this.#submit({ ...request, key: { key, bodyHash }, stored: lookUp ? undefined : null });
    this.#results.track(key, bodyHash, commit);
    try {
      return await commit;
    } finally {
      this.#results.untrack(key);
    }
  }

  snapshot(): { version: number; epoch: string; state: S } {
    return { version: this.version, epoch: this.epoch, state: this.state };
  }

  subscribe(options: SubscribeOptions): Subscription<E> {
    const since = options.since ?? this.version;
    checkCursor(this.epochs, this.version, since, options.epoch);
    const subscription = this.#hub.subscribe(since, options);
    if (this.#closing !== null) subscription.close();
    return subscription;
  }

  onCommitted(react: (events: readonly Recorded<E>[]) => void): () => void {
    this.#reactions.add(react);
    return () => void this.#reactions.delete(react);
  }

  async readEvents(
    since: number,
    epoch: string | undefined,
    maxEvents: number,
    maxBytes: number,
  ): Promise<{ events: Recorded<E>[]; complete: boolean; next: number; first: number }> {
    checkCursor(this.epochs, this.version, since, epoch);
    const upTo = this.version;
    if (since === upTo || maxEvents < 1) return { events: [], complete: since === upTo, next: since, first: since + 1 };
    const read = (await this.#options.log.read(
      Math.max(since + 1, this.firstVersion),
      maxEvents,
      maxBytes,
    )) as Recorded<E>[];
    const events = read.filter((event) => event.version <= upTo);
    const next = events.at(-1)?.version ?? upTo;
    const first = events[0]?.version ?? upTo + 1;
    return { events, complete: first === since + 1 && next >= upTo, next, first };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { clock, limits, log, warn } = this.#options;
    try {
      const late = (): HoldfastError => new HoldfastError('timeout', 'commands were still being written at close');
      await withDeadline(clock, limits.close_ms, this.#sequencer.whenIdle(), late);
      await withDeadline(clock, limits.close_ms, this.#retention.finish(this.#storageError === null), late);
    } catch (thrown) {
      warn(HoldfastError.from(thrown));
    }
    this.#hub.closeAll();
    await log.close();
  }

  #submit(request: Omit<Request<C>, 'resolve' | 'reject'>): Promise<Commit> {
    return new Promise((resolve, reject) => {
      const refusal =
        this.#fatal ?? (this.#closing === null ? null : new HoldfastError('unreachable', 'shutting down'));
      if (refusal !== null) throw refusal;
      const complete: Request<C> = { ...request, resolve, reject };
      this.#sequencer.submit(complete);
      if (complete.stored === undefined) this.#lookUp(complete);
    });
  }

  #lookUp(request: Request<C>): void {
    const answered = (): void => {
      this.#sequencer.wake();
    };
    this.#options.log.result(request.key?.key ?? '').then(
      (stored) => {
        request.stored = stored;
        answered();
      },
      (error: unknown) => {
        request.failure = HoldfastError.from(error, 'storage_error');
        request.stored = null;
        answered();
      },
    );
  }

  /** In the turn in which the append resolved: state, own reactions, subscribers; the sequencer answers afterwards. */
  #publish(batch: Batch<E>, size: number): void {
    this.#storageError = null;
    this.#faults.hit('kernel.publish.before');
    this.#evolve(batch.events);
    this.#committed.settleOutbox(batch);
    for (const result of batch.results) this.#results.remember(result);
    this.#announce(batch.events);
    if (batch.outbox.length > 0) this.#outbox.added(batch.outbox);
    this.#faults.hit('kernel.publish.after');
    this.#retention.advance(this.version, size);
    this.#faults.hit('kernel.reply.before');
  }

  #evolve(events: readonly Recorded<E>[]): void {
    try {
      for (const event of events) this.#committed.evolve(event);
    } catch (thrown) {
      // It could be applied when it was decided, so `evolve` is not deterministic: no state of this process can be trusted.
      throw this.#cannotRecover(HoldfastError.from(thrown));
    }
  }

  #announce(events: readonly Recorded<E>[]): void {
    if (events.length === 0) return;
    for (const event of events) this.#window.push(event);
    for (const react of this.#reactions) {
      try {
        react(events);
      } catch (thrown) {
        this.#options.warn(HoldfastError.from(thrown));
      }
    }
    this.#hub.publish();
  }

  /** Replays the log beside the published state; what became durable although its append was reported failed is published. */
  async #recover(error: HoldfastError): Promise<Ahead<S>> {
    const { domain, log } = this.#options;
    if (error.code === 'storage_full' || error.code === 'storage_error') this.#storageError = error;
    else this.#options.warn(error);
    try {
      const logState = await log.open();
      if (logState.last_version < this.version) throw lostVersions(this.version, logState.last_version);
      const unpublished: Recorded<E>[] = [];
      const known = this.version;
      this.#committed = await Committed.replay(domain, log, logState, (event) => {
        if (event.version > known) unpublished.push(event);
      });
      if (logState.newest_key !== null) this.#results.mayBeInLog(logState.newest_key);
      this.#announce(unpublished);
      return this.#committed.fork();
    } catch (thrown) {
      throw this.#cannotRecover(HoldfastError.from(thrown));
    }
  }

  #cannotRecover(error: HoldfastError): HoldfastError {
    const isPassing =
      (error.code === 'storage_full' || error.code === 'storage_error') && error.details['corrupt'] !== true;
    this.#storageError = error;
    if (!isPassing) {
      this.#fatal = error;
      this.#options.fatal?.(error);
    }
    return error;
  }
}

function lostVersions(published: number, held: number): HoldfastError {
  return new HoldfastError('storage_error', `version ${published} was published but the log ends at ${held}`, {
    retryable: false,
    details: { corrupt: true },
  });
}
