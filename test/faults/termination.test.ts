/** The table of terminations, through the whole product; the moments are held by fault points. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SessionRecord } from '../../src/client/index.ts';
import { isAlive, type ProcessIdentity } from '../../src/process/index.ts';
import { collect } from '../support/collect.ts';
import { killHard, TestRuntime, until } from '../support/runtime.ts';
import { openSession } from '../support/session-socket.ts';
import { SessionTree, stateOf } from '../support/session-tree.ts';

const IDLE = 'while :; do sleep 0.05; done';
const ON_TERM = { code: null, signal: 'SIGTERM', outcome: 'soft_exit' };
const KILLED = { code: null, signal: 'SIGKILL', outcome: 'hard_killed' };

interface Shape {
  what: string;
  script: string;
  names?: string[];
  /** How the child ends when it is asked first. */
  exit: { code: number | null; signal: string | null; outcome: string };
  /** Somebody outlasts the grace. */
  stubborn?: boolean;
}

const SHAPES: Shape[] = [
  {
    what: 'a child that exits on TERM',
    script: `trap 'exit 5' TERM; ${IDLE}`,
    exit: { code: 5, signal: null, outcome: 'soft_exit' },
  },
  { what: 'a child that TERM ends', script: 'exec sleep 1000', exit: ON_TERM },
  { what: 'a child that ignores TERM', script: `trap '' TERM; ${IDLE}`, exit: KILLED, stubborn: true },
  {
    what: 'a grandchild that ignores TERM',
    script: `(trap '' TERM HUP; say grandchild $BASHPID; ${IDLE}) & exec sleep 1000`,
    names: ['grandchild'],
    exit: ON_TERM,
    stubborn: true,
  },
  {
    what: 'one that left the group',
    script: `bash -c 'trap "" TERM HUP; set -m; sleep 1000 & echo "left $!" >> '$HERE'.names; wait' & exec sleep 1000`,
    names: ['left'],
    exit: ON_TERM,
    stubborn: true,
  },
  {
    what: 'one that left group and session',
    script: `(setsid bash -c 'trap "" TERM; echo "left $$" >> '$HERE'.names; ${IDLE}' &); exec sleep 1000`,
    names: ['left'],
    exit: ON_TERM,
    stubborn: true,
  },
  {
    what: 'one that left group, session and environment',
    script: `env -i setsid sleep 1000 & say left $!; exec sleep 1000`,
    names: ['left'],
    exit: ON_TERM,
  },
  {
    what: 'an orphan that left group, session and environment',
    script: `(env -i setsid bash -c 'trap "" TERM; echo "left $$" >> '$HERE'.names; ${IDLE}' &); exec sleep 1000`,
    names: ['left'],
    exit: ON_TERM,
    stubborn: true,
  },
];

/** A way to end a session; resolves when the one who asked has been told that it is over. */
interface Way {
  way: string;
  kind: 'pty' | 'pipe';
  hard: boolean;
  removes?: boolean;
  end(tree: SessionTree, stubborn: boolean): Promise<void>;
}

let runtime: TestRuntime;

async function cli(...words: string[]): Promise<string> {
  const { status, stdout, stderr } = await collect(runtime.spawn(words));
  expect({ words, status, stderr }).toEqual({ words, status: 0, stderr: '' });
  return stdout.toString();
}

const WAYS: Way[] = [
  {
    way: 'stop',
    kind: 'pty',
    hard: false,
    async end({ id }, stubborn) {
      expect(await cli('stop', '--grace', stubborn ? '300ms' : '1h', id)).toContain(`${id} ended (`);
    },
  },
  {
    way: 'kill',
    kind: 'pipe',
    hard: true,
    async end({ id }) {
      expect(await cli('kill', id)).toContain(`${id} ended (`);
    },
  },
  {
    way: 'rm --force',
    kind: 'pty',
    hard: true,
    removes: true,
    async end({ id }) {
      expect(await cli('rm', '--force', id)).toBe(`${id}\n`);
    },
  },
  {
    way: 'Shutdown',
    kind: 'pipe',
    hard: false,
    async end({ record, session }, stubborn) {
      const socket = await openSession(runtime, record);
      const timeout_secs = stubborn ? 1 : 3_600;
      expect(
        await socket.askFor({ cmd: 'Shutdown', timeout_secs, reason: 'topology_change' }, 'Terminating'),
      ).toMatchObject({ grace_ms: timeout_secs * 1_000, already_exited: false });
      await socket.next('End');
      await session.wait({ for: 'end' });
    },
  },
];

type Recorded = Record<string, unknown> & { event: string; survivors?: { pid: number }[] };

async function eventsOf(id: string): Promise<Recorded[]> {
  const { events } = await runtime.holdfast.history();
  return events.filter((event) => event['session_id'] === id);
}

async function listed(id: string): Promise<SessionRecord | undefined> {
  const lines = (await cli('ls', '--json')).split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as SessionRecord).find((record) => record.id === id);
}

/** Nothing of the session is left, and everybody who asks is told the same. */
async function expectEnded(
  tree: SessionTree,
  exit: Shape['exit'],
  { cause = 'terminated', removed = false } = {},
): Promise<void> {
  await until(() => !isAlive(tree.shim), 'the shim to leave');
  expect(tree.left()).toEqual([]);
  const events = await eventsOf(tree.id);
  const named = (name: string): Recorded[] => events.filter(({ event }) => event === name);
  expect(named('session_exited')).toEqual([
    expect.objectContaining({ exit: expect.objectContaining(exit) as unknown }),
  ]);
  expect(named('session_ended')).toEqual([expect.objectContaining({ cause, survivors: [] })]);
  const record = await listed(tree.id);
  if (removed) {
    expect(record).toBeUndefined();
    expect(events.at(-1)).toMatchObject({ event: 'session_removed', reason: 'command' });
  } else {
    expect(record).toMatchObject({ state: 'ended', exit: { ...exit, cause }, held_by: [], survivors: [] });
  }
}

function signal(identity: ProcessIdentity, name: NodeJS.Signals): void {
  if (isAlive(identity)) process.kill(identity.pid, name);
}

function touch(file: string): void {
  writeFileSync(file, '');
}

describe('termination', () => {
  beforeAll(async () => {
    runtime = await TestRuntime.start();
  });
  afterAll(() => runtime.close());

  describe.concurrent.each(WAYS)('by $way', ({ kind, hard, removes = false, end }) => {
    it.each(SHAPES)('[E3] [E4] of $what leaves nothing and says how it ended', async (shape) => {
      const { script, names, exit, stubborn = false } = shape;
      const tree = await SessionTree.start(runtime, script, names, { kind });
      expect(tree.record.containment).toBe('tree');
      await end(tree, stubborn);
      await expectEnded(tree, hard ? KILLED : exit, { removed: removes });
    });
  });

  describe('when the child has exited and another process holds the output', () => {
    const HOLDER = `wait_for() { until [ -e $HERE.$1 ]; do sleep 0.02; done; }
      (say holder $BASHPID; wait_for go; echo late; wait_for end) & echo early; wait_for quit; exit 3`;
    const EXITED = { code: 3, signal: null, outcome: 'natural_exit' };

    async function held(linger_ms?: number): Promise<SessionTree> {
      const limits = linger_ms === undefined ? {} : { limits: { linger_ms } };
      const tree = await SessionTree.start(runtime, HOLDER, ['holder'], { kind: 'pipe', ...limits });
      touch(`${tree.here}.quit`);
      expect(await collect(runtime.spawn(['wait', '--exit', tree.id]))).toMatchObject({ status: 3 });
      return tree;
    }

    const holder = (tree: SessionTree): unknown =>
      expect.objectContaining({ ...tree.named('holder'), command: expect.stringContaining('bash') as unknown });

    it('[E1] [E2] it is exited and held, its log goes on, and it ends with the last of them', async () => {
      const tree = await held();
      await until(async () => ((await listed(tree.id))?.held_by.length ?? 0) > 0, 'the holder to be named');
      expect(await listed(tree.id)).toMatchObject({
        state: 'exited',
        exit: { ...EXITED, cause: null },
        held_by: expect.arrayContaining([holder(tree)]) as unknown,
      });
      const following = runtime.spawn(['logs', '--follow', tree.id]);
      const printed = collect(following);
      touch(`${tree.here}.go`);
      await until(async () => (await cli('logs', tree.id)).endsWith('late\n'), 'what the holder writes');
      touch(`${tree.here}.end`);
      await tree.session.wait({ for: 'end' });
      expect(await printed).toMatchObject({ status: 0, stdout: Buffer.from('early\nlate\n') });
      await expectEnded(tree, EXITED, { cause: 'child' });
    });

    it('[E1] [E2] it ends after its linger, and names who is left', async () => {
      const tree = await held(300);
      const record = await tree.session.wait({ for: 'end' });
      // The holder polls: a `sleep` of its own may be there at that moment.
      const survivors = expect.arrayContaining([holder(tree)]) as unknown;
      expect(record).toMatchObject({ state: 'ended', exit: { ...EXITED, cause: 'child' }, survivors });
      expect((await eventsOf(tree.id)).at(-1)).toMatchObject({ event: 'session_ended', survivors });
      expect(isAlive(tree.named('holder'))).toBe(true);
      signal(tree.named('holder'), 'SIGKILL');
      await until(() => tree.left().length === 0, 'the rest to go');
    });

    it.each(WAYS.filter(({ way }) => way !== 'Shutdown'))(
      '[E1] [E2] [E4] $way ends them, and the exit stays what it was',
      async ({ end, removes = false }) => {
        const tree = await held();
        await end(tree, false);
        await expectEnded(tree, EXITED, { cause: 'child', removed: removes });
      },
    );

    it('[E1] [E2] [E5] Shutdown says that the child has exited, and ends them', async () => {
      const tree = await held();
      const socket = await openSession(runtime, tree.record);
      expect(await socket.ask({ cmd: 'Shutdown', timeout_secs: 60, reason: 'requested' })).toMatchObject({
        event: 'Terminating',
        already_exited: true,
      });
      await tree.session.wait({ for: 'end' });
      await expectEnded(tree, EXITED, { cause: 'child' });
    });
  });

  it.each(['stop', 'kill'])('[E4] [E5] %s after the end changes nothing', async (command) => {
    const tree = await SessionTree.start(runtime, 'until [ -e $HERE.go ]; do sleep 0.02; done; exit 3');
    touch(`${tree.here}.go`);
    const before = await tree.session.wait({ for: 'end' });
    expect(await cli(command, tree.id)).toBe(`${tree.id} ended (3)\n`);
    expect(await tree.session.record()).toEqual(before);
    await expectEnded(tree, { code: 3, signal: null, outcome: 'natural_exit' }, { cause: 'child' });
  });

  it('[E5] a second call can only shorten the grace', async () => {
    const tree = await SessionTree.start(runtime, `trap '' TERM; ${IDLE}`);
    const first = cli('stop', '--grace', '1h', tree.id);
    await until(async () => (await listed(tree.id))?.desired === 'stopped', 'the first call');
    await cli('kill', tree.id);
    expect(await first).toContain('SIGKILL');
    await expectEnded(tree, KILLED);
  });
});

/** The shim stops itself at the point; what happens at that moment happens then. */
describe('termination, at its moments', () => {
  async function stoppedAt(
    point: string,
    script: string,
    grace: string,
    moment: (tree: SessionTree) => void | Promise<void>,
  ): Promise<{ tree: SessionTree; answer: string }> {
    const tree = await SessionTree.start(runtime, script);
    try {
      const asked = cli('stop', '--grace', grace, tree.id);
      asked.catch(() => undefined);
      await until(() => stateOf(tree.shim) === 'T', `the shim to be at ${point}`);
      await moment(tree);
      signal(tree.shim, 'SIGCONT');
      return { tree, answer: await asked };
    } finally {
      signal(tree.shim, 'SIGCONT');
    }
  }

  /** A runtime whose shims stop at the point, the first time they come to it. */
  async function withPoint(point: string, work: () => Promise<void>): Promise<void> {
    runtime = await TestRuntime.start({ faults: `${point}=stop@1` });
    try {
      await work();
    } finally {
      await runtime.close();
    }
  }

  const gone = (tree: SessionTree): Promise<void> => until(() => !isAlive(tree.child), 'the child to go');

  it('[E4] a child that exits on TERM, and nobody looks before the grace is over', () =>
    withPoint('shim.soft.after', async () => {
      const { tree, answer } = await stoppedAt('shim.soft.after', `trap 'exit 5' TERM; ${IDLE}`, '1ms', gone);
      expect(answer).toBe(`${tree.id} ended (5)\n`);
      await expectEnded(tree, { code: 5, signal: null, outcome: 'soft_exit' });
    }));

  it('[E4] a child that exits just before the hard signal', () =>
    withPoint('shim.hard.before', async () => {
      const script = `trap '' TERM; until [ -e $HERE.go ]; do sleep 0.02; done; exit 9`;
      const { tree, answer } = await stoppedAt('shim.hard.before', script, '100ms', async (stopped) => {
        expect(isAlive(stopped.child)).toBe(true);
        touch(`${stopped.here}.go`);
        await gone(stopped);
      });
      expect(answer).toBe(`${tree.id} ended (9)\n`);
      await expectEnded(tree, { code: 9, signal: null, outcome: 'soft_exit' });
    }));

  it('[E4] a child that is gone just after the hard signal', () =>
    withPoint('shim.hard.after', async () => {
      const { tree, answer } = await stoppedAt('shim.hard.after', `trap '' TERM; ${IDLE}`, '100ms', gone);
      expect(answer).toBe(`${tree.id} ended (SIGKILL)\n`);
      await expectEnded(tree, KILLED);
    }));

  it('[A1] [E3] the shim finishes without srv what it has begun', () =>
    withPoint('shim.hard.before', async () => {
      const { tree, answer } = await stoppedAt('shim.hard.before', `trap '' TERM; ${IDLE}`, '100ms', async () =>
        killHard(await runtime.srvPid()),
      );
      expect(answer).toBe(`${tree.id} ended (SIGKILL)\n`);
      await expectEnded(tree, KILLED);
    }));
});

/** Preloaded into srv and its shims: a machine where koffi does not load. */
const NO_KOFFI = `const { dlopen } = process;
process.dlopen = (module, file, ...rest) => {
  if (file.includes('koffi')) throw new Error('not here');
  return dlopen.call(process, module, file, ...rest);
};`;

describe('termination without a subreaper', () => {
  let preload: string;
  beforeAll(async () => {
    preload = mkdtempSync(join(tmpdir(), 'hft-'));
    const file = join(preload, 'no-koffi.cjs');
    writeFileSync(file, NO_KOFFI);
    runtime = await TestRuntime.start({ env: { NODE_OPTIONS: `--require ${file}` } });
  });
  afterAll(async () => {
    await runtime.close();
    rmSync(preload, { recursive: true, force: true });
  });

  it('[E3] says so, and lists the orphan that left everything but the output', async () => {
    const script = `(env -i setsid bash -c 'echo "left $$" >> '$HERE'.names; exec sleep 1000' &); exec sleep 1000`;
    const tree = await SessionTree.start(runtime, script, ['left'], { kind: 'pipe' });
    expect(tree.record.containment).toBe('marked');
    await until(() => stateOf(tree.named('left')) === 'S', 'the orphan');
    const left = tree.named('left');
    const { status, stderr } = await collect(runtime.spawn(['stop', tree.id]));
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringContaining(`process ${left.pid} `) as unknown,
    });
    expect(await listed(tree.id)).toMatchObject({
      state: 'ended',
      exit: { ...ON_TERM, cause: 'terminated' },
      survivors: [left],
    });
    expect((await eventsOf(tree.id)).at(-1)).toMatchObject({ event: 'session_ended', survivors: [left] });
    signal(left, 'SIGKILL');
    await until(() => tree.left().length === 0, 'the rest to go');
  });
});
