/** What Holdfast knows of agent CLIs, as data. A user's profile of the same name takes the place of one of these. */
import type { AgentProfile } from '../../protocol/agent/index.ts';
import { claude } from './claude.ts';

export const BUILT_IN_PROFILES: readonly AgentProfile[] = [claude];
