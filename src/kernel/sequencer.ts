/**
 * The only writer (DESIGN §4). Deciding and evolving are synchronous on a state that runs ahead of the disk; commands
 * that arrive together share a batch, and the next batch is decided while earlier ones are being written. Answers leave
 * in order and only when all they rest on is durable – rejections too: they were decided on a state which a failed
 * append would undo.
 */
import { HoldfastError } from '../protocol/index.ts';
import type { Clock, Ids } from '../runtime/index.ts';
import type {
  Actor,
  Batch,
  Commit,
  Decision,
  DecisionContext,
  Domain,
  EventLog,
  OutboxRow,
  Recorded,
  StoredResult,
} from './contract.ts';
import { freezeDeep } from './freeze.ts';
import { replay } from './idempotency.ts';

const BATCH_COMMANDS = 256;
/** From this size on a batch leaves while another is being written: the log has work whenever the decider has. */
const SPLIT_COMMANDS = 16;
const APPENDS_IN_FLIGHT = 3;

export interface Finish {
  id: number;
  outcome: 'done' | 'failed' | 'expired';
}

/** The `result` of a request that finishes an outbox row. */
export interface FinishResult extends Record<string, unknown> {
  finished: boolean;
  rejection?: HoldfastError;
}

/** A command, or a finished outbox row with what the domain makes of it. */
export interface Request<C> {
  command: C | undefined;
  actor: Actor;
  expectedVersion: number | undefined;
  key: { key: string; bodyHash: string } | undefined;
  finishes: Finish | undefined;
  /** Undefined while the log is being asked for the key's result. */
  stored: StoredResult | null | undefined;
  /** That question failed. */
  failure?: HoldfastError;
  resolve(commit: Commit): void;
  reject(error: HoldfastError): void;
}

export interface SequencerOptions<S, C, E extends { event: string }> {
  domain: Domain<S, C, E>;
  log: EventLog;
  clock: Clock;
  ids: Ids;
  queueLimit: number;
  /** A batch became durable in a record of that size: publish it. Replies follow. */
  committed(batch: Batch<E>, size: number): void;
  /** An append failed: bring the published state up to the log and return a copy of it to go on from. */
  recover(error: HoldfastError): Promise<Ahead<S>>;
  /** Keys whose fate only the log knows. */
  doubt(keys: string[]): void;
}

/** The state with all that was decided, durable or not. */
export interface Ahead<S> {
  state: S;
  version: number;
  nextOutboxId: number;
  /** Outbox rows not finished yet. */
  outboxIds: Set<number>;
}

interface Entry<C, E> {
  batch: Batch<E>;
  requests: Request<C>[];
  /** What to tell each request once the entry is durable. */
  answers: (() => void)[];
  /** Of its record, as the log says. */
  size: number;
  /** Undefined until the append settled; then null or its error. */
  outcome: HoldfastError | null | undefined;
}

export class Sequencer<S, C, E extends { event: string }> {
  readonly #options: SequencerOptions<S, C, E>;
  #ahead: Ahead<S>;
  #queue: Request<C>[] = [];
  /** Decided and not answered, oldest first; only the last one may still be open for more. */
  #entries: Entry<C, E>[] = [];
  /** The last entry while it waits for the append before it: what arrives meanwhile shares its batch. */
  #open: Entry<C, E> | null = null;
  #appends = 0;
  #pumpPlanned = false;
  #recovering = false;
  /** The last attempt to recover failed: the next command tries again. */
  #down = false;
  /** Called when no append is under way any more. */
  #quiet: () => void = () => {};
  /** An event could not be applied: the state ahead is damaged, and is renewed when all before it is durable. */
  #damage: HoldfastError | null = null;
  #idle: (() => void)[] = [];
  readonly counters = { commands: 0, batches: 0, refused_busy: 0, rebuilds: 0 };

  constructor(options: SequencerOptions<S, C, E>, ahead: Ahead<S>) {
    this.#options = options;
    this.#ahead = ahead;
  }

  get pending(): number {
    return this.#queue.length + this.#entries.length;
  }

  submit(request: Request<C>): void {
    if (this.#queue.length >= this.#options.queueLimit) {
      this.counters.refused_busy++;
      request.reject(
        new HoldfastError('busy', `${this.#queue.length} commands are waiting already: send it again later`),
      );
      return;
    }
    this.#queue.push(request);
    if (this.#down) this.#startRecovery(new HoldfastError('storage_error', 'the log could not be read; trying again'));
    else this.wake();
  }

  /** Decides what can be decided, later in this turn: what arrives until then shares the batch. */
  wake(): void {
    if (this.#pumpPlanned) return;
    this.#pumpPlanned = true;
    queueMicrotask(() => {
      this.#pumpPlanned = false;
      this.#pump();
    });
  }

  /** Resolves when nothing is queued or under way. */
  whenIdle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      this.wake();
    });
  }

  #pump(): void {
    while (this.#canDecide()) {
      this.#decideSome();
      this.#dispatch();
    }
    if (this.pending === 0 && (!this.#recovering || this.#down)) {
      for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  #canDecide(): boolean {
    const [head] = this.#queue;
    // In order: a head whose key is being looked up holds the rest back.
    if (head === undefined || head.stored === undefined) return false;
    return !this.#recovering && this.#damage === null && (this.#open?.requests.length ?? 0) < BATCH_COMMANDS;
  }

  /** Decides into the open batch what waits, up to its bound. */
  #decideSome(): void {
    const entry = (this.#open ??= this.#begin());
    const now = this.#options.clock.now();
    const room = BATCH_COMMANDS - entry.requests.length;
    let taken = 0;
    for (const request of this.#queue) {
      if (taken === room || request.stored === undefined || this.#damage !== null) break;
      taken++;
      this.#answer(entry, request, now);
    }
    this.#queue.splice(0, taken);
    this.counters.commands += taken;
  }

  #begin(): Entry<C, E> {
    const batch: Batch<E> = {
      first_version: this.#ahead.version + 1,
      events: [],
      results: [],
      outbox: [],
      acknowledged: [],
      saga_steps: [],
    };
    const entry: Entry<C, E> = { batch, requests: [], answers: [], size: 0, outcome: undefined };
    this.#entries.push(entry);
    return entry;
  }

  /** Carries one request out on the state ahead and notes its answer. */
  #answer(entry: Entry<C, E>, request: Request<C>, now: number): void {
    entry.requests.push(request);
    try {
      const commit = this.#carryOut(entry.batch, request, now);
      entry.answers.push(() => request.resolve(commit));
    } catch (thrown) {
      const error = HoldfastError.from(thrown);
      entry.answers.push(() => request.reject(error));
    }
  }

  #carryOut(batch: Batch<E>, request: Request<C>, now: number): Commit {
    const { key, stored, finishes } = request;
    if (request.failure !== undefined) throw request.failure;
    if (key !== undefined && stored) return replay(stored, key.bodyHash);
    const result =
      finishes === undefined ? this.#decide(batch, request, now) : this.#finish(batch, request, now, finishes);
    const commit: Commit = { version: this.#ahead.version, result, replayed: false };
    if (key !== undefined) {
      batch.results.push({ key: key.key, body_hash: key.bodyHash, version: commit.version, result, at: now });
    }
    return commit;
  }

  /** The row is finished whatever the domain thinks of its outcome: a rejection of it is part of the result. */
  #finish(batch: Batch<E>, request: Request<C>, now: number, finish: Finish): FinishResult {
    if (!this.#ahead.outboxIds.delete(finish.id)) return { finished: false };
    batch.acknowledged.push({ ...finish, at: now });
    try {
      this.#decide(batch, request, now);
      return { finished: true };
    } catch (thrown) {
      return { finished: true, rejection: HoldfastError.from(thrown) };
    }
  }

  #decide(batch: Batch<E>, request: Request<C>, now: number): Record<string, unknown> {
    const { domain } = this.#options;
    if (request.command === undefined) return {};
    this.#checkVersion(request.command, request.expectedVersion);
    const context: DecisionContext = { now, ulid: () => this.#options.ids.ulid(), actor: request.actor };
    const decision = domain.decide(this.#ahead.state, request.command, context);
    if (decision instanceof Promise) throw new TypeError(`${domain.name}: decide returned a promise`);
    this.#apply(batch, decision, now);
    return decision.result ?? {};
  }

  #checkVersion(command: C, expected: number | undefined): void {
    if (expected === undefined) return;
    const { state, version } = this.#ahead;
    const changed_at = this.#options.domain.changedAt?.(state, command) ?? version;
    if (changed_at <= expected && expected <= version) return;
    const why =
      expected > version
        ? `but the version is ${version}`
        : `but what the command changes was changed at ${changed_at}: read it again`;
    throw new HoldfastError('conflict', `expected_version is ${expected} ${why}`, {
      field: 'expected_version',
      details: { version, changed_at },
    });
  }

  #apply(batch: Batch<E>, decision: Decision<E>, now: number): void {
    const recorded: Recorded<E>[] = [];
    let { state, version } = this.#ahead;
    try {
      for (const event of decision.events) {
        version++;
        const record = freezeDeep({ ...event, version, at: now });
        state = this.#options.domain.evolve(state, record, version, now);
        recorded.push(record);
      }
    } catch (thrown) {
      this.#damage = HoldfastError.from(thrown);
      throw this.#damage;
    }
    this.#ahead.state = state;
    this.#ahead.version = version;
    batch.events.push(...recorded);
    for (const message of decision.outbox ?? []) {
      const row: OutboxRow = freezeDeep({ ...message, id: this.#ahead.nextOutboxId++, at: now });
      this.#ahead.outboxIds.add(row.id);
      batch.outbox.push(row);
    }
  }

  /** Sends the open batch to the log when that is free, or when the batch is large: a slow disk makes batches larger. */
  #dispatch(): void {
    const entry = this.#open;
    if (entry === null || this.#appends === APPENDS_IN_FLIGHT) return;
    if (this.#appends > 0 && entry.requests.length < SPLIT_COMMANDS) return;
    this.#open = null;
    if (!writes(entry.batch)) {
      entry.outcome = null;
      this.#settle();
      return;
    }
    this.#appends++;
    this.counters.batches++;
    this.#options.log.append(entry.batch).then(
      (size) => {
        entry.size = size;
        this.#appended(entry, null);
      },
      (error: unknown) => this.#appended(entry, HoldfastError.from(error, 'storage_error')),
    );
  }

  #appended(entry: Entry<C, E>, outcome: HoldfastError | null): void {
    this.#appends--;
    entry.outcome = outcome;
    if (this.#appends === 0) this.#quiet();
    // The log goes on with the next batch while this one is published and answered.
    if (outcome === null && !this.#recovering) this.#dispatch();
    this.#settle();
    this.#pump();
  }

  /** Publishes and answers, in order, what has become durable. */
  #settle(): void {
    if (this.#recovering) return;
    for (;;) {
      const [entry] = this.#entries;
      if (entry === undefined || entry.outcome === undefined) break;
      if (entry.outcome !== null) {
        this.#fail(entry.outcome);
        return;
      }
      this.#entries.shift();
      if (writes(entry.batch)) this.#options.committed(entry.batch, entry.size);
      for (const answer of entry.answers) answer();
    }
    if (this.#damage !== null && this.#entries.length === 0) this.#fail(this.#damage);
  }

  /** Drops all that was decided and is not durable, and goes on from what the log holds. */
  #fail(error: HoldfastError): void {
    this.counters.rebuilds++;
    this.#startRecovery(error);
  }

  #startRecovery(error: HoldfastError): void {
    this.#recovering = true;
    this.#down = false;
    // Settles by itself: `#recover` answers everyone it concerns and never rejects.
    void this.#recover(error);
  }

  async #recover(error: HoldfastError): Promise<void> {
    // The log must be quiet when it is read.
    if (this.#appends > 0) await new Promise<void>((resolve) => (this.#quiet = resolve));
    const entries = this.#entries.splice(0);
    this.#open = null;
    this.#options.doubt(entries.flatMap(({ requests }) => requests.flatMap(({ key }) => key?.key ?? [])));
    try {
      this.#ahead = await this.#options.recover(error);
      this.#damage = null;
      this.#recovering = false;
      for (const entry of entries) answerAfterRecovery(entry, error);
    } catch (thrown) {
      const failure = HoldfastError.from(thrown, 'storage_error');
      this.#down = true;
      const waiting = [...entries.flatMap(({ requests }) => requests), ...this.#queue.splice(0)];
      for (const request of waiting) request.reject(failure);
    }
    this.wake();
  }
}

/** A batch behind the failed one may have been written after all (the failed one held no events): then it counts. */
function answerAfterRecovery<C, E>(entry: Entry<C, E>, error: HoldfastError): void {
  if (entry.outcome === null && writes(entry.batch)) for (const answer of entry.answers) answer();
  else for (const request of entry.requests) request.reject(error);
}

function writes<E>({ events, results, outbox, acknowledged }: Batch<E>): boolean {
  return events.length + results.length + outbox.length + acknowledged.length > 0;
}
