/** How long until there is something: a session's first byte, srv's answer after its death, `ls` as a cold process. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanEnvironment, removeDirectory } from '../peers.ts';
import { interleave, type Row, rows } from '../report.ts';
import { type BenchRuntime, runCommand } from '../runtime.ts';
import { endAll, pause, startIdle } from './idle.ts';

const APART_MS = 1_000;
const BURST = 20;
const ADOPTED_SESSIONS = 100;

export async function sessionStart(runtime: BenchRuntime, rounds: number): Promise<Row[]> {
  const tmux = tmuxServer();
  const contenders = [
    {
      name: 'tmux new-session',
      async run() {
        await pause(APART_MS);
        return tmux.start();
      },
    },
    {
      name: 'holdfast',
      async run() {
        await pause(APART_MS);
        return firstOutput(runtime);
      },
    },
  ];
  const figures = await interleave(contenders, rounds);
  tmux.close();
  const start = performance.now();
  await Promise.all(Array.from({ length: BURST }, () => firstOutput(runtime)));
  const burst = new Map([['holdfast', [performance.now() - start]]]);
  return [
    ...rows('start of a session to its first output', 'ms', figures, ['tmux new-session']),
    ...rows(`burst of ${BURST} starts, all at first output`, 'ms', burst),
  ];
}

export async function adoption(runtime: BenchRuntime, rounds: number): Promise<Row[]> {
  const sessions = await startIdle(runtime, ADOPTED_SESSIONS);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { srv } = await runtime.holdfast.status();
    const events = await runtime.holdfast.events({ topics: ['session_adopted'] });
    process.kill(srv.pid ?? 0, 'SIGKILL');
    const start = performance.now();
    let adopted = 0;
    for await (const item of events) if (item.type === 'event' && ++adopted === ADOPTED_SESSIONS) break;
    await Promise.all(sessions.map((session) => session.record()));
    times.push(performance.now() - start);
  }
  await endAll(runtime, sessions);
  return rows(
    `srv killed with ${ADOPTED_SESSIONS} live sessions → adopted and served`,
    'ms',
    new Map([['holdfast', times]]),
  );
}

export async function coldList(runtime: BenchRuntime, rounds: number): Promise<Row[]> {
  const contenders = [
    { name: 'node -e 0', run: async () => timed(() => spawnSync(process.execPath, ['-e', '0'], { env: runtime.env })) },
    { name: 'holdfast ls', run: async () => timed(() => runCommand(runtime, ['ls'])) },
  ];
  return rows('holdfast ls as a cold process', 'ms', await interleave(contenders, rounds * 3), ['node -e 0']);
}

async function firstOutput({ holdfast, env }: BenchRuntime): Promise<number> {
  const start = performance.now();
  const { session } = await holdfast.run({
    argv: ['/bin/sh', '-c', 'echo ready; exec cat'],
    cwd: '/',
    env: Object.entries(env),
  });
  for await (const item of session.output()) if (item.type === 'data') break;
  const elapsed = performance.now() - start;
  await holdfast.remove(session.id, { force: true });
  session.close();
  return elapsed;
}

function tmuxServer(): { start(): number; close(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'hfb-'));
  const env = cleanEnvironment(directory);
  const base = ['-S', join(directory, 't'), '-f', '/dev/null'];
  execFileSync('tmux', [...base, 'new-session', '-d', 'cat'], { env });
  const ready = join(directory, 'ready');
  execFileSync('mkfifo', [ready]);
  return {
    /** The client's call, and the new session's shell having run: its first act is to open the FIFO we read. */
    start: () =>
      timed(() => {
        execFileSync('tmux', [...base, 'new-session', '-d', `echo ready > ${ready}; exec cat`], { env });
        readFileSync(ready);
      }),
    close() {
      execFileSync('tmux', [...base, 'kill-server'], { env });
      removeDirectory(directory);
    },
  };
}

function timed(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}
