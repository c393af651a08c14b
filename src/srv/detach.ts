/**
 * srv belongs to no session, whoever starts it (DESIGN §2): it leads an OS session of its own, says in its environment
 * what it is and carries nothing of ours beside. The kernel shows others the environment a process was started with,
 * so a srv that was started with the wrong one starts itself again.
 */
import { spawn } from 'node:child_process';
import { RUNTIME_MARK, systemTable } from '../process/index.ts';
import { REPORT_FD } from '../protocol/home/index.ts';
import { hasStarter } from './start-report.ts';

/** Read by fault builds only. */
const FAULT_PLAN = 'HOLDFAST_FAULT_PLAN';

/** The environment of srv and its shims. */
export function runtimeEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('HOLDFAST_') || name === FAULT_PLAN) kept[name] = value;
  }
  return { ...kept, [RUNTIME_MARK]: '1' };
}

export function isDetached(env: NodeJS.ProcessEnv): boolean {
  const stranger = Object.keys(env).some(
    (name) => name.startsWith('HOLDFAST_') && name !== FAULT_PLAN && name !== RUNTIME_MARK,
  );
  const row = systemTable.read(process.pid);
  return !stranger && env[RUNTIME_MARK] !== undefined && (row === undefined || row.session === process.pid);
}

/** Starts the same srv as it should have been; it inherits whoever waits for the report. */
export function startDetached(args: readonly string[], env: NodeJS.ProcessEnv): void {
  spawn(process.execPath, [...process.execArgv, ...args], {
    detached: true,
    cwd: '/',
    env: runtimeEnvironment(env),
    stdio: ['ignore', 'ignore', 'ignore', hasStarter() ? REPORT_FD : 'ignore'],
  }).unref();
}
