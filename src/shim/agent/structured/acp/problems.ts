/** What an agent's JSON-RPC error means for people. */
import type { Problem } from '../contract.ts';
import { countOf, line, objectOf, textOf } from '../fields.ts';

/** ACP: the agent wants a login first. */
export const AUTH_REQUIRED = -32000;
/** HTTP statuses that agents pass on as codes, or name in `data`. */
const QUOTA = new Set([402, 429]);
const AUTH = new Set([401, 403]);
const INVALID = new Set([400, 413]);
/** The words of model APIs for a full context; looked at only within an error. */
const TOO_LONG = /prompt is too long|context[ _](?:length|window|limit)|input token count|too many (?:total )?tokens/i;
/** The same for agents that pass an API's error on without its code. */
const OUT_OF_QUOTA = /\b429\b|resource_exhausted|insufficient_quota|rate[ _-]?limit|quota exceeded/i;
const NO_KEY = /\b401\b|unauthori[sz]ed|unauthenticated|(?:invalid|incorrect)[ _]api[ _]key|api key not valid/i;

export function problemOf(error: unknown): Problem {
  const said = objectOf(error);
  const data = objectOf(said?.['data']);
  const code = typeof said?.['code'] === 'number' ? said['code'] : null;
  const status = countOf(data?.['statusCode'] ?? data?.['status'] ?? data?.['code']) ?? code ?? 0;
  const details = [textOf(said?.['message']), textOf(data?.['details']), textOf(data?.['message'])].filter(
    (part) => part !== null && part !== '',
  );
  const all = details.join(': ');
  const text = line(all) || 'the agent failed';
  if (code === AUTH_REQUIRED || AUTH.has(status)) return { reason: 'auth', attention: 'auth', text };
  if (QUOTA.has(status)) return { reason: 'quota', attention: 'quota', text };
  if (TOO_LONG.test(all)) return { reason: 'context_exhausted', attention: 'exhausted', text };
  if (!INVALID.has(status) && OUT_OF_QUOTA.test(all)) return { reason: 'quota', attention: 'quota', text };
  if (NO_KEY.test(all)) return { reason: 'auth', attention: 'auth', text };
  return { reason: 'agent_error', attention: 'none', text };
}
