/** What an agent answered, out of what stands on its terminal. */
import { compileBox } from './box.ts';
import type { ProfileReader } from './contract.ts';
import { compilePattern } from './patterns.ts';
import { Screen } from './regions.ts';
import { cut, withoutBlanks } from './text.ts';

const TEXT_CHARACTERS = 256 * 1024;
/** A line of a frame and nothing else: rules, corners, bars, also with blanks between. */
const RULE_LINE = /^[\s\u2500-\u259f]*$/u;
/** A sequence whose end was cut off counts to the end of the text. */
const SEQUENCES =
  /\x1b(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_][^\x07\x1b\x18\x1a]*(?:\x07|\x1b\\|[\x18\x1a])?|[ -/]+[0-~]?|[0-Z\\^-~])?/g;
/** Moves to another place: what follows is not the same line. Cursor up, down, next, previous, position, line; erases. */
const MOVES = /\x1b\[[0-9;]*[ABEFHfdJ]/g;
/** Fewer of a message's last ones may be an answer that says the same. */
const TAIL_CHARACTERS = 16;
/** A jump within a line is shown as so many blanks at most: it parts columns. */
const BLANKS = 16;
const RIGHT = /\x1b\[(\d*)C/g;

/**
 * Terminal output as lines of text: sequences gone, carriage returns and backspaces carried out. At most `maximum`
 * characters, the last. For output that runs on; a program that draws its screen is read from a screen.
 */
export function plainText(output: string, maximum: number = TEXT_CHARACTERS): string {
  const flat = output
    .slice(-4 * maximum)
    .replace(RIGHT, (_, count: string) => ' '.repeat(Math.min(Number(count || 1), BLANKS)))
    .replace(MOVES, '\n')
    .replace(SEQUENCES, '')
    .replace(/\r+\n/g, '\n');
  const lines = flat.split('\n').map((line) => typed(line).trimEnd());
  const text = lines.join('\n').replace(/\n{3,}/g, '\n\n');
  return text.length <= maximum ? text : cut(text.slice(-maximum), maximum);
}

/** A line as it stands when its carriage returns and backspaces were obeyed. */
function typed(line: string): string {
  if (!/[\u0000-\u001f\u007f-\u009f]/.test(line)) return line;
  const cells: string[] = [];
  let at = 0;
  for (const character of line) {
    if (character === '\r') at = 0;
    else if (character === '\b') at = Math.max(0, at - 1);
    else if (character === '\t') for (const end = at + 8 - (at % 8); at < end; at++) cells[at] ??= ' ';
    else if (!/[\u0000-\u001f\u007f-\u009f]/.test(character)) cells[at++] = character;
  }
  return cells.join('');
}

/** What an agent answered, from text that follows a submit: without the echo of `body`, input box, frames and footers. */
export function cleanResponse(reader: ProfileReader, text: string, body: string): string {
  const lines = text.split('\n').map((line) => line.trimEnd());
  const kept = withoutBox(reader, lines).filter((line) => line === '' || !RULE_LINE.test(line));
  const noise = (reader.profile.input.chrome ?? []).map(compilePattern);
  const said = withoutEcho(kept, body).filter((line) => !noise.some((pattern) => pattern.test(cut(line, 512))));
  return unindented(withoutMark(reader, said))
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .replace(/^\n+|\n+$/g, '');
}

/** The box and what stands below it are the program's, not the answer. */
function withoutBox(reader: ProfileReader, lines: string[]): string[] {
  const view = {
    rows: lines.length,
    cols: 512,
    lines,
    cursorRow: Math.max(0, lines.length - 1),
    cursorCol: 0,
    cursorVisible: true,
    title: '',
    isDim: () => false,
  };
  const box = compileBox(reader.profile.input)(new Screen(view));
  return box === null ? lines : lines.slice(0, box.row);
}

/** From the line behind the last echo of the message, which programs wrap, indent and mark. */
function withoutEcho(lines: string[], body: string): string[] {
  const sent = withoutBlanks(body);
  if (sent === '') return lines;
  const end = sent.slice(-60);
  for (let last = lines.length - 1; last >= 0; last--) {
    if (isTailOf(sent, lines, last)) return lines.slice(last + 1);
    let joined = '';
    for (let first = last; first >= 0 && joined.length < sent.length + 16; first--) {
      joined = withoutBlanks(lines[first]!) + joined;
      if (!joined.endsWith(end)) {
        if (joined.length >= end.length) break;
        continue;
      }
      if (joined.length - sent.length <= 4 && joined.endsWith(sent)) return lines.slice(last + 1);
    }
  }
  return lines;
}

/** Whether what a turn left is the mark of its end by a person. */
export function saysStopped(reader: ProfileReader, said: string): boolean {
  const { stopped_mark } = reader.profile.input;
  const last = said.slice(said.lastIndexOf('\n') + 1);
  return stopped_mark !== undefined && compilePattern(stopped_mark).test(cut(last, 512));
}

/** Blanks in its place: the lines below are indented as far. */
function withoutMark(reader: ProfileReader, lines: string[]): string[] {
  const { answer_mark } = reader.profile.input;
  if (answer_mark === undefined) return lines;
  const mark = compilePattern(answer_mark);
  return lines.map((line) =>
    mark.test(cut(line, 512)) ? line.replace(mark, (found) => ' '.repeat(found.length)) : line,
  );
}

/** Of a long message whose beginning has left the screen: all there is, down to this line, is its end. */
function isTailOf(sent: string, lines: readonly string[], last: number): boolean {
  let joined = '';
  for (let first = last; first >= 0; first--) {
    joined = withoutBlanks(lines[first]!) + joined;
    if (!sent.endsWith(joined)) return false;
  }
  return joined.length >= TAIL_CHARACTERS;
}

function unindented(lines: string[]): string[] {
  const indents = lines.filter((line) => line !== '').map((line) => /^ */.exec(line)![0].length);
  const indent = indents.length === 0 ? 0 : Math.min(...indents);
  return lines.map((line) => line.slice(indent));
}
