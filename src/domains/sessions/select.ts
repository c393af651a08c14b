/** Selectors: how a person or a script names a session (DESIGN §9). */
import { HoldfastError, invalid } from '../../protocol/index.ts';
import type { SessionsInput } from './commands.ts';
import type { Session, SessionsState } from './state.ts';

const CANDIDATES_SHOWN_COUNT = 10;

/**
 * The session that `selector` names: an id, else a name, else a unique prefix of an id in either case.
 * Throws `invalid_argument`, `not_found`, or `ambiguous` with the first candidates in its details.
 */
export function selectSession(state: SessionsState, selector: string): Session {
  if (typeof selector !== 'string' || selector === '') {
    throw invalid('session', 'name a session by its id, a unique prefix of it, or its name');
  }
  const found = candidates(state, selector);
  const [first] = found;
  if (first === undefined) {
    throw new HoldfastError('not_found', `no session has the id or name "${selector}"; "holdfast ls" lists them`, {
      field: 'session',
    });
  }
  if (found.length > 1) {
    throw new HoldfastError(
      'ambiguous',
      `${found.length} sessions have an id that starts with "${selector}"; give more of it`,
      {
        field: 'session',
        details: {
          count: found.length,
          candidates: found.slice(0, CANDIDATES_SHOWN_COUNT).map(({ id, name, command }) => ({ id, name, command })),
        },
      },
    );
  }
  return first;
}

/** Version of the last event about the session a command names; undefined when it names none, or not one. */
export function changedAt(state: SessionsState, command: SessionsInput): number | undefined {
  if (!('session' in command)) return undefined;
  const [session, other] = candidates(state, command.session);
  return session === undefined || other !== undefined ? undefined : state.changed.get(session.id);
}

function candidates({ sessions, names }: SessionsState, selector: string): Session[] {
  const exact = sessions.get(selector) ?? sessions.get(names.get(selector) ?? '');
  if (exact !== undefined) return [exact];
  const prefix = selector.toUpperCase();
  return [...sessions.values()].filter(({ id }) => id.startsWith(prefix));
}
