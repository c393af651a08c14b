/**
 * Answers to the terminal queries xterm itself leaves open, for a session nobody's terminal is attached to: colours
 * (OSC 4, 10–12), XTVERSION, the kitty keyboard's flags and window size reports.
 */
import type { Terminal } from '@xterm/headless';

declare const __HOLDFAST_VERSION__: string;

/** xterm's default palette: a dark terminal, which is what most programs assume. */
const FOREGROUND = 'e5e5/e5e5/e5e5';
const BACKGROUND = '0000/0000/0000';
const CELL_PIXELS = { height: 16, width: 8 };
const BASE_COLORS = [
  0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5, 0x7f7f7f, 0xff0000, 0x00ff00,
  0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff,
];

export function registerReplies(terminal: Terminal, reply: (text: string) => void): void {
  const { parser } = terminal;
  for (const [code, color] of [
    [10, FOREGROUND],
    [11, BACKGROUND],
    [12, FOREGROUND],
  ] as const) {
    parser.registerOscHandler(code, (data) => answerDefaultColor(code, color, data, reply));
  }
  parser.registerOscHandler(4, (data) => answerPalette(data, reply));
  parser.registerCsiHandler({ prefix: '>', final: 'q' }, (params) => {
    if ((params[0] ?? 0) !== 0) return false;
    reply(`\x1bP>|holdfast(${__HOLDFAST_VERSION__})\x1b\\`);
    return true;
  });
  parser.registerCsiHandler({ prefix: '?', final: 'u' }, () => {
    reply('\x1b[?0u');
    return true;
  });
  parser.registerCsiHandler({ final: 't' }, (params) => {
    const size = sizeReport(params[0], terminal);
    if (size === null) return false;
    reply(size);
    return true;
  });
}

/** `OSC 10 ; ? ; ?` asks for several in a row; only the first is this code's. Setting a colour is left to xterm. */
function answerDefaultColor(code: number, color: string, data: string, reply: (text: string) => void): boolean {
  const asked = data.split(';');
  if (!asked.includes('?')) return false;
  for (const [index, item] of asked.entries()) {
    const target = code + index;
    if (item === '?' && target <= 12)
      reply(`\x1b]${target};rgb:${target === 11 ? BACKGROUND : target === code ? color : FOREGROUND}\x1b\\`);
  }
  return true;
}

function answerPalette(data: string, reply: (text: string) => void): boolean {
  const parts = data.split(';');
  let asked = false;
  for (let i = 0; i + 1 < parts.length; i += 2) {
    const index = Number(parts[i]);
    if (parts[i + 1] !== '?' || !Number.isInteger(index) || index < 0 || index > 255) continue;
    asked = true;
    reply(`\x1b]4;${index};rgb:${hex16(paletteColor(index))}\x1b\\`);
  }
  return asked;
}

/** The 256-colour cube of xterm: 16 named, 6×6×6, 24 greys. */
function paletteColor(index: number): number {
  if (index < 16) return BASE_COLORS[index] ?? 0;
  if (index >= 232) return (8 + (index - 232) * 10) * 0x010101;
  const level = (value: number) => (value === 0 ? 0 : 55 + value * 40);
  const cube = index - 16;
  return (level(Math.floor(cube / 36)) << 16) | (level(Math.floor(cube / 6) % 6) << 8) | level(cube % 6);
}

function hex16(color: number): string {
  return [16, 8, 0].map((shift) => ((color >>> shift) & 0xff).toString(16).padStart(2, '0').repeat(2)).join('/');
}

/** XTWINOPS 14, 16, 18, 19: text area in pixels, cell in pixels, text area and screen in cells. */
function sizeReport(operation: number | number[] | undefined, { rows, cols }: Terminal): string | null {
  switch (operation) {
    case 14:
      return `\x1b[4;${rows * CELL_PIXELS.height};${cols * CELL_PIXELS.width}t`;
    case 16:
      return `\x1b[6;${CELL_PIXELS.height};${CELL_PIXELS.width}t`;
    case 18:
      return `\x1b[8;${rows};${cols}t`;
    case 19:
      return `\x1b[9;${rows};${cols}t`;
    default:
      return null;
  }
}
