/** A session link over a unix socket, and finding the socket that serves a session now: its shim's or srv's archive. */
import type { SessionRecord } from '../protocol/control/index.ts';
import { HoldfastError, limits } from '../protocol/index.ts';
import {
  type Frame,
  type HelloEvent,
  parseSessionEvent,
  SESSION_PROTOCOL,
  type SessionCommand,
  type SessionEvent,
  type SessionEventName,
} from '../protocol/session/index.ts';
import { type Clock, withDeadline } from '../runtime/index.ts';
import { FrameConnection, openUnix } from '../transport/index.ts';
import { abortable } from './backoff.ts';
import {
  errorOf,
  type EventOf,
  type LinkHandlers,
  type OpenLink,
  type RequestOptions,
  type SessionLink,
} from './session-link.ts';

const REQUEST_MS = 30_000;
/** Requests of one link that may be unanswered at a time. */
const REQUESTS_COUNT = 64;

export interface SocketLinkOptions {
  path: string;
  sessionId: string;
  token: string;
  clientId: string;
  clock: Clock;
}

interface Waiting {
  answer: SessionEventName;
  onEvent: (event: SessionEvent) => 'more' | 'done';
  fail: (error: HoldfastError) => void;
}

class SocketLink implements SessionLink {
  /** Set by `say`, which every link goes through before anyone sees it. */
  hello!: HelloEvent;
  readonly #connection: FrameConnection;
  readonly #handlers: LinkHandlers;
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #greeting: { resolve: (hello: HelloEvent) => void; reject: (error: HoldfastError) => void } | undefined;
  #greeted = false;
  #closed = false;
  #error: HoldfastError | undefined;

  constructor(options: SocketLinkOptions, handlers: LinkHandlers) {
    this.#handlers = handlers;
    this.#clock = options.clock;
    this.#connection = new FrameConnection(
      openUnix(options.path),
      {
        frame: (frame) => this.#onFrame(frame),
        closed: (error) => this.#onClosed(error),
      },
      { clock: options.clock },
    );
  }

  async say(options: SocketLinkOptions): Promise<void> {
    const greeted = new Promise<HelloEvent>((resolve, reject) => {
      this.#greeting = { resolve, reject };
    });
    this.#connection.sendJson({
      cmd: 'Hello',
      protocol: [...SESSION_PROTOCOL] as [number, number],
      client_id: options.clientId,
      token: options.token,
      role: 'client',
      session_id: options.sessionId,
    } satisfies SessionCommand);
    const late = (): Error => unreachable(`the session at ${options.path} did not answer within ${limits.HELLO_MS} ms`);
    try {
      this.hello = await withDeadline(this.#clock, limits.HELLO_MS, greeted, late);
    } catch (error) {
      this.close();
      throw error;
    }
    if (this.hello.session_id !== options.sessionId) {
      this.close();
      throw new HoldfastError('conflict', `session ${this.hello.session_id} answers at ${options.path}`);
    }
  }

  post(command: SessionCommand): void {
    if (!this.#closed) this.#connection.sendJson(command);
  }

  input(epoch: number, seq: number, bytes: Buffer): void {
    if (!this.#closed) this.#connection.sendInput(epoch, seq, bytes);
  }

  request<N extends SessionEventName>(
    command: SessionCommand,
    answer: N,
    options: RequestOptions<N> = {},
  ): Promise<EventOf<N>> {
    let found: EventOf<N> | undefined;
    const onEvent = (event: SessionEvent): 'done' => {
      found = event as EventOf<N>;
      options.onAnswer?.(found);
      return 'done';
    };
    return this.#send(command, answer, options.deadlineMs ?? REQUEST_MS, onEvent).then(() => found!);
  }

  async requestParts<N extends 'BacklogSnapshot' | 'TeeSnapshot'>(
    command: SessionCommand,
    answer: N,
  ): Promise<EventOf<N>[]> {
    const parts: EventOf<N>[] = [];
    await this.#send(command, answer, REQUEST_MS, (event) => {
      parts.push(event as EventOf<N>);
      return (event as EventOf<'TeeSnapshot'>).last ? 'done' : 'more';
    });
    return parts;
  }

  close(): void {
    this.#connection.close();
  }

  async #send(
    command: SessionCommand,
    answer: SessionEventName,
    deadlineMs: number,
    onEvent: Waiting['onEvent'],
  ): Promise<void> {
    if (this.#closed) throw this.#error ?? unreachable('the connection to the session is closed');
    if (this.#waiting.size >= REQUESTS_COUNT) {
      throw new HoldfastError('busy', `${REQUESTS_COUNT} requests to this session are unanswered`);
    }
    const id = ++this.#lastId;
    const answered = new Promise<void>((resolve, reject) => {
      const done = (event: SessionEvent): 'more' | 'done' => {
        const state = onEvent(event);
        if (state === 'done') resolve();
        return state;
      };
      this.#waiting.set(id, { answer, onEvent: done, fail: reject });
    });
    this.#connection.sendJson({ ...command, id });
    try {
      await withDeadline(this.#clock, deadlineMs, answered, () => {
        return new HoldfastError('timeout', `the session did not answer ${command.cmd} within ${deadlineMs} ms`);
      });
    } finally {
      this.#waiting.delete(id);
    }
  }

  #onFrame(frame: Frame): void {
    if (frame.kind === 'data') this.#handlers.data(frame.stream, frame.offset, frame.bytes);
    else if (frame.kind === 'gap') this.#handlers.gap(frame.stream, frame.from, frame.to, frame.reason);
    else if (frame.kind === 'json') {
      const event = parseSessionEvent(frame.json);
      // Null: an event of a newer shim that this client does not know.
      if (event !== null) this.#onEvent(event);
    }
  }

  #onEvent(event: SessionEvent): void {
    const greeting = this.#greeting;
    if (greeting !== undefined) {
      if (event.event === 'Hello') {
        this.#greeted = true;
        greeting.resolve(event);
      } else if (event.event === 'Error') greeting.reject(errorOf(event));
      else return;
      this.#greeting = undefined;
      return;
    }
    const id = typeof event.id === 'number' ? event.id : this.#partOf(event);
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (id === undefined || waiting === undefined) {
      this.#handlers.event(event);
    } else if (event.event === 'Error') {
      this.#waiting.delete(id);
      waiting.fail(errorOf(event));
    } else if (event.event === waiting.answer && waiting.onEvent(event) === 'done') {
      this.#waiting.delete(id);
    }
  }

  /** Of an answer in parts only one part echoes the request's id. */
  #partOf(event: SessionEvent): number | undefined {
    if (event.event !== 'BacklogSnapshot' && event.event !== 'TeeSnapshot') return undefined;
    for (const [id, waiting] of this.#waiting) if (waiting.answer === event.event) return id;
    return undefined;
  }

  #onClosed(error: HoldfastError | null): void {
    this.#closed = true;
    this.#error = unreachable(error?.message ?? 'the session closed the connection', error);
    this.#greeting?.reject(this.#error);
    this.#greeting = undefined;
    for (const waiting of this.#waiting.values()) waiting.fail(this.#error);
    this.#waiting.clear();
    // Whoever never got this link may be using its handlers for another one by now.
    if (this.#greeted) this.#handlers.closed(error ?? undefined);
  }
}

function unreachable(message: string, cause?: unknown): HoldfastError {
  return new HoldfastError('unreachable', message, { cause: cause ?? undefined });
}

/** Connects to `path` and says Hello. */
export async function openSocketLink(options: SocketLinkOptions, handlers: LinkHandlers): Promise<SessionLink> {
  const link = new SocketLink(options, handlers);
  await link.say(options);
  return link;
}

export interface SessionAddress {
  path: string;
  token: string;
}

export interface ConnectorOptions {
  clientId: string;
  clock: Clock;
  /** Asks srv where the session is served now. */
  find: (sessionId: string, signal?: AbortSignal) => Promise<SessionAddress>;
}

/** Finds sessions' sockets and remembers them: a session stays reachable while srv is away. */
export class SessionConnector {
  readonly #options: ConnectorOptions;
  readonly #known = new Map<string, SessionAddress>();

  constructor(options: ConnectorOptions) {
    this.#options = options;
  }

  know(record: SessionRecord, token: string): void {
    if (record.state === 'starting') return;
    this.#known.set(record.id, { path: record.socket, token });
  }

  opener(sessionId: string): OpenLink {
    return async (handlers, signal) => {
      const known = this.#known.get(sessionId);
      if (known !== undefined) {
        try {
          return await this.#connect(sessionId, known, handlers, signal);
        } catch (error) {
          // The shim has gone, or moved its session to the archive: srv knows.
          if (!(error instanceof HoldfastError) || !isStale(error)) throw error;
          this.#known.delete(sessionId);
        }
      }
      const found = await this.#options.find(sessionId, signal);
      const link = await this.#connect(sessionId, found, handlers, signal);
      this.#known.set(sessionId, found);
      return link;
    };
  }

  #connect(
    sessionId: string,
    address: SessionAddress,
    handlers: LinkHandlers,
    signal?: AbortSignal,
  ): Promise<SessionLink> {
    const { clientId, clock } = this.#options;
    const opened = openSocketLink({ ...address, sessionId, clientId, clock }, handlers);
    opened.then(
      (link) => {
        if (signal?.aborted) link.close();
      },
      () => undefined,
    );
    return abortable(opened, signal);
  }
}

function isStale(error: HoldfastError): boolean {
  return (
    error.code === 'unreachable' ||
    error.code === 'conflict' ||
    error.code === 'not_found' ||
    error.code === 'bad_token'
  );
}
