/** The state of the sessions domain and the record `ls` prints of it. */
import type { SessionRecord, SessionState, SessionsEvent } from '../../protocol/control/index.ts';
import type { WireError } from '../../protocol/index.ts';
import type { SessionLimits } from '../../protocol/launch/index.ts';
import type { EndCause, ExitFact, HolderFact, LeaseInfo, SessionKind } from '../../protocol/session/index.ts';
import type { StartFacts } from './commands.ts';

export type Desired = SessionRecord['desired'];
export type SessionAgent = NonNullable<Extract<SessionsEvent, { event: 'session_created' }>['agent']>;

export interface Session {
  id: string;
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
  /** The agent it runs. Missing in a state of the first releases. */
  agent?: SessionAgent | null;
  desired: Desired;
  state: SessionState;
  /** Null until the child runs. */
  started: StartFacts | null;
  /** Epoch of the srv that adopted it last. */
  adopted_in: string | null;
  exit: ExitFact | null;
  /** Null while its shim, as far as known, lives. */
  cause: EndCause | null;
  /** Commit time of the event that closed it, ms since the Unix epoch. */
  closed_at: number | null;
  driver: LeaseInfo | null;
  held_by: HolderFact[];
  survivors: HolderFact[];
  start_error: WireError | null;
}

export interface SessionsState {
  readonly sessions: Map<string, Session>;
  /** Name → id, of every session that is not removed. */
  readonly names: Map<string, string>;
  /** Session → version of the last event about it. Not of one that a snapshot of the first release held. */
  readonly changed: Map<string, number>;
  /** Ids removed last, oldest first: a directory left by an interrupted removal is told from a lost record by these. */
  readonly removed: string[];
  /** Sessions that are not over. */
  live: number;
}

/** More than one purge of a full home can leave behind. */
const REMOVED_KEPT_COUNT = 4_096;

export function initialState(): SessionsState {
  return { sessions: new Map(), names: new Map(), changed: new Map(), removed: [], live: 0 };
}

/** Its shim may still be there: starting, running, or exited with its output held by others. */
export function isLive(session: Session): boolean {
  return session.cause === null;
}

export function evolve(state: SessionsState, event: SessionsEvent, version: number, at: number): SessionsState {
  if (event.event === 'session_created') {
    add(state, created(event));
    state.changed.set(event.session_id, version);
    return state;
  }
  const session = state.sessions.get(event.session_id);
  if (session === undefined) return state;
  state.changed.set(session.id, version);
  if (event.event === 'session_removed') remove(state, session);
  else change(state, session, event, at);
  return state;
}

function created(event: Extract<SessionsEvent, { event: 'session_created' }>): Session {
  const { event: _name, session_id, ...facts } = event;
  return {
    id: session_id,
    // By name: a recorded event carries its version and time beside the facts.
    name: facts.name,
    kind: facts.kind,
    argv: facts.argv,
    command: facts.command,
    cwd: facts.cwd,
    originator: facts.originator,
    created_at: facts.created_at,
    rows: facts.rows,
    cols: facts.cols,
    merge_stderr: facts.merge_stderr,
    umask: facts.umask,
    limits: facts.limits,
    agent: facts.agent ?? null,
    desired: 'running',
    state: 'starting',
    started: null,
    adopted_in: null,
    exit: null,
    cause: null,
    closed_at: null,
    driver: null,
    held_by: [],
    survivors: [],
    start_error: null,
  };
}

function add(state: SessionsState, session: Session): void {
  state.sessions.set(session.id, session);
  if (session.name !== null) state.names.set(session.name, session.id);
  if (isLive(session)) state.live++;
}

function remove(state: SessionsState, session: Session): void {
  state.sessions.delete(session.id);
  state.changed.delete(session.id);
  if (session.name !== null) state.names.delete(session.name);
  if (isLive(session)) state.live--;
  state.removed.push(session.id);
  if (state.removed.length > REMOVED_KEPT_COUNT) state.removed.splice(0, state.removed.length - REMOVED_KEPT_COUNT);
}

type Change = Exclude<SessionsEvent, { event: 'session_created' | 'session_removed' }>;

function change(state: SessionsState, session: Session, event: Change, at: number): void {
  switch (event.event) {
    case 'session_started':
      session.state = 'running';
      session.started = startFacts(event, event.containment);
      break;
    case 'session_adopted':
      session.started = startFacts(event, event.containment ?? session.started?.containment ?? 'marked');
      session.adopted_in = event.epoch ?? null;
      break;
    case 'session_start_failed':
      session.start_error = event.error;
      close(state, session, 'ended', 'start_failed', at);
      break;
    case 'session_exited':
      session.state = 'exited';
      session.exit = event.exit;
      session.held_by = event.held_by;
      break;
    case 'session_held':
      session.held_by = event.held_by;
      break;
    case 'session_ended':
      session.exit = event.exit ?? session.exit;
      session.survivors = event.survivors;
      close(state, session, 'ended', event.cause, at);
      break;
    case 'session_lost':
      session.survivors = event.survivors;
      close(state, session, 'lost', event.cause, at);
      break;
    case 'session_driver_changed':
      session.driver = event.driver;
      break;
    case 'session_resized':
      session.rows = event.rows;
      session.cols = event.cols;
      break;
    case 'session_renamed':
      if (session.name !== null) state.names.delete(session.name);
      if (event.name !== null) state.names.set(event.name, session.id);
      session.name = event.name;
      break;
    case 'session_desired':
      session.desired = event.desired;
      break;
    case 'session_warning':
      break;
  }
}

function startFacts(event: Omit<StartFacts, 'containment'>, containment: StartFacts['containment']): StartFacts {
  const { pid, start_time, shim_pid, shim_start_time } = event;
  return { pid, start_time, shim_pid, shim_start_time, containment };
}

function close(state: SessionsState, session: Session, as: 'ended' | 'lost', cause: EndCause, at: number): void {
  if (isLive(session)) state.live--;
  session.state = as;
  session.cause = cause;
  session.closed_at = at;
  session.driver = null;
  session.held_by = [];
}

/** Where a session's frames are served. */
export interface SocketPlaces {
  /** Its shim's socket. */
  live(sessionId: string): string;
  /** srv's, for closed logs. */
  archive: string;
}

export function toRecord(session: Session, places: SocketPlaces): SessionRecord {
  return {
    id: session.id,
    name: session.name,
    kind: session.kind,
    agent: session.agent?.profile ?? null,
    state: session.state,
    pid: session.started?.pid ?? null,
    shim_pid: session.started?.shim_pid ?? null,
    argv: session.argv,
    command: session.command,
    originator: session.originator,
    cwd: session.cwd,
    created_at: session.created_at,
    exit: exitOf(session),
    desired: session.desired,
    rows: session.rows,
    cols: session.cols,
    driver: session.driver,
    held_by: session.held_by,
    survivors: session.survivors,
    merge_stderr: session.merge_stderr,
    containment: session.started?.containment ?? null,
    start_error: session.start_error,
    socket: isLive(session) ? places.live(session.id) : places.archive,
  };
}

function exitOf(session: Session): SessionRecord['exit'] {
  if (session.exit === null && session.cause === null) return null;
  return {
    code: session.exit?.code ?? null,
    signal: session.exit?.signal ?? null,
    outcome: session.exit?.outcome ?? null,
    cause: session.cause,
    at: session.exit?.at_ms ?? session.closed_at,
  };
}

interface Serialised {
  sessions: Session[];
  removed: string[];
  /** Missing in the first release. */
  changed?: [string, number][];
}

export function serialise(state: SessionsState): unknown {
  const { sessions, removed, changed } = state;
  const json: Serialised = { sessions: [...sessions.values()], removed, changed: [...changed] };
  return structuredClone(json);
}

export function restore(json: unknown): SessionsState {
  const { sessions, removed, changed } = structuredClone(json) as Serialised;
  const state: SessionsState = { ...initialState(), removed, changed: new Map(changed) };
  for (const session of sessions) add(state, session);
  return state;
}
