import { HoldfastError } from '../protocol/index.ts';
import type { SessionCommand, SessionEventName } from '../protocol/session/index.ts';
import type { Clock } from '../runtime/index.ts';
import { abortable, Backoff } from './backoff.ts';
import { InputQueue } from './input-queue.ts';
import {
  errorOf,
  type EventOf,
  type LinkHandlers,
  type OpenLink,
  refusedInput,
  type SessionLink,
} from './session-link.ts';

const CALL_MS = 30_000;
const FIRST_MS = 10;
const MAX_MS = 500;

/** Single requests to a session: one connection, opened when needed, replaced when lost. */
export class SessionCalls {
  readonly #open: OpenLink;
  readonly #clock: Clock;
  #link: Promise<SessionLink> | undefined;

  constructor(open: OpenLink, clock: Clock) {
    this.#open = open;
    this.#clock = clock;
  }

  /** `retry`: sending it twice is harmless. */
  call<N extends SessionEventName>(
    command: SessionCommand,
    answer: N,
    options: { retry: boolean; signal?: AbortSignal | undefined },
  ): Promise<EventOf<N>> {
    return this.with(options, (link) => link.request(command, answer));
  }

  /** Runs `work` on a connection; again on another one when `retry` and the first was lost. */
  async with<T>(
    options: { retry: boolean; signal?: AbortSignal | undefined },
    work: (link: SessionLink) => Promise<T>,
  ): Promise<T> {
    const backoff = new Backoff(this.#clock, { firstMs: FIRST_MS, maxMs: MAX_MS, deadlineMs: CALL_MS });
    let last: unknown;
    while (await backoff.turn(options.signal)) {
      let connected = false;
      try {
        const link = await abortable(this.#current(), options.signal);
        connected = true;
        return await abortable(work(link), options.signal);
      } catch (error) {
        if (!(error instanceof HoldfastError) || error.code !== 'unreachable' || error.details['final'] === true)
          throw error;
        if (connected && !options.retry) throw error;
        last = error;
      }
    }
    throw HoldfastError.from(last, 'unreachable');
  }

  /**
   * Writes under a lease of its own, exactly once: after a lost connection the lease is quoted again and what the shim
   * has already taken is not sent again. `not_driver` while somebody else drives.
   */
  async write(bytes: Buffer, options: { signal?: AbortSignal | undefined; steal?: boolean } = {}): Promise<void> {
    const queue = new InputQueue();
    const backoff = new Backoff(this.#clock, { firstMs: FIRST_MS, maxMs: MAX_MS, deadlineMs: CALL_MS });
    const begun: { written?: Promise<void> } = {};
    let last: unknown;
    while (await backoff.turn(options.signal)) {
      try {
        await this.#writeOnce(queue, bytes, begun, options);
        return;
      } catch (error) {
        if (!(error instanceof HoldfastError) || error.code !== 'unreachable' || error.details['final'] === true)
          throw error;
        last = error;
        queue.disconnected();
      }
    }
    throw HoldfastError.from(last, 'unreachable');
  }

  close(): void {
    this.#link?.then((link) => link.close()).catch(() => undefined);
    this.#link = undefined;
  }

  async #writeOnce(
    queue: InputQueue,
    bytes: Buffer,
    begun: { written?: Promise<void> },
    options: { signal?: AbortSignal | undefined; steal?: boolean },
  ): Promise<void> {
    let lost: (error: Error) => void = () => {};
    const gone = new Promise<never>((_, reject) => {
      lost = reject;
    });
    gone.catch(() => undefined);
    const link = await this.#open(
      {
        ...silent,
        event: (event) => {
          if (event.event === 'InputAck') queue.acknowledged(event.epoch, event.seq);
          if (event.event !== 'Error') return;
          const input = refusedInput(event);
          if (input !== undefined) queue.refused(input.epoch, input.seq, errorOf(event));
        },
        closed: () => lost(new HoldfastError('unreachable', 'the connection to the session went')),
      },
      options.signal,
    );
    try {
      const action = options.steal === true && begun.written === undefined ? 'steal' : 'take';
      const ticket = queue.ticket;
      await link.request({ cmd: 'Lease', action, ...(ticket === undefined ? {} : { lease: ticket }) }, 'LeaseGranted', {
        onAnswer: (granted) => {
          queue.connected(granted.lease, (epoch, seq, chunk) => link.input(epoch, seq, chunk), granted.last_seq);
        },
      });
      begun.written ??= queue.write(bytes);
      begun.written.catch(() => undefined);
      await abortable(Promise.race([begun.written, gone]), options.signal);
      // Taken is taken; a lease that could not be given back ends with its connection's grace time.
      await link.request({ cmd: 'Lease', action: 'release' }, 'Done').catch(() => undefined);
    } finally {
      link.close();
    }
  }

  async #current(): Promise<SessionLink> {
    if (this.#link === undefined) {
      const opening = this.#open({
        ...silent,
        closed: () => {
          if (this.#link === opening) this.#link = undefined;
        },
      });
      this.#link = opening;
      opening.catch(() => {
        if (this.#link === opening) this.#link = undefined;
      });
    }
    return this.#link;
  }
}

const silent: LinkHandlers = { data() {}, gap() {}, event() {}, closed() {} };
