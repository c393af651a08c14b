import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { noFaults, systemClock } from '../runtime/index.ts';
import { isAlive, processIdentity } from './identity.ts';
import { RUNTIME_MARK, SESSION_MARK } from './membership.ts';
import type { ProcessIdentity } from './table.ts';
import { ProcessTree } from './tree.ts';

const LONG_S = '1000';
const started: ProcessIdentity[] = [];

afterEach(() => {
  for (const identity of started.splice(0)) if (isAlive(identity)) process.kill(identity.pid, 'SIGKILL');
});

interface Session {
  child: ChildProcess;
  identity: ProcessIdentity;
  tree: ProcessTree;
  mark: string;
  /** Identities which the script printed as `name pid` lines, once as many as asked for have come. */
  named: Record<string, ProcessIdentity>;
  exit: Promise<{ code: number | null; signal: string | null }>;
}

/** Runs a script that prints `name pid` for each process of interest, its own included, and waits for `names`. */
async function session(script: string, names: string[], env: NodeJS.ProcessEnv = {}): Promise<Session> {
  const mark = randomBytes(6).toString('hex');
  const child = spawn('bash', ['-c', script], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], ...env, [SESSION_MARK]: mark },
  });
  const exit = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.on('exit', (code, signal) => resolve({ code, signal }));
  });
  const identity = processIdentity(child.pid!)!;
  started.push(identity);
  const tree = new ProcessTree({ child: identity, mark, clock: systemClock, faults: noFaults });
  const named: Record<string, ProcessIdentity> = {};
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`only ${Object.keys(named).join()} of ${names.join()}`)), 5_000);
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      for (const line of text.split('\n').slice(0, -1)) {
        const [name, pid] = line.split(' ');
        named[name!] ??= processIdentity(Number(pid))!;
      }
      if (names.every((name) => named[name] !== undefined)) {
        clearTimeout(timer);
        resolve();
      }
    });
  });
  started.push(...Object.values(named));
  return { child, identity, tree, mark, named, exit };
}

const pids = (facts: { pid: number }[]): number[] => facts.map((fact) => fact.pid).sort((a, b) => a - b);

describe('members', () => {
  it('finds them by group, session, mark and descent, and leaves the runtime out', async () => {
    const { tree, named } = await session(
      `sleep ${LONG_S} & echo group $!
       bash -c 'set -m; sleep ${LONG_S} & echo other_group $!; exec sleep ${LONG_S}' & echo shell $!
       setsid sleep ${LONG_S} & echo left_session $!
       env -i setsid sleep ${LONG_S} & echo cleared $!
       (setsid sleep ${LONG_S} & echo orphan $!)
       env -u ${SESSION_MARK} ${RUNTIME_MARK}=1 setsid bash -c 'sleep ${LONG_S} & echo below_runtime $!; wait' & echo runtime $!
       echo self $$; wait`,
      ['group', 'other_group', 'shell', 'left_session', 'cleared', 'orphan', 'runtime', 'below_runtime', 'self'],
    );
    const { runtime, below_runtime, ...ours } = named;
    expect(pids(tree.members())).toEqual(pids(Object.values(ours)));
    expect(isAlive(runtime!)).toBe(true);
    expect(isAlive(below_runtime!)).toBe(true);
    expect(await tree.terminate(2_000)).toEqual([]);
    expect(Object.entries(ours).filter(([, identity]) => isAlive(identity))).toEqual([]);
    expect([runtime, below_runtime].map((identity) => isAlive(identity!))).toEqual([true, true]);
  });
});

it('smoke', async () => {
  const s = await session(`trap '' TERM; sleep ${LONG_S} & echo a $!; echo self $$; while :; do wait; done`, [
    'a',
    'self',
  ]);
  const t0 = performance.now();
  expect(await s.tree.terminate(300)).toEqual([]);
  const exit = await s.exit;
  expect(exit.signal).toBe('SIGKILL');
  expect(s.tree.outcome(exit)).toBe('hard_killed');
  expect(performance.now() - t0).toBeLessThan(1000);
});
