/** Reading JSON that somebody else made: nothing is taken for granted. */

export type Fields = Readonly<Record<string, unknown>>;

export function parseObject(text: string): Fields | null {
  try {
    return objectOf(JSON.parse(text));
  } catch {
    // Not JSON: the caller says so.
    return null;
  }
}

export function objectOf(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
}

export function objectsOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.map(objectOf).filter((item): item is Fields => item !== null) : [];
}

export function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** A count of tokens or the like; null: it is none. */
export function countOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? Math.floor(value) : null;
}

/** As a person reads it: text as it is, anything else as JSON; nothing in it that a terminal would obey. */
export function shown(value: unknown, maximum: number): string {
  if (value === undefined || value === null) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return cut(text.replace(/\r\n?/g, '\n').replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, ''), maximum);
}

/** `shown` on one line. */
export function line(value: unknown, maximum = 200): string {
  return cut(
    shown(value, 4 * maximum)
      .replace(/\s+/gu, ' ')
      .trim(),
    maximum,
  );
}

/** At most `maximum` UTF-16 units, never half a character. */
export function cut(text: string, maximum: number): string {
  if (text.length <= maximum) return text;
  const last = text.charCodeAt(maximum - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? maximum - 1 : maximum);
}
