/**
 * One registered connection to a control server (WIRES §1). It does not reconnect: the SDK does. Light to import, for
 * the command line's start.
 */
import type { Duplex } from 'node:stream';
import { HoldfastError, limits } from '../protocol/index.ts';
import {
  CONTROL_PROTOCOL,
  type ConnectionKind,
  type EventEnvelope,
  type PrivateEvent,
  type RegisteredEvent,
  type Reply,
  type SuccessReply,
} from '../protocol/control/index.ts';
import type { Clock } from '../runtime/index.ts';
import { LineConnection } from '../transport/index.ts';

export interface ControlClientOptions {
  clock: Clock;
  kind: ConnectionKind;
  pid: number;
  /** This client's version. */
  version: string;
  client_id: string;
  /** The instance secret. */
  token: string;
  /** Ms for the connection and its registration. Default 5,000. */
  registerMs?: number;
  signal?: AbortSignal;
}

export interface ControlClientHandlers {
  /** Every line that is not a reply, `registered` excepted. */
  event?(event: EventEnvelope | PrivateEvent): void;
  /** Once, after a registration that succeeded. `reason` is the server's own word, when it said one. */
  closed?(reason: string | undefined): void;
}

export interface RequestOptions {
  /** A ULID: the same command with the same key acts once. */
  idempotencyKey?: string;
  expectedVersion?: number;
  /** Ms until `timeout`. Default 30,000. */
  deadlineMs?: number;
  signal?: AbortSignal;
}

const REGISTER_MS = 5_000;
const REQUEST_MS = 30_000;
/** Requests of one connection that may be unanswered at a time. */
const REQUESTS_COUNT = 4_096;

interface Waiting {
  resolve(reply: SuccessReply): void;
  reject(error: HoldfastError): void;
}

type Line = Reply | EventEnvelope | PrivateEvent;

export class ControlClient {
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;
  readonly #connection: LineConnection;
  readonly #clock: Clock;
  readonly #handlers: ControlClientHandlers;
  readonly #waiting = new Map<string, Waiting>();
  #resolveClosed: () => void = () => {};
  #registered: RegisteredEvent | null = null;
  #greeting: { resolve(event: RegisteredEvent): void; reject(error: HoldfastError): void } | null = null;
  #lastId = 0;
  #alive = true;
  #reason: string | undefined;

  private constructor(stream: Duplex, clock: Clock, handlers: ControlClientHandlers) {
    this.#clock = clock;
    this.#handlers = handlers;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#connection = new LineConnection(
      stream,
      { line: (line) => this.#receive(line), closed: (error) => this.#gone(error) },
      { clock, maxLineBytes: limits.CONTROL_LINE_OUT_BYTES },
    );
  }

  /**
   * Connects and registers. Rejects with `unreachable`, `timeout`, or what the server refuses the registration with
   * (`bad_token`, `unsupported_protocol`).
   */
  static async open(
    connect: () => Promise<Duplex>,
    options: ControlClientOptions,
    handlers: ControlClientHandlers = {},
  ): Promise<ControlClient> {
    options.signal?.throwIfAborted();
    const client = new ControlClient(await connect(), options.clock, handlers);
    try {
      await client.#register(options);
    } catch (error) {
      client.#connection.destroy();
      throw error;
    }
    return client;
  }

  get registered(): RegisteredEvent {
    if (this.#registered === null) throw new HoldfastError('not_registered', 'the registration is not complete');
    return this.#registered;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Rejects with the server's error, `timeout`, `busy`, `unreachable` when the connection goes first, or the signal's reason. */
  request(command: { cmd: string }, options: RequestOptions = {}): Promise<SuccessReply> {
    if (!this.#alive) return Promise.reject(this.#unreachable());
    if (this.#waiting.size >= REQUESTS_COUNT) {
      return Promise.reject(
        new HoldfastError('busy', `${REQUESTS_COUNT} requests are waiting for a reply; wait for some`),
      );
    }
    if (options.signal?.aborted) return Promise.reject(asError(options.signal.reason));
    const id = String(++this.#lastId);
    const message = {
      ...command,
      request_id: id,
      ...(options.idempotencyKey === undefined ? {} : { idempotency_key: options.idempotencyKey }),
      ...(options.expectedVersion === undefined ? {} : { expected_version: options.expectedVersion }),
    };
    const text = JSON.stringify(message);
    if (Buffer.byteLength(text) > limits.CONTROL_LINE_IN_BYTES) {
      return Promise.reject(
        new HoldfastError('too_large', `a command holds at most ${limits.CONTROL_LINE_IN_BYTES} bytes`),
      );
    }
    return this.#ask(id, command.cmd, text, options);
  }

  #ask(
    id: string,
    cmd: string,
    text: string,
    { signal, deadlineMs = REQUEST_MS }: RequestOptions,
  ): Promise<SuccessReply> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#waiting.delete(id);
        cancel();
        signal?.removeEventListener('abort', aborted);
      };
      const fail = (error: Error): void => {
        settle();
        reject(error);
      };
      const aborted = (): void => fail(asError(signal?.reason));
      const cancel = this.#clock.after(deadlineMs, () => {
        fail(new HoldfastError('timeout', `${cmd} got no reply within ${deadlineMs} ms; it may still happen`));
      });
      signal?.addEventListener('abort', aborted, { once: true });
      this.#waiting.set(id, {
        resolve: (reply) => {
          settle();
          resolve(reply);
        },
        reject: fail,
      });
      this.#connection.sendText(text);
    });
  }

  /** Stops reading: back-pressure of a subscription. Replies wait too. */
  pause(): void {
    this.#connection.pause();
  }

  resume(): void {
    this.#connection.resume();
  }

  /** Sends what waits, then closes. */
  close(): void {
    this.#connection.close();
  }

  /** Closes at once. */
  destroy(): void {
    this.#connection.destroy();
  }

  #register(options: ControlClientOptions): Promise<void> {
    const { clock, signal, registerMs = REGISTER_MS, kind, pid, version, client_id, token } = options;
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#greeting = null;
        cancel();
        signal?.removeEventListener('abort', aborted);
      };
      const fail = (error: Error): void => {
        settle();
        reject(error);
      };
      const aborted = (): void => fail(asError(signal?.reason));
      const cancel = clock.after(registerMs, () =>
        fail(new HoldfastError('timeout', `no registration within ${registerMs} ms`)),
      );
      signal?.addEventListener('abort', aborted, { once: true });
      this.#greeting = {
        resolve: (event) => {
          this.#registered = event;
          settle();
          resolve();
        },
        reject: fail,
      };
      this.#connection.send({ cmd: 'register', kind, pid, version, protocol: CONTROL_PROTOCOL, client_id, token });
    });
  }

  #receive(line: Buffer): void {
    const message = JSON.parse(line.toString('utf8')) as Line;
    if ('reply' in message) this.#settle(message);
    else this.#event(message);
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.reply);
    // One that timed out or was aborted meanwhile.
    if (waiting === undefined) return;
    if (reply.ok) waiting.resolve(reply);
    else waiting.reject(HoldfastError.fromWire(reply.error));
  }

  #event(event: EventEnvelope | PrivateEvent): void {
    if (isPrivate(event, 'closed')) this.#reason = event.reason;
    if (isPrivate(event, 'registered') && this.#greeting !== null) {
      this.#greeting.resolve(event);
      return;
    }
    if (isPrivate(event, 'error') && this.#greeting !== null) this.#greeting.reject(complaint(event));
    if (this.#registered !== null) this.#handlers.event?.(event);
  }

  #gone(error: HoldfastError | null): void {
    this.#alive = false;
    const unreachable = this.#unreachable();
    for (const waiting of this.#waiting.values()) waiting.reject(unreachable);
    this.#greeting?.reject(error ?? unreachable);
    if (this.#registered !== null) this.#handlers.closed?.(this.#reason);
    this.#resolveClosed();
  }

  #unreachable(): HoldfastError {
    const why = this.#reason === undefined ? '' : `: ${this.#reason}`;
    return new HoldfastError('unreachable', `the runtime closed the connection${why}`, {
      details: this.#reason === undefined ? {} : { reason: this.#reason },
    });
  }
}

function isPrivate<K extends PrivateEvent['event']>(
  event: EventEnvelope | PrivateEvent,
  name: K,
): event is Extract<PrivateEvent, { event: K }> {
  return event.event === name;
}

function complaint(event: Extract<PrivateEvent, { event: 'error' }>): HoldfastError {
  const { code, message, field, retryable = false, details = {} } = event;
  return HoldfastError.fromWire({
    code: code as HoldfastError['code'],
    message,
    retryable,
    details,
    ...(field === undefined ? {} : { field }),
  });
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new HoldfastError('timeout', 'the request was aborted', { cause: reason });
}
