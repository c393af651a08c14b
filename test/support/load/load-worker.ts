/** Entry of a load process: some clients, each with a connection and a desk of its own. */
import { randomFrom } from '../random.ts';
import { LoadClient, type Told } from './client.ts';
import type { Shared } from './desk.ts';
import { serveParent } from './serve-parent.ts';

interface Begin {
  home: string;
  seed: number;
  impatient: boolean;
  clients: { name: string; shared: Shared }[];
}

let clients: LoadClient[] = [];

const work = {
  async begin({ home, seed, impatient, clients: named }: Begin): Promise<void> {
    clients = named.map(
      ({ name, shared }, at) => new LoadClient({ home, name, shared, impatient, random: randomFrom(seed + at) }),
    );
    await Promise.all(clients.map((client) => client.begin()));
  },
  /** Every client sends that many, or goes on until `stop`; returns the ms it took. */
  async run(commands: number): Promise<number> {
    const from = performance.now();
    await Promise.all(clients.map((client) => client.run(commands)));
    return performance.now() - from;
  },
  stop(): void {
    for (const client of clients) client.stop();
  },
  /** See `LoadClient.repeat`. */
  async repeat(share: number): Promise<number> {
    const counts = await Promise.all(clients.map((client) => client.repeat(share)));
    return counts.reduce((sum, count) => sum + count, 0);
  },
  books(): Told[] {
    return clients.flatMap(({ entries }) =>
      entries.map(({ command: { cmd }, proof, version, refused, late }) => ({ cmd, proof, version, refused, late })),
    );
  },
};
export type LoadWork = typeof work;

serveParent(work);
