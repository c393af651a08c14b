/** The SDK: `import { connect } from 'holdfast/client'`. Everything the command line does goes through it. */
export { type AgentTarget, Agents, type AnswerOptions, type PolicyGiven, TRANSITION_TOPICS } from './agents.ts';
export { type AttachmentOutcome, type Attachment, type AttachOptions } from './attachment.ts';
export type { BlockSpec } from './blocks.ts';
export type { Changed, Deleted, Meta, Parting } from './change.ts';
export { connect, type ConnectOptions } from './connect.ts';
export type { CallOptions, ChangeOptions } from './control-calls.ts';
export { type EventItem, type EventsOptions, EventStream } from './events.ts';
export { writeFully, writeFullySync } from './fd-writer.ts';
export { Holdfast, type SessionSpec } from './holdfast.ts';
export type { InsertOptions, LayoutOptions, PlacingOptions, SplitTarget } from './layout.ts';
export {
  type AgentSelection,
  type Broadcast,
  isClosed,
  Messages,
  type SendOptions,
  type WaitOptions,
} from './messages.ts';
export type { BlockRecord, Outline, Snapshot, TabRecord, WindowRecord, WorkspaceRecord } from './outline.ts';
export type { OutputItem } from './output-items.ts';
export { OutputStream } from './output.ts';
export type { AttachedInfo, ScreenPart } from './reader-contract.ts';
export { type Backlog, type OutputOptions, Session, type WaitTarget } from './session.ts';
export type { TeeEvent } from './tee-queue.ts';
export { type CallbackSink, ChannelSink, type FdSink, SdkTee, type SdkTeeOptions, type SdkTeeState } from './tees.ts';
export type { TranscriptOptions } from './transcript.ts';
export type {
  Activity,
  AgentProfile,
  AgentRequest,
  AgentStatus,
  AgentTask,
  AgentUsage,
  Attention,
  Evidence,
  Explanation,
  MessagePriority,
  MessageState,
  RequestChoice,
  RestartPolicy,
  TranscriptEntry,
} from '../protocol/agent/index.ts';
export type {
  AgentRecord,
  BlockPlace,
  EventEnvelope,
  LayoutNode,
  MessageRecord,
  ProfileRecord,
  ResizeOp,
  RuntimeStatus,
  SessionRecord,
} from '../protocol/control/index.ts';
export { type ErrorCode, HoldfastError } from '../protocol/index.ts';
export type {
  AttachFrom,
  ExitFact,
  HolderFact,
  LeaseInfo,
  StreamId,
  TeeOptions,
  TeeSink,
  TeeState,
} from '../protocol/session/index.ts';
