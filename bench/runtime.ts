/** A Holdfast of the benchmark's own: temporary home, the built package, its SDK and its command line. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type Holdfast } from '../src/client/index.ts';
import { cleanEnvironment, type Peer } from './peers.ts';
import { Terminal } from './terminal.ts';

export interface BenchRuntime {
  home: string;
  holdfast: Holdfast;
  /** Absolute path of `dist/holdfast.cjs`. */
  loader: string;
  env: Record<string, string>;
  /** Ends every session, srv and removes the home. */
  close(): Promise<void>;
}

export async function startRuntime(loader: string): Promise<BenchRuntime> {
  const home = mkdtempSync(join(tmpdir(), 'hfb-'));
  const env = { ...cleanEnvironment(home), HOLDFAST_HOME: home };
  const holdfast = await connect({ home, loader });
  return {
    home,
    holdfast,
    loader,
    env,
    async close() {
      await holdfast.down({ sessions: true });
      holdfast.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** `holdfast run` in a terminal, as a person types it. */
export function holdfastPeer({ holdfast, loader, env, home }: BenchRuntime): Peer {
  let next = 0;
  return {
    name: 'holdfast',
    async show(script) {
      const name = `shown${next++}`;
      const args = [loader, 'run', '--name', name, '--', '/bin/sh', '-c', script];
      const terminal = new Terminal(process.execPath, args, { env });
      return {
        terminal,
        async close() {
          await holdfast.kill(name);
          await terminal.exited;
          terminal.close();
        },
      };
    },
    async flood(script, count) {
      const sessions = await Promise.all(
        Array.from({ length: count }, () =>
          holdfast.run({ argv: ['/bin/sh', '-c', script], cwd: home, env: Object.entries(env) }),
        ),
      );
      return async () => {
        for (const { session } of sessions) await holdfast.kill(session.id);
        await Promise.all(sessions.map(({ session }) => session.wait({ for: 'end' })));
      };
    },
  };
}

/** The command line as a cold process; returns its output. */
export function runCommand({ loader, env }: BenchRuntime, args: string[]): string {
  return execFileSync(process.execPath, [loader, ...args], { env, encoding: 'utf8' });
}
