/** The command line on a home that is not a `TestRuntime`'s, or not yet. */
import { spawn } from 'node:child_process';
import { collect } from './collect.ts';
import { FAULTS_LOADER, testEnvironment } from './runtime.ts';

export interface Ran {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** To its end; a command that hangs is killed and rejects. */
export async function holdfast(
  home: string,
  words: readonly string[],
  options: { env?: Record<string, string>; cwd?: string } = {},
): Promise<Ran> {
  const { env = {}, cwd = '/' } = options;
  const child = spawn(process.execPath, [FAULTS_LOADER, ...words], {
    env: { ...testEnvironment(home), ...env },
    cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const { status, stdout, stderr } = await collect(child);
  return { status, stdout: stdout.toString(), stderr };
}
