/**
 * The only file that touches `@lydell/node-pty`, and of it only the native binding: its own streams lose the tail of
 * a fast exit and burn a core on a child that does not read. The binding is not part of the package's typings; what is
 * relied on is pinned exactly and checked by pty.test.ts.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { loadNativeFile } from '../../process/index.ts';

export interface Forked {
  /** The terminal's master: non-blocking, owned by the caller. */
  fd: number;
  pid: number;
  /** Path of the terminal, `/dev/pts/N`. */
  pty: string;
}

interface NativePty {
  /**
   * forkpty(3), setsid, chdir and execvp in the child, all signals at their defaults. `onexit` is called once, from
   * the loop, when a thread has waited for the child: maybe before its last output was read. `signal` 0 is none.
   */
  fork(
    file: string,
    args: string[],
    env: string[],
    cwd: string,
    cols: number,
    rows: number,
    uid: number,
    gid: number,
    utf8: boolean,
    helperPath: string,
    onexit: (code: number, signal: number) => void,
  ): Forked;
  resize(fd: number, cols: number, rows: number, pixelWidth: number, pixelHeight: number): void;
}

const platform = `${process.platform}-${process.arch}`;
const native = loadNative();

const SAME_USER = -1;

export interface ForkOptions {
  argv: readonly string[];
  env: readonly (readonly [string, string])[];
  cwd: string;
  rows: number;
  cols: number;
  exited(code: number, signal: number): void;
}

export function forkTerminal({ argv, env, cwd, rows, cols, exited }: ForkOptions): Forked {
  const [file = '', ...args] = argv;
  const entries = env.map(([name, value]) => `${name}=${value}`);
  // utf8 sets IUTF8, so that the line discipline erases whole characters; the helper is for macOS only.
  const helper = process.platform === 'darwin' ? spawnHelper() : '';
  // Node-API swallows what a callback throws: out of it first, so that a failure is seen.
  const onexit = (code: number, signal: number): void => process.nextTick(exited, code, signal);
  return native.fork(file, args, entries, cwd, cols, rows, SAME_USER, SAME_USER, true, helper, onexit);
}

export function resizeTerminal(fd: number, rows: number, cols: number): void {
  native.resize(fd, cols, rows, 0, 0);
}

/** Where the file is not at its place, the package knows better, or says what is missing. */
function loadNative(): NativePty {
  const found = loadNativeFile(`@lydell/node-pty-${platform}/prebuilds/${platform}/pty.node`);
  if (found !== undefined) return found as NativePty;
  return (createRequire(import.meta.filename)('@lydell/node-pty') as { native: NativePty }).native;
}

/** macOS starts children through a small program of the package, beside its binding. */
function spawnHelper(): string {
  const requireAsPackage = createRequire(createRequire(import.meta.filename).resolve('@lydell/node-pty'));
  const entry = requireAsPackage.resolve(`@lydell/node-pty-${platform}`);
  return join(dirname(entry), '..', 'prebuilds', platform, 'spawn-helper');
}
