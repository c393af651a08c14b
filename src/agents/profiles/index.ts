import type { AgentProfile } from '../../protocol/agent/index.ts';

export const BUILT_IN_PROFILES: readonly AgentProfile[] = [];
