/** A client of the seed: node:net, its own line reader, and nothing of what this system adds. */
import { connect, type Socket } from 'node:net';
import { complaint, isCommitted, type Message } from './tables.ts';

const PATIENCE_MS = 10_000;
/** Arrivals and departures happen beside everything else. */
const COMINGS_AND_GOINGS: ReadonlySet<unknown> = new Set([
  'process_spawned',
  'process_exited',
  'lifecycle_phase_changed',
]);

export class SeedClient {
  /** Every line, parsed, in order. */
  readonly received: Message[] = [];
  /** What of it is outside the seed, or breaks the order of the stream. */
  readonly violations: string[] = [];
  /** Resolves when the server has closed the connection. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  #partial = '';
  #read = 0;
  #lastVersion = 0;
  #ended = false;
  #wake: () => void = () => {};
  #nonces = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#take(text));
    socket.on('error', () => undefined); // Its close follows.
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#ended = true;
        this.#wake();
        resolve();
      });
    });
  }

  static open(path: string): Promise<SeedClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      socket.once('error', reject);
      socket.once('connect', () => resolve(new SeedClient(socket)));
    });
  }

  /** As it is: one line, or some, or half of one. */
  write(text: string | Buffer): void {
    this.#socket.write(text);
  }

  send(command: Message): void {
    this.write(`${JSON.stringify(command)}\n`);
  }

  /** The next line that nobody took yet. Rejects when none comes in time or the connection is closed. */
  async next(): Promise<Message> {
    await this.#until(() => this.#read < this.received.length, 'a line');
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

  /** Registers as `pid`; resolves with the answer. */
  async register(pid: number, kind = 'tool', version = '1.0.0'): Promise<Message> {
    this.send({ cmd: 'register', kind, pid, version });
    return (await this.upTo(({ event }) => event === 'registered' || event === 'error')).at(-1)!;
  }

  /** Sends a command and resolves with what came before the answer to a ping after it, connections aside. */
  async ask(command: Message | string): Promise<Message[]> {
    const nonce = 1_000_000 + this.#nonces++;
    const line = typeof command === 'string' ? command : JSON.stringify(command);
    this.write(`${line}\n${JSON.stringify({ cmd: 'ping', nonce })}\n`);
    const all = await this.upTo((message) => message['event'] === 'pong' && message['nonce'] === nonce);
    return all.slice(0, -1).filter(({ event }) => !COMINGS_AND_GOINGS.has(event));
  }

  /** The events a command causes. Rejects when it is refused. */
  async commit(command: Message): Promise<Message[]> {
    const events = await this.ask(command);
    const refused = events.find(({ event }) => event === 'error');
    if (refused !== undefined) throw new Error(`${JSON.stringify(command)} was refused: ${String(refused['message'])}`);
    return events;
  }

  /** The one error a command causes, which nothing else happens beside. */
  async refusal(command: Message | string): Promise<Message> {
    const answers = await this.ask(command);
    if (answers.length !== 1 || answers[0]!['event'] !== 'error') {
      throw new Error(`${JSON.stringify(command)} was not refused alone: ${JSON.stringify(answers)}`);
    }
    return answers[0]!;
  }

  /** What a private question is answered with. */
  async answer(command: Message): Promise<Message> {
    const answers = await this.ask(command);
    if (answers.length !== 1) throw new Error(`${JSON.stringify(command)}: ${JSON.stringify(answers)}`);
    return answers[0]!;
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

  #take(text: string): void {
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop()!;
    for (const line of lines) this.#judge(line);
    this.#wake();
  }

  #judge(line: string): void {
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch {
      this.violations.push(`no JSON: ${line}`);
      return;
    }
    const found = complaint(message);
    if (found !== null) this.violations.push(`${found}: ${line.slice(0, 500)}`);
    const known = message as Message;
    this.received.push(known);
    // An answer comes behind every event up to its version; an error says nothing of a version.
    const version = Number(known['version']);
    const least = isCommitted(known) ? this.#lastVersion + 1 : this.#lastVersion;
    if (known['event'] === 'event_list' || known['event'] === 'error') return;
    if (version < least) this.violations.push(`${String(known['event'])} of ${version} after ${this.#lastVersion}`);
    this.#lastVersion = version;
  }

  async #until(holds: () => boolean, what: string): Promise<void> {
    if (holds()) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        const last = JSON.stringify(this.received.slice(-3));
        reject(new Error(`waited ${PATIENCE_MS} ms for ${what}; last: ${last}`));
      }, PATIENCE_MS);
    });
    const there = async (): Promise<void> => {
      while (!holds()) {
        if (this.#ended)
          throw new Error(`closed while waiting for ${what}: ${JSON.stringify(this.received.slice(-3))}`);
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    };
    try {
      await Promise.race([there(), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
