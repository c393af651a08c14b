/** The files of a session which srv reads, and the one it may write: the claim that fences a late shim (DESIGN §6). */
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { CLAIM_FILE, type Claim, MANIFEST_FILE, type Manifest } from '../protocol/launch/index.ts';

/** `torn`: the file is there and not whole; its writer is at it or died at it. */
export type ClaimState = { claim: Claim } | 'none' | 'torn';

export function readClaim(sessionDir: string): ClaimState {
  const text = readIfThere(join(sessionDir, CLAIM_FILE));
  if (text === undefined) return 'none';
  const claim = parsed<Claim>(text);
  return claim?.claim === 1 && typeof claim.pid === 'number' && typeof claim.start_time === 'number'
    ? { claim }
    : 'torn';
}

/** Null when there is none that can be read. */
export function readManifest(sessionDir: string): Manifest | null {
  const text = readIfThere(join(sessionDir, MANIFEST_FILE));
  const manifest = text === undefined ? null : parsed<Manifest>(text);
  return manifest?.manifest === 1 ? manifest : null;
}

/** False when somebody, a shim most likely, was first. */
export function claimAsAborted(sessionDir: string, claim: Omit<Claim, 'claim' | 'by'>): boolean {
  let fd: number;
  try {
    fd = openSync(join(sessionDir, CLAIM_FILE), 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  try {
    writeSync(fd, `${JSON.stringify({ claim: 1, by: 'aborted', ...claim } satisfies Claim)}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  return true;
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function parsed<T>(text: string): T | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? (value as T) : null;
  } catch {
    return null; // Torn: the caller decides what that means.
  }
}
