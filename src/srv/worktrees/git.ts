/** Runs git as it runs for a person in that directory: no prompts, a deadline, bounded output. */
import { execFile } from 'node:child_process';
import { HoldfastError } from '../../protocol/index.ts';

const GIT_MS = 60_000;
const OUTPUT_BYTES = 8 * 1024 * 1024;

/** An ambient one of these would make git act on another repository than the one it is run in (git(1), ENVIRONMENT). */
const AMBIENT = /^GIT_(DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|COMMON_DIR|NAMESPACE|CEILING_DIRECTORIES|PREFIX)$/;

/** Resolves with its standard output. Rejects with `conflict` and git's last line, `timeout`, or `start_failed`. */
export type Git = (directory: string, args: string[], env?: Record<string, string>) => Promise<string>;

/** `environment` is the one of whoever asks: git reads HOME for its configuration. */
export function createGit(environment: NodeJS.ProcessEnv): Git {
  const env = Object.fromEntries(Object.entries(environment).filter(([name]) => !AMBIENT.test(name)));
  const base = { ...env, GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C' };
  return (directory, args, more = {}) =>
    new Promise((resolve, reject) => {
      const options = { env: { ...base, ...more }, timeout: GIT_MS, maxBuffer: OUTPUT_BYTES };
      execFile('git', ['-C', directory, ...args], options, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(refusal(args, error, stderr));
      });
    });
}

function refusal(args: string[], error: Error & { code?: unknown; killed?: boolean }, stderr: string): HoldfastError {
  if (error.code === 'ENOENT')
    return new HoldfastError('start_failed', 'worktrees need git, and there is none in PATH; install it', {
      field: 'worktree',
    });
  if (error.killed === true)
    return new HoldfastError('timeout', `git ${args[0]} did not finish within ${GIT_MS} ms`, { field: 'worktree' });
  const reason = stderr.trim().split('\n').at(-1) ?? error.message;
  return new HoldfastError('conflict', `git ${args[0]}: ${reason}`, { field: 'worktree', cause: error });
}
