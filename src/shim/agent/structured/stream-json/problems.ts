/** What an API error in the stream means for people. Decided on codes; a text is looked at only within an error. */
import type { Problem } from '../contract.ts';
import { line } from '../fields.ts';

const BY_CODE: Readonly<Record<string, Pick<Problem, 'reason' | 'attention'>>> = {
  billing_error: { reason: 'quota', attention: 'quota' },
  rate_limit: { reason: 'quota', attention: 'quota' },
  authentication_failed: { reason: 'auth', attention: 'auth' },
  oauth_org_not_allowed: { reason: 'auth', attention: 'auth' },
};
const BY_STATUS: Readonly<Record<number, string>> = {
  401: 'authentication_failed',
  402: 'billing_error',
  429: 'rate_limit',
};
/** The API's own words for a full context (an `invalid_request_error` has no code of its own for it). */
const TOO_LONG = /prompt is too long|context (?:length|window|limit)|too many (?:total )?tokens/i;

export function problemOf(said: { code: string | null; status: number | null; text: string }): Problem {
  const text = line(said.text) || 'the agent failed';
  const byStatus = said.status === null ? undefined : BY_STATUS[said.status];
  const known = BY_CODE[said.code ?? ''] ?? BY_CODE[byStatus ?? ''];
  if (known !== undefined) return { ...known, text };
  const isInvalid = said.code === 'invalid_request' || said.status === 400 || said.status === 413;
  if (isInvalid && TOO_LONG.test(said.text)) return { reason: 'context_exhausted', attention: 'exhausted', text };
  return { reason: 'agent_error', attention: 'none', text };
}
