/**
 * A connection of the seed (seed 1): it registered without `protocol`, and sees and does what the seed knows. This and
 * its feed are the one filter at the edge; nothing behind them knows of it.
 */
import type { CloseReason, ConnectionCommand } from '../protocol/control/index.ts';
import { toSeedCommand } from '../protocol/control/index.ts';
import { HoldfastError, limits } from '../protocol/index.ts';
import type { ControlPeer, ControlService } from './contract.ts';
import {
  alreadyRegistered,
  type Conversation,
  EVENT_LIST_COUNT,
  type Message,
  seedError,
  type Wire,
} from './conversation.ts';
import type { SeedFeed } from './seed-feed.ts';
import { isConnectionCommand, isRegister, unknownCommand } from './vocabulary.ts';

/** The seed has no event that says it: its own last error does. */
const CLOSED: { readonly [K in CloseReason]?: string } = {
  flood: 'too many lines at once',
  too_many_errors: 'too many lines that are no commands',
};

export class SeedConversation<C extends { cmd: string }> implements Conversation {
  readonly #service: ControlService<C>;
  readonly #wire: Wire;
  readonly #peer: ControlPeer;
  readonly #feed: SeedFeed;
  /** Settles when all that was said so far is answered. Never rejects. */
  #answered: Promise<void> = Promise.resolve();
  #load = 0;
  #leaving = false;

  constructor(service: ControlService<C>, wire: Wire, peer: ControlPeer, feed: SeedFeed) {
    this.#service = service;
    this.#wire = wire;
    this.#peer = peer;
    this.#feed = feed;
  }

  get load(): number {
    return this.#load;
  }

  /** Commands are decided in their order and answered in it, so questions need only wait for their turn. */
  take(fields: Record<string, unknown>): void {
    if (this.#leaving) return;
    const seed = toSeedCommand(fields);
    if (seed === null) throw unknownCommand(fields['cmd']);
    const command = this.#service.parse(seed);
    if (isRegister(command)) throw alreadyRegistered();
    if (isConnectionCommand(command)) {
      this.#leaving = command.cmd === 'goodbye';
      this.#inTurn(() => this.#serve(command));
      return;
    }
    const { client_id, pid, kind } = this.#peer;
    const done = this.#service.execute(command, { actor: { client_id, pid, kind } });
    done.catch(() => {}); // Its turn to be told comes below.
    this.#inTurn(async () => {
      await done;
    });
  }

  /** Sends a private message behind the event of that version. */
  tell(version: number, message: Message): void {
    this.#inTurn(() => this.#feed.answer(version, message));
  }

  complain(error: HoldfastError, fatal: boolean): void {
    if (fatal) this.#wire.send(seedError(error, true));
    else this.#inTurn(() => Promise.reject(error));
  }

  sayClosed(reason: CloseReason): void {
    const why = CLOSED[reason];
    if (why !== undefined) this.complain(new HoldfastError('busy', `closed: ${why}`), true);
  }

  close(): void {
    this.#feed.close();
  }

  /** Does `work` when all before it is answered; what it throws is its answer. Success is no answer of its own. */
  #inTurn(work: () => Promise<void>): void {
    this.#load++;
    this.#answered = this.#answered
      .then(work)
      .catch((error: unknown) => this.#tell(seedError(HoldfastError.from(error), false)))
      .finally(() => {
        this.#load--;
        this.#wire.finished();
      });
  }

  async #serve(command: ConnectionCommand): Promise<void> {
    await this.#wire.ready();
    switch (command.cmd) {
      case 'ping':
        return this.#tell({ event: 'pong', nonce: command.nonce, version: this.#service.current().version });
      case 'get_srv_snapshot':
        return this.#tell({ event: 'srv_snapshot', ...this.#service.snapshot() });
      case 'get_events':
        return this.#tell({ event: 'event_list', ...(await this.#events(command.since ?? 0)) });
      case 'goodbye':
        this.#wire.hangUp('goodbye');
        return;
      default:
        throw unknownCommand(command.cmd);
    }
  }

  /** The seed cannot say that a list goes on: its version does, the one to ask on from. */
  async #events(since: number): Promise<{ events: { event: string }[]; version: number }> {
    const { version } = this.#service.current();
    if (since >= version) return { events: [], version };
    const list = await this.#service.readEvents(since, undefined, EVENT_LIST_COUNT, limits.EVENT_LIST_BYTES);
    return { events: list.events, version: list.next };
  }

  #tell(message: Message): Promise<void> {
    return this.#feed.answer(this.#service.current().version, message);
  }
}
