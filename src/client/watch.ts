import type { SubscribeCommand } from '../protocol/control/index.ts';
import { HoldfastError } from '../protocol/index.ts';
import type { Clock } from '../runtime/index.ts';
import { abortable, Backoff, pause } from './backoff.ts';
import type { ControlEvent, ControlLink } from './control-link.ts';

/** Every event after which a waiter may find what it waits for in a session. */
export const SESSION_TOPICS = [
  'session_started',
  'session_start_failed',
  'session_exited',
  'session_ended',
  'session_lost',
  'session_removed',
] as const;
const SUBSCRIBE_MS = 10_000;
const RECONNECT_MS = 60_000;
/** A connection that may not subscribe, an agent's own, looks again after this; twice as long each time. */
const FIRST_LOOK_MS = 50;
const LOOK_MS = 1_000;

export interface WatchContext {
  link: (signal?: AbortSignal) => Promise<ControlLink>;
  clock: Clock;
}

export interface Condition<T> {
  /** Whatever may make it true. */
  topics: readonly string[];
  /** Whether an event of these topics is about it; missing: all are. */
  concerns?: (event: ControlEvent & Record<string, unknown>) => boolean;
  /** Undefined: not yet. What it throws ends the wait. */
  look: (signal?: AbortSignal) => Promise<T | undefined>;
  /** The same, answered only when it is true or some time has passed: for a connection that may not subscribe. */
  longLook?: (signal?: AbortSignal) => Promise<T | undefined>;
}

interface Waker {
  topics: readonly string[];
  concerns: (event: ControlEvent & Record<string, unknown>) => boolean;
  wake: () => void;
}

/**
 * Waiting for facts on the client's own control connection. An event only says "look again": what is looked at decides,
 * so a lost connection or a gap costs one more look.
 */
export class Watch {
  readonly #context: WatchContext;
  readonly #wakers = new Set<Waker>();
  #link: ControlLink | undefined;
  #subscribed: Promise<'told' | 'untold'> | undefined;
  #topics: ReadonlySet<string> = new Set();

  constructor(context: WatchContext) {
    this.#context = context;
  }

  onEvent(link: ControlLink | undefined, event: ControlEvent): void {
    if (link !== this.#link) return;
    const fields = event as ControlEvent & Record<string, unknown>;
    for (const waker of this.#wakers) if (event.event === 'gap' || waker.concerns(fields)) waker.wake();
  }

  onClosed(link: ControlLink): void {
    if (link !== this.#link) return;
    this.#link = undefined;
    this.#subscribed = undefined;
    for (const waker of this.#wakers) waker.wake();
  }

  /** Starts watching on `link` before the caller sends the command whose effect it will wait for. */
  prepare(link: ControlLink, topics: readonly string[]): void {
    this.#subscribe(link, topics).catch(() => undefined);
  }

  async wait<T>(condition: Condition<T>, signal?: AbortSignal): Promise<T> {
    let woken = false;
    let wake: () => void = () => {};
    const waker: Waker = {
      topics: condition.topics,
      concerns: condition.concerns ?? (() => true),
      wake: () => {
        woken = true;
        wake();
      },
    };
    this.#wakers.add(waker);
    const backoff = new Backoff(this.#context.clock, { firstMs: 10, maxMs: 500, deadlineMs: RECONNECT_MS });
    let lookMs = FIRST_LOOK_MS;
    try {
      for (;;) {
        try {
          const link = await this.#context.link(signal);
          const told = await abortable(this.#subscribe(link, condition.topics), signal);
          backoff.reset();
          woken = false;
          const { look, longLook } = condition;
          const isLong = told === 'untold' && longLook !== undefined;
          const began = this.#context.clock.monotonic();
          const found = await (isLong ? longLook(signal) : look(signal));
          if (found !== undefined) return found;
          if (isLong && this.#context.clock.monotonic() - began >= LOOK_MS) continue;
          const changed = new Promise<void>((resolve) => {
            wake = resolve;
          });
          if (told === 'untold') {
            await pause(this.#context.clock, lookMs, signal);
            lookMs = Math.min(2 * lookMs, LOOK_MS);
          } else if (!woken) await abortable(changed, signal);
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

  /** One subscription for everybody who waits: it grows with the topics that are asked for. */
  #subscribe(link: ControlLink, topics: readonly string[]): Promise<'told' | 'untold'> {
    const current = this.#link === link ? this.#subscribed : undefined;
    if (current !== undefined && topics.every((topic) => this.#topics.has(topic))) return current;
    const waiting = [...this.#wakers].flatMap((waker) => waker.topics);
    this.#topics = new Set([...topics, ...waiting]);
    this.#link = link;
    const subscribed = this.#request(link, [...this.#topics], current !== undefined);
    this.#subscribed = subscribed;
    subscribed.catch(() => {
      if (this.#subscribed === subscribed) this.#subscribed = undefined;
    });
    // Between the old subscription and the new one events may have passed by.
    if (current !== undefined) for (const waker of this.#wakers) waker.wake();
    return this.#subscribed;
  }

  /** Requests of one connection are served in their order. */
  async #request(link: ControlLink, topics: string[], replaces: boolean): Promise<'told' | 'untold'> {
    const options = { deadlineMs: SUBSCRIBE_MS };
    const left = replaces ? link.request({ cmd: 'unsubscribe' }, options) : undefined;
    const subscribe: SubscribeCommand = { cmd: 'subscribe', topics };
    const [, reply] = await Promise.allSettled([left, link.request(subscribe, options)]);
    if (reply.status === 'fulfilled') return 'told';
    if (HoldfastError.from(reply.reason).code === 'forbidden') return 'untold';
    throw reply.reason;
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
