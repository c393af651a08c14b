/** For tests: what a reader of a terminal's screen could tell apart. */
import type { Terminal } from '@xterm/headless';

export function write(terminal: Terminal, data: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => terminal.write(data, resolve));
}

/** Everything a reader of the screen could tell apart: cells with their attributes, and the cursor. */
export function picture(terminal: Terminal): string {
  const buffer = terminal.buffer.active;
  const rows: string[] = [];
  for (let y = 0; y < terminal.rows; y++) {
    const line = buffer.getLine(buffer.baseY + y);
    let row = '';
    for (let x = 0; x < terminal.cols; x++) {
      const cell = line?.getCell(x);
      row += `${cell?.getChars() || ' '}${cell?.getFgColorMode()}.${cell?.getFgColor()}.${cell?.getBgColorMode()}.${cell?.getBgColor()}.${cell?.isBold()}.${cell?.isUnderline()}|`;
    }
    rows.push(row);
  }
  return `${rows.join('\n')}@${buffer.cursorX},${buffer.cursorY},${buffer.type}`;
}
