/** One connection of the control server, from its first line to its end: its bounds, and who speaks with it. */
import type { Duplex } from 'node:stream';
import { HoldfastError } from '../protocol/index.ts';
import { parseControlLine, type CloseReason, type DisconnectReason } from '../protocol/control/index.ts';
import { LineConnection } from '../transport/index.ts';
import { Budget } from './budget.ts';
import type { ControlPeer } from './contract.ts';
import { type Conversation, isFatal, type Wire } from './conversation.ts';
import { Registration } from './registration.ts';
import type { Registrant, ServerContext } from './server-context.ts';

export class ServerConnection<C extends { cmd: string }> implements Registrant, Wire {
  claimed: string | null = null;
  scope: string | null = null;
  readonly #context: ServerContext<C>;
  readonly #connection: LineConnection;
  readonly #lines: Budget;
  readonly #errors: Budget;
  readonly #cancelRegister: () => void;
  #conversation: Conversation;
  /** Null until registered. */
  #peer: ControlPeer | null = null;
  /** Why it ended; null while it has not. */
  #loss: DisconnectReason | null = null;
  #waiting: (() => void)[] = [];

  constructor(stream: Duplex, context: ServerContext<C>) {
    this.#context = context;
    this.#lines = new Budget(context.clock, context.limits.lines);
    this.#errors = new Budget(context.clock, context.limits.errors);
    this.#conversation = new Registration(context, this);
    this.#connection = new LineConnection(
      stream,
      {
        line: (line) => this.#receive(line),
        drained: () => {
          this.#wake();
          this.#throttle();
        },
        refused: (error) => {
          this.#conversation.complain(error, true);
          this.end('line_too_long');
        },
        closed: (error) => this.#gone(error),
      },
      { clock: context.clock },
    );
    this.#cancelRegister = context.clock.after(context.limits.registerMs, () => {
      const { registerMs } = context.limits;
      this.#conversation.complain(new HoldfastError('not_registered', `no registration within ${registerMs} ms`), true);
      this.end('register_timeout');
    });
  }

  send(message: object): void {
    if (this.#loss === null) this.#connection.send(message);
  }

  sendText(line: string): boolean {
    return this.#loss === null && this.#connection.sendText(line);
  }

  ready(): Promise<void> {
    if (this.#loss !== null || this.#connection.writable) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  become(peer: ControlPeer, conversation: Conversation): void {
    this.#cancelRegister();
    this.#peer = peer;
    this.#conversation = conversation;
    // It left while it was being registered.
    if (this.#loss !== null) this.#leave(this.#loss);
  }

  refused(error: HoldfastError): void {
    if (error.code === 'bad_token') this.end('bad_token');
    else if (isFatal(error)) this.hangUp('closed');
    else if (!this.#errors.spend()) this.end('too_many_errors');
  }

  finished(): void {
    this.#throttle();
  }

  end(reason: CloseReason): void {
    if (this.#loss !== null) return;
    this.#conversation.sayClosed(reason);
    this.hangUp(reason === 'superseded' || reason === 'shutdown' ? reason : 'closed');
  }

  /** Its end is on its way to the log before the client can see it: who registers anew comes after that. */
  hangUp(reason: DisconnectReason): void {
    this.#lose(reason);
    this.#connection.close();
  }

  #receive(line: Buffer): void {
    if (!this.#lines.spend()) {
      this.end('flood');
      return;
    }
    try {
      this.#conversation.take(parseControlLine(line));
    } catch (thrown) {
      const error = HoldfastError.from(thrown);
      this.#conversation.complain(error, isFatal(error));
      this.refused(error);
    }
    this.#throttle();
  }

  /** Reads only while replies flow and not too much is under way. */
  #throttle(): void {
    // While it closes, what still comes is read into nothing.
    if (this.#loss !== null) return;
    const { load } = this.#conversation;
    if (load >= this.#context.limits.requests || !this.#connection.writable) this.#connection.pause();
    else this.#connection.resume();
  }

  #lose(reason: DisconnectReason): void {
    if (this.#loss !== null) return;
    this.#loss = reason;
    this.#leave(reason);
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #leave(reason: DisconnectReason): void {
    this.#conversation.close();
    if (this.#peer !== null) this.#context.service.disconnected(this.#peer, reason);
  }

  #gone(error: HoldfastError | null): void {
    this.#cancelRegister();
    this.#lose(error === null ? 'eof' : 'error');
    this.#context.gone(this);
  }
}
