/**
 * Which commands have been carried out already (P5). Results of the last keys are in memory; the log holds all within
 * retention. Rejections are not kept: they changed nothing, so the retry is decided anew.
 */
import { HoldfastError, invalid, limits } from '../protocol/index.ts';
import { isUlid, Recent, ulidTime } from '../runtime/index.ts';
import type { Commit, StoredResult } from './contract.ts';

export type Recall =
  | { found: 'in_flight'; commit: Promise<Commit> }
  | { found: 'stored'; commit: Commit }
  | { found: 'maybe_in_log' }
  | { found: 'new' };

export class ResultIndex {
  readonly #inFlight = new Map<string, { bodyHash: string; commit: Promise<Commit> }>();
  /** In the order they became durable. */
  readonly #recent: Recent<StoredResult>;
  /** Every key of the log that is not in memory is at most this one. */
  #horizon: string;

  constructor(capacity: number, newestKey: string | null) {
    this.#recent = new Recent(capacity);
    this.#horizon = newestKey ?? '';
  }

  /** Throws `key_reused` for a known key with another body. */
  recall(key: string, bodyHash: string): Recall {
    const running = this.#inFlight.get(key);
    if (running !== undefined) {
      if (running.bodyHash !== bodyHash) throw reused(key);
      return { found: 'in_flight', commit: running.commit };
    }
    const stored = this.#recent.get(key);
    if (stored !== undefined) return { found: 'stored', commit: replay(stored, bodyHash) };
    return { found: key > this.#horizon ? 'new' : 'maybe_in_log' };
  }

  /** Until `commit` settles, repeats of the key wait for it. */
  track(key: string, bodyHash: string, commit: Promise<Commit>): void {
    this.#inFlight.set(key, { bodyHash, commit });
  }

  untrack(key: string): void {
    this.#inFlight.delete(key);
  }

  remember(result: StoredResult): void {
    const forgotten = this.#recent.set(result.key, result);
    if (forgotten !== undefined) this.mayBeInLog(forgotten);
  }

  /** Called for keys whose append failed or was reported failed: only the log knows. */
  mayBeInLog(key: string): void {
    if (key > this.#horizon) this.#horizon = key;
  }
}

/** Refuses a key that is no ULID, or whose time is out of the range within which results are kept. */
export function checkKey(key: string, now: number): void {
  if (!isUlid(key)) throw invalid('idempotency_key', 'idempotency_key must be a ULID (26 characters)');
  const age = now - ulidTime(key);
  if (age <= limits.IDEMPOTENCY_RETENTION_MS && age >= -limits.IDEMPOTENCY_SKEW_MS) return;
  const fault = age > 0 ? 'is older than the results that are kept' : 'lies in the future';
  throw new HoldfastError('key_expired', `idempotency_key ${fault}: check the effect, then send a new key`, {
    field: 'idempotency_key',
    details: { age_ms: age, retention_ms: limits.IDEMPOTENCY_RETENTION_MS },
  });
}

/** The commit of a stored result; throws `key_reused` when the body differs. */
export function replay(stored: StoredResult, bodyHash: string): Commit {
  if (stored.body_hash !== bodyHash) throw reused(stored.key);
  return { version: stored.version, result: stored.result, replayed: true };
}

function reused(key: string): HoldfastError {
  return new HoldfastError('key_reused', 'this idempotency_key was used for another command: send a new key', {
    field: 'idempotency_key',
    details: { key },
  });
}
