/** What the connections of one control server share. */
import type { CloseReason } from '../protocol/control/index.ts';
import type { Clock } from '../runtime/index.ts';
import type { BudgetSize } from './budget.ts';
import type { ControlService } from './contract.ts';
import type { EventTexts } from './fan-out.ts';

/** A connection as the server's registers know it. */
export interface Registrant {
  /** The client id it has; the server sets it. */
  claimed: string | null;
  /** The session it belongs to, once it is registered; null: the owner's. */
  scope: string | null;
  /** Tells the client why, then closes. */
  end(reason: CloseReason): void;
}

export interface ControlLimits {
  /** Ms to register in. */
  registerMs: number;
  /** Commands of one connection under way; reading stops while they are. */
  requests: number;
  /** Lines of one connection. */
  lines: BudgetSize;
  /** Lines that break a rule of the wire. */
  errors: BudgetSize;
}

export interface ServerContext<C extends { cmd: string }> {
  readonly clock: Clock;
  readonly service: ControlService<C>;
  readonly limits: ControlLimits;
  readonly texts: EventTexts;
  /** In constant time. Null: no token of this home; else the session it is of, or null for the owner's. */
  authenticate(token: string): { session_id: string | null } | null;
  /** Makes `connection` the one of its client id; an older one is closed `superseded`. */
  claim(clientId: string, connection: Registrant): void;
  /** Whose the connection of that client id is; undefined: nobody's. */
  holderOf(clientId: string): string | null | undefined;
  /** A number that no connection has for its client id. */
  claimSeedId(connection: Registrant): number;
  gone(connection: Registrant): void;
}
