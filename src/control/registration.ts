/** The conversation with a connection that is nobody's yet: it registers, as one of ours or as one of the seed. */
import { type CloseReason, CONTROL_PROTOCOL, type RegisterCommand, toSeedCommand } from '../protocol/control/index.ts';
import { HoldfastError } from '../protocol/index.ts';
import type { ControlPeer } from './contract.ts';
import { type Conversation, seedError, type Wire } from './conversation.ts';
import { negotiate } from './negotiate.ts';
import { failure, OurConversation, ourError } from './our-conversation.ts';
import { readRequestId, RequestTable } from './requests.ts';
import { SeedConversation } from './seed-conversation.ts';
import { SeedFeed } from './seed-feed.ts';
import type { Registrant, ServerContext } from './server-context.ts';
import { isRegister, notRegistered } from './vocabulary.ts';

export class Registration<C extends { cmd: string }> implements Conversation {
  readonly #context: ServerContext<C>;
  readonly #wire: Wire & Registrant;
  readonly #requests = new RequestTable();
  /** What it looks like: one of the seed names no protocol and asks for no reply. */
  #kind: 'unknown' | 'ours' | 'seed' = 'unknown';
  /** One of the seed is being committed: nothing else is read until that is done. */
  #committing = false;

  constructor(context: ServerContext<C>, wire: Wire & Registrant) {
    this.#context = context;
    this.#wire = wire;
  }

  get load(): number {
    return this.#committing ? Number.POSITIVE_INFINITY : 0;
  }

  take(fields: Record<string, unknown>): void {
    const isRegistration = fields['cmd'] === 'register';
    if (isRegistration && (fields['protocol'] ?? null) === null) {
      this.#kind = 'seed';
      this.#registerSeed(this.#parse(toSeedCommand(fields)));
    } else this.#takeOurs(fields, isRegistration);
  }

  complain(error: HoldfastError, fatal: boolean): void {
    this.#wire.send(this.#kind === 'ours' ? ourError(error, fatal) : seedError(error, fatal));
  }

  sayClosed(reason: CloseReason): void {
    if (this.#kind !== 'seed') this.#wire.send({ event: 'closed', reason });
  }

  close(): void {}

  #takeOurs(fields: Record<string, unknown>, isRegistration: boolean): void {
    const id = readRequestId(fields);
    if (isRegistration || id !== undefined) this.#kind = 'ours';
    this.#requests.begin(id);
    try {
      if (!isRegistration) throw notRegistered(fields['cmd']);
      this.#registerOurs(this.#parse(fields), id);
    } catch (thrown) {
      if (id === undefined) throw thrown;
      const error = HoldfastError.from(thrown);
      this.#wire.send(failure(id, error));
      this.#wire.refused(error);
    } finally {
      this.#requests.finish(id);
    }
  }

  #parse(fields: Record<string, unknown> | null): RegisterCommand {
    const command = this.#context.service.parse(fields ?? {});
    if (!isRegister(command)) throw notRegistered(command.cmd);
    return command;
  }

  /** Its arrival is committed beside: no client of ours waits for the disk to say hello. */
  #registerOurs(command: RegisterCommand, id: string | undefined): void {
    const peer = this.#ourPeer(command);
    const { service, texts } = this.#context;
    const conversation = new OurConversation(service, texts, this.#wire, peer, this.#requests);
    this.#context.claim(peer.client_id, this.#wire);
    this.#wire.scope = peer.session_id;
    this.#wire.become(peer, conversation);
    service.connected(peer).catch(() => {}); // The service has noted it; the client is served all the same.
    const { version, epoch } = service.current();
    const { client_id, protocol } = peer;
    const { pid, version: launcher_version, capabilities, limits } = service.identity;
    const facts = { client_id, launcher_pid: pid, launcher_version, version, protocol, epoch, capabilities, limits };
    this.#wire.send({ event: 'registered', ...facts });
    if (id !== undefined) conversation.reply(id, { version, epoch, protocol, client_id });
  }

  #ourPeer({ client_id, pid, kind, version, token, protocol }: RegisterCommand): ControlPeer {
    if (client_id === undefined)
      throw new HoldfastError('invalid_argument', 'client_id is missing', { field: 'client_id' });
    const scope = this.#context.authenticate(token ?? '');
    if (scope === null) {
      throw new HoldfastError('bad_token', 'the token is not the one in run/secret of this home', {
        field: 'token',
      });
    }
    const holder = this.#context.holderOf(client_id);
    if (scope.session_id !== null && holder !== undefined && holder !== scope.session_id) {
      throw new HoldfastError('forbidden', 'this client_id is that of a connection outside the session', {
        field: 'client_id',
      });
    }
    return { client_id, pid, kind, version, protocol: negotiate(CONTROL_PROTOCOL, protocol!), ...scope };
  }

  /** The socket's mode is its authorisation, as it was the seed's. Its own arrival is the first thing it is told. */
  #registerSeed({ pid, kind, version }: RegisterCommand): void {
    const { service, texts } = this.#context;
    const seedId = this.#context.claimSeedId(this.#wire);
    const peer: ControlPeer = { client_id: String(seedId), pid, kind, version, protocol: null, session_id: null };
    const { version: since, epoch } = service.current();
    const feed = new SeedFeed(this.#wire, texts, service.subscribe({ since, epoch }), peer.client_id);
    this.#committing = true;
    // Settles by itself: both outcomes are told to the client.
    void service
      .connected(peer)
      .then(
        (commit) => this.#welcomeSeed(peer, feed, { client_id: seedId, version: commit.version }),
        (thrown: unknown) => {
          feed.close();
          const error = HoldfastError.from(thrown);
          this.complain(error, false);
          this.#wire.refused(error);
        },
      )
      .finally(() => {
        this.#committing = false;
        this.#wire.finished();
      });
  }

  #welcomeSeed(
    peer: ControlPeer,
    feed: SeedFeed,
    { client_id, version }: { client_id: number; version: number },
  ): void {
    const { service } = this.#context;
    const conversation = new SeedConversation(service, this.#wire, peer, feed);
    this.#wire.become(peer, conversation);
    const { pid, version: launcher_version } = service.identity;
    conversation.tell(version, { event: 'registered', client_id, launcher_pid: pid, launcher_version, version });
    feed.run().catch((error: unknown) => {
      conversation.complain(HoldfastError.from(error), true);
      this.#wire.end('lagging');
    });
  }
}
