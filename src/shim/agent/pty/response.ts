/** What an agent said, found on the screen: the lines that came since the message was put in. */
import { cleanResponse, type ProfileReader } from '../../../agents/index.ts';

/** Of the message's first line: enough to find it again where the terminal wrapped it. */
const KEY_CHARACTERS = 40;
/** Of the mark and the blanks that programs put before what was said. */
const MARK_CHARACTERS = 6;

/** Screen and what scrolled out above it, so many lines. */
export const HISTORY_LINES = 500;

/** What to find a message by: the beginning of its first and of its last line, where a screen of `cols` shows them. */
export interface MessageKeys {
  first: string;
  last: string;
}

export function keysOf(body: string, cols: number): MessageKeys {
  const lines = body.split('\n').filter((line) => line.trim() !== '');
  const key = (line = ''): string => line.trim().slice(0, Math.max(4, Math.min(KEY_CHARACTERS, cols - 12)));
  return { first: key(lines[0]), last: key(lines.at(-1)) };
}

/** Whether the message stands on `after` as it did not on `before`; a long one may show its end only. */
export function isNew(keys: MessageKeys, before: readonly string[], after: readonly string[]): boolean {
  return [keys.first, keys.last].some((key) => key !== '' && countOf(after, key) > countOf(before, key));
}

function countOf(lines: readonly string[], key: string): number {
  return lines.filter((line) => line.includes(key)).length;
}

/** `before` and `after`: the history when the message went in and when its turn ended. */
export function responseOf(
  reader: ProfileReader,
  history: { before: string; after: string },
  message: { body: string; keys: MessageKeys },
): string {
  const before = history.before.split('\n');
  const after = history.after.split('\n');
  const from = commonLines(before, after);
  const echoed = echoOf(after, from, message.keys);
  const said = cleanResponse(reader, after.slice(echoed ?? from).join('\n'), message.body);
  // The message has scrolled out of a screen without history, and what is left looks as it did before: it is the answer.
  return said === '' && echoed === undefined ? cleanResponse(reader, history.after, message.body) : said;
}

/**
 * Where the message stands among what was said: its own line, not one that quotes it. Where nothing is left of what was
 * there before, there may be older ones of the same text, and the last one counts.
 */
function echoOf(lines: readonly string[], from: number, { first, last }: MessageKeys): number | undefined {
  for (const key of [first, last]) {
    const isEcho = (line: string): boolean => key !== '' && line.slice(0, key.length + MARK_CHARACTERS).includes(key);
    const found = from > 0 ? lines.findIndex((line, at) => at >= from && isEcho(line)) : lines.findLastIndex(isEcho);
    if (found >= 0) return found;
  }
  return undefined;
}

function commonLines(before: readonly string[], after: readonly string[]): number {
  let count = 0;
  while (count < before.length && count < after.length && before[count] === after[count]) count++;
  return count;
}
