/** What of agents is there before the log is read: profiles, and what is planned by them. */
import { join } from 'node:path';
import { BUILT_IN_PROFILES } from '../../agents/index.ts';
import type { AgentProfile } from '../../protocol/agent/index.ts';
import type { HomePaths } from '../../protocol/home/index.ts';
import type { Clock } from '../../runtime/index.ts';
import type { Journal } from '../journal.ts';
import { AgentLaunches } from './launch.ts';
import { Profiles } from './profiles.ts';
import { Versions } from './versions.ts';

export interface AgentParts {
  profiles: Profiles;
  launches: AgentLaunches;
}

export interface AgentPartsOptions {
  clock: Clock;
  paths: HomePaths;
  journal: Journal;
  secret: string;
  /** The hook command, quoted for sh. */
  report: string;
  /** Profiles of config.toml. */
  configured: readonly AgentProfile[];
}

export function createAgentParts({ clock, paths, journal, secret, report, configured }: AgentPartsOptions): AgentParts {
  const profiles = new Profiles(configured, BUILT_IN_PROFILES);
  const versions = new Versions({
    clock,
    file: join(paths.data, 'cli-versions.json'),
    warn: (message) => journal.write('warn', message),
  });
  const worktrees = worktreesOf(paths);
  return { profiles, launches: new AgentLaunches({ paths, secret, profiles, versions, report, worktrees }) };
}

export function worktreesOf({ home }: HomePaths): string {
  return join(home, 'worktrees');
}
