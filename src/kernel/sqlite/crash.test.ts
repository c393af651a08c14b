import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createIds, systemClock } from '../../runtime/index.ts';
import { type Bundles, bundle } from '../fixtures/bundle.ts';
import { ledger } from '../fixtures/ledger.ts';
import { openKernel } from '../kernel.ts';
import { acquireLock, inspectLog, SqliteLog } from './index.ts';

const rounds = process.env['HOLDFAST_TEST_LONG'] === '1' ? 50 : 4;
const seed = Number(process.env['HOLDFAST_TEST_SEED'] ?? Date.now() % 100_000);

let bundles: Bundles;
let dir: string;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  bundles = await bundle('sqlite/worker.ts', 'fixtures/crash-child.ts', 'fixtures/lock-child.ts');
  dir = mkdtempSync(join(tmpdir(), 'hf-crash-'));
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
});
afterAll(() => {
  bundles.remove();
  rmSync(dir, { recursive: true, force: true });
});

interface Life {
  /** ticket → key */
  sent: Map<string, string>;
  /** ticket → version */
  acked: Map<string, number>;
  openedAt: number;
}

/** Runs the child until it dies; `killAfter` acknowledgements it is killed from outside. */
async function live(path: string, first: number, plan: string, killAfter: number): Promise<Life> {
  const args = [bundles.path('fixtures/crash-child.ts'), path, bundles.path('sqlite/worker.ts'), '16', String(first)];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { HOLDFAST_FAULT_PLAN: plan },
  });
  children.add(child);
  const life: Life = { sent: new Map(), acked: new Map(), openedAt: -1 };
  for await (const line of createInterface({ input: child.stdout })) {
    const [verb = '', ticket = '', value = ''] = line.split(' ');
    if (verb === 'open') life.openedAt = Number(ticket);
    else if (verb === 'send') life.sent.set(ticket, value);
    else if (verb === 'ack') life.acked.set(ticket, Number(value));
    else throw new Error(line);
    if (life.acked.size === killAfter) child.kill('SIGKILL');
  }
  children.delete(child);
  return life;
}

const at = [
  'log.append.before',
  'log.append.after',
  'kernel.publish.before',
  'kernel.publish.after',
  'kernel.reply.before',
];
const plans: [string, string][] = [['at random', ''], ...at.map((point): [string, string] => [`at ${point}`, point])];

it.each(plans)(
  `kill -9 %s under load: each acknowledged command is there once, retries never double (seed ${seed})`,
  async (_name, point) => {
    const random = mulberry32(seed);
    const path = join(dir, `${point || 'random'}.db`);
    const sent = new Map<string, string>();
    const acked = new Map<string, number>();
    for (let round = 0; round < rounds; round++) {
      const after = 20 + Math.floor(random() * 400);
      const plan = point === '' ? '' : `${point}=kill@${5 + Math.floor(after / 8)}`;
      const life = await live(path, sent.size, plan, point === '' ? after : -1);
      expect(life.openedAt).toBeGreaterThanOrEqual(Math.max(0, ...acked.values()));
      for (const [ticket, key] of life.sent) sent.set(ticket, key);
      for (const [ticket, version] of life.acked) acked.set(ticket, version);
    }
    expect(acked.size).toBeGreaterThan(rounds * 4);
    await check(path, sent, acked);
  },
  120_000,
);

async function check(path: string, sent: Map<string, string>, acked: Map<string, number>): Promise<void> {
  expect(inspectLog(path)).toBeNull();
  const log = new SqliteLog({ path, workerPath: bundles.path('sqlite/worker.ts') });
  const warn = (error: Error): void => expect(error).toBeUndefined();
  const kernel = await openKernel({ domain: ledger, log, clock: systemClock, ids: createIds(systemClock), warn });
  const versionOf = new Map<string, number>();
  let last = 0;
  while (last < kernel.version) {
    const { events, next } = await kernel.readEvents(last, undefined, 1_000, 1_000_000);
    for (const event of events) {
      expect(event.version).toBe(++last);
      if (event.event !== 'deposited' || event.ticket === null) throw new Error('an event nobody sent');
      expect(versionOf.has(event.ticket)).toBe(false);
      versionOf.set(event.ticket, event.version);
    }
    expect(next).toBe(last);
  }
  for (const [ticket, version] of acked) expect(versionOf.get(ticket)).toBe(version);
  for (const ticket of versionOf.keys()) expect(sent.has(ticket)).toBe(true);
  const actor = { client_id: 'retry', pid: 1, kind: 'tool' };
  const unknown = [...sent.keys()].filter((ticket) => !versionOf.has(ticket));
  const retry = async ([ticket, idempotency_key]: [string, string]): Promise<void> => {
    const commit = await kernel.execute(
      { cmd: 'deposit', account: 'a', amount: 1, ticket },
      { actor, idempotency_key },
    );
    expect(commit.replayed).toBe(versionOf.has(ticket));
    expect(commit.version).toBe(versionOf.get(ticket) ?? commit.version);
  };
  const all = [...sent];
  for (let start = 0; start < all.length; start += 1_000) await Promise.all(all.slice(start, start + 1_000).map(retry));
  expect(kernel.version).toBe(last + unknown.length);
  expect(kernel.state.tickets.length).toBe(sent.size);
  await kernel.close();
}

it('a lock is freed by the death of its holder', async () => {
  const path = join(dir, 'lock.db');
  const child = spawn(process.execPath, [bundles.path('fixtures/lock-child.ts'), path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  expect(acquireLock(path)).toBeNull();
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
  const held = acquireLock(path);
  expect(held).not.toBeNull();
  held?.release();
});

/** A small seeded generator: the sequence repeats with its seed. */
function mulberry32(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
