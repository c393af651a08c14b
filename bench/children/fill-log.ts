/**
 * `fill-log.mjs HOME WORKER EVENTS TAIL`: makes a home whose log holds EVENTS events, TAIL of them after the snapshot.
 * They are what the workspaces domain decides, through the kernel into SQLite, without a control socket. Ends as if
 * killed, so that no last snapshot is made.
 */
import { mkdirSync } from 'node:fs';
import { createAgentsDomain } from '../../src/domains/agents/index.ts';
import { createConnectionsDomain } from '../../src/domains/connections/index.ts';
import { createSessionsDomain } from '../../src/domains/sessions/index.ts';
import { createSrvDomain, type SrvEvent, type SrvInput, type SrvState } from '../../src/domains/srv/index.ts';
import { createWorkspacesDomain } from '../../src/domains/workspaces/index.ts';
import { type Kernel, openKernel } from '../../src/kernel/index.ts';
import { SqliteLog } from '../../src/kernel/sqlite/index.ts';
import { homePaths } from '../../src/protocol/home/index.ts';
import { createIds, systemClock } from '../../src/runtime/index.ts';
import { FILL_BATCH, toyCommands, toyLayout } from '../toy-stream.ts';
import { NO_AGENTS } from '../no-agents.ts';

const SESSION_LIMITS = {
  memory_bytes: 1,
  spill_bytes: 1,
  segment_bytes: 1,
  stall_ms: 1,
  lease_ms: 1,
  linger_ms: null,
  allow_lossless: false,
};
const actor = { client_id: 'bench', pid: process.pid, kind: 'tool' };

async function main(): Promise<void> {
  const [home = '', workerPath = '', events, tail] = process.argv.slice(2);
  process.umask(0o077);
  const paths = homePaths(home);
  mkdirSync(paths.data, { recursive: true });
  const kernel: Kernel<SrvState, SrvInput, SrvEvent> = await openKernel({
    domain: createSrvDomain({
      sessions: createSessionsDomain({
        liveSessions: 1,
        sessionLimits: SESSION_LIMITS,
        places: { live: (id) => id, archive: '' },
      }),
      agents: createAgentsDomain(NO_AGENTS),
      workspaces: createWorkspacesDomain(),
      connections: createConnectionsDomain(),
    }),
    log: new SqliteLog({ path: paths.database, workerPath }),
    clock: systemClock,
    ids: createIds(systemClock),
    limits: { snapshot_events: Number(events) - Number(tail) },
    warn: (error) => {
      throw error;
    },
  });
  await Promise.all(toyLayout().map((command) => kernel.execute(command, { actor })));
  const commands = toyCommands();
  while (kernel.version < Number(events)) {
    const size = Math.min(FILL_BATCH, Number(events) - kernel.version);
    await Promise.all(Array.from({ length: size }, () => kernel.execute(commands.next().value, { actor })));
  }
  process.stdout.write(`${kernel.version}\n`, () => process.exit(0));
}

await main();
