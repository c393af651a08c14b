/** What it costs to know an agent's status: one that redraws its screen 20 times a second, and fifty that rest. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { BUILT_IN_PROFILES } from '../../src/agents/index.ts';
import type { AgentProfile } from '../../src/protocol/agent/index.ts';
import type { AgentLaunch, LaunchSpec } from '../../src/protocol/launch/index.ts';
import { ShimBench, type ShimClient, specFor } from '../../src/shim/testing.ts';
import { type AgentScript, scriptedEnv, scriptedProfile } from '../../test/support/scripted-profile.ts';
import { type Row, rows } from '../report.ts';
import { pause } from './idle.ts';
import { activityOf, uniqueMiB } from './processes.ts';

/** Of the working directory: benchmarks are run as one bundle. */
const PROGRAM = join(process.cwd(), 'test/support/scripted-agent.mjs');
const FRAME_MS = 50;
const WORK_MS = 20_000;
const IDLE_AGENTS = 50;
const IDLE_MS = 30_000;
/** The statistics of the start (10 s) and the shrinking of the heap after it are over. */
const REST_MS = 20_000;
const BEGIN_MS = 1_000;
const TICK_MS = 10;
/** A large terminal: every frame draws all of it. */
const SIZE = { rows: 50, cols: 160 };

/** CPU of the shim alone, in per cent of a core, with and without an agent's status. */
export async function workingAgent(loader: string, rounds: number): Promise<Row[]> {
  const figures = new Map<string, number[]>([
    ['no agent', []],
    ['agent', []],
    ['agent, rules of Claude Code', []],
  ]);
  const claude = BUILT_IN_PROFILES.find(({ name }) => name === 'claude') ?? scriptedProfile;
  const profiles: (AgentProfile | null)[] = [null, scriptedProfile, { ...claude, name: 'scripted' }];
  for (let round = 0; round < rounds; round++) {
    for (const [index, values] of [...figures.values()].entries()) {
      values.push(await workingShare(loader, profiles[index] ?? null));
    }
  }
  return rows(`a program that redraws ${SIZE.rows} × ${SIZE.cols} 20 times a second`, '% of a core', figures);
}

export async function idleAgents(loader: string): Promise<Row[]> {
  const sessions: AgentSession[] = [];
  try {
    while (sessions.length < IDLE_AGENTS) sessions.push(await startAgent(loader, {}, scriptedProfile, {}));
    await pause(REST_MS);
    const pids = sessions.map(({ pid }) => pid);
    const before = activityOf(pids);
    await pause(IDLE_MS);
    const after = activityOf(pids);
    const measure = `${IDLE_AGENTS} idle agents over ${IDLE_MS / 1000} s`;
    return [
      ...rows(measure, 'CPU ticks (10 ms)', new Map([['CPU time', [after.cpuTicks - before.cpuTicks]]])),
      ...rows(measure, 'switches', new Map([['context switches', [after.switches - before.switches]]])),
      ...rows('memory per idle agent, USS', 'MiB', new Map([['shim', pids.map(uniqueMiB)]])),
    ];
  } finally {
    for (const session of sessions) session.close();
  }
}

async function workingShare(loader: string, profile: AgentProfile | null): Promise<number> {
  const script: AgentScript = {
    frame_ms: FRAME_MS,
    history: SIZE.rows,
    says: ['screen', 'title'],
    turns: [{ never: true }],
  };
  const session = await startAgent(loader, script, profile, SIZE);
  try {
    await session.begin();
    const before = activityOf([session.pid]);
    await pause(WORK_MS);
    const after = activityOf([session.pid]);
    return (100 * (after.cpuTicks - before.cpuTicks) * TICK_MS) / WORK_MS;
  } finally {
    session.close();
  }
}

interface AgentSession {
  /** Of the shim. */
  pid: number;
  /** Lets the agent work. */
  begin(): Promise<void>;
  close(): void;
}

async function startAgent(
  loader: string,
  script: AgentScript,
  profile: AgentProfile | null,
  size: Partial<LaunchSpec>,
): Promise<AgentSession> {
  const directory = mkdtempSync(join(tmpdir(), 'hfb-'));
  const session = join(directory, 's');
  mkdirSync(session, { mode: 0o700 });
  const spec = specFor(session, [process.execPath, PROGRAM], {
    kind: 'pty',
    env: [['PATH', process.env['PATH'] ?? '/usr/bin:/bin'], ['TERM', 'xterm-256color'], scriptedEnv(script)],
    agent: profile === null ? null : launchOf(profile),
    ...size,
  });
  const shim = spawn(process.execPath, [loader, '--process=shim'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    detached: true,
    env: { PATH: process.env['PATH'] },
  });
  const pid = await started(shim, spec);
  const sockets = new ShimBench();
  return {
    pid: shim.pid ?? 0,
    async begin() {
      const client: ShimClient = await sockets.client(spec);
      await pause(BEGIN_MS);
      client.input(0, 1, 'go\r');
      await pause(BEGIN_MS);
      client.socket.destroy();
    },
    close() {
      for (const group of [-pid, -(shim.pid ?? pid)]) process.kill(group, 'SIGKILL');
      void sockets.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function launchOf(profile: AgentProfile): AgentLaunch {
  return {
    agent_id: 'bench',
    profile,
    mode: 'pty',
    conversation_id: null,
    resumed: false,
    files: {},
    token: 'bench',
    report: 'true',
  };
}

/** Resolves with the child's pid. */
function started(shim: ChildProcess, spec: LaunchSpec): Promise<number> {
  const pipe = shim.stdio[3] as Duplex;
  return new Promise((resolve, reject) => {
    pipe.once('data', (line: Buffer) => {
      const report = JSON.parse(String(line)) as { report: string; pid: number };
      if (report.report === 'started') resolve(report.pid);
      else reject(new Error(String(line)));
    });
    shim.once('exit', () => reject(new Error('the shim left')));
    pipe.write(`${JSON.stringify(spec)}\n`);
  });
}
