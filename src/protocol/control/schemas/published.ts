/** What is published of the schemas: docs/schema/control.json, docs/CONTROL.md and seed-keys.ts are made from this. */
import { z } from 'zod';
import { COMMANDS } from './commands.ts';
import { COMMITTED_EVENTS, EVENTS } from './events.ts';
import { eventEnvelope } from './connection-events.ts';
import { requestEnvelope } from './connection.ts';
import {
  agentRecord,
  agentRequest,
  agentStatus,
  agentUsage,
  explanation,
  messageRecord,
  parked,
  profileRecord,
  restartPolicy,
  sender,
} from './agents-facts.ts';
import { exitFact, holderFact, leaseInfo, sessionLimits, wireError } from './facts.ts';
import { hostFrame, seedHostFrame } from './host-frame.ts';
import { correlationId, id, idOrNone, title } from './fields.ts';
import { layoutNode, place, placedNode, resizeOp } from './layout.ts';
import { failureReply, runtimeStatus, successReply } from './replies.ts';
import { RESULTS } from './results.ts';
import { sessionRecord } from './sessions.ts';
import { snapshotState } from './snapshot-state.ts';
import { rect } from './windows.ts';

const { version, at, prev } = eventEnvelope.shape;

/** Committed events with what they travel with. */
const committed = Object.fromEntries(
  Object.entries(COMMITTED_EVENTS).map(([name, schema]) => [
    name,
    schema.extend({ version, at, prev }).meta(schema.meta() ?? {}),
  ]),
);

/** Successful replies, whole. */
const results = Object.fromEntries(
  Object.entries(RESULTS).map(([name, fields]) => [name, z.object({ ...successReply.shape, ...fields })]),
);

export const PUBLISHED = {
  commands: COMMANDS,
  events: { ...EVENTS, ...committed },
  results,
  types: {
    Id: id,
    IdOrNone: idOrNone,
    Title: title,
    CorrelationId: correlationId,
    LayoutNode: placedNode,
    LayoutNodeInCommand: layoutNode,
    BlockPlace: place,
    ResizeOp: resizeOp,
    SessionRecord: sessionRecord,
    SessionLimits: sessionLimits,
    ExitFact: exitFact,
    HolderFact: holderFact,
    LeaseInfo: leaseInfo,
    AgentRecord: agentRecord,
    AgentRequest: agentRequest,
    AgentStatus: agentStatus,
    AgentUsage: agentUsage,
    Explanation: explanation,
    MessageRecord: messageRecord,
    MessageSender: sender,
    Parked: parked,
    ProfileRecord: profileRecord,
    RestartPolicy: restartPolicy,
    SnapshotState: snapshotState,
    Rect: rect,
    RuntimeStatus: runtimeStatus,
    WireError: wireError,
    RequestEnvelope: requestEnvelope,
    EventEnvelope: eventEnvelope,
    SuccessReply: successReply,
    FailureReply: failureReply,
    HostFrame: hostFrame,
    SeedHostFrame: seedHostFrame,
  },
};
