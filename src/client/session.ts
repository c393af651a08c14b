import type { TranscriptEntry } from '../protocol/agent/index.ts';
import type { SessionRecord } from '../protocol/control/index.ts';
import { HoldfastError } from '../protocol/index.ts';
import type {
  AttachFrom,
  AttachMode,
  FlowPolicy,
  SessionEvent,
  StreamId,
  TeeOptions,
  TeeSink,
  TeeState,
} from '../protocol/session/index.ts';
import type { Clock } from '../runtime/index.ts';
import { Attachment, type AttachOptions } from './attachment.ts';
import { OutputStream } from './output.ts';
import { SessionCalls } from './session-calls.ts';
import type { EventOf, OpenLink } from './session-link.ts';
import {
  type CallbackSink,
  type ChannelSink,
  type FdSink,
  openSdkTee,
  type SdkTee,
  type SdkTeeOptions,
} from './tees.ts';
import { readTranscript, type TranscriptOptions } from './transcript.ts';

export interface OutputOptions {
  /** Default `start`: the oldest byte still held. */
  from?: AttachFrom;
  /** Default: every output stream. */
  streams?: StreamId[];
  /** Default `never_block`. `lossless` throttles the child to this reader and needs the owner's allowance. */
  policy?: FlowPolicy;
  mode?: AttachMode;
  /** Bytes that may be on their way or waiting here; default 1 MiB. */
  credit?: number;
  /** `lossless`: ms the child may be held up in one go before the reader becomes `never_block`; 0 = for ever (driver only). */
  stallMs?: number;
  signal?: AbortSignal | undefined;
  onConnection?: (state: 'lost' | 'resumed') => void;
}

export interface Backlog {
  stream: StreamId;
  /** Absolute offset of the first byte. */
  offset: number;
  bytes: Buffer;
  /** Bytes of this stream that are no longer held. */
  droppedBytes: number;
}

export interface SessionContext {
  id: string;
  open: OpenLink;
  clock: Clock;
  record: (signal?: AbortSignal) => Promise<SessionRecord>;
  wait: (target: WaitTarget, signal?: AbortSignal) => Promise<SessionRecord>;
}

/** `started`: the child runs or its start failed; `exit`: gone and its output drained; `end`: its log is complete. */
export type WaitTarget = 'started' | 'exit' | 'end';

interface Abortable {
  signal?: AbortSignal | undefined;
}

/** One session. Talks straight to the process that owns it, or to srv's archive once that has gone. */
export class Session {
  readonly id: string;
  readonly #context: SessionContext;
  readonly #calls: SessionCalls;

  constructor(context: SessionContext) {
    this.id = context.id;
    this.#context = context;
    this.#calls = new SessionCalls(context.open, context.clock);
  }

  /** What srv knows of it now. Throws `not_found` once it was removed. */
  record(signal?: AbortSignal): Promise<SessionRecord> {
    return this.#context.record(signal);
  }

  /**
   * The log as an async iterator: every byte once, in order, from `from` to the end, over any number of lost
   * connections; what is no longer held is a `gap` with its size. The session sends only what the consumer has room
   * for, so a slow loop costs nobody memory.
   */
  output(options: OutputOptions = {}): OutputStream {
    return new OutputStream(this.#context, options);
  }

  /** Full duplex: screen and bytes out, keystrokes and size in. Resolves when attached. */
  async attach(options: AttachOptions): Promise<Attachment> {
    const attachment = new Attachment(this.#context, options);
    await attachment.open();
    return attachment;
  }

  /** Writes to the child's input exactly once; `not_driver` while somebody else holds the input lease. */
  async write(bytes: Uint8Array | string, options: Abortable & { steal?: boolean } = {}): Promise<void> {
    const buffer =
      typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (buffer.length > 0) await this.#calls.write(buffer, options);
  }

  /** End of file for the child: closes a pipe, types the terminal's EOF character in a PTY. */
  async closeStdin(options: Abortable = {}): Promise<void> {
    await this.#calls.call({ cmd: 'WriteStdin', close: true }, 'Written', { retry: false, ...options });
  }

  async resize(rows: number, cols: number, options: Abortable = {}): Promise<void> {
    await this.#calls.call({ cmd: 'Resize', rows, cols }, 'Resized', { retry: true, ...options });
  }

  /** The screen as text with its cursor, of the offset it names. */
  async screen(
    options: Abortable & { lastLines?: number } = {},
  ): Promise<Omit<EventOf<'ScreenCapture'>, 'event' | 'id'>> {
    const { lastLines, ...rest } = options;
    const answer = await this.#calls.call(
      { cmd: 'CaptureScreen', ...(lastLines === undefined ? {} : { last_n_lines: lastLines }) },
      'ScreenCapture',
      { retry: true, ...rest },
    );
    return bare(answer);
  }

  async state(options: Abortable = {}): Promise<Omit<EventOf<'State'>, 'event' | 'id'>> {
    return bare(await this.#calls.call({ cmd: 'GetState' }, 'State', { retry: true, ...options }));
  }

  /** What memory holds of a stream now; reads nothing away. */
  async backlog(stream: StreamId = 1, options: Abortable = {}): Promise<Backlog> {
    const parts = await this.#calls.with({ retry: true, ...options }, (link) =>
      link.requestParts({ cmd: 'Backlog', stream }, 'BacklogSnapshot'),
    );
    const first = parts[0];
    if (first === undefined) throw new HoldfastError('internal', 'the session sent an empty backlog answer');
    const bytes = Buffer.concat(parts.map((part) => Buffer.from(part.data, 'base64')));
    return { stream, offset: first.offset, bytes, droppedBytes: first.dropped_bytes };
  }

  /** Waits for a fact of the session's life, also over restarts of srv. */
  wait(options: { for: WaitTarget; signal?: AbortSignal | undefined }): Promise<SessionRecord> {
    return this.#context.wait(options.for, options.signal);
  }

  /** Ends the session's whole tree: soft now, hard after `graceMs` (0: at once). */
  async terminate(graceMs: number, options: Abortable = {}): Promise<{ alreadyExited: boolean }> {
    const answer = await this.#calls.call({ cmd: 'Terminate', grace_ms: graceMs }, 'Terminating', {
      retry: true,
      ...options,
    });
    return { alreadyExited: answer.already_exited };
  }

  async signal(name: string, options: Abortable = {}): Promise<void> {
    await this.#calls.call({ cmd: 'Signal', signal: name }, 'Done', { retry: false, ...options });
  }

  /** A structured agent's conversation, in order; without `follow` what there is now. Leaving the loop ends it. */
  transcript(options: TranscriptOptions = {}): AsyncGenerator<TranscriptEntry, void, undefined> {
    return readTranscript(this.#context.open, this.#context.clock, options);
  }

  /** A round trip to the session's process. */
  async ping(options: Abortable = {}): Promise<void> {
    await this.#calls.call({ cmd: 'Ping' }, 'Pong', { retry: true, ...options });
  }

  /** Copies a stream into a ring or a file inside the session's process: it goes on without any client. */
  async tee(
    stream: StreamId,
    sink: TeeSink,
    options: Abortable & { tee?: Partial<TeeOptions> } = {},
  ): Promise<{ tee: number; from: number }> {
    const { tee, ...rest } = options;
    const answer = await this.#calls.call(
      { cmd: 'Tee', stream, sink, ...(tee === undefined ? {} : { options: tee }) },
      'TeeOpened',
      {
        retry: false,
        ...rest,
      },
    );
    return { tee: answer.tee, from: answer.from };
  }

  async tees(options: Abortable = {}): Promise<TeeState[]> {
    return (await this.#calls.call({ cmd: 'TeeStatus' }, 'TeeStatuses', { retry: true, ...options })).tees;
  }

  async teeStatus(tee: number, options: Abortable = {}): Promise<TeeState> {
    const [state] = (await this.#calls.call({ cmd: 'TeeStatus', tee }, 'TeeStatuses', { retry: true, ...options }))
      .tees;
    if (state === undefined)
      throw new HoldfastError('not_found', `session ${this.id} has no tee ${tee}`, { field: 'tee' });
    return state;
  }

  /** What a ring holds now. */
  async teeSnapshot(
    tee: number,
    options: Abortable = {},
  ): Promise<{ offset: number; bytes: Buffer; missedBytes: number }> {
    const parts = await this.#calls.with({ retry: true, ...options }, (link) =>
      link.requestParts({ cmd: 'TeeSnapshot', tee }, 'TeeSnapshot'),
    );
    const first = parts[0];
    if (first === undefined) throw new HoldfastError('internal', 'the session sent an empty tee snapshot');
    const bytes = Buffer.concat(parts.map((part) => Buffer.from(part.data, 'base64')));
    return { offset: first.offset, bytes, missedBytes: first.missed_bytes };
  }

  /** Ends a tee after its last byte was written; null when there was none of that number. */
  async untee(tee: number, options: Abortable = {}): Promise<TeeState | null> {
    return (await this.#calls.call({ cmd: 'Untee', tee }, 'TeeClosed', { retry: false, ...options })).tee;
  }

  /** Copies a stream into a channel, a callback or a descriptor of this process. */
  sdkTee(
    stream: StreamId,
    sink: ChannelSink | CallbackSink | FdSink,
    options: Partial<SdkTeeOptions> = {},
  ): Promise<SdkTee> {
    return openSdkTee(this.#context, stream, sink, options);
  }

  /** Closes this handle's own connection; the session is not touched. */
  close(): void {
    this.#calls.close();
  }
}

function bare<E extends SessionEvent>(event: E): Omit<E, 'event' | 'id'> {
  const { event: _event, id: _id, ...rest } = event;
  return rest;
}
