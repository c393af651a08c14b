/** Session tokens: who quotes one is a program of that session. Nothing is stored: the instance secret makes them. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { isUlid } from '../../runtime/index.ts';

const DIGITS = 32;

export function sessionToken(secret: string, sessionId: string): string {
  return `${sessionId}.${proof(secret, sessionId)}`;
}

/** The session whose token this is; null: of none. */
export function sessionOfToken(secret: string, token: string): string | null {
  const at = token.indexOf('.');
  const sessionId = token.slice(0, Math.max(0, at));
  const given = Buffer.from(token.slice(at + 1));
  const own = Buffer.from(proof(secret, sessionId));
  return isUlid(sessionId) && given.length === own.length && timingSafeEqual(given, own) ? sessionId : null;
}

function proof(secret: string, sessionId: string): string {
  return createHmac('sha256', secret).update(`session:${sessionId}`).digest('hex').slice(0, DIGITS);
}
