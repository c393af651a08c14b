/** What SQLite's result codes (https://sqlite.org/rescode.html) mean for the log. */
import { HoldfastError } from '../../protocol/index.ts';

export function corrupt(what: string, details: Record<string, unknown> = {}): HoldfastError {
  return new HoldfastError('storage_error', `the event log is damaged (${what}): run holdfast doctor --repair`, {
    retryable: false,
    details: { ...details, corrupt: true },
  });
}

export function isCorrupt(error: unknown): boolean {
  return error instanceof HoldfastError && error.details['corrupt'] === true;
}

export function storageError(thrown: unknown): HoldfastError {
  if (thrown instanceof HoldfastError) return thrown;
  const code = sqliteCode(thrown);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') return corrupt(message);
  if (code === 'SQLITE_FULL') {
    return new HoldfastError('storage_full', 'the disk is full: free some space and try again', {
      details: { sqlite: code },
      cause: thrown,
    });
  }
  return new HoldfastError('storage_error', `the event log cannot be used: ${message}`, {
    details: { sqlite: code },
    cause: thrown,
  });
}

export function isBusy(thrown: unknown): boolean {
  return sqliteCode(thrown).startsWith('SQLITE_BUSY');
}

function sqliteCode(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
}
