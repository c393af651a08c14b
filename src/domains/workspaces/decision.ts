/** What the deciders of this domain are given and give back. */
import type { WorkspacesCommand, WorkspacesEvent } from '../../protocol/control/index.ts';
import { HoldfastError } from '../../protocol/index.ts';
import type { WorkspacesState } from './state.ts';

/** What the domain asks about sessions: they are another domain's. */
export interface SessionsView {
  exists(sessionId: string): boolean;
  /** Its shim may still be there. */
  isLive(sessionId: string): boolean;
}

/** What a decider may know of the world. The kernel's decision context with a view of the sessions is one. */
export interface WorkspacesContext {
  ulid(): string;
  readonly sessions: SessionsView;
}

export interface WorkspacesDecision {
  events: WorkspacesEvent[];
  /** Fields of the reply. Ids are always given, also when nothing changed. */
  result?: Record<string, unknown>;
  /** Live sessions that are to stop in the same commit. */
  terminate?: readonly string[];
}

export type Decide<K extends WorkspacesCommand['cmd']> = (
  state: WorkspacesState,
  command: Extract<WorkspacesCommand, { cmd: K }>,
  context: WorkspacesContext,
) => WorkspacesDecision;

export const NOTHING: WorkspacesDecision = { events: [] };

const SESSIONS_NAMED = 10;

/** The live sessions of blocks that go, by what the command says becomes of them. */
export function partFromSessions(
  state: WorkspacesState,
  blockIds: readonly string[],
  choice: 'detach' | 'terminate' | undefined,
  { sessions }: WorkspacesContext,
): { terminated: string[]; detached: string[] } {
  const live: string[] = [];
  for (const id of blockIds) {
    const session = state.blocks.get(id)?.session ?? null;
    if (session !== null && sessions.isLive(session)) live.push(session);
  }
  if (live.length === 0) return { terminated: [], detached: [] };
  if (choice === 'terminate') return { terminated: live, detached: [] };
  if (choice === 'detach') return { terminated: [], detached: live };
  const named = live.slice(0, SESSIONS_NAMED).join(', ') + (live.length > SESSIONS_NAMED ? ', …' : '');
  throw new HoldfastError(
    'conflict',
    `what goes shows ${live.length} live ${live.length === 1 ? 'session' : 'sessions'} (${named}): say session "detach" to let them run on, or "terminate" to end them`,
    { field: 'session', details: { sessions: live.slice(0, SESSIONS_NAMED), count: live.length } },
  );
}
