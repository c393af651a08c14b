/**
 * Starting srv from a client: a detached process of its own session, cwd `/`, no HOLDFAST_* variables, and descriptor 3
 * on which it reports what became of it (DESIGN §2, protocol/home).
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { checkHomeLength, homePaths, type StartReport } from '../protocol/home/index.ts';
import { RUNTIME_MARK } from '../process/index.ts';
import { HoldfastError } from '../protocol/index.ts';
import { type Clock, withDeadline } from '../runtime/index.ts';
import { abortable } from './backoff.ts';

export interface RuntimeStart {
  home: string;
  /** Path of `holdfast.cjs`. */
  loader: string;
  /** The Node executable. */
  node: string;
  env: NodeJS.ProcessEnv;
  clock: Clock;
  deadlineMs: number;
}

const REPORT_BYTES = 64 * 1024;
/** Read by fault builds only; a test that starts the runtime through a client must be able to hand it on. */
const FAULT_PLAN = 'HOLDFAST_FAULT_PLAN';

/** Resolves when srv is ready, or when another one holds the home's lock; rejects with what kept it from starting. */
export async function startRuntime(start: RuntimeStart, signal?: AbortSignal): Promise<'ready' | 'lock_held'> {
  checkHomeLength(start.home);
  const child = spawn(start.node, [start.loader, '--process=srv', '--home', start.home], {
    detached: true,
    cwd: '/',
    env: runtimeEnvironment(start.env),
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const pipe = child.stdio[3] as Readable;
  const outcome = new Promise<StartReport>((resolve, reject) => {
    let text = '';
    const settle = (line: string): void => {
      try {
        resolve(JSON.parse(line) as StartReport);
      } catch {
        reject(startFailed(start.home, `its start report is not JSON: ${line.slice(0, 80)}`));
      }
    };
    pipe.setEncoding('utf8');
    pipe.on('data', (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\n');
      if (end >= 0) settle(text.slice(0, end));
      else if (text.length > REPORT_BYTES) reject(startFailed(start.home, 'it sent no start report'));
    });
    pipe.on('error', reject);
    child.on('error', (error) => reject(startFailed(start.home, error.message)));
    // Its last holder is the srv that detached itself: the pipe ends with that one, not with the process started here.
    pipe.on('close', () => reject(startFailed(start.home, 'it ended without a report', true)));
  });
  try {
    const late = (): Error =>
      new HoldfastError(
        'timeout',
        `srv of ${start.home} was not ready within ${start.deadlineMs} ms; see ${logOf(start.home)}`,
      );
    const report = await abortable(withDeadline(start.clock, start.deadlineMs, outcome, late), signal);
    if (report.report === 'failed') throw HoldfastError.fromWire(report.error);
    return report.report;
  } finally {
    // An outcome nobody waits for any more must not count as unhandled.
    outcome.catch(() => undefined);
    pipe.destroy();
    child.removeAllListeners();
    child.on('error', () => undefined);
    child.unref();
  }
}

/** `died`: it was killed or crashed, so that another start may well do better. */
function startFailed(home: string, why: string, died = false): HoldfastError {
  return new HoldfastError('unreachable', `srv could not be started: ${why}; see ${logOf(home)}`, {
    details: { final: true, ...(died ? { died } : {}) },
  });
}

function logOf(home: string): string {
  return join(homePaths(home).logs, 'srv.log');
}

/** Runtime processes inherit nothing of ours: a runtime started inside a session must not look like part of it. */
export function runtimeEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept: NodeJS.ProcessEnv = { [RUNTIME_MARK]: '1' };
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('HOLDFAST_') || name === FAULT_PLAN) kept[name] = value;
  }
  return kept;
}
