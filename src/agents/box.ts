/** The input box on a screen: what somebody has put in. */
import type { InputProfile } from '../protocol/agent/index.ts';
import type { FoundBox } from './contract.ts';
import { compilePattern } from './patterns.ts';
import { compileRegion, type Line, type Screen } from './regions.ts';
import { withoutBlanks, withoutFrame } from './text.ts';

/** So many of a message's last characters must stand in the box; a box may show only the end of a long text. */
const TAIL_CHARACTERS = 40;

export type FindBox = (screen: Screen) => FoundBox | null;

export function compileBox(input: InputProfile): FindBox {
  const { box } = input;
  if (box === null) return () => null;
  const region = compileRegion(box.region);
  const prompt = new RegExp(compilePattern(box.prompt).source, 'du');
  const continuation = box.continuation === null ? null : compilePattern(box.continuation);
  const end = box.end === undefined ? null : compilePattern(box.end);
  const placeholders = box.placeholders.map(compilePattern);
  const collapsed = input.collapsed === null ? null : compilePattern(input.collapsed.pattern);

  const find: (screen: Screen) => Found | null =
    end !== null && box.upwards === true
      ? (screen) => upwards(region(screen), screen, prompt, end)
      : (screen) => downwards(region(screen), screen, prompt, end, continuation);

  return (screen) => {
    const found = find(screen);
    if (found === null) return null;
    const { line, match, texts } = found;
    const text = texts.join('\n').replace(/^\n+|\s+$/g, '');
    const isPlaceholder =
      !text.includes('\n') &&
      (placeholders.some((pattern) => pattern.test(text)) ||
        (box.dim_is_placeholder && text !== '' && isDim(screen, line, match)));
    const shown = isPlaceholder ? '' : text;
    return { text: shown, row: line.row, collapsed: collapsed !== null && collapsed.test(shown.replaceAll('\n', ' ')) };
  };
}

interface Found {
  /** The first line with text, and how it matched. */
  line: Line;
  match: RegExpExecArray;
  texts: string[];
}

function downwards(
  lines: readonly Line[],
  screen: Screen,
  prompt: RegExp,
  end: RegExp | null,
  continuation: RegExp | null,
): Found | null {
  const at = lines.findLastIndex((line) => prompt.test(line.text));
  const line = lines[at];
  if (line === undefined) return null;
  const match = prompt.exec(line.text)!;
  const first = withoutFrame(match[1] ?? '');
  if (end !== null)
    return { line, match, texts: [first, ...untilEnd(screen.lines.slice(line.row + 1), end, continuation)] };
  return {
    line,
    match,
    texts: continuation === null ? [first] : [first, ...continued(lines.slice(at + 1), line.row, continuation)],
  };
}

function upwards(lines: readonly Line[], screen: Screen, prompt: RegExp, end: RegExp): Found | null {
  const last = lines.findLast((line) => end.test(line.text))?.row;
  if (last === undefined) return null;
  const found: { line: Line; match: RegExpExecArray }[] = [];
  for (let row = last - 1; row >= 0; row--) {
    const line = screen.lines[row]!;
    const match = prompt.exec(line.text);
    if (match === null) break;
    found.unshift({ line, match });
  }
  const first = found.find(({ match }) => (match[1] ?? '').trim() !== '') ?? found[0];
  return first === undefined ? null : { ...first, texts: found.map(({ match }) => withoutFrame(match[1] ?? '')) };
}

/** All lines up to `end`, which is below the box, or off the screen under a long text. */
function untilEnd(lines: readonly Line[], end: RegExp, continuation: RegExp | null): string[] {
  const last = lines.findIndex(({ text }) => end.test(text));
  return lines
    .slice(0, last < 0 ? undefined : last)
    .map(({ text }) => withoutFrame(continuation?.exec(text)?.[1] ?? text));
}

function continued(lines: readonly Line[], row: number, pattern: RegExp): string[] {
  const texts: string[] = [];
  for (const line of lines) {
    const found = line.row === row + texts.length + 1 ? pattern.exec(line.text) : null;
    if (found === null) break;
    texts.push(withoutFrame(found[1] ?? line.text));
  }
  return texts;
}

/** A cursor drawn as a cell of its own may stand on the first character. */
function isDim({ view }: Screen, line: Line, found: RegExpExecArray): boolean {
  const [start, end] = found.indices?.[1] ?? [0, 0];
  const from = Array.from(line.text.slice(0, start)).length;
  return view.isDim(line.row, from) || (end - start > 1 && view.isDim(line.row, from + 1));
}

/** Whether the end of `body` stands in the box, however it was wrapped. */
export function isEchoed(box: FoundBox | null, body: string): boolean {
  if (box === null) return false;
  if (box.collapsed) return true;
  const sent = withoutBlanks(body);
  const shown = withoutBlanks(box.text);
  return shown !== '' && shown.endsWith(sent.slice(-TAIL_CHARACTERS));
}
