/**
 * The input lease (DESIGN §6 "Attach modes"): who may write and resize. It survives its holder's socket for
 * `leaseMs`; its epoch grows with every change of holder, so that whatever a former holder still sends is refused.
 */
import { HoldfastError } from '../../protocol/errors.ts';
import type { LeaseInfo, LeaseTicket } from '../../protocol/session/index.ts';
import type { Clock, Ids } from '../../runtime/index.ts';

export type LeaseChange = 'taken' | 'stolen' | 'released' | 'expired' | 'lost' | 'resumed';

/** What the lease needs to know of a connection: an identity and whom it speaks for. */
export interface LeaseClient {
  readonly clientId: string;
}

export interface LeaseOptions<Client extends LeaseClient> {
  clock: Clock;
  ids: Ids;
  leaseMs: number;
  /** After every change; `previous` is the connection that held it before, if one did. */
  changed(reason: LeaseChange, previous: Client | null): void;
}

export interface LeaseGrant {
  ticket: LeaseTicket;
  /** The last INPUT the kernel took under this lease; a resuming client sends what comes after it again. */
  lastSeq: number;
}

interface Held<Client> {
  epoch: number;
  clientId: string;
  secret: string;
  holder: Client | null;
  acceptedSeq: number;
  writtenSeq: number;
  cancelExpiry: () => void;
}

export class Lease<Client extends LeaseClient> {
  #epoch = 0;
  #held: Held<Client> | null = null;
  readonly #options: LeaseOptions<Client>;

  constructor(options: LeaseOptions<Client>) {
    this.#options = options;
  }

  get info(): LeaseInfo | null {
    const held = this.#held;
    return held && { epoch: held.epoch, client_id: held.clientId, connected: held.holder !== null };
  }

  /** The connection that holds the lease now; null while nobody does or its socket is lost. */
  get holder(): Client | null {
    return this.#held?.holder ?? null;
  }

  get epoch(): number {
    return this.#held?.epoch ?? 0;
  }

  isHeldBy(client: Client): boolean {
    return this.#held?.holder === client;
  }

  /** `not_driver` while someone else holds it and `steal` is not set. Asking again as the holder returns the same lease. */
  take(client: Client, steal: boolean): LeaseGrant {
    const held = this.#held;
    if (held === null) return this.#grant(client, 'taken', null);
    if (held.holder === client) return grantOf(held);
    if (isUnheard(held, client)) {
      held.cancelExpiry();
      return this.#grant(client, 'taken', null);
    }
    if (!steal) throw notDriver(held.clientId, held.epoch);
    held.cancelExpiry();
    return this.#grant(client, 'stolen', held.holder);
  }

  /** `lease_lost` when the ticket is not the current lease's. */
  resume(client: Client, ticket: LeaseTicket): LeaseGrant {
    const held = this.#held;
    if (held === null || held.epoch !== ticket.epoch || held.secret !== ticket.secret) throw leaseLost(ticket.epoch);
    const previous = held.holder;
    held.cancelExpiry();
    held.holder = client;
    held.clientId = client.clientId;
    if (previous !== client) this.#options.changed('resumed', previous);
    return grantOf(held);
  }

  release(client: Client): void {
    const held = this.#held;
    if (held?.holder !== client) throw held ? notDriver(held.clientId, held.epoch) : leaseLost(0);
    this.#held = null;
    this.#options.changed('released', client);
  }

  /** The holder's socket is gone: the lease waits for it. Any other connection: nothing happens. */
  disconnected(client: Client): void {
    const held = this.#held;
    if (held?.holder !== client) return;
    held.holder = null;
    held.cancelExpiry = this.#options.clock.after(this.#options.leaseMs, () => this.#expire(held));
    this.#options.changed('lost', client);
  }

  /**
   * May `client` write under `epoch` (0: without a lease)? Throws `not_driver` or `lease_lost`. For a write outside the
   * numbered INPUT frames.
   */
  authorize(client: Client, epoch: number): void {
    const held = this.#held;
    if (held === null) {
      if (epoch !== 0) throw leaseLost(epoch);
    } else if (held.holder === client) {
      if (epoch !== 0 && epoch !== held.epoch) throw leaseLost(epoch);
    } else if (epoch !== 0 && epoch !== held.epoch) {
      throw leaseLost(epoch);
    } else {
      throw notDriver(held.clientId, held.epoch);
    }
  }

  /** Whether an INPUT is new; false for one already accepted. Throws like `authorize`, and `invalid_argument` for a hole. */
  accept(client: Client, epoch: number, seq: number): boolean {
    this.authorize(client, epoch);
    const held = this.#held;
    if (held === null || epoch === 0) return true;
    if (seq <= held.acceptedSeq) return false;
    if (seq !== held.acceptedSeq + 1) throw holeInSequence(seq, held.acceptedSeq + 1);
    held.acceptedSeq = seq;
    return true;
  }

  /** Whether input accepted under `epoch` may still be written: false once the lease has a new holder. */
  isCurrent(epoch: number): boolean {
    return epoch === 0 || this.#held?.epoch === epoch;
  }

  /** The kernel took `seq`; returns the connection to tell. */
  written(epoch: number, seq: number): Client | null {
    const held = this.#held;
    if (held === null || held.epoch !== epoch) return null;
    if (seq > held.writtenSeq) held.writtenSeq = seq;
    return held.holder;
  }

  /** Highest seq the kernel took under the current lease. */
  get writtenSeq(): number {
    return this.#held?.writtenSeq ?? 0;
  }

  close(): void {
    this.#held?.cancelExpiry();
  }

  #grant(client: Client, reason: LeaseChange, previous: Client | null): LeaseGrant {
    const held: Held<Client> = {
      epoch: ++this.#epoch,
      clientId: client.clientId,
      secret: this.#options.ids.secret(),
      holder: client,
      acceptedSeq: 0,
      writtenSeq: 0,
      cancelExpiry: () => {},
    };
    this.#held = held;
    this.#options.changed(reason, previous);
    return grantOf(held);
  }

  #expire(held: Held<Client>): void {
    if (this.#held !== held || held.holder !== null) return;
    this.#held = null;
    this.#options.changed('expired', null);
  }
}

/**
 * The socket went before anything was written under the lease, and its holder asks again without a ticket: the grant
 * never reached it, and nothing can be lost or doubled.
 */
function isUnheard(held: Held<LeaseClient>, client: LeaseClient): boolean {
  return held.holder === null && held.clientId === client.clientId && held.acceptedSeq === 0;
}

function grantOf(held: Held<unknown>): LeaseGrant {
  return { ticket: { epoch: held.epoch, secret: held.secret }, lastSeq: held.writtenSeq };
}

function notDriver(clientId: string, epoch: number): HoldfastError {
  return new HoldfastError(
    'not_driver',
    `${clientId} holds the input of this session; steal it or wait for its release`,
    {
      details: { client_id: clientId, epoch },
    },
  );
}

function leaseLost(epoch: number): HoldfastError {
  return new HoldfastError('lease_lost', 'this lease is no longer in force; take the input again', {
    field: 'lease',
    details: { epoch },
  });
}

function holeInSequence(seq: number, expected: number): HoldfastError {
  return new HoldfastError(
    'invalid_argument',
    `INPUT ${seq} came where ${expected} was due; send the missing ones first`,
    {
      field: 'seq',
      details: { seq, expected },
    },
  );
}
