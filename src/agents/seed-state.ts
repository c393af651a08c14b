import type { AgentStatus } from '../protocol/agent/index.ts';
import type { ShimState } from '../protocol/session/index.ts';

/** Seed 3's state: `starting` until the agent proved that it is there (DESIGN §6). */
export function seedState(status: AgentStatus, proven: boolean): ShimState {
  if (status.activity === 'dead') return 'dead';
  if (status.attention === 'exhausted') return 'context_exhausted';
  if (!proven) return 'starting';
  return status.activity === 'idle' || status.activity === 'done' ? 'idle' : 'working';
}
