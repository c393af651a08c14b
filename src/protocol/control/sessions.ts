/**
 * The sessions vocabulary on the control socket (WIRES §1 "Sessions vocabulary", DESIGN §9): commands, events and the
 * record `ls` prints. The zod schemas in `schemas.ts` are checked against these types at compile time.
 */
import type {
  EndCause,
  ExitFact,
  HolderFact,
  LeaseInfo,
  SessionKind,
  TerminationOutcome,
} from '../session/messages.ts';
import type { SessionLimits } from '../launch/index.ts';
import type { WireError } from '../errors.ts';

export type SessionState = 'starting' | 'running' | 'exited' | 'ended' | 'lost';

/** One session as `ls` and `get_session` show it. */
export interface SessionRecord {
  id: string;
  name: string | null;
  kind: SessionKind;
  agent: string | null;
  state: SessionState;
  pid: number | null;
  shim_pid: number | null;
  argv: string[];
  command: string;
  originator: string;
  cwd: string;
  /** Ms since the Unix epoch. */
  created_at: number;
  exit: {
    code: number | null;
    signal: string | null;
    outcome: TerminationOutcome | null;
    cause: EndCause | 'not_our_child' | null;
    at: number | null;
  } | null;
  /** Additive to DESIGN §9. */
  desired: 'running' | 'stopped' | 'removed';
  rows: number;
  cols: number;
  driver: LeaseInfo | null;
  held_by: HolderFact[];
  /** Processes of the tree that could not be ended. */
  survivors: HolderFact[];
  merge_stderr: boolean;
  containment: 'tree' | 'marked' | null;
  start_error: WireError | null;
  /** Absolute path of the socket that serves this session now: its shim's, or srv's archive. */
  socket: string;
}

export interface CreateSession {
  cmd: 'create_session';
  argv: string[];
  /** Absolute. */
  cwd: string;
  /** Ordered; later entries win. HOLDFAST_* entries are dropped. */
  env: [string, string][];
  kind?: SessionKind;
  name?: string | null;
  rows?: number;
  cols?: number;
  originator?: string;
  /** Shown instead of argv joined by blanks. */
  command?: string;
  merge_stderr?: boolean;
  umask?: number | null;
  limits?: Partial<SessionLimits>;
}

export type SessionsCommand =
  | CreateSession // → { session: SessionRecord }
  | { cmd: 'get_session'; session: string } // id, unique prefix or name → { session: SessionRecord, token }
  | { cmd: 'list_sessions'; originator?: string } // → { sessions: SessionRecord[] }
  | { cmd: 'terminate_session'; session: string; grace_ms?: number } // → { session, already_exited }
  | { cmd: 'signal_session'; session: string; signal: string } // → { session }
  | { cmd: 'rename_session'; session: string; name?: string | null } // → { session }; none takes the name away
  | { cmd: 'remove_session'; session: string; force?: boolean } // → { removed: id }
  | { cmd: 'purge_exited'; originator?: string } // → { removed: id[] }
  | { cmd: 'set_desired'; session: string; desired: 'running' | 'stopped' | 'removed' }; // → { session }

/** Committed facts. Every one carries `session_id`; bytes and environment never appear. */
export type SessionsEvent =
  | {
      event: 'session_created';
      session_id: string;
      name: string | null;
      kind: SessionKind;
      argv: string[];
      command: string;
      cwd: string;
      originator: string;
      created_at: number;
      rows: number;
      cols: number;
      merge_stderr: boolean;
      umask: number | null;
      limits: SessionLimits;
    }
  | {
      event: 'session_started';
      session_id: string;
      pid: number;
      start_time: number;
      shim_pid: number;
      shim_start_time: number;
      containment: 'tree' | 'marked';
    }
  | { event: 'session_start_failed'; session_id: string; error: WireError; exit_status: number }
  | {
      event: 'session_adopted';
      session_id: string;
      pid: number;
      start_time: number;
      shim_pid: number;
      shim_start_time: number;
      /** The shim's build; `version` is the event's own number. */
      shim_version: string;
      /** Additive: what the shim can find of its tree, and the adopting srv's epoch. */
      containment?: 'tree' | 'marked';
      epoch?: string;
    }
  | { event: 'session_exited'; session_id: string; exit: ExitFact; held_by: HolderFact[] }
  /** Additive: who holds the output of a session whose child has exited, when that changes. */
  | { event: 'session_held'; session_id: string; held_by: HolderFact[] }
  | { event: 'session_ended'; session_id: string; cause: EndCause; exit: ExitFact | null; survivors: HolderFact[] }
  | { event: 'session_lost'; session_id: string; cause: 'shim_lost' | 'reboot'; survivors: HolderFact[] }
  | { event: 'session_renamed'; session_id: string; name: string | null }
  | { event: 'session_removed'; session_id: string; reason: 'command' | 'purge' | 'retention' }
  | { event: 'session_driver_changed'; session_id: string; driver: LeaseInfo | null }
  | { event: 'session_resized'; session_id: string; rows: number; cols: number }
  | { event: 'session_desired'; session_id: string; desired: 'running' | 'stopped' | 'removed' }
  | { event: 'session_warning'; session_id: string; message: string };
