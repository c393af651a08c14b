/** The log, and srv's domain on it; beside a damaged log a state that nobody may change (DESIGN §4). */
import { createAgentsDomain } from '../domains/agents/index.ts';
import { createConnectionsDomain } from '../domains/connections/index.ts';
import { createSessionsDomain, type SocketPlaces } from '../domains/sessions/index.ts';
import { createSrvDomain } from '../domains/srv/index.ts';
import { createWorkspacesDomain } from '../domains/workspaces/index.ts';
import { MemoryLog, openKernel } from '../kernel/index.ts';
import { SqliteLog } from '../kernel/sqlite/index.ts';
import { type HomePaths, sessionSocket } from '../protocol/home/index.ts';
import { HoldfastError } from '../protocol/index.ts';
import type { Clock, Faults, Ids } from '../runtime/index.ts';
import type { AgentParts } from './agents/index.ts';
import type { SrvConfig } from './config.ts';
import type { Journal } from './journal.ts';
import type { SrvKernel } from './observer.ts';

export interface OpenKernelOptions {
  clock: Clock;
  ids: Ids;
  faults: Faults;
  faultPlan: string | undefined;
  /** The bundle of the log's worker thread. */
  workerPath: string;
  ended(exitCode: number): void;
}

export interface OpenKernelParts {
  paths: HomePaths;
  config: SrvConfig;
  journal: Journal;
  agents: AgentParts;
}

export interface OpenedKernel {
  kernel: SrvKernel;
  /** Why nothing may be changed: the log is damaged and the state rebuilt beside it. */
  damage: HoldfastError | null;
}

export async function openSrvKernel(
  options: OpenKernelOptions,
  { paths, config, journal, agents }: OpenKernelParts,
): Promise<OpenedKernel> {
  const { clock, ids, faults } = options;
  const common = {
    domain: createSrvDomain({
      sessions: createSessionsDomain({
        liveSessions: config.liveSessions,
        sessionLimits: config.session,
        places: placesOf(paths),
      }),
      agents: createAgentsDomain(agents.launches),
      workspaces: createWorkspacesDomain(),
      connections: createConnectionsDomain(),
    }),
    clock,
    ids,
    faults,
    limits: { events_kept_count: config.eventsKeptCount, events_kept_ms: config.eventsKeptMs },
    warn: (error: HoldfastError) => journal.write('warn', error.message),
    fatal: (error: HoldfastError) => {
      journal.write('error', `the log cannot be replayed: ${error.message}`);
      options.ended(1);
    },
  };
  const { workerPath, faultPlan } = options;
  const log = new SqliteLog({ path: paths.database, workerPath, faultPlan });
  try {
    return { kernel: await openKernel({ ...common, log }), damage: null };
  } catch (thrown) {
    const error = HoldfastError.from(thrown);
    await log.close().catch(() => undefined); // It never opened.
    if (error.details['corrupt'] !== true) throw error;
    journal.write('error', `safe mode: ${error.message}`);
    const damage = new HoldfastError(
      'storage_error',
      `srv is in safe mode and changes nothing, because ${error.message}`,
      { retryable: false, details: { safe_mode: true } },
    );
    return { kernel: await openKernel({ ...common, log: new MemoryLog() }), damage };
  }
}

export function placesOf(paths: HomePaths): SocketPlaces {
  return { live: (id) => sessionSocket(paths, id), archive: paths.archiveSocket };
}
