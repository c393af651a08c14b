/** The form of an identifier on every wire: a ULID (https://github.com/ulid/spec). */

/** Crockford base 32: no I, L, O, U. */
export const ULID_ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

export function isUlid(text: unknown): text is string {
  return typeof text === 'string' && ULID.test(text);
}

/** The ms since the Unix epoch in a ULID's first ten characters. */
export function ulidTime(ulid: string): number {
  let time = 0;
  for (let i = 0; i < 10; i++) time = time * 32 + ULID_ALPHABET.indexOf(ulid[i]!);
  return time;
}
