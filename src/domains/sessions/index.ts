/** The sessions domain: what sessions there are, what is wanted of them and what was seen of them. Pure. */
import type { SessionsEvent } from '../../protocol/control/index.ts';
import type { SessionsInput } from './commands.ts';
import { decide, type SessionsContext, type SessionsDecision, type SessionsPolicy } from './decide.ts';
import { changedAt } from './select.ts';
import { evolve, initialState, restore, serialise, type SessionsState, type SocketPlaces } from './state.ts';

export type { CreatedFacts, ObservationCommand, SessionsInput, StartFacts } from './commands.ts';
export { type SessionsContext, type SessionsPolicy, withAgent } from './decide.ts';
export { selectSession } from './select.ts';
export { isLive, type Session, type SessionAgent, type SessionsState, type SocketPlaces, toRecord } from './state.ts';

/** A decider of the kernel's `Domain` form. */
export interface SessionsDomain {
  readonly name: string;
  readonly places: SocketPlaces;
  initial(): SessionsState;
  decide(state: SessionsState, command: SessionsInput, context: SessionsContext): SessionsDecision;
  evolve(state: SessionsState, event: SessionsEvent, version: number, at: number): SessionsState;
  serialise(state: SessionsState): unknown;
  restore(json: unknown): SessionsState;
  /** Version of the last event about the session a command names; undefined when it names none, or not one. */
  changedAt(state: SessionsState, command: SessionsInput): number | undefined;
}

export function createSessionsDomain(policy: SessionsPolicy): SessionsDomain {
  return {
    name: 'sessions',
    places: policy.places,
    initial: initialState,
    decide: (state, command, context) => decide(policy, state, command, context),
    evolve,
    serialise,
    restore,
    changedAt,
  };
}
