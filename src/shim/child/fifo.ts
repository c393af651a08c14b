/**
 * Real pipes. What Node calls a pipe for a child is a socket pair, on which `echo > /dev/stdout` fails; and Node has
 * no pipe(2). With the C library at hand it is asked; else mkfifo(1) makes a FIFO that is unlinked once both ends are
 * open, which is a pipe in all but name.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { LibC } from '../../process/index.ts';
import { HoldfastError } from '../../protocol/index.ts';

const { O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants;
/** Linux x86-64 and arm64 agree; Node does not export it. */
const O_CLOEXEC = 0o2000000;
/** fcntl(2). */
const F_SETPIPE_SZ = 1031;
/** Four times the usual: a flood wakes this process a quarter as often. Well within what pipe(7) grants a user. */
const OUTPUT_PIPE_BYTES = 256 * 1024;
const MKFIFO = 'mkfifo';
const MKFIFO_MS = 5_000;

/** `ours` is non-blocking, `theirs` blocking; both close on exec, and both are the caller's to close. */
export interface PipePair {
  ours: number;
  theirs: number;
}

export type PipeDirection = 'from_child' | 'to_child';

/** Makes one pipe per direction; `directory` is private to this process. */
export function openPipes(directions: readonly PipeDirection[], directory: string, libc: LibC | undefined): PipePair[] {
  if (libc !== undefined) return directions.map((direction) => pipeOf(direction, libc));
  const paths = directions.map((_, index) => join(directory, `.pipe-${index}`));
  const unlink = (): void => paths.forEach((path) => rmSync(path, { force: true }));
  unlink();
  try {
    execFileSync(MKFIFO, ['-m', '600', ...paths], { stdio: 'ignore', timeout: MKFIFO_MS });
    return directions.map((direction, index) => openEnds(paths[index]!, direction));
  } catch (error) {
    throw new HoldfastError('start_failed', 'The pipes of the session cannot be made; mkfifo(1) is needed for it.', {
      details: { exit_status: 125, directory },
      cause: error,
    });
  } finally {
    unlink();
  }
}

function openEnds(path: string, direction: PipeDirection): PipePair {
  // Opened for both first: then neither end waits for the other.
  const both = openSync(path, O_RDWR | O_NONBLOCK);
  try {
    return direction === 'from_child'
      ? { ours: openSync(path, O_RDONLY | O_NONBLOCK), theirs: openSync(path, O_WRONLY) }
      : { ours: openSync(path, O_WRONLY | O_NONBLOCK), theirs: openSync(path, O_RDONLY) };
  } finally {
    closeSync(both);
  }
}

function pipeOf(direction: PipeDirection, libc: LibC): PipePair {
  const ends = new Int32Array(2);
  if (libc.pipe2(ends, O_CLOEXEC) !== 0) {
    const details = { exit_status: 125 };
    throw new HoldfastError('start_failed', 'The pipes of the session cannot be made: pipe(2) failed.', { details });
  }
  const [read, write] = [ends[0]!, ends[1]!];
  // Refused beyond the user's limit: then it stays as it is.
  if (direction === 'from_child') libc.fcntl(write, F_SETPIPE_SZ, OUTPUT_PIPE_BYTES);
  // O_NONBLOCK belongs to the open file, not to the pipe: opened anew, ours has it and the child's does not.
  const own = direction === 'from_child' ? read : write;
  const ours = openSync(`/proc/self/fd/${own}`, (direction === 'from_child' ? O_RDONLY : O_WRONLY) | O_NONBLOCK);
  closeSync(own);
  return { ours, theirs: direction === 'from_child' ? write : read };
}
