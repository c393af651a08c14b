/** For tests that need a real runtime: a home of their own, and its end. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from './connect.ts';
import type { Holdfast, SessionSpec } from './holdfast.ts';

/** The build with fault points; made before the suite runs. */
export const LOADER = fileURLToPath(new URL('../../dist-faults/holdfast.cjs', import.meta.url));

export interface TestRuntime {
  home: string;
  client: Holdfast;
  /** Another client of the same runtime. */
  connect(): Promise<Holdfast>;
  srvPid(): Promise<number>;
  /** Ends every session and the runtime, and removes the home. */
  dispose(): Promise<void>;
}

export async function testRuntime(): Promise<TestRuntime> {
  const home = mkdtempSync(join(tmpdir(), 'hfc-'));
  const clients: Holdfast[] = [];
  const open = async (): Promise<Holdfast> => {
    const client = await connect({ home, loader: LOADER, env: process.env });
    clients.push(client);
    return client;
  };
  const client = await open();
  return {
    home,
    client,
    connect: open,
    srvPid: async () => (await client.status()).srv.pid!,
    dispose: async () => {
      await client.down({ sessions: true });
      for (const each of clients) each.close();
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

export function spec(argv: string[], more: Partial<SessionSpec> = {}): SessionSpec {
  return { argv, cwd: '/', env: [['PATH', process.env['PATH'] ?? '/usr/bin:/bin']], kind: 'pipe', ...more };
}
