/**
 * What the sessions domain decides on: the public vocabulary, and the observations which only srv's broker may issue.
 * Desired state changes by the former, observed state by the latter (DESIGN §5 "Sessions").
 */
import type { SessionsCommand, SessionsEvent } from '../../protocol/control/index.ts';
import type { WireError } from '../../protocol/index.ts';
import type { EndCause, ExitFact, HolderFact, LeaseInfo } from '../../protocol/session/index.ts';

/** A running child and its shim, each by pid and kernel start time (proc(5) field 22). */
export interface StartFacts {
  pid: number;
  start_time: number;
  shim_pid: number;
  shim_start_time: number;
  containment: 'tree' | 'marked';
}

export type CreatedFacts = Omit<Extract<SessionsEvent, { event: 'session_created' }>, 'event'>;

/** Never accepted from a socket. Each is idempotent: one that says nothing new, or comes too late, changes nothing. */
export type ObservationCommand =
  /** A session directory without a record (lost database, restored backup), read from its manifest. */
  | { cmd: 'observe_found'; created: CreatedFacts }
  | ({ cmd: 'observe_started'; session_id: string } & StartFacts)
  | { cmd: 'observe_start_failed'; session_id: string; error: WireError; exit_status: number }
  /** `epoch` is the adopting srv's: one adoption per session and epoch. */
  | ({ cmd: 'observe_adopted'; session_id: string; version: string; epoch: string } & StartFacts)
  | { cmd: 'observe_exited'; session_id: string; exit: ExitFact; held_by: HolderFact[] }
  | { cmd: 'observe_held'; session_id: string; held_by: HolderFact[] }
  | { cmd: 'observe_ended'; session_id: string; cause: EndCause; exit: ExitFact | null; survivors: HolderFact[] }
  | { cmd: 'observe_lost'; session_id: string; cause: 'shim_lost' | 'reboot'; survivors: HolderFact[] }
  | { cmd: 'observe_driver'; session_id: string; driver: LeaseInfo | null }
  | { cmd: 'observe_resized'; session_id: string; rows: number; cols: number }
  | { cmd: 'observe_warning'; session_id: string; message: string }
  /** Retention: of the named sessions those that are over go. */
  | { cmd: 'retire'; sessions: string[] };

export type SessionsInput = SessionsCommand | ObservationCommand;
