/** A client of ours on the bare wire: requests matched with their replies. */
import { randomBytes } from 'node:crypto';
import { connected, LineClient, type Message } from '../line-client.ts';

export type { Message } from '../line-client.ts';

/** What a failed reply holds. */
export interface WireFailure {
  code: string;
  message: string;
  field?: string;
  retryable: boolean;
  details: Message;
}

export class WireClient extends LineClient {
  readonly #waiting = new Set<string>();
  readonly #replies = new Map<string, Message>();
  #ids = 0;

  static async open(path: string): Promise<WireClient> {
    return new WireClient(await connected(path));
  }

  /** A request; resolves with its one reply. `text` is the line as it is, for what JSON.stringify cannot say. */
  async request(command: Message, line?: (id: string) => string | Buffer): Promise<Message> {
    const id = `r${this.#ids++}`;
    this.#waiting.add(id);
    if (line === undefined) this.send({ ...command, request_id: id });
    else this.write(line(id));
    await this.until(() => this.#replies.has(id), `the reply to ${JSON.stringify(command)}`);
    return this.#replies.get(id)!;
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
  override async next(): Promise<Message> {
    for (;;) {
      const message = await super.next();
      if (message['event'] !== undefined) return message;
    }
  }

  /** Takes events up to that version. */
  reached(version: number): Promise<Message[]> {
    return this.upTo((event) => Number(event['version']) >= version && event['prev'] !== undefined);
  }

  /** A reply to no request, or to one that was answered, is a violation. */
  protected override judge(line: string): void {
    const message = JSON.parse(line) as Message;
    this.received.push(message);
    const id = message['reply'];
    if (typeof id !== 'string') return;
    if (!this.#waiting.delete(id)) this.violations.push(`unasked: ${line}`);
    this.#replies.set(id, message);
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
