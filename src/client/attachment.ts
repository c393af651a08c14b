import type { AttachFrom, AttachMode, EndedReason, FlowPolicy, StreamId } from '../protocol/session/index.ts';
import type { OutputItem } from './output-items.ts';
import { DEFAULT_CREDIT_BYTES } from './output.ts';
import { SessionReader } from './reader.ts';
import type { AttachedInfo, ReaderHandlers, ScreenPart } from './reader-contract.ts';
import type { SessionContext } from './session.ts';

/** How an attachment ended. `end`: the session's log is complete; `closed`: by this side, or with an error. */
export interface AttachmentOutcome {
  reason: EndedReason | 'end' | 'closed';
  error?: Error;
  /** Who, when the reason is `stolen`. */
  by?: string;
}

export interface AttachOptions {
  /** Default `drive`: input, size and the lease. `observe` only reads, `exclusive` is seed 4's one holder per stream. */
  mode?: AttachMode;
  /** Default `screen`: the screen now, then the bytes after it. */
  from?: AttachFrom;
  streams?: StreamId[];
  policy?: FlowPolicy;
  /** Take the lease (or the stream) from whoever holds it. */
  steal?: boolean;
  /** This side shows the stream on a terminal which answers its queries. */
  terminal?: boolean;
  rows?: number;
  cols?: number;
  credit?: number;
  stallMs?: number;
  signal?: AbortSignal | undefined;
  /** Called in the turn it arrives. Say `consumed` when done with an item's bytes. */
  onItem(item: OutputItem): void;
  /** The serialised screen, in parts; DATA goes on at its offset. */
  onScreen?(part: ScreenPart): void;
  /** After every (re)attach; `capabilities`: of the session's Hello. */
  onAttached?(info: AttachedInfo, capabilities: readonly string[]): void;
  onLost?(error: Error | undefined): void;
  onLease?: ReaderHandlers['lease'];
}

/** Full duplex on one session; resumes by itself, with its lease, over lost connections. */
export class Attachment {
  /** Resolves when the attachment has ended, whyever. */
  readonly done: Promise<AttachmentOutcome>;
  readonly #reader: SessionReader;
  readonly #signal: AbortSignal | undefined;

  constructor(context: SessionContext, options: AttachOptions) {
    let finish: (outcome: AttachmentOutcome) => void = () => {};
    this.done = new Promise((resolve) => {
      finish = resolve;
    });
    const {
      mode = 'drive',
      from = 'screen',
      credit = DEFAULT_CREDIT_BYTES,
      signal,
      onItem,
      onScreen,
      onAttached,
      onLost,
      onLease,
      ...rest
    } = options;
    this.#signal = signal;
    const onAbort = (): void => this.close();
    this.#reader = new SessionReader(
      { open: context.open, clock: context.clock },
      { mode, from, credit, ...rest },
      {
        item: onItem,
        ...(onScreen === undefined ? {} : { screen: onScreen }),
        ...(onAttached === undefined ? {} : { attached: onAttached }),
        ...(onLost === undefined ? {} : { lost: onLost }),
        ...(onLease === undefined ? {} : { lease: onLease }),
        finished: (reason, error, by) => {
          signal?.removeEventListener('abort', onAbort);
          finish({ reason, ...(error === undefined ? {} : { error }), ...(by === undefined ? {} : { by }) });
        },
      },
    );
    signal?.addEventListener('abort', onAbort, { once: true });
  }

  /** Internal: called by `Session.attach`. */
  async open(): Promise<void> {
    this.#signal?.throwIfAborted();
    await this.#reader.start();
  }

  /** The streams this attachment reads. */
  get streams(): StreamId[] {
    return this.#reader.extents.map(({ id }) => id);
  }

  get pendingInputBytes(): number {
    return this.#reader.pendingInputBytes;
  }

  /** Resolves when the child's side took every byte; unacknowledged input is sent again after a reconnect. */
  write(bytes: Uint8Array): Promise<void> {
    return this.#reader.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  /** Credit: the bytes of an item were dealt with. */
  consumed(bytes: number): void {
    this.#reader.consumed(bytes);
  }

  resize(rows: number, cols: number): void {
    this.#reader.resize(rows, cols);
  }

  /** End of file for the child, after everything written before; told again after a reconnect. */
  closeStdin(): void {
    this.#reader.closeStdin();
  }

  /** Asks for the screen again, as after a gap. */
  redraw(): void {
    this.#reader.restart('screen');
  }

  /** Detaches: gives the lease back; the session goes on. */
  close(): void {
    this.#reader.close();
  }
}
