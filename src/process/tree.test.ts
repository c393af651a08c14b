import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type FaultPoint, noFaults, systemClock } from '../runtime/index.ts';
import { becomeSubreaper, type Containment, markedOnly } from './containment.ts';
import { isAlive, signalIdentity } from './identity.ts';
import { loadLibC } from './libc.ts';
import { RUNTIME_MARK, SESSION_MARK } from './membership.ts';
import { type ProcessIdentity, systemTable } from './table.ts';
import { type ExitStatus, ProcessTree } from './tree.ts';

const LONG_S = '1000';
const WAIT_MS = 5_000;
const started: ProcessIdentity[] = [];
const outputs: Readable[] = [];

afterEach(() => {
  for (const output of outputs.splice(0)) output.destroy();
  for (const identity of started.splice(0)) if (isAlive(identity)) process.kill(identity.pid, 'SIGKILL');
});

interface Session {
  child: ChildProcess;
  identity: ProcessIdentity;
  tree: ProcessTree;
  mark: string;
  /** The processes whose names the script printed. */
  named: Record<string, ProcessIdentity>;
  exit: Promise<ExitStatus>;
  /** Every time a fault point is reached. */
  hits: FaultPoint[];
}

interface SessionOptions {
  containment?: Containment;
  /** Called at a fault point of a termination. */
  at?(point: FaultPoint, session: Session): void;
}

/** Runs a script that prints `name pid` for each process of interest and waits until all of `names` are there. */
async function session(script: string, names: string[], options: SessionOptions = {}): Promise<Session> {
  const containment = options.containment ?? markedOnly;
  const mark = randomBytes(6).toString('hex');
  const child = spawn('bash', ['-c', script], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], [SESSION_MARK]: mark },
  });
  containment.keep(child.pid!);
  outputs.push(child.stdout);
  // It may have ended already, but nobody has waited for it.
  const leader = systemTable.read(child.pid!)!;
  const identity = { pid: leader.pid, start_time: leader.start_time };
  started.push(identity);
  const exit = new Promise<ExitStatus>((resolve) => {
    child.on('exit', (code, signal) => {
      tree.childExited();
      resolve({ code, signal });
    });
  });
  const hits: FaultPoint[] = [];
  const faults = {
    ...noFaults,
    hit(point: FaultPoint) {
      hits.push(point);
      options.at?.(point, result);
    },
  };
  const tree = new ProcessTree({ child: identity, mark, reaper: containment.reaper, clock: systemClock, faults });
  const named: Record<string, ProcessIdentity> = {};
  const result: Session = { child, identity, tree, mark, named, exit, hits };
  await new Promise<void>((resolve, reject) => {
    const missing = (): string[] => names.filter((name) => named[name] === undefined);
    const timer = setTimeout(() => reject(new Error(`no ${missing().join()}`)), WAIT_MS);
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      for (const line of text.split('\n').slice(0, -1)) {
        const [name, pid] = line.split(' ');
        const row = systemTable.read(Number(pid));
        if (row !== undefined) named[name!] ??= { pid: row.pid, start_time: row.start_time };
      }
      if (missing().length > 0) return;
      clearTimeout(timer);
      resolve();
    });
  });
  started.push(...Object.values(named));
  return result;
}

const pids = (facts: { pid: number }[]): number[] => facts.map((fact) => fact.pid).sort((a, b) => a - b);
const alive = (named: Record<string, ProcessIdentity>): string[] =>
  Object.keys(named).filter((name) => isAlive(named[name]!));

/** Whatever carries the session's mark or sits in its group or session, found without the code under test. */
const leftOvers = ({ mark, identity }: Session): number[] =>
  pids(
    systemTable
      .list()
      .filter((row) => !row.gone && row.pid !== process.pid)
      .filter(
        (row) =>
          row.session === identity.pid ||
          row.pgrp === identity.pid ||
          systemTable.environment(row.pid).includes(`${SESSION_MARK}=${mark}\0`),
      ),
  );

it('finds members by group, session, mark and descent, and leaves the runtime out', async () => {
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
  expect(await tree.terminate(2_000)).toEqual([]);
  expect(alive(ours)).toEqual([]);
  expect(alive({ runtime: runtime!, below_runtime: below_runtime! })).toEqual(['runtime', 'below_runtime']);
});

it('does not take another session’s processes for its own', async () => {
  const [one, two] = [
    await session(`sleep ${LONG_S} & echo a $!; wait`, ['a']),
    await session(`sleep ${LONG_S} & echo a $!; wait`, ['a']),
  ];
  expect(pids(one.tree.members())).not.toContain(two.named['a']!.pid);
  await one.tree.terminate(0);
  expect(alive(two.named)).toEqual(['a']);
  await two.tree.terminate(0);
});

it('does not trust a group whose leader’s pid has gone to somebody else', async () => {
  const { identity, tree, named } = await session(`sleep ${LONG_S} & echo a $!; wait`, ['a']);
  const stranger = new ProcessTree({
    child: { pid: identity.pid, start_time: identity.start_time - 1 },
    mark: 'none',
    clock: systemClock,
    faults: noFaults,
  });
  expect(stranger.members()).toEqual([]);
  expect(await stranger.terminate(0)).toEqual([]);
  expect(alive(named)).toEqual(['a']);
  await tree.terminate(0);
});

const libc = await loadLibC();
const containments: [string, () => Containment][] = [['marked', () => markedOnly]];
// Becoming a subreaper cannot be undone, so it comes last.
if (libc !== undefined) containments.push(['tree', () => becomeSubreaper(libc)]);

describe.each(containments)('termination (%s)', (kind, contain) => {
  let containment: Containment;
  beforeAll(() => {
    containment = contain();
  });
  afterAll(() => containment.close());
  const HUGE_GRACE_MS = 60_000;
  const SHORT_GRACE_MS = 200;

  /** Terminates, then checks that nothing is left and that it took no longer than it had to. */
  async function terminate(of: Session, graceMs: number): Promise<ExitStatus & { outcome: string; ms: number }> {
    const before = performance.now();
    expect(await of.tree.terminate(graceMs)).toEqual([]);
    const ms = performance.now() - before;
    const status = await of.exit;
    expect(alive(of.named)).toEqual([]);
    expect(leftOvers(of)).toEqual([]);
    expect(of.tree.members()).toEqual([]);
    return { ...status, outcome: of.tree.outcome(status), ms };
  }

  it(`says ${kind}`, () => {
    expect(containment.kind).toBe(kind);
  });

  it('[E3] [E4] of a child that exits on TERM', async () => {
    const of = await session(`trap 'exit 5' TERM; echo self $$; while :; do sleep 0.02; done`, ['self'], {
      containment,
    });
    expect(await terminate(of, HUGE_GRACE_MS)).toMatchObject({ code: 5, signal: null, outcome: 'soft_exit' });
    expect(of.hits).not.toContain('shim.hard.before');
  });

  it('of a child that TERM ends', async () => {
    const of = await session(`echo self $$; exec sleep ${LONG_S}`, ['self'], { containment });
    const { ms, ...status } = await terminate(of, HUGE_GRACE_MS);
    expect(status).toEqual({ code: null, signal: 'SIGTERM', outcome: 'soft_exit' });
    expect(ms).toBeLessThan(1_000);
  });

  it('of a stopped child', async () => {
    const of = await session(`echo self $$; exec sleep ${LONG_S}`, ['self'], { containment });
    process.kill(of.identity.pid, 'SIGSTOP');
    expect(await terminate(of, HUGE_GRACE_MS)).toMatchObject({ signal: 'SIGTERM', outcome: 'soft_exit' });
  });

  it('[E3] [E4] of a child that ignores TERM', async () => {
    const of = await session(`trap '' TERM; echo self $$; while :; do sleep 0.02; done`, ['self'], { containment });
    const { ms, ...status } = await terminate(of, SHORT_GRACE_MS);
    expect(status).toEqual({ code: null, signal: 'SIGKILL', outcome: 'hard_killed' });
    expect(ms).toBeGreaterThanOrEqual(SHORT_GRACE_MS);
    expect(of.hits).toEqual(expect.arrayContaining(['shim.soft.after', 'shim.hard.before', 'shim.hard.after']));
  });

  it('with no grace', async () => {
    const of = await session(`trap 'exit 0' TERM; echo self $$; while :; do sleep 0.02; done`, ['self'], {
      containment,
    });
    expect(await terminate(of, 0)).toMatchObject({ signal: 'SIGKILL', outcome: 'hard_killed' });
    expect(of.hits).not.toContain('shim.soft.after');
  });

  it('of a child that exits just before the hard signal', async () => {
    const of = await session(`trap '' TERM; trap 'exit 9' USR1; echo self $$; while :; do sleep 0.02; done`, ['self'], {
      containment,
      at(point, { identity }) {
        if (point !== 'shim.hard.before') return;
        process.kill(identity.pid, 'SIGUSR1');
        while (isAlive(identity));
      },
    });
    expect(await terminate(of, SHORT_GRACE_MS)).toMatchObject({ code: 9, signal: null, outcome: 'soft_exit' });
  });

  it('of a child that the hard signal ends, whatever comes just after', async () => {
    const of = await session(`trap '' TERM; echo self $$; while :; do sleep 0.02; done`, ['self'], {
      containment,
      at(point, { identity }) {
        if (point === 'shim.hard.after') while (isAlive(identity));
      },
    });
    expect(await terminate(of, SHORT_GRACE_MS)).toMatchObject({ signal: 'SIGKILL', outcome: 'hard_killed' });
  });

  it('of a child that somebody else kills in the grace', async () => {
    const of = await session(`trap '' TERM; echo self $$; while :; do sleep 0.02; done`, ['self'], {
      containment,
      at(point, { identity }) {
        if (point === 'shim.soft.after') signalIdentity(identity, 'SIGKILL');
      },
    });
    expect(await terminate(of, HUGE_GRACE_MS)).toMatchObject({ signal: 'SIGKILL', outcome: 'soft_exit' });
  });

  it('of a grandchild that ignores TERM', async () => {
    const of = await session(
      `(trap '' TERM; sleep ${LONG_S} & echo grandchild $!; wait) & echo self $$; wait`,
      ['grandchild', 'self'],
      { containment },
    );
    expect(await terminate(of, SHORT_GRACE_MS)).toMatchObject({ signal: 'SIGTERM', outcome: 'soft_exit' });
  });

  it('of one that left the group', async () => {
    const of = await session(
      `bash -c 'trap "" TERM; set -m; sleep ${LONG_S} & echo left $!; wait' & echo self $$; wait`,
      ['left', 'self'],
      { containment },
    );
    expect(systemTable.read(of.named['left']!.pid)!.pgrp).not.toBe(of.identity.pid);
    await terminate(of, SHORT_GRACE_MS);
  });

  it('[E3] of one that left group and session', async () => {
    const of = await session(
      `(setsid bash -c 'trap "" TERM; echo left $$; while :; do sleep 0.02; done' &); echo self $$; sleep ${LONG_S}`,
      ['left', 'self'],
      { containment },
    );
    expect(systemTable.read(of.named['left']!.pid)!.session).not.toBe(of.identity.pid);
    await terminate(of, SHORT_GRACE_MS);
  });

  it('of one that left group, session and environment while its parent lives', async () => {
    const of = await session(`env -i setsid sleep ${LONG_S} & echo left $!; echo self $$; wait`, ['left', 'self'], {
      containment,
    });
    await terminate(of, SHORT_GRACE_MS);
  });

  it('of an orphan that left group, session and environment: found by a subreaper only', async () => {
    const of = await session(
      `(env -i setsid sleep ${LONG_S} & echo left $!); echo self $$; sleep ${LONG_S}`,
      ['left', 'self'],
      { containment },
    );
    const { pid } = of.named['left']!;
    const deadline = performance.now() + WAIT_MS;
    while (systemTable.read(pid)?.name !== 'sleep' && performance.now() < deadline) await new Promise(setImmediate);
    expect(systemTable.read(pid)!.name).toBe('sleep');
    if (kind === 'tree') {
      await terminate(of, SHORT_GRACE_MS);
      return;
    }
    expect(of.tree.containment).toBe('marked');
    expect(await of.tree.terminate(SHORT_GRACE_MS)).toEqual([]);
    expect(alive(of.named)).toEqual(['left']);
  });

  it('of what a child left behind in its group before the call', async () => {
    const of = await session(`env -i sleep ${LONG_S} & echo left $!; exit 0`, ['left'], { containment });
    const status = await of.exit;
    expect(await of.tree.terminate(HUGE_GRACE_MS)).toEqual([]);
    expect(alive(of.named)).toEqual([]);
    expect(of.tree.outcome(status)).toBe('natural_exit');
  });

  it('after everything is gone', async () => {
    const of = await session('echo self $$; sleep 0.1; exit 3', ['self'], { containment });
    const status = await of.exit;
    expect(await of.tree.terminate(HUGE_GRACE_MS)).toEqual([]);
    expect(of.tree.outcome(status)).toBe('natural_exit');
    expect(of.hits).toEqual([]);
  });

  it('[E5] called again can only shorten the grace', async () => {
    const of = await session(`trap '' TERM; echo self $$; while :; do sleep 0.02; done`, ['self'], { containment });
    const before = performance.now();
    const first = of.tree.terminate(HUGE_GRACE_MS);
    const second = of.tree.terminate(SHORT_GRACE_MS);
    const third = of.tree.terminate(HUGE_GRACE_MS);
    expect(await Promise.all([first, second, third])).toEqual([[], [], []]);
    expect(performance.now() - before).toBeLessThan(5_000);
    expect(of.tree.outcome(await of.exit)).toBe('hard_killed');
  });

  it('of a fork storm', async () => {
    const of = await session(
      `trap '' TERM; storm() { for i in 1 2 3; do (trap '' TERM; while :; do (sleep 0.01) & sleep 0.005; done) & done; }
       storm; echo self $$; while :; do sleep 0.05; done`,
      ['self'],
      { containment },
    );
    await terminate(of, SHORT_GRACE_MS);
  });

  it('asks a process that appears during the grace', async () => {
    const of = await session(
      `trap 'sleep ${LONG_S} & echo late $!; exit 0' TERM; echo self $$; while :; do sleep 0.02; done`,
      ['self'],
      { containment },
    );
    const { ms } = await terminate(of, HUGE_GRACE_MS);
    expect(ms).toBeLessThan(5_000);
  });

  if (kind === 'tree') {
    it('leaves no zombies of orphans behind', async () => {
      const of = await session(
        `(setsid sleep 0.05 & echo orphan $!); echo self $$; sleep ${LONG_S}`,
        ['orphan', 'self'],
        { containment },
      );
      const { pid } = of.named['orphan']!;
      const deadline = performance.now() + WAIT_MS;
      while (systemTable.read(pid) !== undefined && performance.now() < deadline) await new Promise(setImmediate);
      expect(systemTable.read(pid)).toBeUndefined();
      await terminate(of, 0);
    });
  }
});
