import type { SessionRecord } from '../protocol/control/index.ts';
import { HoldfastError } from '../protocol/index.ts';
import type { Clock } from '../runtime/index.ts';
import { abortable, Backoff } from './backoff.ts';
import type { ControlEvent, ControlLink } from './control-link.ts';

/** Every event after which a waiter may find what it waits for. */
const TOPICS = [
  'session_started',
  'session_start_failed',
  'session_exited',
  'session_ended',
  'session_lost',
  'session_removed',
];
const SUBSCRIBE_MS = 10_000;
const RECONNECT_MS = 60_000;

export interface WatchContext {
  link: (signal?: AbortSignal) => Promise<ControlLink>;
  record: (id: string, signal?: AbortSignal) => Promise<SessionRecord>;
  clock: Clock;
}

/**
 * Waiting for facts about sessions on the client's own control connection. An event only says "look again": the record
 * decides, so a lost connection or a gap costs one more look.
 */
export class SessionWatch {
  readonly #context: WatchContext;
  readonly #wakers = new Set<{ id: string; wake: () => void }>();
  #link: ControlLink | undefined;
  #subscribed: Promise<unknown> | undefined;

  constructor(context: WatchContext) {
    this.#context = context;
  }

  onEvent(link: ControlLink | undefined, event: ControlEvent): void {
    if (link !== this.#link) return;
    const id = 'session_id' in event ? event.session_id : undefined;
    for (const waker of this.#wakers) if (id === undefined || waker.id === id) waker.wake();
  }

  onClosed(link: ControlLink): void {
    if (link !== this.#link) return;
    this.#link = undefined;
    this.#subscribed = undefined;
    for (const waker of this.#wakers) waker.wake();
  }

  /** Starts watching on `link` before the caller sends the command whose effect it will wait for. */
  prepare(link: ControlLink): void {
    this.#subscribe(link).catch(() => undefined);
  }

  async wait(id: string, satisfied: (record: SessionRecord) => boolean, signal?: AbortSignal): Promise<SessionRecord> {
    let woken = false;
    let wake: () => void = () => {};
    const waker = {
      id,
      wake: () => {
        woken = true;
        wake();
      },
    };
    this.#wakers.add(waker);
    const backoff = new Backoff(this.#context.clock, { firstMs: 10, maxMs: 500, deadlineMs: RECONNECT_MS });
    try {
      for (;;) {
        try {
          const link = await this.#context.link(signal);
          await abortable(this.#subscribe(link), signal);
          backoff.reset();
          woken = false;
          const record = await this.#context.record(id, signal);
          if (satisfied(record)) return record;
          const changed = new Promise<void>((resolve) => {
            wake = resolve;
          });
          if (!woken) await abortable(changed, signal);
        } catch (error) {
          if (!(error instanceof HoldfastError) || error.code !== 'unreachable' || error.details['final'] === true)
            throw error;
          if (!(await backoff.turn(signal))) throw error;
        }
      }
    } finally {
      this.#wakers.delete(waker);
      this.#leave();
    }
  }

  #subscribe(link: ControlLink): Promise<unknown> {
    if (this.#link !== link || this.#subscribed === undefined) {
      this.#link = link;
      this.#subscribed = link.request({ cmd: 'subscribe', topics: TOPICS } as { cmd: string }, {
        deadlineMs: SUBSCRIBE_MS,
      });
    }
    return this.#subscribed;
  }

  /** Nobody waits: srv need not tell us anything. */
  #leave(): void {
    if (this.#wakers.size > 0 || this.#link === undefined) return;
    const link = this.#link;
    this.#link = undefined;
    this.#subscribed = undefined;
    if (link.alive) link.request({ cmd: 'unsubscribe' }, { deadlineMs: SUBSCRIBE_MS }).catch(() => undefined);
  }
}
