/** The session socket for sessions that have ended: srv serves their logs with the frames a shim would send. */
import type { Duplex } from 'node:stream';
import { HoldfastError, invalid } from '../protocol/errors.ts';
import { CONNECTIONS_PER_SESSION, HELLO_MS } from '../protocol/limits.ts';
import {
  type AttachCommand,
  type ChildFacts,
  type Frame,
  type HelloCommand,
  parseSessionCommand,
  type SessionCommand,
  SessionCommandError,
  type SessionEvent,
  type SessionKind,
} from '../protocol/session/index.ts';
import type { Clock } from '../runtime/index.ts';
import { FrameConnection } from '../transport/index.ts';
import { attachedStreams, attachStreams, readBacklog, resolveStart } from './attach.ts';
import { ClosedTranscript, type TranscriptPage } from './closed-transcript.ts';
import type { LogSource } from './contract.ts';
import { acceptHello, expectHello, helloRequired } from './hello.ts';
import { ReaderPump } from './serve.ts';

/** What a Hello and the answers say about an ended session. */
export interface ClosedSession {
  session_id: string;
  kind: SessionKind;
  log: LogSource;
  shim_pid: number;
  start_time: number;
  boot_id: string;
  version: string;
  child: ChildFacts;
  /** Wall clock of the end, ms. */
  ended_at_ms: number;
  /** Null: it ran none. `transcript`: path of a structured agent's conversation; null: it was at a terminal. */
  agent: { transcript: string | null } | null;
}

export interface ClosedSessionServerOptions {
  clock: Clock;
  /** Quoted by whoever may read; without it nobody learns which sessions there are. */
  token: string;
  /** Throws `not_found` for a session whose log is not held here, `conflict` for a live one. */
  find(sessionId: string): ClosedSession | Promise<ClosedSession>;
  /** Draws the last screen of a log; without it `CaptureScreen` and `from: "screen"` are refused. */
  screen?: ClosedScreens;
}

export interface ClosedScreens {
  capture(
    session: ClosedSession,
    lastLines: number | undefined,
  ): Promise<Extract<SessionEvent, { event: 'ScreenCapture' }>>;
  /** The serialised screen at the head of the log. */
  serialize(
    session: ClosedSession,
  ): Promise<{ offset: number; exact: boolean; rows: number; cols: number; bytes: Buffer }>;
}

type CommandId = string | number | undefined;

const CAPABILITIES = ['attach', 'archive'];
/** Bytes of one `BacklogSnapshot` or `Screen` event before base64. */
const PART_BYTES = 192 * 1024;
const BACKLOG_BYTES = 1024 * 1024;

/** Serves every closed log; the caller owns the listener and hands each connection over. */
export class ClosedSessionServer {
  readonly #options: ClosedSessionServerOptions;
  readonly #peers = new Set<ArchivePeer>();

  constructor(options: ClosedSessionServerOptions) {
    this.#options = options;
  }

  accept(stream: Duplex): void {
    const peer = new ArchivePeer(stream, this.#options, () => this.#peers.delete(peer));
    this.#peers.add(peer);
    if (this.#peers.size > CONNECTIONS_PER_SESSION) {
      peer.turnAway(
        new HoldfastError(
          'busy',
          `the archive takes at most ${CONNECTIONS_PER_SESSION} connections; close one and try again`,
        ),
      );
    }
  }

  /** Connections served now. */
  get connections(): number {
    return this.#peers.size;
  }

  /** Ends what reads `sessionId`, because its log is about to be removed. */
  release(sessionId: string): void {
    for (const peer of this.#peers) if (peer.sessionId === sessionId) peer.close();
  }

  close(): void {
    for (const peer of this.#peers) peer.close();
  }
}

class ArchivePeer {
  readonly #options: ClosedSessionServerOptions;
  readonly #connection: FrameConnection;
  readonly #cancelHello: () => void;
  #session: ClosedSession | undefined;
  #transcript: ClosedTranscript | undefined;
  #answers: Promise<void> = Promise.resolve();
  #waiting = 0;
  #closed = false;
  #pump: ReaderPump | undefined;
  #wasAttached = false;

  constructor(stream: Duplex, options: ClosedSessionServerOptions, closed: () => void) {
    this.#options = options;
    this.#connection = new FrameConnection(
      stream,
      {
        frame: (frame) => this.#frame(frame),
        drained: () => this.#pump?.drained(),
        refused: (error) => this.#refuse(undefined, '', error),
        closed: () => {
          this.#closed = true;
          this.#cancelHello();
          this.#pump?.close();
          closed();
        },
      },
      { clock: options.clock },
    );
    this.#cancelHello = options.clock.after(HELLO_MS, () => this.turnAway(helloRequired()), { unref: true });
  }

  get sessionId(): string | undefined {
    return this.#session?.session_id;
  }

  turnAway(error: HoldfastError, id?: CommandId): void {
    this.#refuse(id, 'Hello', error);
    this.close();
  }

  close(): void {
    this.#closed = true;
    this.#pump?.close();
    this.#connection.close();
  }

  #frame(frame: Frame): void {
    if (frame.kind === 'json') {
      this.#json(frame.json);
    } else if (this.#session === undefined && this.#waiting === 0) {
      this.turnAway(helloRequired());
    } else if (frame.kind === 'input') {
      this.#refuse(undefined, 'Input', exited(this.#session));
    } else {
      throw new HoldfastError('bad_frame', `a client does not send ${frame.kind.toUpperCase()} frames`);
    }
  }

  #json(json: Buffer): void {
    let command: SessionCommand;
    try {
      command = parseSessionCommand(json);
    } catch (error) {
      if (!(error instanceof SessionCommandError) || error.code === 'bad_frame') throw error;
      this.#refuse(error.id, error.command, error);
      if (this.#session === undefined) this.close();
      return;
    }
    // One after the other: what follows a Hello must not overtake it. While one is answered nothing more is read.
    this.#connection.pause();
    this.#waiting++;
    this.#answers = this.#answers
      .then(() => this.#answer(command))
      .finally(() => {
        if (--this.#waiting === 0 && !this.#closed) this.#connection.resume();
      });
  }

  async #answer(command: SessionCommand): Promise<void> {
    if (this.#closed) return;
    try {
      if (this.#session !== undefined) await this.#dispatch(this.#session, command);
      else await this.#greet(command);
    } catch (error) {
      const refusal = HoldfastError.from(error);
      if (this.#closed) return;
      if (this.#session === undefined) this.turnAway(refusal, command.id);
      else this.#refuse(command.id, command.cmd, refusal);
    }
  }

  async #greet(command: SessionCommand): Promise<void> {
    const hello: HelloCommand = expectHello(command);
    const protocol = acceptHello(hello, this.#options.token);
    if (hello.session_id === undefined)
      throw invalid('session_id', 'the archive serves many sessions: Hello must name one in session_id');
    const session = await this.#options.find(hello.session_id);
    if (this.#closed) return;
    this.#cancelHello();
    this.#session = session;
    this.#reply(command.id, {
      event: 'Hello',
      protocol,
      session_id: session.session_id,
      kind: session.kind,
      shim_pid: session.shim_pid,
      start_time: session.start_time,
      boot_id: session.boot_id,
      version: session.version,
      capabilities: this.#options.screen === undefined ? CAPABILITIES : [...CAPABILITIES, 'screen'],
      streams: session.log.extents(),
      lease: null,
      child: session.child,
    });
  }

  async #dispatch(session: ClosedSession, command: SessionCommand): Promise<void> {
    switch (command.cmd) {
      case 'Attach':
        return this.#attach(session, command, command.id);
      case 'Detach':
        this.#attached().close();
        this.#pump = undefined;
        return this.#reply(command.id, { event: 'Ended', reason: 'detached' });
      case 'Credit':
        // Credit may cross the end on its way.
        if (this.#pump === undefined && this.#wasAttached) return;
        return this.#attached().grant(command.bytes);
      case 'Backlog':
        return this.#backlog(session, command.stream, command.id);
      case 'GetState':
        return this.#reply(command.id, { event: 'State', state: 'dead', since_secs: this.#secondsSince(session) });
      case 'Ping':
        return this.#reply(command.id, { event: 'Pong' });
      case 'CaptureScreen':
        return this.#reply(command.id, await this.#screens(session).capture(session, command.last_n_lines));
      case 'GetTranscript':
        return this.#reply(command.id, {
          event: 'Transcript',
          ...(await this.#conversation(session, command.from, command.limit)),
        });
      case 'Hello':
        throw new HoldfastError('conflict', 'this connection has said Hello already', { field: 'cmd' });
      default:
        throw exited(session);
    }
  }

  async #attach(session: ClosedSession, command: AttachCommand, id: CommandId): Promise<void> {
    if (this.#pump !== undefined)
      throw new HoldfastError(
        'already_attached',
        'this connection is attached already; send Detach first or use another connection',
      );
    // Seed 4: an exclusive attach to an ended session is refused; and nobody can drive one.
    if (command.mode !== 'observe') throw exited(session);
    const { log } = session;
    const streams = attachStreams(log, command.streams);
    const screen = command.from === 'screen' ? await this.#screens(session).serialize(session) : undefined;
    const start =
      command.from === 'screen' ? { offsets: { 1: screen!.offset } } : resolveStart(log, streams, command.from);
    if (this.#closed) return;
    const cursor = log.cursor(streams, start);
    const pump = new ReaderPump({
      source: log,
      cursor,
      sink: this.#connection,
      streams,
      credit: command.credit,
      finished: () => this.#finished(pump),
    });
    this.#pump = pump;
    this.#wasAttached = true;
    this.#reply(id, {
      event: 'Attached',
      mode: 'observe',
      streams: attachedStreams(log, start),
      lease: null,
      rows: session.child.rows,
      cols: session.child.cols,
      // Nothing here is live: whatever is read was shown before.
      live_from: log.extents().find((extent) => extent.id === 1)?.end ?? 0,
    });
    if (screen !== undefined) {
      const { offset, exact, rows, cols } = screen;
      this.#parts(screen.bytes, (data, _at, last) =>
        this.#connection.sendJson({ event: 'Screen', offset, exact, rows, cols, data, last } satisfies SessionEvent),
      );
    }
    pump.start();
  }

  #finished(pump: ReaderPump): void {
    pump.close();
    if (this.#pump === pump) this.#pump = undefined;
    this.#reply(undefined, { event: 'Ended', reason: 'session_exited' });
  }

  #backlog(session: ClosedSession, stream: 0 | 1 | 2, id: CommandId): void {
    const { offset, bytes, droppedBytes } = readBacklog(session.log, stream, BACKLOG_BYTES);
    this.#parts(bytes, (data, at, last) =>
      this.#reply(last ? id : undefined, {
        event: 'BacklogSnapshot',
        stream,
        offset: offset + at,
        data,
        dropped_bytes: droppedBytes,
        last,
      }),
    );
  }

  #parts(bytes: Buffer, send: (data: string, at: number, last: boolean) => void): void {
    for (let at = 0; at === 0 || at < bytes.length; at += PART_BYTES) {
      const end = Math.min(bytes.length, at + PART_BYTES);
      send(bytes.toString('base64', at, end), at, end === bytes.length);
    }
  }

  #attached(): ReaderPump {
    if (this.#pump !== undefined) return this.#pump;
    throw new HoldfastError('conflict', 'this connection is not attached');
  }

  #screens(session: ClosedSession): ClosedScreens {
    if (session.kind !== 'pty') throw invalid('from', 'a pipe session has no screen');
    if (this.#options.screen !== undefined) return this.#options.screen;
    throw exited(session);
  }

  #conversation({ agent }: ClosedSession, from: number, limit: number): Promise<TranscriptPage> {
    if (agent === null) throw new HoldfastError('conflict', 'this session ran no agent', { field: 'cmd' });
    // What was said at a terminal is in the log.
    if (agent.transcript === null) return Promise.resolve({ entries: [], next: 0 });
    this.#transcript ??= new ClosedTranscript(agent.transcript);
    return this.#transcript.page(from, limit);
  }

  #secondsSince(session: ClosedSession): number {
    return Math.max(0, Math.floor((this.#options.clock.now() - session.ended_at_ms) / 1000));
  }

  #reply(id: CommandId, event: SessionEvent): void {
    this.#connection.sendJson(id === undefined ? event : { ...event, id });
  }

  #refuse(id: CommandId, command: string, error: HoldfastError): void {
    const { field, ...wire } = error.toWire();
    this.#reply(id, {
      event: 'Error',
      command,
      reason: wire.message,
      code: wire.code,
      ...(field === undefined ? {} : { field }),
      retryable: wire.retryable,
      ...(Object.keys(wire.details).length === 0 ? {} : { details: wire.details }),
    });
  }
}

/** Seed 4 `SessionExited(state)`. */
function exited(session: ClosedSession | undefined): HoldfastError {
  const details = session === undefined ? {} : { state: session.child.state, exit: session.child.exit };
  return new HoldfastError(
    'session_exited',
    'the session has ended: its output and transcript can be read, nothing else',
    {
      details,
    },
  );
}
