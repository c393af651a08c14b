/** What a hook hands over as JSON, made to fit: long texts in it (a tool's output, a file) lose their middle. */

/** Levels that are kept: the session's socket takes 64, the report's own among them. */
const DEPTH = 60;
/** Characters of a text that are kept, from the first attempt to the last. */
const KEPT = [16_384, 4_096, 1_024, 256, 64];

/** An object of at most `maximum` bytes of JSON; empty for what is no JSON object, or cannot be made to fit. */
export function shrunk(text: string, maximum: number): Record<string, unknown> {
  const payload = pruned(objectOf(text), DEPTH) as Record<string, unknown>;
  const fits = (candidate: unknown): boolean => Buffer.byteLength(JSON.stringify(candidate)) <= maximum;
  if (fits(payload)) return payload;
  for (const kept of KEPT) {
    const shorter = shorten(payload, kept) as Record<string, unknown>;
    if (fits(shorter)) return shorter;
  }
  return {};
}

function objectOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // The event's name alone says something.
  }
  return {};
}

/** What is nested deeper is null: JSON.parse nests without bound, and what walks its result does not. */
function pruned(value: unknown, levels: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (levels === 0) return null;
  if (Array.isArray(value)) return value.map((entry) => pruned(entry, levels - 1));
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, pruned(entry, levels - 1)]));
}

function shorten(value: unknown, kept: number): unknown {
  if (typeof value === 'string') {
    return value.length <= kept ? value : `${value.slice(0, kept / 2)}…${value.slice(-kept / 2)}`;
  }
  if (Array.isArray(value)) return value.map((entry) => shorten(entry, kept));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, shorten(entry, kept)]));
}
