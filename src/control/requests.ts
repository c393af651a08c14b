/** The requests of one connection: one reply each, a bound on those under way. */
import { HoldfastError, invalid, limits } from '../protocol/index.ts';
import type { RequestEnvelope } from '../protocol/control/index.ts';
import { isUlid, Recent } from '../runtime/index.ts';

/** What came beside a command's own fields. */
export type Envelope = Partial<RequestEnvelope>;

/** Answered ids that are remembered, so that one used again is noticed. */
const REMEMBERED_COUNT = 1024;

export function readRequestId(fields: Record<string, unknown>): string | undefined {
  const id = fields['request_id'];
  if (id === undefined || id === null) return undefined;
  if (typeof id === 'string' && id !== '' && Buffer.byteLength(id) <= limits.NAME_BYTES) return id;
  throw invalid('request_id', `request_id must be a string of 1 to ${limits.NAME_BYTES} bytes`);
}

export function readEnvelope(fields: Record<string, unknown>, requestId: string | undefined): Envelope {
  const envelope: Envelope = requestId === undefined ? {} : { request_id: requestId };
  const key = fields['idempotency_key'] ?? null;
  if (key !== null) {
    if (!isUlid(key)) throw invalid('idempotency_key', 'idempotency_key must be a ULID');
    envelope.idempotency_key = key;
  }
  const expected = fields['expected_version'] ?? null;
  if (expected !== null) {
    if (!Number.isSafeInteger(expected) || (expected as number) < 0) {
      throw invalid('expected_version', 'expected_version must be a whole number');
    }
    envelope.expected_version = expected as number;
  }
  return envelope;
}

export class RequestTable {
  readonly #underWay = new Set<string>();
  readonly #answered = new Recent<true>(REMEMBERED_COUNT);
  #anonymous = 0;

  /** Commands under way, those without an id included. */
  get size(): number {
    return this.#underWay.size + this.#anonymous;
  }

  /** Throws `invalid_argument` for an id that was used on this connection before. */
  begin(id: string | undefined): void {
    if (id === undefined) {
      this.#anonymous++;
      return;
    }
    if (this.#underWay.has(id) || this.#answered.has(id)) {
      throw new HoldfastError(
        'invalid_argument',
        'request_id was used before on this connection; use a new one per request',
        {
          field: 'request_id',
        },
      );
    }
    this.#underWay.add(id);
  }

  finish(id: string | undefined): void {
    if (id === undefined) {
      this.#anonymous--;
      return;
    }
    this.#underWay.delete(id);
    this.#answered.set(id, true);
  }
}
