/** Lines of JSON on a bare socket: what the clients of both suites have in common. Imports nothing of the product. */
import { connect, type Socket } from 'node:net';

export type Message = Readonly<Record<string, unknown>>;

const PATIENCE_MS = 15_000;

export abstract class LineClient {
  /** Every line, parsed, in order. */
  readonly received: Message[] = [];
  /** What no server may send. */
  readonly violations: string[] = [];
  /** Resolves when the server has closed the connection. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  #partial = '';
  #read = 0;
  #wake = new Set<() => void>();
  #ended = false;

  protected constructor(socket: Socket) {
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

  /** Looks at one line; what is a message of the protocol goes into `received`. */
  protected abstract judge(line: string): void;

  /** As it is: one line, or some, or half of one. */
  write(text: string | Buffer): void {
    this.#socket.write(text);
  }

  send(command: Message): void {
    this.write(`${JSON.stringify(command)}\n`);
  }

  /** The next line that nobody took yet. Rejects when none comes in time or the connection is closed. */
  async next(): Promise<Message> {
    await this.until(() => this.#read < this.received.length, 'a line');
    return this.received[this.#read++]!;
  }

  /** Takes lines up to the first one that `is` it; resolves with all of them. */
  async upTo(is: (message: Message) => boolean): Promise<Message[]> {
    const taken: Message[] = [];
    for (;;) {
      const message = await this.next();
      taken.push(message);
      if (is(message)) return taken;
    }
  }

  async event(name: string): Promise<Message> {
    return (await this.upTo(({ event }) => event === name)).at(-1)!;
  }

  /** Stops or goes on reading from the socket. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Closes its side; what is unread stays unread, so that the server may see a reset. */
  hangUp(): void {
    this.#socket.destroy();
  }

  /** Says it has nothing more to say. */
  end(): void {
    this.#socket.end();
  }

  /** Resolves when `holds`, which only a line can change; rejects at a close, or after a while. */
  protected async until(holds: () => boolean, what: string): Promise<void> {
    if (holds()) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`waited ${PATIENCE_MS} ms for ${what}; ${this.#last()}`)), PATIENCE_MS);
    });
    const there = async (): Promise<void> => {
      while (!holds()) {
        if (this.#ended) throw new Error(`closed while waiting for ${what}; ${this.#last()}`);
        await new Promise<void>((resolve) => this.#wake.add(resolve));
      }
    };
    try {
      await Promise.race([there(), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #last(): string {
    return `last: ${JSON.stringify(this.received.slice(-3))}`;
  }

  #take(text: string): void {
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop()!;
    for (const line of lines) this.judge(line);
    this.#changed();
  }

  #changed(): void {
    for (const wake of this.#wake) wake();
    this.#wake = new Set();
  }
}

export function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
