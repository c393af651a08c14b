/**
 * One way to change state (DESIGN §4): deciders, sequencer, event log, subscriptions, idempotency, outbox and link;
 * generic over a domain. The SQLite log is reached through sqlite/index.ts, by composition roots only.
 */
export type {
  Actor,
  Batch,
  CommandOptions,
  Commit,
  Decision,
  DecisionContext,
  Domain,
  Epoch,
  EventLog,
  Kernel,
  KernelCounters,
  LogState,
  Outbox,
  OutboxMessage,
  OutboxOutcome,
  OutboxRow,
  Recorded,
  StoredResult,
  SubscribeOptions,
  Subscription,
  SubscriptionItem,
} from './contract.ts';
export { DEFAULT_KERNEL_LIMITS, type KernelLimits, type KernelOptions, openKernel } from './kernel.ts';
export { MemoryLog } from './memory-log.ts';
export { type LinkAck, type LinkFrame, type LinkOptions, type LinkOutcome, LinkSender } from './link.ts';
export { LinkReceiver, type LinkReceiverOptions, type LinkResult, type ResultMemory } from './link-receiver.ts';
