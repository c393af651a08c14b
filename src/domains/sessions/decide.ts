/** The decider: commands and observations in, committed facts out. Pure; time and ids come in through the context. */
import type { CreateSession, SessionRecord, SessionsEvent } from '../../protocol/control/index.ts';
import { HoldfastError, invalid, limits } from '../../protocol/index.ts';
import type { SessionLimits } from '../../protocol/launch/index.ts';
import { checkCreate, checkName, mergeLimits } from './check.ts';
import type { ObservationCommand, SessionsInput } from './commands.ts';
import { decideObservation } from './observe.ts';
import { selectSession } from './select.ts';
import {
  type Desired,
  evolve,
  initialState,
  isLive,
  type Session,
  type SessionsState,
  type SocketPlaces,
  toRecord,
} from './state.ts';

/** What the decider may know of the world. The kernel's decision context is one. */
export interface SessionsContext {
  readonly now: number;
  ulid(): string;
  readonly actor: { readonly kind: string };
}

export interface SessionsPolicy {
  /** Sessions that may be live at once; one more is `busy`. */
  liveSessions: number;
  sessionLimits: SessionLimits;
  places: SocketPlaces;
}

export interface SessionsDecision {
  events: SessionsEvent[];
  result?: Record<string, unknown>;
}

const REMOVE_FORCED = 'the session is live: end it first, or remove it with force';

export function decide(
  policy: SessionsPolicy,
  state: SessionsState,
  input: SessionsInput,
  context: SessionsContext,
): SessionsDecision {
  switch (input.cmd) {
    case 'create_session':
      return create(policy, state, input, context);
    case 'terminate_session':
      return terminate(policy, selectSession(state, input.session), input.grace_ms);
    case 'signal_session':
      return signal(policy, selectSession(state, input.session));
    case 'rename_session':
      return rename(policy, state, selectSession(state, input.session), input.name ?? null);
    case 'remove_session':
      return remove(selectSession(state, input.session), input.force === true);
    case 'purge_exited':
      return purge(state, input.originator ?? '');
    case 'set_desired':
      return setDesired(policy, selectSession(state, input.session), input.desired);
    case 'get_session':
    case 'list_sessions':
      throw new HoldfastError('internal', `${input.cmd} reads: it is answered from the state, not decided`);
    default:
      return { events: decideObservation(state, input satisfies ObservationCommand) };
  }
}

function create(
  policy: SessionsPolicy,
  state: SessionsState,
  command: CreateSession,
  context: SessionsContext,
): SessionsDecision {
  checkCreate(command);
  const sessionLimits = mergeLimits(policy.sessionLimits, command.limits);
  const name = command.name ?? null;
  checkFree(state, name);
  if (state.live >= policy.liveSessions) {
    throw new HoldfastError(
      'busy',
      `${state.live} sessions are live, the limit is ${policy.liveSessions}; end one or raise limits.live_sessions in config.toml`,
      {
        details: { live: state.live, limit: policy.liveSessions },
      },
    );
  }
  const kind = command.kind ?? 'pty';
  const event: Created = {
    event: 'session_created',
    session_id: context.ulid(),
    name,
    kind,
    argv: command.argv,
    command: command.command ?? command.argv.join(' '),
    cwd: command.cwd,
    originator: command.originator ?? context.actor.kind,
    created_at: context.now,
    rows: command.rows ?? limits.DEFAULT_ROWS,
    cols: command.cols ?? limits.DEFAULT_COLS,
    // A terminal has one output anyway.
    merge_stderr: kind === 'pipe' && command.merge_stderr === true,
    umask: command.umask ?? null,
    limits: sessionLimits,
    agent: null,
  };
  return { events: [event], result: { session: recordOf(policy, event, context.now) } };
}

type Created = Extract<SessionsEvent, { event: 'session_created' }>;

/** The decision on a new session as one on a session that runs an agent. */
export function withAgent(
  policy: Pick<SessionsPolicy, 'places'>,
  { events }: SessionsDecision,
  as: Pick<Created, 'agent' | 'name'>,
  now: number,
): { event: Created; session: SessionRecord } {
  const [first] = events;
  if (first?.event !== 'session_created') throw new HoldfastError('internal', 'no session was created');
  const event = { ...first, ...as };
  return { event, session: recordOf(policy, event, now) };
}

function recordOf({ places }: Pick<SessionsPolicy, 'places'>, event: Created, now: number): SessionRecord {
  const session = evolve(initialState(), event, 0, now).sessions.get(event.session_id);
  if (session === undefined) throw new HoldfastError('internal', 'a created session is not in the state');
  return toRecord(session, places);
}

function checkFree(state: SessionsState, name: string | null): void {
  const taken = name === null ? undefined : state.names.get(name);
  if (taken === undefined) return;
  throw new HoldfastError(
    'conflict',
    `the name "${name}" is taken by session ${taken}; choose another or remove that session`,
    { field: 'name', details: { session: taken } },
  );
}

function rename(policy: SessionsPolicy, state: SessionsState, session: Session, name: string | null): SessionsDecision {
  const result = { session: { ...toRecord(session, policy.places), name } };
  if (session.name === name) return { events: [], result };
  if (name !== null) checkName(name);
  checkFree(state, name);
  return { events: [{ event: 'session_renamed', session_id: session.id, name }], result };
}

function terminate(policy: SessionsPolicy, session: Session, graceMs: number | undefined): SessionsDecision {
  if (graceMs !== undefined && !(Number.isInteger(graceMs) && graceMs >= 0 && graceMs <= 3_600_000)) {
    throw invalid('grace_ms', `grace_ms is an integer from 0 to 3600000, got ${graceMs}`);
  }
  if (!isLive(session))
    return { events: [], result: { session: toRecord(session, policy.places), already_exited: true } };
  const stop: SessionsEvent[] = session.desired === 'running' ? [desiredEvent(session, 'stopped')] : [];
  const record = {
    ...toRecord(session, policy.places),
    desired: session.desired === 'running' ? 'stopped' : session.desired,
  } satisfies SessionRecord;
  return { events: stop, result: { session: record, already_exited: session.state === 'exited' } };
}

/** Changes nothing: the shim does it. Decided so that its idempotency key is remembered. */
function signal(policy: SessionsPolicy, session: Session): SessionsDecision {
  if (!isLive(session) || session.state === 'exited') throw sessionExited(session);
  return { events: [], result: { session: toRecord(session, policy.places) } };
}

function remove(session: Session, force: boolean): SessionsDecision {
  const result = { removed: session.id };
  if (!isLive(session)) return { events: [removedEvent(session, 'command')], result };
  if (!force)
    throw new HoldfastError('conflict', REMOVE_FORCED, {
      field: 'force',
      details: { session: session.id, state: session.state },
    });
  return { events: session.desired === 'removed' ? [] : [desiredEvent(session, 'removed')], result };
}

function purge(state: SessionsState, originator: string): SessionsDecision {
  const over = [...state.sessions.values()].filter(
    (session) => !isLive(session) && (originator === '' || session.originator === originator),
  );
  return {
    events: over.map((session) => removedEvent(session, 'purge')),
    result: { removed: over.map(({ id }) => id) },
  };
}

function setDesired(policy: SessionsPolicy, session: Session, desired: Desired): SessionsDecision {
  if (!isLive(session)) {
    if (desired === 'removed')
      return {
        events: [removedEvent(session, 'command')],
        result: { session: { ...toRecord(session, policy.places), desired } },
      };
    if (desired === 'running') throw sessionExited(session);
  }
  const events = session.desired === desired ? [] : [desiredEvent(session, desired)];
  return { events, result: { session: { ...toRecord(session, policy.places), desired } } };
}

function sessionExited(session: Session): HoldfastError {
  return new HoldfastError('session_exited', `session ${session.id} has exited; start a new one`, {
    field: 'session',
    details: { session: session.id, state: session.state },
  });
}

function desiredEvent(session: Session, desired: Desired): SessionsEvent {
  return { event: 'session_desired', session_id: session.id, desired };
}

function removedEvent(session: Session, reason: 'command' | 'purge'): SessionsEvent {
  return { event: 'session_removed', session_id: session.id, reason };
}
