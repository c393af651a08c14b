/** The lock of a home (DESIGN §8): an exclusive SQLite transaction, which the kernel ends with its process, however it dies. */
import Database from 'libsql';
import { isBusy, storageError } from './errors.ts';

export interface HeldLock {
  release(): void;
}

/** Null when another process (or another holder in this one) has it. Throws `storage_error` when the file cannot be used. */
export function acquireLock(path: string): HeldLock | null {
  let db: Database.Database | undefined;
  try {
    db = new Database(path, { timeout: 0 });
    db.exec('BEGIN EXCLUSIVE');
  } catch (thrown) {
    db?.close();
    if (isBusy(thrown)) return null;
    throw storageError(thrown);
  }
  const held = db;
  return { release: () => held.close() };
}
