/** The published side of a kernel: state, version, epochs and outbox as of the last durable batch, and how replay makes them. */
import { HoldfastError } from '../protocol/index.ts';
import type { Batch, Domain, EventLog, LogState, OutboxRow, Recorded } from './contract.ts';
import { freezeDeep } from './freeze.ts';
import type { Ahead } from './sequencer.ts';

const REPLAY_EVENTS = 10_000;
const REPLAY_BYTES = 8 * 1024 * 1024;

export class Committed<S, C, E extends { event: string }> {
  readonly #domain: Domain<S, C, E>;
  state: S;
  version: number;
  readonly outbox = new Map<number, OutboxRow>();
  nextOutboxId: number;

  private constructor(domain: Domain<S, C, E>, state: S, version: number, log: LogState) {
    this.#domain = domain;
    this.state = state;
    this.version = version;
    for (const row of log.outbox) this.outbox.set(row.id, freezeDeep(row));
    this.nextOutboxId = log.next_outbox_id;
  }

  /** From the log's snapshot and the events after it. `onEvent` sees each of these. */
  static async replay<S, C, E extends { event: string }>(
    domain: Domain<S, C, E>,
    log: EventLog,
    logState: LogState,
    onEvent: (event: Recorded<E>) => void,
  ): Promise<Committed<S, C, E>> {
    const { snapshot } = logState;
    const state = snapshot === null ? domain.initial() : domain.restore(snapshot.state);
    const committed = new Committed(domain, state, snapshot?.version ?? 0, logState);
    while (committed.version < logState.last_version) {
      const events = await log.read(committed.version + 1, REPLAY_EVENTS, REPLAY_BYTES);
      if (events.length === 0) throw hole(committed.version + 1);
      for (const event of events as Recorded<E>[]) {
        committed.evolve(freezeDeep(event));
        onEvent(event);
      }
    }
    return committed;
  }

  evolve(event: Recorded<E>): void {
    if (event.version !== this.version + 1) throw hole(this.version + 1);
    this.state = this.#domain.evolve(this.state, event, event.version, event.at);
    this.version = event.version;
  }

  settleOutbox(batch: Batch<E>): void {
    for (const row of batch.outbox) {
      this.outbox.set(row.id, row);
      this.nextOutboxId = row.id + 1;
    }
    for (const { id } of batch.acknowledged) this.outbox.delete(id);
  }

  /** A second copy of the state, which shares nothing with this one: JSON is what a restart would see, too. */
  fork(): Ahead<S> {
    const json: unknown = JSON.parse(JSON.stringify(this.#domain.serialise(this.state)));
    return {
      state: this.#domain.restore(json),
      version: this.version,
      nextOutboxId: this.nextOutboxId,
      outboxIds: new Set(this.outbox.keys()),
    };
  }
}

function hole(version: number): HoldfastError {
  return new HoldfastError('storage_error', `the log has a hole at version ${version}: run holdfast doctor --repair`, {
    retryable: false,
    details: { corrupt: true, version },
  });
}
