/**
 * `npm run bench [-- --rounds N] [-- NAME…]`: interleaved rounds, medians, ratios. A NAME selects the measures whose
 * name contains it. Peers come from Debian: scripts/install-debian.sh.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { idleAgents, workingAgent } from './measures/agent-status.ts';
import { attachedThroughput, keystrokeEcho } from './measures/attached.ts';
import { LargeLog } from './large-log.ts';
import { durableCommands } from './measures/commands.ts';
import { fanOut } from './measures/fan-out.ts';
import { idleSessions, memoryPerSession } from './measures/idle.ts';
import { layoutOperations } from './measures/layout.ts';
import { pipeToReader, ptyToReader } from './measures/readers.ts';
import { replay, restart } from './measures/replay.ts';
import { adoption, coldList, sessionStart } from './measures/starts.ts';
import { bare, dtach, type Peer, removeDirectory, screen, tmux } from './peers.ts';
import { printTable, type Row } from './report.ts';
import { type BenchRuntime, holdfastPeer, startRuntime } from './runtime.ts';

const ROUNDS = 7;
const LINE = `${'x'.repeat(79)}\n`;

interface Context {
  runtime: BenchRuntime;
  peers: Peer[];
  large: LargeLog;
  directory: string;
  rounds: number;
}

type Measure = (context: Context) => Promise<Row[]>;

const MEASURES: Record<string, Measure> = {
  'pty-reader': ({ runtime, directory, rounds }) => ptyToReader(runtime, join(directory, 'lines'), rounds),
  'attach-throughput': ({ peers, directory, rounds }) => attachedThroughput(peers, directory, rounds),
  'pipe-reader': ({ runtime, rounds }) => pipeToReader(runtime, rounds),
  'keystroke-echo': ({ peers, rounds }) => keystrokeEcho(peers.filter(isEchoPeer), rounds, false),
  'keystroke-flood': ({ peers, rounds }) => keystrokeEcho(peers.filter(isEchoPeer), rounds, true),
  'durable-commands': ({ runtime, rounds }) => durableCommands(runtime, rounds),
  'fan-out': ({ runtime, rounds }) => fanOut(runtime, rounds),
  layout: ({ runtime, rounds }) => layoutOperations(runtime, rounds),
  replay: ({ runtime, large, rounds }) => replay(large, runtime.loader, rounds),
  restart: ({ runtime, large, rounds }) => restart(large, runtime.loader, rounds),
  adoption: ({ runtime, rounds }) => adoption(runtime, rounds),
  'session-start': ({ runtime, rounds }) => sessionStart(runtime, rounds),
  memory: ({ runtime }) => memoryPerSession(runtime),
  idle: ({ runtime }) => idleSessions(runtime),
  'agent-status': ({ runtime, rounds }) => workingAgent(runtime.loader, rounds),
  'agent-idle': ({ runtime }) => idleAgents(runtime.loader),
  'cold-ls': ({ runtime, rounds }) => coldList(runtime, rounds),
};

function isEchoPeer(peer: Peer): boolean {
  return peer.name !== 'screen';
}

function installed(peer: Peer): boolean {
  if (peer.name === 'bare PTY') return true;
  const found = spawnSync('sh', ['-c', `command -v ${peer.name}`]).status === 0;
  if (!found) process.stderr.write(`${peer.name} is not installed (scripts/install-debian.sh) and is left out\n`);
  return found;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options: { rounds: { type: 'string' } }, allowPositionals: true });
  const rounds = Number(values.rounds ?? ROUNDS);
  const names = Object.keys(MEASURES).filter(
    (name) => positionals.length === 0 || positionals.some((part) => name.includes(part)),
  );
  const directory = mkdtempSync(join(tmpdir(), 'hfb-'));
  writeFileSync(join(directory, 'lines'), LINE.repeat(2_000_000));
  const runtime = await startRuntime(join(process.cwd(), 'dist', 'holdfast.cjs'));
  const large = new LargeLog(runtime.loader);
  const peers = [
    ...[bare(), dtach(directory), tmux(directory), screen(directory)].filter(installed),
    holdfastPeer(runtime),
  ];
  process.stdout.write(`Node ${process.versions.node}, ${cpus().length} cores, ${rounds} rounds\n\n`);
  const all: Row[] = [];
  try {
    for (const name of names) {
      process.stderr.write(`${name}\n`);
      all.push(...(await MEASURES[name]!({ runtime, peers, large, directory, rounds })));
    }
  } finally {
    process.stdout.write(`${printTable(all)}\n`);
    await runtime.close();
    removeDirectory(directory);
    large.close();
  }
}

await main();
// What a peer left open (a terminal's reader) must not keep the process: the table is out.
process.exit();
