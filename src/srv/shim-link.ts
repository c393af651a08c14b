/**
 * srv's one connection to a live shim, as role `broker`: it learns the session's facts as they happen and forwards what
 * is asked of the session. Nothing is sent while nothing happens.
 */
import { connect, type Socket } from 'node:net';
import { HoldfastError, limits } from '../protocol/index.ts';
import {
  encodeJson,
  FrameDecoder,
  type HelloEvent,
  parseSessionEvent,
  SESSION_PROTOCOL,
  type SessionCommand,
  type SessionEvent,
} from '../protocol/session/index.ts';
import { type Clock, withDeadline } from '../runtime/index.ts';

export interface ShimLinkOptions {
  socketPath: string;
  sessionId: string;
  token: string;
  clientId: string;
  clock: Clock;
}

export interface ShimLinkHandlers {
  event(event: SessionEvent): void;
  /** Once, after the last event. */
  closed(): void;
}

interface Waiting {
  resolve(event: SessionEvent): void;
  reject(error: HoldfastError): void;
}

/** Requests of one link that may be unanswered at a time. */
const REQUESTS_COUNT = 64;

export class ShimLink {
  readonly hello: HelloEvent;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #closed = false;

  private constructor(hello: HelloEvent, socket: Socket, clock: Clock) {
    this.hello = hello;
    this.#socket = socket;
    this.#clock = clock;
  }

  /**
   * Connects and says Hello. Rejects with `unreachable` when nobody listens, `timeout`, `bad_token` and whatever else
   * the shim answers, `conflict` when another session answers.
   */
  static async open(options: ShimLinkOptions, handlers: ShimLinkHandlers): Promise<ShimLink> {
    const socket = connect(options.socketPath);
    let link: ShimLink | undefined;
    const early: SessionEvent[] = [];
    const opening = new Promise<HelloEvent>((resolve, reject) => {
      const decoder = new FrameDecoder((frame) => {
        if (frame.kind !== 'json') return;
        const event = parseSessionEvent(frame.json);
        if (event === null) return;
        if (link !== undefined) link.#take(event, handlers);
        else if (event.event === 'Hello') resolve(event);
        else if (event.event === 'Error')
          reject(new HoldfastError(event.code, event.reason, { details: event.details ?? {} }));
        else early.push(event);
      });
      socket.on('data', (chunk) => {
        try {
          decoder.push(chunk);
        } catch (error) {
          socket.destroy(error as Error);
        }
      });
      socket.on('error', (error) => reject(unreachable(options.socketPath, error.message)));
      socket.on('close', () => {
        reject(unreachable(options.socketPath, 'the connection was closed'));
        if (link !== undefined) link.#end(handlers);
      });
      const protocol: [number, number] = [...SESSION_PROTOCOL];
      socket.write(
        encodeJson({
          cmd: 'Hello',
          protocol,
          client_id: options.clientId,
          token: options.token,
          role: 'broker',
        } satisfies SessionCommand),
      );
    });
    try {
      const hello = await withDeadline(
        options.clock,
        limits.HELLO_MS,
        opening,
        () =>
          new HoldfastError('timeout', `the shim at ${options.socketPath} did not answer within ${limits.HELLO_MS} ms`),
      );
      if (hello.session_id !== options.sessionId) {
        throw new HoldfastError(
          'conflict',
          `${options.socketPath} serves session ${hello.session_id}, not ${options.sessionId}`,
        );
      }
      link = new ShimLink(hello, socket, options.clock);
      for (const event of early) link.#take(event, handlers);
      if (socket.destroyed) link.#end(handlers);
      return link;
    } catch (error) {
      opening.catch(() => undefined); // Settled by the deadline; its own end is not news.
      socket.destroy();
      throw error;
    }
  }

  get open(): boolean {
    return !this.#closed;
  }

  /** Sends a command and resolves with the event that answers it. Rejects with the shim's error, `timeout`, `shim_lost`. */
  async request(command: SessionCommand, deadlineMs: number): Promise<SessionEvent> {
    if (this.#closed) throw linkLost(this.hello.session_id);
    if (this.#waiting.size >= REQUESTS_COUNT) {
      throw new HoldfastError(
        'busy',
        `${REQUESTS_COUNT} requests to session ${this.hello.session_id} wait for an answer; try again`,
      );
    }
    const id = ++this.#lastId;
    const answer = new Promise<SessionEvent>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#socket.write(encodeJson({ ...command, id }));
    try {
      return await withDeadline(
        this.#clock,
        deadlineMs,
        answer,
        () =>
          new HoldfastError(
            'timeout',
            `session ${this.hello.session_id} did not answer ${command.cmd} within ${deadlineMs} ms`,
          ),
      );
    } finally {
      this.#waiting.delete(id);
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(event: SessionEvent, handlers: ShimLinkHandlers): void {
    const waiting = typeof event.id === 'number' ? this.#waiting.get(event.id) : undefined;
    if (waiting !== undefined) {
      if (event.event === 'Error') {
        const { code, reason, field, retryable, details } = event;
        waiting.reject(new HoldfastError(code, reason, { field, retryable, details: details ?? {} }));
      } else waiting.resolve(event);
    }
    handlers.event(event);
  }

  #end(handlers: ShimLinkHandlers): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { reject } of this.#waiting.values()) reject(linkLost(this.hello.session_id));
    this.#waiting.clear();
    handlers.closed();
  }
}

function unreachable(path: string, why: string): HoldfastError {
  return new HoldfastError('unreachable', `the shim at ${path} cannot be reached: ${why}`);
}

function linkLost(sessionId: string): HoldfastError {
  return new HoldfastError(
    'shim_lost',
    `the connection to the shim of session ${sessionId} was lost; ask again for what became of it`,
    { retryable: true },
  );
}
