import type { StreamExtent, StreamId } from '../protocol/session/index.ts';
import { Inbox } from './inbox.ts';
import type { OutputItem } from './output-items.ts';
import { SessionReader } from './reader.ts';
import type { AttachedInfo } from './reader-contract.ts';
import type { OutputOptions, SessionContext } from './session.ts';

export const DEFAULT_CREDIT_BYTES = 1024 * 1024;

/** A session's log as an async iterator; see `Session.output`. Leaving the loop closes the connection. */
export class OutputStream implements AsyncIterableIterator<OutputItem, undefined> {
  readonly #inbox = new Inbox<OutputItem>();
  readonly #reader: SessionReader;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: () => void;
  #started: Promise<unknown> | undefined;
  #first: AttachedInfo['streams'] | undefined;
  readonly #delivered = new Map<StreamId, number>();
  /** Bytes of the item handed out last: consumed when the consumer comes back for the next. */
  #handedOut = 0;

  constructor(context: SessionContext, options: OutputOptions) {
    let connected = false;
    this.#signal = options.signal;
    this.#reader = new SessionReader(
      { open: context.open, clock: context.clock },
      {
        from: options.from ?? 'start',
        mode: options.mode ?? 'observe',
        credit: options.credit ?? DEFAULT_CREDIT_BYTES,
        ...(options.streams === undefined ? {} : { streams: options.streams }),
        ...(options.policy === undefined ? {} : { policy: options.policy }),
        ...(options.stallMs === undefined ? {} : { stallMs: options.stallMs }),
      },
      {
        item: (item) => this.#inbox.push(item),
        attached: (info) => {
          this.#first ??= info.streams;
          if (connected) options.onConnection?.('resumed');
          connected = true;
        },
        lost: () => options.onConnection?.('lost'),
        finished: (_reason, error) => {
          this.#signal?.removeEventListener('abort', this.#onAbort);
          if (error === undefined) this.#inbox.end();
          else this.#inbox.fail(error);
        },
      },
    );
    this.#onAbort = () => {
      this.#inbox.fail(this.#signal?.reason);
      this.#reader.close();
    };
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Offset right behind what `next` has handed out of `stream`; undefined before the first attach. */
  position(stream: StreamId): number | undefined {
    return this.#delivered.get(stream) ?? this.#first?.find(({ id }) => id === stream)?.from;
  }

  /** What the session held of each stream when this reader last attached. */
  get extents(): readonly StreamExtent[] {
    return this.#reader.extents;
  }

  /** Attaches now instead of at the first `next()`; rejects with the session's refusal. */
  async open(): Promise<this> {
    this.#signal?.throwIfAborted();
    this.#started ??= this.#reader.start();
    await this.#started;
    return this;
  }

  async next(): Promise<IteratorResult<OutputItem, undefined>> {
    if (this.#started === undefined) await this.open();
    if (this.#handedOut > 0) {
      this.#reader.consumed(this.#handedOut);
      this.#handedOut = 0;
    }
    const result = await this.#inbox.next();
    const item = result.value;
    if (item?.type === 'data') {
      this.#handedOut = item.bytes.length;
      this.#delivered.set(item.stream, item.offset + item.bytes.length);
    } else if (item?.type === 'gap' && item.to !== Infinity) {
      this.#delivered.set(item.stream, item.to);
    }
    return result;
  }

  return(): Promise<IteratorResult<OutputItem, undefined>> {
    this.#reader.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
