/**
 * Envelope and connection-level vocabulary of the control socket (WIRES §1). Types only, inferred from `schemas/`;
 * whoever imports them loads no schema library. A domain's commands and events are in a file of their own beside this
 * one.
 */
import type { z } from 'zod';
import type { CONNECTION_COMMANDS, REGISTER, connectionKind, requestEnvelope } from './schemas/connection.ts';
import type {
  CONNECTION_EVENTS,
  PRIVATE_EVENTS,
  closeReason,
  disconnectReason,
  eventEnvelope,
  lifecyclePhase,
} from './schemas/connection-events.ts';
import type { hostFrame } from './schemas/host-frame.ts';
import type { failureReply, runtimeStatus, successReply } from './schemas/replies.ts';
import type { snapshotState } from './schemas/snapshot-state.ts';
import type { UnionOf } from './schemas/variants.ts';

/** Protocol numbers this build speaks on the control socket, lowest and highest. */
export const CONTROL_PROTOCOL: readonly [number, number] = [1, 1];

/** Seed 1's connection kinds, and the launcher. */
export type ConnectionKind = z.infer<typeof connectionKind>;
export type RegisterCommand = z.infer<typeof REGISTER.register>;
/** What a request may carry beside its command's own fields. */
export type RequestEnvelope = z.infer<typeof requestEnvelope>;
export type SubscribeCommand = z.infer<typeof CONNECTION_COMMANDS.subscribe>;
export type ConnectionCommand = UnionOf<typeof CONNECTION_COMMANDS>;

export type SuccessReply = z.infer<typeof successReply>;
export type FailureReply = z.infer<typeof failureReply>;
export type Reply = SuccessReply | FailureReply;

/** How a committed event travels: its own fields plus these. `prev` is the version delivered before it here. */
export type EventEnvelope = z.infer<typeof eventEnvelope>;
/** Why a registered connection went. `shutdown`: its srv ended, told by the next one where that one could not. */
export type DisconnectReason = z.infer<typeof disconnectReason>;
export type LifecyclePhase = z.infer<typeof lifecyclePhase>;
/** Committed facts about who is connected. */
export type ConnectionEvent = UnionOf<typeof CONNECTION_EVENTS>;

/** To a connection of ours; the seed's has a number for `client_id`. */
export type RegisteredEvent = Omit<z.infer<typeof PRIVATE_EVENTS.registered>, 'client_id'> & { client_id: string };
/** What one connection alone is told. */
export type PrivateEvent = RegisteredEvent | UnionOf<Omit<typeof PRIVATE_EVENTS, 'registered'>>;
export type SrvSnapshot = z.infer<typeof PRIVATE_EVENTS.srv_snapshot>;
/** What the server adds its version and epoch to. */
export type SnapshotFacts = Omit<SrvSnapshot, 'event' | 'version' | 'epoch'>;
/** What the seed's part of `srv_snapshot` leaves out. */
export type SnapshotState = z.infer<typeof snapshotState>;
export type CloseReason = z.infer<typeof closeReason>;
export type HostFrame = z.infer<typeof hostFrame>;

/** `holdfast status --json` (DESIGN §9), with additive fields. */
export type RuntimeStatus = z.infer<typeof runtimeStatus>;
