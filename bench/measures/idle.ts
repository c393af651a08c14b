/** What sessions cost that do nothing: memory each, and over a minute 200 of them. */
import type { Session } from '../../src/client/index.ts';
import { type Row, rows } from '../report.ts';
import type { BenchRuntime } from '../runtime.ts';
import { activityOf, uniqueMiB } from './processes.ts';

const MEMORY_SESSIONS = 10;
const IDLE_SESSIONS = 200;
const IDLE_MS = 60_000;
const SETTLE_MS = 5_000;
const STARTS_AT_ONCE = 4;

export async function memoryPerSession(runtime: BenchRuntime): Promise<Row[]> {
  const sessions = await startIdle(runtime, MEMORY_SESSIONS);
  await pause(SETTLE_MS);
  const pids = await shimPids(runtime, sessions);
  const plain = pids.map(uniqueMiB);
  for (const session of sessions) await session.screen();
  await pause(SETTLE_MS);
  const drawn = pids.map(uniqueMiB);
  await endAll(runtime, sessions);
  const measure = `memory per idle session, USS, Node ${process.versions.node}`;
  const result = rows(
    measure,
    'MiB',
    new Map([
      ['PTY + socket', plain],
      ['with emulator', drawn],
    ]),
  );
  return result;
}

export async function idleSessions(runtime: BenchRuntime): Promise<Row[]> {
  const sessions = await startIdle(runtime, IDLE_SESSIONS);
  await pause(SETTLE_MS);
  const status = await runtime.holdfast.status();
  const pids = [...(await shimPids(runtime, sessions)), status.srv.pid ?? 0];
  const before = activityOf(pids);
  await pause(IDLE_MS);
  const after = activityOf(pids);
  await endAll(runtime, sessions);
  const measure = `${IDLE_SESSIONS} idle sessions and srv over ${IDLE_MS / 1000} s`;
  return [
    ...rows(measure, 'CPU ticks (10 ms)', new Map([['CPU time', [after.cpuTicks - before.cpuTicks]]])),
    ...rows(measure, 'switches', new Map([['context switches', [after.switches - before.switches]]])),
  ];
}

export async function startIdle({ holdfast, env }: BenchRuntime, count: number): Promise<Session[]> {
  const sessions: Session[] = [];
  const startNext = async (): Promise<void> => {
    while (sessions.length < count) {
      const at = sessions.length;
      const started = holdfast.run({
        argv: ['/bin/sh', '-c', 'echo ready; exec cat'],
        cwd: '/',
        env: Object.entries(env),
      });
      sessions.length = at + 1;
      sessions[at] = (await started).session;
    }
  };
  await Promise.all(Array.from({ length: STARTS_AT_ONCE }, startNext));
  return sessions;
}

export async function endAll({ holdfast }: BenchRuntime, sessions: readonly Session[]): Promise<void> {
  for (const session of sessions) await holdfast.remove(session.id, { force: true });
  for (const session of sessions) session.close();
}

async function shimPids({ holdfast }: BenchRuntime, sessions: readonly Session[]): Promise<number[]> {
  const ids = new Set(sessions.map((session) => session.id));
  const records = await holdfast.list();
  return records.filter((record) => ids.has(record.id)).map((record) => record.shim_pid ?? 0);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
