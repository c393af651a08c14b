/** Durable commands per second through the control socket, beside SQLite doing nothing else. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { connect, type Holdfast } from '../../src/client/index.ts';
import { removeDirectory } from '../peers.ts';
import { interleave, type Row, rows } from '../report.ts';
import type { BenchRuntime } from '../runtime.ts';
import { endAll, startIdle } from './idle.ts';

const SINGLE_COMMANDS = 2_000;
const CLIENTS = 64;
const COMMANDS_PER_CLIENT = 300;
const SUBSCRIBERS = 2;
const EVENT = JSON.stringify({
  event: 'session_renamed',
  session_id: '0'.repeat(26),
  name: 'a name as long as it gets',
  at: 0,
});

export async function durableCommands(runtime: BenchRuntime, rounds: number): Promise<Row[]> {
  const [target] = await startIdle(runtime, 1);
  if (target === undefined) throw new Error('no session to rename');
  let serial = 0;
  const rename = (client: Holdfast): Promise<unknown> => client.rename(target.id, `name-${serial++}`);
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, () => connect({ home: runtime.home, loader: runtime.loader })),
  );
  const contenders = [
    { name: 'SQLite, one row a commit', run: async () => sqliteSingles(SINGLE_COMMANDS) },
    {
      name: '1 client',
      async run() {
        const start = performance.now();
        for (let i = 0; i < SINGLE_COMMANDS; i++) await rename(runtime.holdfast);
        return SINGLE_COMMANDS / ((performance.now() - start) / 1000);
      },
    },
    {
      name: `${CLIENTS} clients, ${SUBSCRIBERS} subscribers`,
      async run() {
        const expected = CLIENTS * COMMANDS_PER_CLIENT;
        const subscribers = await Promise.all(
          Array.from({ length: SUBSCRIBERS }, () => countEvents(runtime, expected)),
        );
        const start = performance.now();
        await Promise.all(
          clients.map(async (client) => {
            for (let i = 0; i < COMMANDS_PER_CLIENT; i++) await rename(client);
          }),
        );
        await Promise.all(subscribers.map((subscriber) => subscriber.done));
        return expected / ((performance.now() - start) / 1000);
      },
    },
  ];
  const figures = await interleave(contenders, rounds);
  for (const client of clients) client.close();
  await endAll(runtime, [target]);
  return rows('durable commands', '1/s', figures, ['SQLite, one row a commit', '1 client']);
}

/** A subscriber of its own connection that is done when it has seen `expected` events. */
async function countEvents({ home, loader }: BenchRuntime, expected: number): Promise<{ done: Promise<void> }> {
  const client = await connect({ home, loader });
  const events = await client.events({ topics: ['session_renamed'] });
  const count = async (): Promise<void> => {
    let seen = 0;
    for await (const _ of events) if (++seen === expected) break;
    client.close();
  };
  return { done: count() };
}

function sqliteSingles(count: number): number {
  const directory = mkdtempSync(join(tmpdir(), 'hfb-'));
  const database = new Database(join(directory, 'bare.db'));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec('CREATE TABLE events (version INTEGER PRIMARY KEY, body TEXT NOT NULL)');
  const insert = database.prepare('INSERT INTO events (body) VALUES (?)');
  const start = performance.now();
  for (let i = 0; i < count; i++) insert.run(EVENT);
  const seconds = (performance.now() - start) / 1000;
  database.close();
  removeDirectory(directory);
  return count / seconds;
}
