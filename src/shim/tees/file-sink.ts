/** An opened tee file. Opening and writing run off the event loop: a slow disk must not delay the session. */
import { close, constants, fdatasync, fstat, open, write } from 'node:fs';
import { isAbsolute } from 'node:path';
import { promisify } from 'node:util';
import { HoldfastError, invalid } from '../../protocol/errors.ts';
import { type Clock, withDeadline } from '../../runtime/index.ts';
import { storageError } from '../launch/claim.ts';

const OPEN_MS = 5_000;

const openFile = promisify(open);
const statFile = promisify(fstat);
const writeFile = promisify(write);
const syncFile = promisify(fdatasync);
const closeFile = promisify(close);

/** Opens `path` for a tee; `invalid_argument` for a relative path or what is no file, `storage_error` when it cannot be opened. */
export function openSink(path: string, mode: 'append' | 'truncate', clock: Clock): Promise<FileSink> {
  if (!isAbsolute(path)) throw invalid('sink.path', `the tee's path must be absolute, not ${JSON.stringify(path)}`);
  return withDeadline(
    clock,
    OPEN_MS,
    openChecked(path, mode),
    () => new HoldfastError('timeout', `opening ${path} took too long`, { field: 'sink.path' }),
  );
}

async function openChecked(path: string, mode: 'append' | 'truncate'): Promise<FileSink> {
  const { O_WRONLY, O_CREAT, O_NONBLOCK, O_APPEND, O_TRUNC, O_NOCTTY } = constants;
  let fd: number;
  try {
    // Without O_NONBLOCK the open of a FIFO nobody reads would never return.
    fd = await openFile(
      path,
      O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY | (mode === 'append' ? O_APPEND : O_TRUNC),
      0o644,
    );
  } catch (error) {
    const failure = storageError(error, path);
    throw new HoldfastError(failure.code, failure.message, {
      field: 'sink.path',
      details: failure.details,
      cause: error,
    });
  }
  const stat = await statFile(fd);
  if (!stat.isFile() && !stat.isCharacterDevice()) {
    await closeFile(fd);
    throw invalid('sink.path', `${path} is not a regular file; tee into a file`);
  }
  return new FileSink(fd, path, stat.isFile());
}

export class FileSink {
  readonly #fd: number;
  readonly #path: string;
  readonly #isFile: boolean;

  constructor(fd: number, path: string, isFile: boolean) {
    this.#fd = fd;
    this.#path = path;
    this.#isFile = isFile;
  }

  /** Throws `storage_full` or `storage_error`; how many bytes were taken by then is in `details.written`. */
  async write(bytes: Buffer): Promise<void> {
    let at = 0;
    while (at < bytes.length) {
      try {
        const { bytesWritten } = await writeFile(this.#fd, bytes, at, bytes.length - at, null);
        at += bytesWritten;
      } catch (error) {
        const failure = storageError(error, this.#path);
        throw new HoldfastError(failure.code, failure.message, {
          details: { ...failure.details, written: at },
          cause: error,
        });
      }
    }
  }

  async close(): Promise<void> {
    try {
      if (this.#isFile) await syncFile(this.#fd);
    } finally {
      await closeFile(this.#fd);
    }
  }
}
