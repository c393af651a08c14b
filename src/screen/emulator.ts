/**
 * The terminal emulator, loaded only when a screen is first needed (import costs 16–42 ms and 2.6 MiB). Everything
 * xterm is behind this file's `Emulator`.
 */
import type { ScreenView } from '../agents/contract.ts';
import { type IBufferLine, type IParser, Terminal } from '@xterm/headless';
import { internalsOf } from './internals.ts';
import { registerReplies } from './replies.ts';
import { serializeScreen } from './serialize.ts';
import { useWidths } from './width.ts';

export interface ScreenText {
  content: string;
  cursor_row: number;
  cursor_col: number;
  rows: number;
  cols: number;
}

export interface Emulator {
  readonly rows: number;
  readonly cols: number;
  /** Resolves when the bytes took effect; the caller keeps one write under way. */
  write(bytes: Buffer): Promise<void>;
  resize(rows: number, cols: number): void;
  /** Back to a blank screen in its initial state. */
  reset(): void;
  /** Bytes that draw this screen on another terminal of its size. */
  serialize(): string;
  /** The screen's rows right-trimmed, or its last `lastLines` lines with what scrolled out above them. */
  text(lastLines: number | undefined): ScreenText;
  /** The screen's rows as rules read them. `isDim` is of the screen as it is when asked. */
  view(): ScreenView;
}

export interface EmulatorEvents {
  /** What a terminal would send back to the program. */
  reply(text: string): void;
  /** The screen was cleared or reset whole: from here on it is known. */
  cleared(): void;
}

const SCROLLBACK_LINES = 500;

export function createEmulator(rows: number, cols: number, events: EmulatorEvents): Emulator {
  const terminal = new Terminal({ rows, cols, scrollback: SCROLLBACK_LINES, allowProposedApi: true, logLevel: 'off' });
  useWidths(terminal);
  terminal.onData((text) => events.reply(text));
  registerReplies(terminal, (text) => events.reply(text));
  watchClears(terminal.parser, terminal, events);
  return {
    get rows() {
      return terminal.rows;
    },
    get cols() {
      return terminal.cols;
    },
    write: (bytes) => new Promise((resolve) => terminal.write(bytes, resolve)),
    resize: (newRows, newCols) => terminal.resize(newCols, newRows),
    reset: () => terminal.reset(),
    serialize: () => serializeScreen(terminal),
    text: (lastLines) => screenText(terminal, lastLines),
    view: () => screenView(terminal),
  };
}

function watchClears(parser: IParser, terminal: Terminal, events: EmulatorEvents): void {
  parser.registerCsiHandler({ final: 'J' }, (params) => {
    const { x, y } = internalsOf(terminal).buffer;
    if (params[0] === 2 || (params[0] === 0 && x === 0 && y === 0)) events.cleared();
    return false;
  });
  parser.registerEscHandler({ final: 'c' }, () => {
    events.cleared();
    return false;
  });
}

function screenView(terminal: Terminal): ScreenView {
  const buffer = terminal.buffer.active;
  const lines: string[] = [];
  for (let y = 0; y < terminal.rows; y++) lines.push(buffer.getLine(buffer.baseY + y)?.translateToString(true) ?? '');
  const { coreService, _inputHandler } = internalsOf(terminal);
  return {
    rows: terminal.rows,
    cols: terminal.cols,
    lines,
    cursorRow: buffer.cursorY,
    cursorCol: Math.min(buffer.cursorX, terminal.cols - 1),
    cursorVisible: !coreService.isCursorHidden,
    title: _inputHandler._windowTitle,
    isDim: (row, from) => isDim(buffer.getLine(buffer.baseY + row), from),
  };
}

/** Bright black is the ninth of the named colours. */
const BRIGHT_BLACK = 8;

function isDim(line: IBufferLine | undefined, from: number): boolean {
  let drawn = false;
  for (let x = from; line !== undefined && x < line.length; x++) {
    const cell = line.getCell(x);
    if (cell === undefined || cell.getChars().trim() === '') continue;
    if (!cell.isDim() && !(cell.isFgPalette() && cell.getFgColor() === BRIGHT_BLACK)) return false;
    drawn = true;
  }
  return drawn;
}

function screenText(terminal: Terminal, lastLines: number | undefined): ScreenText {
  const buffer = terminal.buffer.active;
  const lineAt = (y: number) => buffer.getLine(y)?.translateToString(true) ?? '';
  let first = buffer.baseY;
  let end = buffer.baseY + terminal.rows;
  if (lastLines !== undefined) {
    const cursorLine = buffer.baseY + buffer.cursorY;
    while (end > cursorLine + 1 && lineAt(end - 1) === '') end--;
    first = Math.max(0, end - lastLines);
  }
  const lines: string[] = [];
  for (let y = first; y < end; y++) lines.push(lineAt(y));
  return {
    content: lines.join('\n'),
    cursor_row: buffer.cursorY,
    cursor_col: Math.min(buffer.cursorX, terminal.cols - 1),
    rows: terminal.rows,
    cols: terminal.cols,
  };
}
