/** What a session reader is told and what it tells. */
import type {
  AttachFrom,
  AttachMode,
  EndedReason,
  FlowPolicy,
  LeaseInfo,
  SessionEvent,
  StreamId,
} from '../protocol/session/index.ts';
import type { OutputItem } from './output-items.ts';
import type { EventOf } from './session-link.ts';

export interface ReaderOptions {
  from: AttachFrom;
  mode: AttachMode;
  streams?: StreamId[];
  policy?: FlowPolicy;
  steal?: boolean;
  /** Bytes delivered and not yet `consumed` at most. */
  credit: number;
  rows?: number;
  cols?: number;
  terminal?: boolean;
  stallMs?: number;
}

export type AttachedInfo = Omit<EventOf<'Attached'>, 'event' | 'id'>;
export type ScreenPart = Omit<EventOf<'Screen'>, 'event' | 'id'>;

export interface ReaderHandlers {
  item(item: OutputItem): void;
  /** After every (re)attach; with what the session's Hello says it can do. */
  attached?(info: AttachedInfo, capabilities: readonly string[]): void;
  screen?(part: ScreenPart): void;
  /** The connection went; the reader is trying to get it back. */
  lost?(error: Error | undefined): void;
  lease?(lease: LeaseInfo | null, reason: EventOf<'LeaseChanged'>['reason']): void;
  /** Events that are neither output nor the reader's own affair. */
  other?(event: SessionEvent): void;
  /** Once, last: regularly (`reason`), or with the error that ended it. */
  finished(reason: EndedReason | 'end' | 'closed', error?: Error, by?: string): void;
}
