/** A long history read back from version 0, and how soon srv answers that has one. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { connect, type Holdfast } from '../../src/client/index.ts';
import { homePaths } from '../../src/protocol/home/index.ts';
import { openControl } from '../control.ts';
import { AFTER_SNAPSHOT, type LargeLog, LARGE_EVENTS } from '../large-log.ts';
import { removeDirectory } from '../peers.ts';
import { interleave, type Row, rows } from '../report.ts';
import { FILL_BATCH } from '../toy-stream.ts';

/** One run takes seconds. */
const ROUNDS_AT_MOST = 3;
const PAGE_EVENTS = 10_000;

export async function replay(large: LargeLog, loader: string, rounds: number): Promise<Row[]> {
  const home = large.home();
  const holdfast = await connect({ home, loader });
  const contenders = [
    { name: 'SQLite, its rows read and parsed', run: async () => perSecond(async () => readRows(home)) },
    { name: 'get_events, page after page', run: () => perSecond(() => readPages(home)) },
    { name: 'subscribe since 0', run: () => perSecond(() => subscribeFromStart(home)) },
  ];
  const figures = await interleave(contenders, Math.min(rounds, ROUNDS_AT_MOST));
  await endHard(holdfast);
  return rows(
    `replay of ${LARGE_EVENTS} events (toy stream of workspaces events, put into the log ${FILL_BATCH} a commit)`,
    'events/s',
    figures,
    ['SQLite, its rows read and parsed'],
  );
}

/** From `kill -9` of srv to the first reply of the one that a waiting client starts. */
export async function restart(large: LargeLog, loader: string, rounds: number): Promise<Row[]> {
  const small = mkdtempSync(join(tmpdir(), 'hfb-'));
  const homes: [string, string][] = [
    ['empty log', small],
    [`log of ${LARGE_EVENTS} events, ${AFTER_SNAPSHOT} or more after its snapshot`, large.home()],
  ];
  const opened = await Promise.all(
    homes.map(async ([name, home]) => ({ name, holdfast: await connect({ home, loader }) })),
  );
  const contenders = opened.map(({ name, holdfast }) => ({
    name,
    async run() {
      const { srv } = await holdfast.status();
      process.kill(srv.pid ?? 0, 'SIGKILL');
      const start = performance.now();
      await holdfast.status();
      return performance.now() - start;
    },
  }));
  const figures = await interleave(contenders, rounds);
  for (const { holdfast } of opened) await endHard(holdfast);
  removeDirectory(small);
  return rows('srv killed → first reply', 'ms', figures, ['empty log']);
}

/** An orderly end would make a snapshot, and the next start easier than what is measured. */
async function endHard(holdfast: Holdfast): Promise<void> {
  const { srv } = await holdfast.status();
  holdfast.close();
  process.kill(srv.pid ?? 0, 'SIGKILL');
}

async function perSecond(read: () => Promise<number>): Promise<number> {
  const start = performance.now();
  const count = await read();
  if (count < LARGE_EVENTS) throw new Error(`${count} of ${LARGE_EVENTS} events came`);
  return count / ((performance.now() - start) / 1000);
}

/** The log's file without Holdfast: what reading and parsing alone take. */
function readRows(home: string): number {
  const database = new Database(homePaths(home).database, { readonly: true });
  let count = 0;
  for (const row of database.prepare('SELECT record FROM batches ORDER BY seq').iterate()) {
    count += (JSON.parse((row as { record: string }).record) as { events: unknown[] }).events.length;
  }
  database.close();
  return count;
}

async function readPages(home: string): Promise<number> {
  const control = await openControl(home);
  let count = 0;
  for (let since = 0, complete = false; !complete; ) {
    const page = await control.request({ cmd: 'get_events', since, max: PAGE_EVENTS } as { cmd: string });
    const { events, next } = page as unknown as { events: { version: number }[]; next: number };
    if (events[0] !== undefined && events[0].version !== since + 1) throw new Error(`nothing after version ${since}`);
    count += events.length;
    complete = page['complete'] === true;
    since = next;
  }
  control.close();
  return count;
}

async function subscribeFromStart(home: string): Promise<number> {
  let count = 0;
  let finish: () => void = () => {};
  let fail: (error: Error) => void = () => {};
  const done = new Promise<void>((resolve, reject) => ([finish, fail] = [resolve, reject]));
  const control = await openControl(home, {
    event(event) {
      if (event.event === 'gap' || event.event === 'error') fail(new Error(JSON.stringify(event)));
      if (++count === LARGE_EVENTS) finish();
    },
    closed: (reason) => fail(new Error(`closed: ${reason ?? 'no reason given'}`)),
  });
  await control.request({ cmd: 'subscribe', since: 0 } as { cmd: string });
  await done;
  control.destroy();
  return count;
}
