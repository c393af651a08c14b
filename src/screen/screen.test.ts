import { describe, expect, it } from 'vitest';
import { Terminal } from '@xterm/headless';
import { createEmulator } from './emulator.ts';
import { groundPrefix } from './ground.ts';
import { picture, write } from './testing.ts';
import { useWidths } from './width.ts';

const SUFFIX = 'suffix\x1b[B\t|\r\nnext\x1b8saved\x1b[2;1Htop\n\n\n\n\n\nend\x0e qq \x0f qq';

describe('a serialised screen', () => {
  it.each([
    ['plain text and a pending wrap', `hello\r\n${'x'.repeat(30)}`],
    ['colours, bold, underline', '\x1b[1;31mred\x1b[4;38;5;200mu\x1b[0;48;2;1;2;3mtrue\x1b[7mi'],
    ['a scroll region', '\x1b[2;4rone\r\ntwo\r\nthree\r\nfour\r\nfive'],
    ['origin mode', '\x1b[2;4r\x1b[?6h\x1b[2;3Hx'],
    ['a saved cursor with its pen', '\x1b[3;5H\x1b[32m\x1b7\x1b[m\x1b[1;1H'],
    ['line drawing sets', '\x1b(0qqq\x1b(B \x1b)0\x0eqqq'],
    ['tab stops', '\x1b[3g\x1b[1;5H\x1bH\x1b[1;12H\x1bH\x1b[1;1H'],
    ['coloured blanks', '\x1b[44m\x1b[2J\x1b[3;3H\x1b[41m\x1b[K\x1b[m'],
    ['the alternate screen', 'main\x1b[?1049h\x1b[2J\x1b[Halt\x1b[3;3H'],
    ['insert mode and no autowrap', 'abc\x1b[4h\x1b[1;1H\x1b[?7l'],
    ['wide characters and combining ones', '日本語e\u0301 👍\x1b[2;1H日'],
    ['wrapped lines', `${'0123456789'.repeat(5)}\r\nend`],
    ['scrolled content', Array.from({ length: 30 }, (_, i) => `line ${i}`).join('\r\n')],
    ['modes and title', '\x1b[?1h\x1b=\x1b[?2004h\x1b[?1002h\x1b[?1006h\x1b[?25l\x1b[4 q\x1b]2;title\x07'],
  ])('keeps %s, now and for what comes after', async (_name, sequence) => {
    const options = { rows: 6, cols: 20, scrollback: 100, allowProposedApi: true };
    const original = new Terminal(options);
    useWidths(original);
    await write(original, sequence);
    const emulator = createEmulator(6, 20, { reply() {}, cleared() {} });
    await emulator.write(Buffer.from(sequence));
    const copy = new Terminal(options);
    useWidths(copy);
    await write(copy, 'rubbish\x1b[?1049h\x1b[3;4r\x1b[31m');
    await write(copy, emulator.serialize());
    expect(picture(copy)).toBe(picture(original));
    expect(copy.modes).toEqual(original.modes);
    for (const terminal of [original, copy]) await write(terminal, SUFFIX);
    expect(picture(copy)).toBe(picture(original));
  });
});

describe('the width of a character', () => {
  it.each([
    ['a', 1],
    ['é', 1],
    ['e\u0301', 1],
    ['日', 2],
    ['한', 2],
    ['\u1112\u1161\u11ab', 2],
    ['ｆ', 2],
    ['😀', 2],
    ['✅', 2],
    ['⚠', 1],
    ['—', 1],
    ['𝕏', 1],
    ['👍🏽', 2],
    ['👨\u200d👩\u200d👧', 2],
    ['🇩🇪', 2],
    ['🇩🇪🇫🇷', 4],
    ['ก็', 1],
  ])('of %s is %d', async (text, width) => {
    const emulator = createEmulator(2, 20, { reply() {}, cleared() {} });
    await emulator.write(Buffer.from(text));
    expect(emulator.text(undefined)).toMatchObject({ cursor_col: width });
    expect(emulator.text(undefined).content.split('\n')[0]).toBe(text);
  });
});

describe('groundPrefix', () => {
  it.each([
    ['plain', 5],
    ['a\x1b[3', 1],
    ['a\x1b[31m', 6],
    ['a\x1b]0;title', 1],
    ['\x1b]0;t\x07b', 7],
    ['\x1b]0;t\x1b', 0],
    ['\x1b]0;t\x1b\\', 7],
    ['\x1bP$q', 0],
    ['a\x1b', 1],
    ['a\x1b(', 1],
    ['a\x1b(0', 4],
  ])('of %j is %d', (text, length) => {
    expect(groundPrefix(Buffer.from(text, 'latin1'))).toBe(length);
  });

  it('does not split a UTF-8 character', () => {
    const bytes = Buffer.from('a日');
    expect([0, 1, 2, 3, 4].map((length) => groundPrefix(bytes.subarray(0, length)))).toEqual([0, 1, 1, 1, 4]);
  });
});
