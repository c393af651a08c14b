import type { AgentPlanner } from '../src/domains/agents/index.ts';

/** Of benchmarks that start none. */
export const NO_AGENTS: AgentPlanner = {
  plan: () => {
    throw new Error('no agent is started here');
  },
  worktree: (sessionId) => sessionId,
};
