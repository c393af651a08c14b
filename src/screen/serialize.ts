/**
 * A screen as bytes that draw it on another terminal of the same size: cells, then everything that decides what the
 * next byte does. The output starts from any state and leaves scrollback alone.
 */
import type { IBuffer, IBufferCell, Terminal } from '@xterm/headless';
import { eraseSgr, hasBackground, sgr } from './attributes.ts';
import { type BufferInternals, type Charset, internalsOf, type TerminalInternals } from './internals.ts';

/** Main screen, soft reset (DECSTR), all mouse and paste modes off, home, clear. */
const START =
  '\x1b[?1049l\x1b[!p\x1b[?9l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1016l\x1b[?1004l\x1b[?2004l\x1b[4l\x0f\x1b(B\x1b)B\x1b[m\x1b[H\x1b[2J';

export function serializeScreen(terminal: Terminal): string {
  const core = internalsOf(terminal);
  const { normal, alternate, active } = terminal.buffer;
  let out = START + cells(normal, terminal);
  if (active === alternate) {
    // 1049 saves the main screen's cursor, which leaving the alternate screen brings back.
    out += `${cursorTo(core.buffers.normal.savedY - core.buffers.normal.ybase, core.buffers.normal.savedX)}\x1b[?1049h\x1b[m\x1b[H\x1b[2J`;
    out += cells(alternate, terminal);
  }
  return (
    out +
    tabStops(core.buffer, terminal.cols) +
    savedCursor(core) +
    charsets(core) +
    titles(core) +
    modes(core) +
    cursor(core, terminal)
  );
}

function cells(buffer: IBuffer, terminal: Terminal): string {
  const cell = buffer.getNullCell();
  let out = '';
  let pen = '\x1b[m';
  for (let row = 0; row < terminal.rows; row++) {
    const line = buffer.getLine(buffer.baseY + row);
    if (line === undefined) continue;
    // A wrapped row continues where printing the row above left off, so that the target joins the two as well.
    if (row === 0 || !line.isWrapped || !isFull(buffer, buffer.baseY + row - 1, terminal.cols)) out += cursorTo(row, 0);
    const end = lastDrawn(buffer, buffer.baseY + row, terminal.cols);
    for (let col = 0; col < end; col++) {
      line.getCell(col, cell);
      if (cell.getWidth() === 0) continue;
      const wanted = cell.getChars() === '' ? eraseSgr(cell) : sgr(cell);
      if (wanted !== pen) out += pen = wanted;
      out += cell.getChars() === '' ? '\x1b[X\x1b[C' : cell.getChars();
    }
    if (end === terminal.cols && isErased(buffer, buffer.baseY + row, end - 1)) out += cursorTo(row, 0);
  }
  return `${out}\x1b[m`;
}

/** One past the last cell that does not look like a cleared screen. */
function lastDrawn(buffer: IBuffer, y: number, cols: number): number {
  const line = buffer.getLine(y);
  const cell = buffer.getNullCell();
  for (let col = cols - 1; col >= 0; col--) {
    line?.getCell(col, cell);
    if (cell.getChars() !== '' || cell.getWidth() === 0 || hasBackground(cell)) return col + 1;
  }
  return 0;
}

function isErased(buffer: IBuffer, y: number, col: number): boolean {
  const cell: IBufferCell | undefined = buffer.getLine(y)?.getCell(col);
  return cell === undefined || (cell.getChars() === '' && cell.getWidth() !== 0);
}

/** Whether printing the row leaves the cursor waiting at its right edge. */
function isFull(buffer: IBuffer, y: number, cols: number): boolean {
  return !isErased(buffer, y, cols - 1);
}

function cursorTo(row: number, col: number): string {
  return `\x1b[${Math.max(0, row) + 1};${Math.max(0, col) + 1}H`;
}

function tabStops(buffer: BufferInternals, cols: number): string {
  const set = (col: number) => buffer.tabs[col] === true;
  let isDefault = true;
  for (let col = 0; col < cols; col++) if (set(col) !== (col % 8 === 0)) isDefault = false;
  if (isDefault) return '';
  let out = '\x1b[3g';
  for (let col = 0; col < cols; col++) if (set(col)) out += `${cursorTo(0, col)}\x1bH`;
  return out;
}

function savedCursor({ buffer }: TerminalInternals): string {
  const row = buffer.savedY - buffer.ybase;
  const pen = sgr(buffer.savedCurAttrData);
  if (row <= 0 && buffer.savedX === 0 && pen === '\x1b[0m' && buffer.savedCharset === undefined) return '';
  return `${cursorTo(row, buffer.savedX)}${pen}\x1b(${designator(buffer.savedCharset)}\x1b7\x1b(B\x1b[m`;
}

function charsets({ _charsetService: { glevel, _charsets } }: TerminalInternals): string {
  let out = '';
  for (const [index, intermediate] of ['(', ')', '*', '+'].entries()) {
    if (_charsets[index] !== undefined) out += `\x1b${intermediate}${designator(_charsets[index])}`;
  }
  return out + (['', '\x0e', '\x1bn', '\x1bo'][glevel] ?? '');
}

/** xterm keeps a set's table, not its name; one character tells the sets apart that programs use. */
function designator(charset: Charset): string {
  if (charset === undefined) return 'B';
  if (charset['q'] === '─') return '0';
  return charset['#'] === '£' ? 'A' : 'B';
}

function titles({ _inputHandler: { _windowTitle, _iconName } }: TerminalInternals): string {
  return (_iconName ? `\x1b]1;${_iconName}\x07` : '') + (_windowTitle ? `\x1b]2;${_windowTitle}\x07` : '');
}

const MOUSE_MODE: Record<string, number> = { X10: 9, VT200: 1000, DRAG: 1002, ANY: 1003 };
const MOUSE_ENCODING: Record<string, number> = { SGR: 1006, SGR_PIXELS: 1016 };
const CURSOR_STYLE = { block: 1, underline: 3, bar: 5 };

function modes(core: TerminalInternals): string {
  const { decPrivateModes: dec, modes: ansi, isCursorHidden } = core.coreService;
  const on = (code: number | undefined) => (code === undefined ? '' : `\x1b[?${code}h`);
  let out = dec.applicationCursorKeys ? on(1) : '\x1b[?1l';
  out += dec.applicationKeypad ? '\x1b=' : '\x1b>';
  if (dec.bracketedPasteMode) out += on(2004);
  if (dec.reverseWraparound) out += on(45);
  if (dec.sendFocus) out += on(1004);
  out += dec.wraparound ? on(7) : '\x1b[?7l';
  if (ansi.insertMode) out += '\x1b[4h';
  out += isCursorHidden ? '\x1b[?25l' : on(25);
  out += on(MOUSE_MODE[core.coreMouseService.activeProtocol]);
  out += on(MOUSE_ENCODING[core.coreMouseService.activeEncoding]);
  if (dec.cursorStyle !== undefined)
    out += `\x1b[${CURSOR_STYLE[dec.cursorStyle] + (dec.cursorBlink === false ? 1 : 0)} q`;
  return out;
}

/** Last, since setting margins and origin mode moves the cursor. */
function cursor(core: TerminalInternals, terminal: Terminal): string {
  const { x, y, ybase, scrollTop, scrollBottom } = core.buffer;
  const { origin, wraparound } = core.coreService.decPrivateModes;
  const hasMargins = scrollTop !== 0 || scrollBottom !== terminal.rows - 1;
  let out = hasMargins ? `\x1b[${scrollTop + 1};${scrollBottom + 1}r` : '\x1b[r';
  if (origin) out += '\x1b[?6h';
  const row = origin ? y - scrollTop : y;
  if (x < terminal.cols) return `${out}${cursorTo(row, x)}${sgr(core._inputHandler._curAttrData)}`;
  return out + pendingWrap(terminal, row, y + ybase, wraparound) + sgr(core._inputHandler._curAttrData);
}

/** A cursor that waits past the last column gets there only by printing that column again. */
function pendingWrap(terminal: Terminal, row: number, line: number, wraparound: boolean): string {
  const buffer = terminal.buffer.active;
  let col = terminal.cols - 1;
  let cell = buffer.getLine(line)?.getCell(col);
  if (cell?.getWidth() === 0) cell = buffer.getLine(line)?.getCell(--col);
  if (cell === undefined || cell.getChars() === '' || !wraparound) return cursorTo(row, terminal.cols - 1);
  return `${cursorTo(row, col)}${sgr(cell)}\x1b[4l${cell.getChars()}`;
}
