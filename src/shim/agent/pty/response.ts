/** What an agent said, found on the screen: the lines that came since the message was put in. */
import { cleanResponse, type ProfileReader } from '../../../agents/index.ts';

/** Of the message's first line: enough to find it again where the terminal wrapped it. */
const KEY_CHARACTERS = 40;

/** Screen and what scrolled out above it, so many lines. */
export const HISTORY_LINES = 500;

/** The part of the message's first line that a screen of `cols` columns shows in one line. */
export function keyOf(body: string, cols: number): string {
  const line = body.split('\n').find((candidate) => candidate.trim() !== '') ?? '';
  return line.trim().slice(0, Math.max(4, Math.min(KEY_CHARACTERS, cols - 12)));
}

/** How often a message's key stands in these lines. */
export function countOf(lines: readonly string[], key: string): number {
  return key === '' ? 0 : lines.filter((line) => line.includes(key)).length;
}

/** `before` and `after`: the history when the message went in and when its turn ended. */
export function responseOf(
  reader: ProfileReader,
  history: { before: string; after: string },
  message: { body: string; key: string },
): string {
  const before = history.before.split('\n');
  const after = history.after.split('\n');
  const echoed = countOf(after, message.key) > 0 ? after.findLastIndex((line) => line.includes(message.key)) : -1;
  const from = echoed >= 0 ? echoed : commonLines(before, after);
  return cleanResponse(reader, after.slice(from).join('\n'), message.body);
}

function commonLines(before: readonly string[], after: readonly string[]): number {
  let count = 0;
  while (count < before.length && count < after.length && before[count] === after[count]) count++;
  return count;
}
