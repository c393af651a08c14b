/** A subscriber as thin as can be: it counts lines and looks into them only where it was asked to. */
import { connect, type Socket } from 'node:net';
import { CONTROL_PROTOCOL } from '../src/protocol/control/index.ts';
import { homePaths } from '../src/protocol/home/index.ts';
import { systemClock, withDeadline } from '../src/runtime/index.ts';
import { ids, readSecret } from './control.ts';

const NEWLINE = 0x0a;
const PATIENCE_MS = 60_000;

export interface SubscriberOptions {
  /** None of them may be a private event's name. */
  topics: string[];
  /** Parse every line and see that nothing is missing between two. Costs the reader more than counting. */
  verify?: boolean;
}

export class Subscriber {
  /** Events so far, gaps not counted. */
  events = 0;
  /** Versions that gaps told of. */
  skipped = 0;
  readonly #socket: Socket;
  readonly #verify: boolean;
  #rest: Buffer = Buffer.alloc(0);
  #last: number | undefined;
  #error: Error | undefined;
  #wake: () => void = () => {};
  #subscribed = false;

  private constructor(home: string, { topics, verify = false }: SubscriberOptions) {
    this.#verify = verify;
    this.#socket = connect(homePaths(home).srvSocket);
    this.#socket.on('data', (bytes) => this.#take(bytes));
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('srv closed the connection')));
    const register = { cmd: 'register', kind: 'tool', pid: process.pid, version: '0', protocol: CONTROL_PROTOCOL };
    this.#send({ ...register, client_id: ids.ulid(), token: readSecret(home) });
    this.#send({ cmd: 'subscribe', topics, request_id: 'subscribe' });
  }

  static async open(home: string, options: SubscriberOptions): Promise<Subscriber> {
    const subscriber = new Subscriber(home, options);
    await subscriber.#until(() => subscriber.#subscribed, 'the subscription');
    return subscriber;
  }

  /** Resolves when as many events, or versions in gaps, have come. */
  async received(count: number): Promise<void> {
    await this.#until(() => this.events + this.skipped >= count, `${count} events`);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  #send(command: object): void {
    this.#socket.write(`${JSON.stringify(command)}\n`);
  }

  #take(bytes: Buffer): void {
    const buffer = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let start = 0;
    for (let end = buffer.indexOf(NEWLINE); end >= 0; end = buffer.indexOf(NEWLINE, start)) {
      this.#line(buffer, start, end);
      start = end + 1;
    }
    this.#rest = buffer.subarray(start);
    this.#wake();
  }

  #line(buffer: Buffer, start: number, end: number): void {
    // Only what is the subscription's comes after its reply, and of that only a gap and the last word are no events.
    const isEvent = this.#subscribed && !isPrivate(buffer, start);
    if (isEvent) {
      this.events++;
      if (!this.#verify) return;
    }
    const message = JSON.parse(buffer.toString('utf8', start, end)) as Record<string, unknown>;
    if (isEvent) this.#follow(message);
    else this.#hear(message);
  }

  #follow({ version, prev }: Record<string, unknown>): void {
    if (this.#last !== undefined && prev !== this.#last) {
      this.#fail(new Error(`after version ${this.#last} came ${String(version)}, which follows ${String(prev)}`));
    }
    this.#last = Number(version);
  }

  #hear(message: Record<string, unknown>): void {
    if (message['reply'] === 'subscribe') {
      if (message['ok'] !== true) this.#fail(new Error(JSON.stringify(message['error'])));
      this.#subscribed = true;
    }
    if (message['event'] === 'gap') {
      this.skipped += Number(message['to']) - Number(message['from']) + 1;
      this.#last = Number(message['to']);
    }
    if (message['event'] === 'error' || message['event'] === 'closed') this.#fail(new Error(JSON.stringify(message)));
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.#wake();
  }

  #until(holds: () => boolean, what: string): Promise<void> {
    const reached = new Promise<void>((resolve, reject) => {
      this.#wake = () => {
        if (this.#error !== undefined) reject(this.#error);
        else if (holds()) resolve();
      };
      this.#wake();
    });
    return withDeadline(systemClock, PATIENCE_MS, reached, () => new Error(`${what} did not come`));
  }
}

/** `{"event":"gap"…` and `{"event":"closed"…`, told by the byte after what every event begins with. */
function isPrivate(buffer: Buffer, start: number): boolean {
  const first = buffer[start + '{"event":"'.length];
  return first === 0x67 || (first === 0x63 && buffer[start + '{"event":"c'.length] === 0x6c);
}
