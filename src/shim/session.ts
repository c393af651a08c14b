/**
 * One session: its child, log, readers, writers, tees and screen, and what happens between them. Everything runs on
 * one thread in short turns; nothing here waits for a client or for the child.
 */
import { join } from 'node:path';
import { HoldfastError } from '../protocol/errors.ts';
import { LOG_DIRECTORY, type LaunchSpec } from '../protocol/launch/index.ts';
import { INPUT_QUEUE_BYTES, LOG_MEMORY_BYTES } from '../protocol/limits.ts';
import {
  type ChildFacts,
  type EndCause,
  type ExitFact,
  type HolderFact,
  type SessionEvent,
  STDERR,
  STDOUT,
  type StreamId,
  type Throttle,
} from '../protocol/session/index.ts';
import type { Clock, Faults, Ids } from '../runtime/index.ts';
import { ScreenService } from '../screen/index.ts';
import { FlowControl, QueryScanner, SessionLog } from '../session/index.ts';
import { Activity } from './activity.ts';
import type { Agent } from './agent/index.ts';
import { loadAgent } from './agent-ports.ts';
import { AnswerLimit } from './answer-limit.ts';
import type { Child, ChildHandlers } from './contract.ts';
import type { ProcessTree } from '../process/index.ts';
import { Ending } from './ending.ts';
import { InputQueue, Lease, type LeaseChange } from './input/index.ts';
import { Pace } from './pace.ts';
import { ExclusiveStreams } from './server/exclusive.ts';
import type { Attachment } from './server/attachment.ts';
import type { Peer } from './server/peer.ts';
import { lastLines } from './last-lines.ts';
import { TeeRegistry } from './tees/index.ts';

export interface SessionOptions {
  spec: LaunchSpec;
  clock: Clock;
  ids: Ids;
  faults: Faults;
  /** One line for the shim's own log. */
  note(message: string): void;
  /** Once, after the `end` record: readers may still be served. */
  ended(): void;
}

/** Unread bytes of a lossless reader that hold the child up, and those that let it go on. */
const LOSSLESS_HIGH_BYTES = 512 * 1024;
const LOSSLESS_LOW_BYTES = 128 * 1024;
/** What the child's reader may deliver in one turn of the loop (`ChildHandlers.output`). */
const TURN_BYTES = 1024 * 1024;
/** Lines of output that go with the news of a death (seed 3). */
const LAST_LINES = 20;

export class Session {
  readonly spec: LaunchSpec;
  readonly clock: Clock;
  readonly log: SessionLog;
  readonly lease: Lease<Peer>;
  readonly tees: TeeRegistry;
  readonly screen: ScreenService;
  readonly activity: Activity;
  readonly ending: Ending;
  readonly flow: FlowControl;
  readonly exclusive = new ExclusiveStreams();
  /** Greeted connections. */
  readonly peers = new Set<Peer>();
  /** Where each answer to a terminal query or a typed byte waits for the child. */
  input!: InputQueue;
  rows: number;
  cols: number;
  /** Seed 4 `signal_shutdown`: nothing more is read. */
  readingStopped = false;
  readonly #options: SessionOptions;
  readonly #queries: QueryScanner | null;
  /** What runs here says of itself; null: no agent. */
  agent: Agent | null = null;
  readonly #pace: Pace;
  #cause: EndCause = 'child';
  #attached = 0;
  #child!: Child;
  #tree!: ProcessTree;

  constructor(options: SessionOptions) {
    const { spec, clock, ids } = options;
    this.#options = options;
    this.spec = spec;
    this.clock = clock;
    this.rows = spec.rows;
    this.cols = spec.cols;
    const memory = spec.limits.memory_bytes || LOG_MEMORY_BYTES;
    this.log = new SessionLog({
      clock,
      directory: join(spec.session_dir, LOG_DIRECTORY),
      streams: this.streams,
      // Without a disk, memory also has to hold what one turn brings after the child was told to wait.
      memoryBytes: memory + (spec.limits.spill_bytes === 0 ? TURN_BYTES : 0),
      spillBytes: spec.limits.spill_bytes,
      segmentBytes: spec.limits.segment_bytes,
      onSpillFailed: (error) => this.warn(`output is no longer written to disk: ${error.message}`),
    });
    this.lease = new Lease({
      clock,
      ids,
      leaseMs: spec.limits.lease_ms,
      changed: (reason, previous) => this.#leaseChanged(reason, previous),
    });
    this.#pace = new Pace(
      clock,
      () => this.#child,
      () => this.#attached > 0,
    );
    this.flow = new FlowControl({
      clock,
      highBytes: Math.min(LOSSLESS_HIGH_BYTES, memory / 2),
      lowBytes: Math.min(LOSSLESS_LOW_BYTES, memory / 8),
      pause: () => this.#pace.hold(),
      resume: () => this.#pace.release(),
      noticed: (throttled) => this.broadcast({ event: 'Throttled', throttled }),
    });
    this.tees = new TeeRegistry(this.log, clock, this.flow, spec.limits.stall_ms);
    this.activity = new Activity({
      clock,
      emit: (event) => this.broadcast(event),
      told: (spec.agent ?? null) !== null,
      usage: () => this.agent?.usage ?? null,
    });
    this.screen = new ScreenService({
      source: this.log,
      rows: spec.rows,
      cols: spec.cols,
      clock,
      answer: (reply) => this.#answerQuery(reply),
      failed: (error) => this.warn(`terminal queries stay unanswered: ${error.message}`),
    });
    const answers = new AnswerLimit(clock);
    this.#queries =
      spec.kind === 'pty'
        ? new QueryScanner(
            (end) => this.screen.query(end, this.#driverIsLive()),
            (answer) => {
              if (answers.takes()) this.#answerQuery(answer);
            },
          )
        : null;
    this.ending = this.#createEnding();
  }

  get streams(): readonly StreamId[] {
    return this.spec.kind === 'pty' || this.spec.merge_stderr ? [STDOUT] : [STDOUT, STDERR];
  }

  get child(): Child {
    return this.#child;
  }

  /** What the child's reader reports to. */
  get handlers(): ChildHandlers {
    return {
      output: (stream, bytes) => this.#output(stream, bytes),
      eof: (stream) => this.ending.streamEnded(stream),
      exit: (status) => this.ending.childExited(status),
    };
  }

  /**
   * Before the fork: an agent is read from its first byte on. Its code is loaded here and only for it. Throws what the
   * start is refused with.
   */
  async prepareAgent(): Promise<void> {
    this.agent = await loadAgent(this, this.#options);
  }

  /** Before the fork: the size is the log's first entry, so that every screen starts right. */
  begin(): void {
    if (this.spec.kind === 'pty') this.log.resize(this.rows, this.cols);
  }

  started(child: Child, tree: ProcessTree): void {
    this.#child = child;
    this.#tree = tree;
    this.input = new InputQueue(child, INPUT_QUEUE_BYTES, () => {
      for (const peer of this.peers) peer.connection.resume();
    });
    this.agent?.started();
  }

  /** The child could not be started after all: the log says so to whoever finds it. */
  abandon(): void {
    this.activity.exited('not started');
    this.agent?.close();
    if (!this.log.ended) this.log.end('start_failed', []);
    this.log.close();
  }

  facts(): ChildFacts {
    return {
      pid: this.#child.pid,
      start_time: this.#child.start_time,
      state: this.ending.state,
      exit: this.ending.exit,
      held_by: this.ending.holders,
      rows: this.rows,
      cols: this.cols,
      containment: this.#tree.containment,
      throttled: this.throttled,
      spill: this.log.spill,
    };
  }

  get throttled(): Throttle | null {
    return this.flow.throttle;
  }

  broadcast(event: SessionEvent): void {
    for (const peer of this.peers) peer.send(event);
  }

  warn(message: string): void {
    this.broadcast({ event: 'Warning', message, idle_secs: null });
  }

  /** Throws `stream_unavailable` for a session without a terminal. */
  resize(rows: number, cols: number): void {
    if (this.spec.kind !== 'pty')
      throw new HoldfastError('stream_unavailable', 'a pipe session has no terminal to resize', { field: 'rows' });
    if (rows === this.rows && cols === this.cols) return;
    this.rows = rows;
    this.cols = cols;
    // The record comes first: what the child draws for the new size comes after it.
    if (!this.log.ended) this.log.resize(rows, cols);
    if (this.ending.state === 'running') this.#child.resize(rows, cols);
  }

  /** A reader came; a session somebody watches does not rest. */
  attached(attachment: Attachment): void {
    this.#attached++;
    this.#pace.watched();
    attachment.peer.attachment = attachment;
  }

  /** A reader went. */
  detached(attachment: Attachment): void {
    this.#attached--;
    this.exclusive.release(attachment);
  }

  /** The `End` event went out to a reader: nothing more is owed to it. */
  readerFinished(attachment: Attachment): void {
    if (attachment.mode === 'exclusive') attachment.end(this.#cause === 'terminated' ? 'terminated' : 'session_exited');
    // Sends what waits first.
    attachment.peer.close();
  }

  /** The reading side is shut for good (seed 4 `signal_shutdown`); what was read stays. */
  stopReading(): void {
    if (this.readingStopped) return;
    this.readingStopped = true;
    this.#pace.stop();
    this.#child.pauseOutput();
    this.ending.readingStopped();
  }

  /** The connection is gone. */
  disconnected(peer: Peer): void {
    this.peers.delete(peer);
    this.lease.disconnected(peer);
    peer.attachment?.close();
  }

  /** Whether a terminal that answers queries shows the output now. */
  #driverIsLive(): boolean {
    return this.lease.holder?.attachment?.terminal === true;
  }

  #output(stream: StreamId, bytes: Buffer): void {
    if (this.readingStopped || this.log.ended) return;
    const { length } = bytes;
    this.#queries?.push(bytes);
    this.log.append(stream, bytes);
    this.#options.faults.hit('shim.spill.after');
    this.flow.appended();
    this.activity.output(length);
    this.#pace.output(length);
    if (stream === STDOUT) this.agent?.output(bytes);
  }

  #answerQuery(reply: string): void {
    if (this.ending.state !== 'running' || this.input.isClosed || this.input.isFull) return;
    this.input.push({ bytes: Buffer.from(reply), isCurrent: () => true, settled: () => {} });
  }

  #leaseChanged(reason: LeaseChange, previous: Peer | null): void {
    const lease = this.lease.info;
    const attachment = previous?.attachment;
    if (previous !== null && attachment?.mode === 'drive') {
      if (attachment.terminal) this.screen.driverLeft(attachment.sentTo(STDOUT));
      if (reason === 'stolen' || reason === 'resumed') attachment.end('stolen', lease?.client_id);
    }
    this.broadcast({ event: 'LeaseChanged', lease, reason });
  }

  #createEnding(): Ending {
    return new Ending({
      clock: this.clock,
      child: () => this.#child,
      tree: () => this.#tree,
      streams: this.streams,
      lingerMs: this.spec.limits.linger_ms,
      handlers: {
        exited: (exit) => this.#childExited(exit),
        heldBy: () => this.broadcast(this.heldBy()),
        eof: (stream) => this.#eof(stream),
        finished: (cause, survivors) => this.#finished(cause, survivors),
        warn: (message) => this.warn(message),
      },
    });
  }

  /** Who still has the output open after the child's exit. */
  heldBy(): SessionEvent {
    const offsets = Object.fromEntries(this.log.extents().map(({ id, end }) => [String(id), end]));
    return { event: 'HeldBy', holders: this.ending.holders, offsets };
  }

  /** Readers get it in the order of the log; this is for everybody else. */
  #tellOthers(event: SessionEvent): void {
    for (const peer of this.peers) if (peer.attachment === null) peer.send(event);
  }

  #eof(stream: StreamId): void {
    this.log.eof(stream);
    const offset = this.log.extents().find(({ id }) => id === stream)?.end ?? 0;
    this.#tellOthers({ event: 'Eof', stream, offset });
  }

  #childExited(exit: ExitFact): void {
    this.log.childExit(exit);
    this.#tellOthers({ event: 'ChildExit', exit });
    const how = exit.signal === null ? `exited with ${exit.code}` : `ended by ${exit.signal}`;
    this.agent?.exited(exit);
    this.activity.exited(how);
    this.broadcast({
      event: 'Died',
      exit_code: exit.code,
      last_lines: lastLines(this.log, STDOUT, LAST_LINES),
      signal: exit.signal,
    });
  }

  #finished(cause: EndCause, survivors: HolderFact[]): void {
    this.#cause = cause;
    this.#pace.stop();
    this.flow.close();
    this.#child.close();
    this.#end(cause, survivors).catch((error: Error) => {
      this.warn(error.message);
      this.#options.ended();
    });
  }

  async #end(cause: EndCause, survivors: HolderFact[]): Promise<void> {
    for (const stream of this.streams) if (survivors.length === 0) this.log.eof(stream);
    await this.agent?.settled();
    await this.tees.closeAll();
    this.#options.faults.hit('shim.end.before');
    this.#tellOthers({ event: 'End', cause, survivors });
    this.tees.stdin.end(cause, survivors);
    this.log.end(cause, survivors);
    this.lease.close();
    this.agent?.close();
    this.screen.close();
    this.log.close();
    this.#options.ended();
  }

  /** A request to end and why (seed 3 `ShutdownReason`, or the command's name): kept in the shim's own log. */
  terminate(graceMs: number, reason: string, clientId: string): void {
    this.#options.note(`termination within ${graceMs} ms asked by ${clientId}: ${reason}`);
    this.ending.terminate(graceMs);
  }
}
