/** What is asked of an agent's worktree. */
import type { Agent } from '../../domains/agents/index.ts';
import { HoldfastError } from '../../protocol/index.ts';
import type { Worktree, Worktrees } from '../worktrees/index.ts';

export async function worktreeState(
  worktrees: Worktrees,
  agent: Agent,
  withDiff: boolean,
): Promise<Record<string, unknown>> {
  const found = await worktreeOf(worktrees, agent);
  const { path, branch, base } = found;
  const { unsaved, commits } = await worktrees.state(found);
  const diff = withDiff ? await worktrees.diff(found) : {};
  return { worktree: { path, branch, base, unsaved, commits }, ...diff };
}

/** Throws `conflict` while the agent runs, or while work would be lost. */
export async function removeWorktree(worktrees: Worktrees, agent: Agent, isLive: boolean): Promise<string> {
  const { name, session_id } = agent;
  if (isLive)
    throw new HoldfastError('conflict', `agent ${name ?? session_id} works in its worktree; stop it first`, {
      field: 'session',
      details: { session: session_id },
    });
  const found = await worktreeOf(worktrees, agent);
  await worktrees.remove(found);
  return found.path;
}

function worktreeOf(worktrees: Worktrees, { name, session_id, worktree }: Agent): Promise<Worktree> {
  if (worktree !== null) return worktrees.open(worktree);
  throw new HoldfastError('not_found', `agent ${name ?? session_id} has no worktree; "run --worktree" gives it one`, {
    field: 'session',
    details: { session: session_id },
  });
}
