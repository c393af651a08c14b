/**
 * The claim (DESIGN §6 "Start"): one file per session, created exclusively and for ever, so that of two shims, or a
 * shim and srv's fence, exactly one gets the session.
 */
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError } from '../../protocol/errors.ts';
import { CLAIM_FILE, type Claim } from '../../protocol/launch/index.ts';

/** True when this call created the claim; false when one exists already. Throws `storage_full` or `storage_error`. */
export function createClaim(sessionDir: string, claim: Claim): boolean {
  const path = join(sessionDir, CLAIM_FILE);
  let fd: number;
  try {
    fd = openSync(path, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw storageError(error, path);
  }
  try {
    writeSync(fd, `${JSON.stringify(claim)}\n`);
    fsyncSync(fd);
  } catch (error) {
    throw storageError(error, path);
  } finally {
    closeSync(fd);
  }
  return true;
}

/** The claim in force, or null when it is torn: its writer died between creating and filling it. */
export function readClaim(sessionDir: string): Claim | null {
  try {
    const parsed: unknown = JSON.parse(readFileSync(join(sessionDir, CLAIM_FILE), 'utf8'));
    return isClaim(parsed) ? parsed : null;
  } catch {
    return null; // Missing or torn; either way nobody can be named as its owner.
  }
}

function isClaim(value: unknown): value is Claim {
  return typeof value === 'object' && value !== null && (value as Partial<Claim>).claim === 1;
}

export function storageError(error: unknown, path: string): HoldfastError {
  const cause = error as NodeJS.ErrnoException;
  const full = cause.code === 'ENOSPC' || cause.code === 'EDQUOT';
  return new HoldfastError(
    full ? 'storage_full' : 'storage_error',
    full ? `no space left for ${path}; free some and try again` : `cannot write ${path}: ${cause.message}`,
    { details: { path, errno: cause.code ?? null }, cause: error },
  );
}
