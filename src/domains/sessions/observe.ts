/** What srv's broker saw, as facts. An observation that says nothing new, or comes too late, commits nothing. */
import type { SessionsEvent } from '../../protocol/control/index.ts';
import type { ObservationCommand, StartFacts } from './commands.ts';
import { isLive, type Session, type SessionsState } from './state.ts';

export function decideObservation(state: SessionsState, command: ObservationCommand): SessionsEvent[] {
  if (command.cmd === 'observe_found') return found(state, command.created);
  if (command.cmd === 'retire') return retire(state, command.sessions);
  const session = state.sessions.get(command.session_id);
  if (session === undefined) return [];
  if (command.cmd === 'observe_warning') {
    return [{ event: 'session_warning', session_id: session.id, message: command.message }];
  }
  return isLive(session) ? observed(session, command) : [];
}

type Observed = Exclude<ObservationCommand, { cmd: 'observe_found' | 'retire' | 'observe_warning' }>;

function observed(session: Session, command: Observed): SessionsEvent[] {
  const session_id = session.id;
  switch (command.cmd) {
    case 'observe_started':
      return session.state === 'starting' ? [startedEvent(session_id, command)] : [];
    case 'observe_start_failed':
      if (session.state !== 'starting') return [];
      return closing(session, {
        event: 'session_start_failed',
        session_id,
        error: command.error,
        exit_status: command.exit_status,
      });
    case 'observe_adopted':
      return adopted(session, command);
    case 'observe_exited':
      if (session.exit !== null) return [];
      return [{ event: 'session_exited', session_id, exit: command.exit, held_by: command.held_by }];
    case 'observe_held':
      if (session.state !== 'exited' || same(session.held_by, command.held_by)) return [];
      return [{ event: 'session_held', session_id, held_by: command.held_by }];
    case 'observe_ended': {
      const { cause, survivors } = command;
      const exit = session.exit ?? command.exit;
      return [
        ...exitBefore(session, command.exit),
        ...closing(session, { event: 'session_ended', session_id, cause, exit, survivors }),
      ];
    }
    case 'observe_lost':
      return closing(session, {
        event: 'session_lost',
        session_id,
        cause: command.cause,
        survivors: command.survivors,
      });
    case 'observe_driver':
      return same(session.driver, command.driver)
        ? []
        : [{ event: 'session_driver_changed', session_id, driver: command.driver }];
    case 'observe_resized': {
      const { rows, cols } = command;
      return session.rows === rows && session.cols === cols
        ? []
        : [{ event: 'session_resized', session_id, rows, cols }];
    }
  }
}

function found(
  state: SessionsState,
  created: Extract<ObservationCommand, { cmd: 'observe_found' }>['created'],
): SessionsEvent[] {
  if (state.sessions.has(created.session_id)) return [];
  // Two records cannot have one name; the one that is known keeps it.
  const name = created.name !== null && state.names.has(created.name) ? null : created.name;
  return [{ event: 'session_created', ...created, name }];
}

function retire(state: SessionsState, ids: readonly string[]): SessionsEvent[] {
  const events: SessionsEvent[] = [];
  for (const id of new Set(ids)) {
    const session = state.sessions.get(id);
    if (session !== undefined && !isLive(session))
      events.push({ event: 'session_removed', session_id: id, reason: 'retention' });
  }
  return events;
}

/** A start that its srv did not live to see is told first, so that whoever waits for it hears of it. */
function adopted(session: Session, command: Extract<ObservationCommand, { cmd: 'observe_adopted' }>): SessionsEvent[] {
  if (session.adopted_in === command.epoch) return [];
  const started: SessionsEvent[] = session.state === 'starting' ? [startedEvent(session.id, command)] : [];
  const { pid, start_time, shim_pid, shim_start_time, containment, version, epoch } = command;
  return [
    ...started,
    {
      event: 'session_adopted',
      session_id: session.id,
      pid,
      start_time,
      shim_pid,
      shim_start_time,
      containment,
      shim_version: version,
      epoch,
    },
  ];
}

function exitBefore(session: Session, exit: Session['exit']): SessionsEvent[] {
  if (exit === null || session.exit !== null) return [];
  return [{ event: 'session_exited', session_id: session.id, exit, held_by: [] }];
}

/** The removal that was asked for while the session lived follows its end in the same commit. */
function closing(session: Session, event: SessionsEvent): SessionsEvent[] {
  if (session.desired !== 'removed') return [event];
  return [event, { event: 'session_removed', session_id: session.id, reason: 'command' }];
}

function startedEvent(session_id: string, facts: StartFacts): SessionsEvent {
  const { pid, start_time, shim_pid, shim_start_time, containment } = facts;
  return { event: 'session_started', session_id, pid, start_time, shim_pid, shim_start_time, containment };
}

function same(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
