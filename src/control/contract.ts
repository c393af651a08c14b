/**
 * What the control server needs from the process that runs it (WIRES §1). The server owns the wire – registration,
 * requests, subscriptions, limits – and knows nothing of sessions, storage or schemas.
 */
import type { CommandOptions, Recorded, Subscription, SubscribeOptions } from '../kernel/index.ts';
import type {
  ConnectionCommand,
  ConnectionKind,
  DisconnectReason,
  RegisterCommand,
  RuntimeStatus,
  SnapshotFacts,
} from '../protocol/control/index.ts';

/** Any command of a connection: its registration, the connection's own, or one of the domain's (`C`). */
export type ControlCommand<C extends { cmd: string }> = RegisterCommand | ConnectionCommand | C;

/** A registered connection, as hooks and records see it. */
export interface ControlPeer {
  client_id: string;
  pid: number;
  kind: ConnectionKind;
  /** The client's own version. */
  version: string;
  /** Negotiated protocol number; null for a seed connection. */
  protocol: number | null;
  /** The session whose token it registered with: it may do what a program of that session may. Null: the owner's. */
  session_id: string | null;
}

/** What `registered` says beside the current version and epoch. */
export interface ServiceIdentity {
  pid: number;
  version: string;
  capabilities: string[];
  limits: Record<string, number>;
}

export interface ControlService<C extends { cmd: string }> {
  readonly identity: ServiceIdentity;
  /** Version and epoch of the state right now. */
  current(): { version: number; epoch: string };
  /**
   * Checks a command's fields and returns it typed. Throws `unknown_command`, or `invalid_argument` naming the field.
   * A function of protocol/control/schemas.ts is meant to be passed here.
   */
  parse(fields: Record<string, unknown>): ControlCommand<C>;
  /** Runs a domain command; resolves after its commit. `result` holds the reply's fields beside `version`. */
  execute(command: C, options: CommandOptions): Promise<{ version: number; result: Record<string, unknown> }>;
  /** The state as a snapshot on the wire, in the same turn as its version. */
  snapshot(): { version: number; epoch: string } & SnapshotFacts;
  /** As `Kernel.subscribe`. Throws `epoch_unknown`. */
  subscribe(options: SubscribeOptions): Subscription<{ event: string }>;
  /** As `Kernel.readEvents`. */
  readEvents(
    since: number,
    epoch: string | undefined,
    maxEvents: number,
    maxBytes: number,
  ): Promise<{ events: Recorded<{ event: string }>[]; complete: boolean; next: number }>;
  status(): RuntimeStatus | Promise<RuntimeStatus>;
  /** `down`: called before the reply is sent; must not close the server before it resolves, then may at any time. */
  shutdown(sessions: boolean, peer: ControlPeer): Promise<void>;
  /**
   * Commits that a connection is registered; resolves with the version it has then. Rejects with `already_registered`
   * if it is the seed's and another one has its pid.
   */
  connected(peer: ControlPeer): Promise<{ version: number }>;
  /** Commits its end. Exactly once per `connected`, but for one of the seed that was refused. */
  disconnected(peer: ControlPeer, reason: DisconnectReason): void;
}
