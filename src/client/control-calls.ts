import type { SuccessReply } from '../protocol/control/index.ts';
import { HoldfastError } from '../protocol/index.ts';
import type { Clock } from '../runtime/index.ts';
import { abortable, Backoff, throwIfAborted } from './backoff.ts';
import type { ControlEvent, ControlLink, OpenControl } from './control-link.ts';

export interface CallOptions {
  /** Ends the wait; what the command did stays done. */
  signal?: AbortSignal | undefined;
  /** A ULID. The same key with the same command acts once, however often it is sent (P5). */
  key?: string | undefined;
  /** Ms until `timeout`, over all attempts. */
  deadlineMs?: number | undefined;
}

/** For what changes something. */
export interface ChangeOptions extends CallOptions {
  /** The version at which what the command is about was last read: `conflict` when it changed since. */
  expectedVersion?: number | undefined;
}

export interface ControlCallsOptions {
  open: OpenControl;
  /** Starts srv; undefined when this client must not. */
  start: ((signal?: AbortSignal) => Promise<unknown>) | undefined;
  clock: Clock;
  home: string;
  /** Gets what is not a reply. */
  watcher?: {
    onEvent: (link: ControlLink | undefined, event: ControlEvent) => void;
    onClosed: (link: ControlLink) => void;
  };
}

export const CALL_MS = 30_000;
const CONNECT_MS = 10_000;
/** After a start, until another one when nobody answers. */
const START_AGAIN_MS = 2_000;
/** Starts in one episode whose srv may die before it serves. */
const STARTS_COUNT = 4;
const FIRST_MS = 5;
const MAX_MS = 200;

/**
 * Requests to srv over whatever connection there is: a lost one is replaced, srv is started when it is gone, and a
 * command with a key is sent again until its one reply is here.
 */
export class ControlCalls {
  readonly #options: ControlCallsOptions;
  #link: ControlLink | undefined;
  #dialling: Promise<ControlLink> | undefined;
  #closed = false;
  /** srv said it was shut down on purpose: only an explicit call may start it again. */
  #shutDown = false;

  constructor(options: ControlCallsOptions) {
    this.#options = options;
  }

  get shutDown(): boolean {
    return this.#shutDown;
  }

  /** The current connection, or a new one. `start: 'unless-shut-down'` is for work that resumes by itself. */
  async link(start: 'always' | 'unless-shut-down', signal?: AbortSignal): Promise<ControlLink> {
    if (this.#closed) throw new HoldfastError('unreachable', 'this client is closed');
    if (this.#link?.alive) return this.#link;
    if (start === 'unless-shut-down' && this.#shutDown) throw shutDownError(this.#options.home);
    this.#dialling ??= this.#dial().finally(() => {
      this.#dialling = undefined;
    });
    return abortable(this.#dialling, signal);
  }

  /** `retry` says that sending the command twice is harmless: it reads only, or it has a key. */
  async call(
    command: { cmd: string },
    retry: boolean,
    options: ChangeOptions = {},
    start: 'always' | 'unless-shut-down' = 'always',
  ): Promise<SuccessReply> {
    const { signal, key, expectedVersion, deadlineMs = CALL_MS } = options;
    throwIfAborted(signal);
    const until = this.#options.clock.monotonic() + deadlineMs;
    const backoff = new Backoff(this.#options.clock, { firstMs: FIRST_MS, maxMs: MAX_MS, deadlineMs });
    let last: unknown;
    while (await backoff.turn(signal)) {
      try {
        const link = await this.link(start, signal);
        const left = Math.max(1, until - this.#options.clock.monotonic());
        const reply = link.request(command, {
          deadlineMs: left,
          ...(key === undefined ? {} : { idempotencyKey: key }),
          ...(expectedVersion === undefined ? {} : { expectedVersion }),
        });
        return await abortable(reply, signal);
      } catch (error) {
        if (!retry || !(error instanceof HoldfastError) || error.code !== 'unreachable') throw error;
        if (error.details['final'] === true) throw error;
        last = error;
      }
    }
    throw HoldfastError.from(last, 'unreachable');
  }

  close(): void {
    this.#closed = true;
    this.#link?.close();
  }

  /** Connects, starting srv where that is allowed; waits for the winner when another client is starting it. */
  async #dial(): Promise<ControlLink> {
    const { start, clock, home } = this.#options;
    const backoff = new Backoff(clock, { firstMs: FIRST_MS, maxMs: MAX_MS, deadlineMs: CONNECT_MS });
    let startAgainAt = -Infinity;
    let deaths = 0;
    let last: unknown;
    while (await backoff.turn()) {
      try {
        return await this.#connect();
      } catch (error) {
        if (!(error instanceof HoldfastError) || error.code !== 'unreachable') throw error;
        last = error;
      }
      if (start === undefined) throw absentError(home, last);
      // The srv of the last start may be replaying a long log; if it died at that, the next one gets the lock.
      if (clock.monotonic() < startAgainAt) continue;
      try {
        await start();
        startAgainAt = clock.monotonic() + START_AGAIN_MS;
      } catch (error) {
        if (!(error instanceof HoldfastError) || error.details['died'] !== true || ++deaths === STARTS_COUNT)
          throw error;
      }
    }
    throw HoldfastError.from(last, 'unreachable');
  }

  async #connect(): Promise<ControlLink> {
    const opened: { link?: ControlLink } = {};
    const link = await this.#options.open({
      event: (event) => this.#options.watcher?.onEvent(opened.link, event),
      closed: (reason) => {
        if (reason === 'shutdown') this.#shutDown = true;
        if (opened.link === undefined) return;
        if (this.#link === opened.link) this.#link = undefined;
        this.#options.watcher?.onClosed(opened.link);
      },
    });
    opened.link = link;
    this.#shutDown = false;
    if (this.#closed) link.close();
    else this.#link = link;
    return link;
  }
}

function absentError(home: string, cause: unknown): HoldfastError {
  return new HoldfastError('unreachable', `no runtime answers in ${home}; start it with: holdfast up`, {
    cause,
    details: { final: true },
  });
}

function shutDownError(home: string): HoldfastError {
  return new HoldfastError('unreachable', `the runtime of ${home} was shut down; start it with: holdfast up`, {
    details: { final: true },
  });
}
