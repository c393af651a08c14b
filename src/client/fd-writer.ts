import { write, writeSync } from 'node:fs';

const FULL_FIRST_MS = 1;
const FULL_MAX_MS = 32;

/**
 * Writes all of `bytes` to a descriptor without blocking the event loop: a blocking descriptor waits in the thread pool,
 * a non-blocking one that is full is tried again with back-off. Rejects with the system's error.
 */
export function writeFully(fd: number, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let from = 0;
    let delay = 0;
    const step = (): void => {
      write(fd, bytes, from, bytes.length - from, null, (error, count) => {
        if (error !== null && error.code !== 'EAGAIN') {
          reject(error);
          return;
        }
        if (error === null) {
          from += count;
          delay = 0;
          if (from >= bytes.length) resolve();
          else step();
          return;
        }
        delay = delay === 0 ? FULL_FIRST_MS : Math.min(delay * 2, FULL_MAX_MS);
        setTimeout(step, delay);
      });
    };
    if (bytes.length === 0) resolve();
    else step();
  });
}

/** The same in this turn: the shortest way to a terminal. Blocks the process while the descriptor takes nothing. */
export function writeFullySync(fd: number, bytes: Buffer): void {
  let from = 0;
  while (from < bytes.length) {
    try {
      from += writeSync(fd, bytes, from, bytes.length - from);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_FIRST_MS);
    }
  }
}
