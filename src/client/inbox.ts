/**
 * Items between a socket and one async iterator. Its bound is the sender's: credit (session sockets) or a paused
 * socket (control socket) stops the flow, so nothing here is ever dropped.
 */
export class Inbox<T> {
  #items: T[] = [];
  #head = 0;
  #waiting: { resolve: (result: IteratorResult<T, undefined>) => void; reject: (error: unknown) => void } | undefined;
  #closed = false;
  #error: unknown;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    if (this.#closed) return;
    const waiting = this.#waiting;
    if (waiting !== undefined) {
      this.#waiting = undefined;
      waiting.resolve({ done: false, value: item });
    } else {
      this.#items.push(item);
    }
  }

  /** No more items; what is queued is still delivered. */
  end(): void {
    this.#close(undefined);
  }

  /** Like `end`, but the iterator throws `error` after the queued items. */
  fail(error: unknown): void {
    this.#close(error);
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#head < this.#items.length) return Promise.resolve({ done: false, value: this.#shift() });
    if (this.#closed) {
      const error = this.#error;
      this.#error = undefined;
      return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(toError(error));
    }
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  #shift(): T {
    const item = this.#items[this.#head]!;
    this.#head++;
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head > 1024) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  #close(error: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#error = error;
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    if (error === undefined) {
      waiting.resolve({ done: true, value: undefined });
    } else {
      this.#error = undefined;
      waiting.reject(error);
    }
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
