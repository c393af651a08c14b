/** A client of the seed: lines on a socket, and nothing of what this system adds. */
import { connected, LineClient, type Message } from '../line-client.ts';
import { complaint, isCommitted } from './tables.ts';

/** Arrivals and departures happen beside everything else. */
const COMINGS_AND_GOINGS: ReadonlySet<unknown> = new Set([
  'process_spawned',
  'process_exited',
  'lifecycle_phase_changed',
]);

export class SeedClient extends LineClient {
  #lastVersion = 0;
  #nonces = 0;

  static async open(path: string): Promise<SeedClient> {
    return new SeedClient(await connected(path));
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

  /** What is outside the seed, or breaks the order of the stream, is a violation. */
  protected override judge(line: string): void {
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
}
