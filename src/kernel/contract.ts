/**
 * The kernel's interfaces: a domain (pure decider), the event log it is written to, and what a commit returns
 * (DESIGN §4). Generic over the domain; nothing here knows of sockets, SQLite or sessions.
 */
import type { HoldfastError } from '../protocol/index.ts';

/** What a decider may know of the world: time, fresh ids and who asks. */
export interface DecisionContext {
  /** Ms since the Unix epoch. */
  readonly now: number;
  /** A fresh ULID per call. */
  ulid(): string;
  readonly actor: Actor;
}

export interface Actor {
  client_id: string;
  pid: number;
  kind: string;
  /** The session whose token the connection registered with; missing: the owner's. */
  session_id?: string;
  /** Name of the user it acts for; missing: nobody's. */
  owner?: string;
}

/** Work for another process, durable with the batch that caused it. */
export interface OutboxMessage {
  /** Which link delivers it. */
  target: string;
  body: Record<string, unknown>;
  /** Ms from commit after which it fails with `timeout`. */
  deadline_ms: number;
}

export interface Decision<E> {
  events: E[];
  /** Fields of the reply beside `version`. Stored with the idempotency key. */
  result?: Record<string, unknown>;
  outbox?: OutboxMessage[];
}

/** A vocabulary of commands and events over one state. `evolve` must be deterministic: replay gives the same state, always. */
export interface Domain<S, C, E extends { event: string }> {
  readonly name: string;
  initial(): S;
  /** Synchronous and pure: a promise returned here is a programming error and throws. Rejects by throwing `HoldfastError`. */
  decide(state: S, command: C, context: DecisionContext): Decision<E>;
  /**
   * May change `state` in place and return it. `at` is the commit time of the event. Events are deeply frozen, because
   * subscribers and the kernel's two copies of the state share them: copy what a later event will change.
   */
  evolve(state: S, event: E, version: number, at: number): S;
  /** A JSON value `restore` turns back into an equal state. */
  serialise(state: S): unknown;
  restore(json: unknown): S;
  /**
   * Version of the last event about what `command` is about: `expected_version` holds from there to the current
   * version. Undefined, or no such function: it must be the current version.
   */
  changedAt?(state: S, command: C): number | undefined;
}

export type Recorded<E> = E & { version: number; at: number };

/** The stored reply of an idempotent command. */
export interface StoredResult {
  key: string;
  /** Digest of the command's canonical JSON: another body with the same key is `key_reused`. */
  body_hash: string;
  version: number;
  result: Record<string, unknown>;
  at: number;
}

export interface OutboxRow extends OutboxMessage {
  /** Unique within the home. */
  id: number;
  /** Link epoch and sequence are assigned at first delivery. */
  at: number;
}

/** One log record: the truth. Everything in it becomes durable together or not at all. */
export interface Batch<E = { event: string }> {
  first_version: number;
  /** Possibly empty (a command that changes nothing but must remember its key). */
  events: Recorded<E>[];
  results: StoredResult[];
  outbox: OutboxRow[];
  /** Outbox ids finished by this batch, with their outcome. */
  acknowledged: { id: number; outcome: 'done' | 'failed' | 'expired'; at: number }[];
  saga_steps: Record<string, unknown>[];
}

/** One link in the chain of starts: versions from `first_version` on were written in this epoch. */
export interface Epoch {
  id: string;
  first_version: number;
  at: number;
}

export interface LogState {
  epochs: Epoch[];
  /** Oldest event version still held; `last_version + 1` when none is. */
  first_version: number;
  last_version: number;
  snapshot: { version: number; state: unknown } | null;
  /** About the characters a replay reads: the records, or the events, after the snapshot. */
  replay_size: number;
  outbox: OutboxRow[];
  next_outbox_id: number;
  /** The greatest idempotency key with a stored result, or null: any greater one (ULIDs sort by time) is surely new. */
  newest_key: string | null;
}

/**
 * The durable log. A contract suite (`log-contract.ts`) runs on every implementation. All methods reject with
 * `storage_full` or `storage_error`; a corrupt store rejects `open` with `storage_error` and details.corrupt = true.
 */
export interface EventLog {
  /** Also callable again while no append is under way: what is durable now, after a failure or the loss of a worker. */
  open(): Promise<LogState>;
  /**
   * Appends atomically and durably; rejects without any effect. `first_version` must be the successor of the last.
   * Resolves with the characters of the record: what a replay will have to read.
   */
  append(batch: Batch): Promise<number>;
  appendEpoch(epoch: Epoch): Promise<void>;
  /** Events from `from` on, at most `maxEvents` and about `maxBytes`, at least one if there is any; starts later when `from` was trimmed. */
  read(from: number, maxEvents: number, maxBytes: number): Promise<Recorded<{ event: string }>[]>;
  result(key: string): Promise<StoredResult | null>;
  /** Reads `state` before it returns, so the caller may change it afterwards. */
  saveSnapshot(version: number, state: unknown): Promise<void>;
  /** Drops events below `version` and results older than `resultsBefore` (ms since the epoch). */
  trim(version: number, resultsBefore: number): Promise<void>;
  close(): Promise<void>;
}

export interface CommandOptions {
  actor: Actor;
  idempotency_key?: string;
  expected_version?: number;
}

export interface Commit {
  /** Version of the last event of this command, or the current one when it changed nothing. */
  version: number;
  result: Record<string, unknown>;
  /** True when the reply is a stored one. */
  replayed: boolean;
}

export interface SubscribeOptions {
  topics?: readonly string[];
  since?: number;
  epoch?: string;
  /** Events that may wait for a slow reader before it falls back to catching up from disk. */
  queue_events?: number;
}

export type SubscriptionItem<E> =
  | { type: 'event'; event: Recorded<E>; prev: number }
  | { type: 'gap'; from: number; to: number; reason: 'lagging' | 'retention' };

/** A cursor on the log. `next` resolves with at least one item, or null once closed; one call at a time. */
export interface Subscription<E> {
  next(maxItems: number): Promise<SubscriptionItem<E>[] | null>;
  close(): void;
}

/** What a finished outbox row tells the domain: its command is decided in the batch that acknowledges the row. */
export interface OutboxOutcome<C> {
  id: number;
  outcome: 'done' | 'failed' | 'expired';
  command?: C | undefined;
  actor?: Actor | undefined;
}

/** Work waiting for other processes, as of the last durable batch. */
export interface Outbox<C> {
  /** Rows of one target, oldest first. */
  pending(target: string): readonly OutboxRow[];
  /** Called synchronously after each durable batch that added rows for `target`; returns the function that stops it. */
  onAdded(target: string, react: (rows: readonly OutboxRow[]) => void): () => void;
  /**
   * Takes a row out durably, once: false when it was finished before. A rejection of `command` is reported through
   * `warn` and does not keep the row.
   */
  finish(outcome: OutboxOutcome<C>): Promise<boolean>;
}

export interface KernelCounters {
  commands: number;
  batches: number;
  /** Commands refused with `busy` because the queue was full. */
  refused_busy: number;
  /** Failed appends, each followed by a rebuild of the state from the log. */
  rebuilds: number;
  pending: number;
  subscriptions: number;
  /** Reads from disk by subscriptions that had fallen behind. */
  catch_up_reads: number;
}

export interface Kernel<S, C, E extends { event: string }> {
  /** As of the last durable batch. Never keep it across an `await`: a failed append replaces the object. */
  readonly state: S;
  readonly version: number;
  readonly epoch: string;
  readonly epochs: readonly Epoch[];
  /** Oldest event version that can still be replayed. */
  readonly firstVersion: number;
  /** Resolves after the batch is durable; rejects with the decider's error, `conflict`, `key_reused`, `key_expired`, `storage_*`. */
  execute(command: C, options: CommandOptions): Promise<Commit>;
  /** Snapshot of the state and its version, in the same turn. */
  snapshot(): { version: number; epoch: string; state: S };
  /**
   * Live from the current version without `since`. Throws `epoch_unknown` for a cursor outside the epoch chain, and
   * `offset_ahead` for a `since` beyond the current version without an epoch.
   */
  subscribe(options: SubscribeOptions): Subscription<E>;
  /** Called synchronously after each durable batch, in version order, before replies: srv's own reactions. */
  onCommitted(react: (events: readonly Recorded<E>[]) => void): () => void;
  /**
   * Events after `since`. `complete`: all of them, up to the current version; else go on from `next`. `first` is the
   * version after `since` unless retention dropped it: versions up to `first - 1` are gone. Cursor errors as for
   * `subscribe`.
   */
  readEvents(
    since: number,
    epoch: string | undefined,
    maxEvents: number,
    maxBytes: number,
  ): Promise<{ events: Recorded<E>[]; complete: boolean; next: number; first: number }>;
  readonly outbox: Outbox<C>;
  readonly counters: KernelCounters;
  /** `failing` from a failed append to the next successful one. */
  readonly storage: { state: 'ok' | 'failing'; error: HoldfastError | null };
  close(): Promise<void>;
}
