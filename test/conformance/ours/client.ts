/** A client of ours on the bare wire: node:net, its own line reader, requests matched with their replies. */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

export type Message = Readonly<Record<string, unknown>>;

/** What a failed reply holds. */
export interface WireFailure {
  code: string;
  message: string;
  field?: string;
  retryable: boolean;
  details: Message;
}

const PATIENCE_MS = 15_000;

export class WireClient {
  /** Every line, parsed, in order. */
  readonly received: Message[] = [];
  /** Replies to no request, or to one that was answered. */
  readonly violations: string[] = [];
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #waiting = new Map<string, (reply: Message) => void>();
  readonly #answered = new Set<string>();
  #partial = '';
  #read = 0;
  #ended = false;
  #wake = new Set<() => void>();
  #ids = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#take(text));
    socket.on('error', () => undefined); // Its close follows.
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#ended = true;
        this.#changed();
        resolve();
      });
    });
  }

  static open(path: string): Promise<WireClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      socket.once('error', reject);
      socket.once('connect', () => resolve(new WireClient(socket)));
    });
  }

  write(text: string | Buffer): void {
    this.#socket.write(text);
  }

  send(command: Message): void {
    this.write(`${JSON.stringify(command)}\n`);
  }

  /** A request; resolves with its one reply. `text` is the line as it is, for what JSON.stringify cannot say. */
  request(command: Message, line?: (id: string) => string | Buffer): Promise<Message> {
    const id = `r${this.#ids++}`;
    const reply = new Promise<Message>((resolve) => this.#waiting.set(id, resolve));
    if (line === undefined) this.send({ ...command, request_id: id });
    else this.write(line(id));
    return this.#soon(reply, `the reply to ${JSON.stringify(command)}`);
  }

  /** The reply of a request that succeeds, without `reply` and `ok`. */
  async ok(command: Message): Promise<Message & { version: number }> {
    const { reply: _id, ok, ...result } = await this.request(command);
    if (ok !== true) throw new Error(`${JSON.stringify(command)}: ${JSON.stringify(result)}`);
    return result as Message & { version: number };
  }

  /** The error of a request that fails. */
  async fails(command: Message, line?: (id: string) => string | Buffer): Promise<WireFailure> {
    const reply = await this.request(command, line);
    if (reply['ok'] !== false) throw new Error(`${JSON.stringify(command)} succeeded: ${JSON.stringify(reply)}`);
    return reply['error'] as WireFailure;
  }

  /** The next event that nobody took yet; replies are no events. */
  async next(): Promise<Message> {
    for (;;) {
      await this.#until(() => this.#read < this.received.length);
      const message = this.received[this.#read++]!;
      if (message['event'] !== undefined) return message;
    }
  }

  /** Takes events up to the first one that `is` it; resolves with all of them. */
  async upTo(is: (event: Message) => boolean): Promise<Message[]> {
    const taken: Message[] = [];
    for (;;) {
      const event = await this.next();
      taken.push(event);
      if (is(event)) return taken;
    }
  }

  async event(name: string): Promise<Message> {
    return (await this.upTo(({ event }) => event === name)).at(-1)!;
  }

  /** Takes events up to that version. */
  reached(version: number): Promise<Message[]> {
    return this.upTo((event) => Number(event['version']) >= version && event['prev'] !== undefined);
  }

  hangUp(): void {
    this.#socket.destroy();
  }

  #take(text: string): void {
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop()!;
    for (const line of lines) {
      const message = JSON.parse(line) as Message;
      this.received.push(message);
      if (typeof message['reply'] === 'string') this.#answer(message['reply'], message);
    }
    this.#changed();
  }

  #answer(id: string, message: Message): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting === undefined || this.#answered.has(id)) this.violations.push(`unasked: ${JSON.stringify(message)}`);
    this.#answered.add(id);
    waiting?.(message);
  }

  #changed(): void {
    for (const wake of this.#wake) wake();
    this.#wake = new Set();
  }

  #until(holds: () => boolean): Promise<void> {
    const there = async (): Promise<void> => {
      while (!holds()) {
        if (this.#ended) throw new Error(`closed; last: ${JSON.stringify(this.received.slice(-3))}`);
        await new Promise<void>((resolve) => this.#wake.add(resolve));
      }
    };
    return this.#soon(there(), 'an event');
  }

  async #soon<T>(work: Promise<T>, what: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`waited ${PATIENCE_MS} ms for ${what}; last: ${JSON.stringify(this.received.slice(-3))}`));
      }, PATIENCE_MS);
    });
    const gone = this.closed.then(() => Promise.reject(new Error(`closed while waiting for ${what}`)));
    gone.catch(() => undefined); // Only who still waits is told.
    try {
      return await Promise.race([work, late, gone]);
    } finally {
      clearTimeout(timer);
    }
  }
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A ULID of that time (github.com/ulid/spec). */
export function ulid(time = Date.now()): string {
  let text = '';
  for (let left = time, digit = 0; digit < 10; digit++, left = Math.floor(left / 32))
    text = CROCKFORD[left % 32]! + text;
  for (const byte of randomBytes(16)) text += CROCKFORD[byte % 32]!;
  return text;
}
