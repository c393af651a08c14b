/**
 * A reader of one session's log that survives its connections: it resumes at its offsets, quotes its lease, sends
 * unacknowledged input again, and hands on every byte once (P2). Attach, `output()` and the tees stand on it.
 */
import { HoldfastError } from '../protocol/index.ts';
import type {
  AttachCommand,
  AttachFrom,
  EndedReason,
  LeaseTicket,
  SessionEvent,
  StreamExtent,
  StreamId,
} from '../protocol/session/index.ts';
import type { Clock } from '../runtime/index.ts';
import { Backoff, pause } from './backoff.ts';
import { InputQueue } from './input-queue.ts';
import { Positions } from './positions.ts';
import type { AttachedInfo, ReaderHandlers, ReaderOptions } from './reader-contract.ts';
import { errorOf, type EventOf, type OpenLink, refusedInput, type SessionLink } from './session-link.ts';

const START_MS = 10_000;
const RECONNECT_FIRST_MS = 20;
const RECONNECT_MAX_MS = 1_000;
/** How long a reader looks for its session before it gives up. */
const RECONNECT_MS = 60_000;
/** Connections in a row that died young without a byte out or in. */
const FRUITLESS_LINKS = 40;
const YOUNG_MS = 1_000;
const RESUMABLE: ReadonlySet<EndedReason> = new Set<EndedReason>(['lagged', 'write_timeout']);
const FINAL: ReadonlySet<EndedReason> = new Set<EndedReason>(['stolen', 'detached', 'cleared']);

export interface ReaderContext {
  open: OpenLink;
  clock: Clock;
}

export class SessionReader {
  readonly #context: ReaderContext;
  readonly #options: ReaderOptions;
  readonly #handlers: ReaderHandlers;
  readonly #positions = new Positions();
  readonly #input = new InputQueue();
  readonly #abort = new AbortController();
  #link: SessionLink | undefined;
  #from: AttachFrom | undefined;
  #size: { rows: number; cols: number } | undefined;
  /** Delivered and not consumed. */
  #outstanding = 0;
  /** Consumed and not yet granted again. */
  #owed = 0;
  #toldExit = false;
  #stdinClosed = false;
  /** The session has exited: there is nothing left to drive, and all of it to read. */
  #readOnly = false;
  #fruitless = 0;
  /** Why this reader itself closed its connection. */
  #contradiction: unknown;
  #finished = false;
  #attachedOnce = false;
  #extents: readonly StreamExtent[] = [];
  #attachedAt = 0;
  readonly #toldEof = new Set<StreamId>();

  constructor(context: ReaderContext, options: ReaderOptions, handlers: ReaderHandlers) {
    this.#context = context;
    this.#options = options;
    this.#handlers = handlers;
    if (options.rows !== undefined && options.cols !== undefined)
      this.#size = { rows: options.rows, cols: options.cols };
  }

  get finished(): boolean {
    return this.#finished;
  }

  get lease(): LeaseTicket | undefined {
    return this.#input.ticket;
  }

  get pendingInputBytes(): number {
    return this.#input.pendingBytes;
  }

  /** What the session held at the last attach. */
  get extents(): readonly StreamExtent[] {
    return this.#extents;
  }

  /** Attaches for the first time; rejects with the session's refusal. Later connections are the reader's own affair. */
  async start(): Promise<AttachedInfo> {
    const backoff = new Backoff(this.#context.clock, {
      firstMs: RECONNECT_FIRST_MS,
      maxMs: RECONNECT_MAX_MS,
      deadlineMs: START_MS,
    });
    let last: unknown;
    try {
      while (await backoff.turn(this.#abort.signal)) {
        try {
          return await this.#attach();
        } catch (error) {
          last = error;
          if (!this.#mayRetry(HoldfastError.from(error))) break;
        }
      }
    } catch (error) {
      last = error;
    }
    this.#finished = true;
    throw last;
  }

  /** The consumer is done with `bytes` bytes: the session may send as many more. */
  consumed(bytes: number): void {
    this.#outstanding -= bytes;
    this.#owed += bytes;
    if (this.#owed >= this.#options.credit / 4) this.#grant();
  }

  /** Resolves when the child's terminal or pipe took the bytes; `not_driver` without the lease. */
  write(bytes: Buffer): Promise<void> {
    if (this.#finished) return Promise.reject(new HoldfastError('lease_lost', 'this attachment has ended'));
    if (this.#options.mode !== 'drive') {
      return Promise.reject(new HoldfastError('not_driver', 'this attachment only reads; attach with mode "drive"'));
    }
    return this.#input.write(bytes);
  }

  resize(rows: number, cols: number): void {
    this.#size = { rows, cols };
    this.#link?.post({ cmd: 'Resize', rows, cols });
  }

  closeStdin(): void {
    this.#stdinClosed = true;
    this.#tellStdinClosed();
  }

  /** Attaches anew at `from`, keeping the lease: how a terminal that met a gap gets its screen back. */
  restart(from: AttachFrom): void {
    this.#from = from;
    this.#link?.close();
  }

  /** Leaves: the lease is given back, the child is not touched. */
  close(): void {
    if (this.#finished) return;
    if (this.#link !== undefined) this.#link.post({ cmd: 'Detach' });
    this.#finish('closed');
  }

  async #attach(): Promise<AttachedInfo> {
    const state = { live: true, link: undefined as SessionLink | undefined };
    const guarded = <A extends unknown[]>(handle: (...args: A) => void) => {
      return (...args: A): void => {
        if (!state.live || this.#finished) return;
        try {
          handle(...args);
        } catch (error) {
          // What this connection brought contradicts the log so far; another one may not.
          state.link?.close();
          if (!(error instanceof HoldfastError) || error.code !== 'bad_frame')
            this.#finish('closed', HoldfastError.from(error));
        }
      };
    };
    const link = await this.#context.open(
      {
        data: guarded((stream, offset, bytes: Buffer) => this.#onData(stream, offset, bytes)),
        gap: guarded((stream, from, to, reason) => {
          const told = this.#positions.skip(stream, from, to);
          if (told !== undefined) this.#handlers.item({ type: 'gap', stream, from: told.from, to: told.to, reason });
          this.#positions.settle();
        }),
        event: guarded((event) => {
          // A session tells its news to every connection; the log's begin with the attach.
          if (state.link !== undefined) this.#onEvent(event);
        }),
        closed: (error) => {
          if (!state.live) return;
          state.live = false;
          this.#input.disconnected();
          this.#link = undefined;
          if (state.link !== undefined) this.#onLost(error);
        },
      },
      this.#abort.signal,
    );
    try {
      const fresh = this.#from !== undefined || this.#positions.resume() === undefined;
      return await link.request(this.#attachCommand(), 'Attached', {
        onAnswer: (info) => {
          state.link = link;
          this.#onAttached(link, info, fresh);
        },
      });
    } catch (error) {
      state.live = false;
      link.close();
      throw error;
    }
  }

  #attachCommand(): AttachCommand {
    const { from, streams, credit } = this.#options;
    this.#owed = 0;
    const reading = {
      cmd: 'Attach' as const,
      from: this.#from ?? this.#positions.resume() ?? from,
      credit: Math.max(0, credit - this.#outstanding),
      ...(streams === undefined ? {} : { streams }),
    };
    if (this.#readOnly) return { ...reading, mode: 'observe' };
    const { mode, policy, steal, terminal, stallMs } = this.#options;
    const ticket = this.#input.ticket;
    return {
      ...reading,
      mode,
      ...(policy === undefined ? {} : { policy }),
      ...(steal === true && !this.#attachedOnce ? { steal } : {}),
      ...(terminal === undefined ? {} : { terminal }),
      ...(stallMs === undefined ? {} : { stall_ms: stallMs }),
      ...this.#size,
      ...(ticket === undefined ? {} : { lease: ticket }),
    };
  }

  #onAttached(link: SessionLink, info: AttachedInfo, fresh: boolean): void {
    this.#link = link;
    this.#from = undefined;
    this.#extents = info.streams;
    this.#attachedOnce = true;
    this.#attachedAt = this.#context.clock.monotonic();
    // A resume keeps its own positions: the session repeats nothing before them and tells a gap where it has to.
    if (fresh) for (const stream of info.streams) this.#positions.begin(stream.id, stream.from);
    if (info.lease !== null) this.#input.connected(info.lease, (epoch, seq, bytes) => link.input(epoch, seq, bytes));
    this.#tellStdinClosed();
    this.#handlers.attached?.(info, link.hello.capabilities);
  }

  #tellStdinClosed(): void {
    if (this.#stdinClosed && this.#input.pendingBytes === 0) this.#link?.post({ cmd: 'WriteStdin', close: true });
  }

  #onData(stream: StreamId, offset: number, bytes: Buffer): void {
    const news = this.#positions.accept(stream, offset, bytes);
    // The session counts every byte it sent; one that brings nothing new is consumed here.
    this.#outstanding += bytes.length;
    if (news === undefined) {
      this.consumed(bytes.length);
      return;
    }
    if (news.bytes.length < bytes.length) this.consumed(bytes.length - news.bytes.length);
    this.#fruitless = 0;
    this.#handlers.item({ type: 'data', stream, offset: news.offset, bytes: news.bytes });
    this.#positions.settle();
  }

  #onEvent(event: SessionEvent): void {
    switch (event.event) {
      case 'Screen':
        if (event.last) this.#positions.begin(1, event.offset);
        this.#handlers.screen?.(event);
        break;
      case 'ChildExit':
        if (!this.#toldExit) this.#handlers.item({ type: 'child_exit', exit: event.exit });
        this.#toldExit = true;
        break;
      case 'HeldBy':
        this.#positions.whenPast(event.offsets ?? {}, () => {
          this.#handlers.item({ type: 'held_by', holders: event.holders });
        });
        break;
      case 'Eof':
        if (!this.#toldEof.has(event.stream)) {
          this.#handlers.item({ type: 'eof', stream: event.stream, offset: event.offset });
        }
        this.#toldEof.add(event.stream);
        break;
      case 'Resized':
        this.#handlers.item({ type: 'resize', rows: event.rows, cols: event.cols, offset: event.offset });
        break;
      case 'End':
        this.#onEnd(event);
        break;
      case 'InputAck':
        this.#fruitless = 0;
        this.#input.acknowledged(event.epoch, event.seq);
        this.#tellStdinClosed();
        break;
      case 'Error':
        this.#onError(event);
        break;
      case 'LeaseChanged':
        this.#handlers.lease?.(event.lease, event.reason);
        break;
      case 'Ended':
        this.#onEnded(event.reason, event.by);
        break;
      default:
        this.#handlers.other?.(event);
    }
  }

  #onError(event: EventOf<'Error'>): void {
    const input = refusedInput(event);
    if (input === undefined) this.#handlers.other?.(event);
    else this.#input.refused(input.epoch, input.seq, errorOf(event));
  }

  #onEnd(event: EventOf<'End'>): void {
    const exit = this.#link?.hello.child?.exit;
    // A shim that was killed after the exit, or a resume past the record: the fact is in the Hello.
    if (!this.#toldExit && exit !== undefined && exit !== null) this.#handlers.item({ type: 'child_exit', exit });
    this.#handlers.item({ type: 'end', cause: event.cause, survivors: event.survivors });
    this.#finish('end');
  }

  #onEnded(reason: EndedReason, by: string | undefined): void {
    if (RESUMABLE.has(reason)) this.#link?.close();
    else if (FINAL.has(reason)) this.#finish(reason, undefined, by);
    // `session_exited` and `terminated` announce an end that is still to come, with everything before it.
  }

  #grant(): void {
    if (this.#link === undefined || this.#owed === 0) return;
    this.#link.post({ cmd: 'Credit', bytes: this.#owed });
    this.#owed = 0;
  }

  #onLost(error: Error | undefined): void {
    if (this.#finished) return;
    const cause = this.#contradiction ?? error;
    this.#contradiction = undefined;
    this.#handlers.lost?.(error);
    this.#reconnect(cause).catch((failure: unknown) => this.#finish('closed', HoldfastError.from(failure)));
  }

  async #reconnect(cause: unknown): Promise<void> {
    const { clock } = this.#context;
    if (clock.monotonic() - this.#attachedAt >= YOUNG_MS) this.#fruitless = 0;
    if (++this.#fruitless > FRUITLESS_LINKS) {
      throw new HoldfastError(
        'unreachable',
        `${FRUITLESS_LINKS} connections to the session ended in a row without a byte${cause instanceof Error ? `: ${cause.message}` : ''}`,
        { cause },
      );
    }
    if (this.#fruitless > 2) await pause(clock, RECONNECT_FIRST_MS * this.#fruitless, this.#abort.signal);
    const backoff = new Backoff(clock, {
      firstMs: RECONNECT_FIRST_MS,
      maxMs: RECONNECT_MAX_MS,
      deadlineMs: RECONNECT_MS,
    });
    let last: unknown;
    while (await backoff.turn(this.#abort.signal)) {
      if (this.#finished) return;
      try {
        await this.#attach();
        return;
      } catch (error) {
        last = error;
        const failure = HoldfastError.from(error);
        if (this.#finished || this.#leaseRefused(failure)) return;
        if (failure.code === 'lease_lost') this.#input.fail(failure);
        else if (!this.#mayRetry(failure)) throw failure;
      }
    }
    throw HoldfastError.from(last, 'unreachable');
  }

  #mayRetry(failure: HoldfastError): boolean {
    if (failure.code === 'session_exited' && this.#options.mode === 'drive' && !this.#readOnly) {
      this.#readOnly = true;
      this.#input.fail(failure);
      return true;
    }
    return failure.retryable && failure.details['final'] !== true;
  }

  /** Someone else drives by now: for this reader that is a theft it was not there to see. */
  #leaseRefused(failure: HoldfastError): boolean {
    if (failure.code !== 'not_driver' && failure.code !== 'already_attached') return false;
    const { client_id: by } = failure.details;
    this.#finish('stolen', undefined, typeof by === 'string' ? by : undefined);
    return true;
  }

  #finish(reason: EndedReason | 'end' | 'closed', error?: Error, by?: string): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#input.fail(
      error ?? new HoldfastError('lease_lost', 'the attachment ended before this input was acknowledged'),
    );
    this.#handlers.finished(reason, error, by);
    this.#link?.close();
    this.#abort.abort();
  }
}
