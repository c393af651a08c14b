/** Selectors: how a person or a script names a session (DESIGN §9). */
import { HoldfastError, invalid } from '../../protocol/index.ts';
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
  const exact = state.sessions.get(selector) ?? state.sessions.get(state.names.get(selector) ?? '');
  if (exact !== undefined) return exact;
  const prefix = selector.toUpperCase();
  const found: Session[] = [];
  for (const session of state.sessions.values()) if (session.id.startsWith(prefix)) found.push(session);
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
