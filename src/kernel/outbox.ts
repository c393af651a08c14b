/** The kernel's view of work for other processes; `link.ts` delivers it. */
import type { HoldfastError } from '../protocol/index.ts';
import type { Commit, Outbox, OutboxOutcome, OutboxRow } from './contract.ts';
import type { FinishResult, Request } from './sequencer.ts';

const LINK_ACTOR = { client_id: 'link', pid: process.pid, kind: 'internal' };

export interface OutboxOptions<C> {
  rows(): ReadonlyMap<number, OutboxRow>;
  submit(request: Omit<Request<C>, 'resolve' | 'reject'>): Promise<Commit>;
  warn(error: HoldfastError): void;
}

export class KernelOutbox<C> implements Outbox<C> {
  readonly #options: OutboxOptions<C>;
  readonly #listeners = new Map<string, Set<(rows: readonly OutboxRow[]) => void>>();

  constructor(options: OutboxOptions<C>) {
    this.#options = options;
  }

  pending(target: string): readonly OutboxRow[] {
    return [...this.#options.rows().values()].filter((row) => row.target === target);
  }

  onAdded(target: string, react: (rows: readonly OutboxRow[]) => void): () => void {
    const listeners = this.#listeners.get(target) ?? new Set();
    this.#listeners.set(target, listeners.add(react));
    return () => {
      listeners.delete(react);
      if (listeners.size === 0) this.#listeners.delete(target);
    };
  }

  async finish({ id, outcome, command, actor }: OutboxOutcome<C>): Promise<boolean> {
    const commit = await this.#options.submit({
      command,
      actor: actor ?? LINK_ACTOR,
      expectedVersion: undefined,
      key: undefined,
      finishes: { id, outcome },
      stored: null,
    });
    const { finished, rejection } = commit.result as FinishResult;
    if (rejection !== undefined) this.#options.warn(rejection);
    return finished;
  }

  /** After a durable batch. */
  added(rows: readonly OutboxRow[]): void {
    for (const target of new Set(rows.map((row) => row.target))) {
      const ofTarget = rows.filter((row) => row.target === target);
      for (const react of this.#listeners.get(target) ?? []) react(ofTarget);
    }
  }
}
