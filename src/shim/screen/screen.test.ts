import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Terminal } from '@xterm/headless';
import { ShimBench, type ShimClient } from '../testing.ts';
import { createEmulator } from './emulator.ts';
import { groundPrefix } from './ground.ts';
import { QueryScanner } from './query-scanner.ts';

function write(terminal: Terminal, data: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => terminal.write(data, resolve));
}

/** Everything a reader of the screen could tell apart: cells with their attributes, and the cursor. */
function picture(terminal: Terminal): string {
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
    await write(original, sequence);
    const emulator = createEmulator(6, 20, { reply() {}, cleared() {} });
    await emulator.write(Buffer.from(sequence));
    const copy = new Terminal(options);
    await write(copy, 'rubbish\x1b[?1049h\x1b[3;4r\x1b[31m');
    await write(copy, emulator.serialize());
    expect(picture(copy)).toBe(picture(original));
    expect(copy.modes).toEqual(original.modes);
    for (const terminal of [original, copy]) await write(terminal, SUFFIX);
    expect(picture(copy)).toBe(picture(original));
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

describe('the query scanner', () => {
  const queries = [
    '\x1b[c',
    '\x1b[0c',
    '\x1b[>c',
    '\x1b[=c',
    '\x1b[6n',
    '\x1b[5n',
    '\x1b[?6n',
    '\x1b[?2004$p',
    '\x1b[4$p',
    '\x1b[>q',
    '\x1b[>0q',
    '\x1b[?u',
    '\x1b[18t',
    '\x1b[14t',
    '\x1b]11;?\x07',
    '\x1b]4;1;?\x1b\\',
    '\x1b]7501;?\x07',
    '\x1bP$qm\x1b\\',
  ];

  it('finds every query at its end, however the bytes are split', () => {
    const text = `begin\x1b[31mred\x1b[2J${queries.join('text\x1b]0;title\x07\x1b[1;2H')}\x1b[?25h`;
    const expected: number[] = [];
    new QueryScanner((end) => expected.push(end)).push(Buffer.from(text, 'latin1'));
    expect(expected).toHaveLength(queries.length);
    for (const [index, end] of expected.entries()) expect(text.slice(0, end).endsWith(queries[index] ?? '')).toBe(true);
    for (const size of [1, 2, 3, 7]) {
      const found: number[] = [];
      const scanner = new QueryScanner((end) => found.push(end));
      const bytes = Buffer.from(text, 'latin1');
      for (let at = 0; at < bytes.length; at += size) scanner.push(bytes.subarray(at, at + size));
      expect(found).toEqual(expected);
    }
  });
});

describe('the screen of a session', () => {
  let bench: ShimBench;
  beforeEach(() => {
    bench = new ShimBench();
  });
  afterEach(() => bench.close());

  const screenOf = (client: ShimClient) => client.askFor({ cmd: 'CaptureScreen' }, 'ScreenCapture');

  it('is captured with cursor, size and offset, and follows a resize', async () => {
    const { spec } = await bench.start(['sh', '-c', 'printf "one\\r\\ntwo"; exec sleep 60'], { kind: 'pty' });
    const client = await bench.client(spec);
    await client.askFor({ cmd: 'Attach', from: 'start', mode: 'drive', credit: 1e6 }, 'Attached');
    await client.untilText('two');
    const screen = await screenOf(client);
    expect(screen).toMatchObject({
      cursor_row: 1,
      cursor_col: 3,
      rows: 24,
      cols: 80,
      exact: true,
      offset: client.bytes().length,
    });
    expect(screen.content.split('\n').slice(0, 3)).toEqual(['one', 'two', '']);
    expect(screen.content.split('\n')).toHaveLength(24);
    expect(await client.askFor({ cmd: 'CaptureScreen', last_n_lines: 1 }, 'ScreenCapture')).toMatchObject({
      content: 'two',
    });
    await client.askFor({ cmd: 'Resize', rows: 10, cols: 40 }, 'Resized');
    expect(await screenOf(client)).toMatchObject({ rows: 10, cols: 40 });
  });

  it('attach from it gives the screen, then the bytes from its offset', async () => {
    const { spec } = await bench.start(
      ['sh', '-c', 'stty -echo; printf "hello \\033[31m"; read go; printf red; exec sleep 60'],
      { kind: 'pty' },
    );
    const first = await bench.client(spec);
    const { lease } = await first.askFor({ cmd: 'Attach', from: 'start', mode: 'drive', credit: 1e6 }, 'Attached');
    await first.untilText('\x1b[31m');
    const client = await bench.client(spec, 'second');
    const attached = await client.askFor({ cmd: 'Attach', from: 'screen', mode: 'observe', credit: 1e6 }, 'Attached');
    const part = await client.next('Screen');
    expect(part).toMatchObject({ exact: true, last: true, offset: attached.streams[0]?.from });
    first.input(lease?.epoch ?? 0, 1, 'go\n');
    await client.untilText('red');
    const copy = new Terminal({ rows: 24, cols: 80, allowProposedApi: true });
    await write(copy, Buffer.from(part.data, 'base64'));
    await write(copy, client.bytes());
    const original = new Terminal({ rows: 24, cols: 80, allowProposedApi: true });
    await first.untilText('red');
    await write(original, first.bytes());
    expect(picture(copy)).toBe(picture(original));
  });

  it('answers terminal queries once without a driver, none on replay, and leaves them to a live driver', async () => {
    const ask =
      'stty raw -echo; printf "\\033[6n"; dd bs=1 count=6 2>/dev/null | od -An -c; printf "ASKED\\r\\n"; printf "\\033[c"; dd bs=1 count=3 2>/dev/null | od -An -c; printf DONE; exec sleep 60';
    const { spec } = await bench.start(['bash', '-c', ask], { kind: 'pty' });
    const client = await bench.client(spec);
    await client.askFor({ cmd: 'Attach', from: 'start', mode: 'observe', credit: 1e6 }, 'Attached');
    await client.untilText('DONE');
    expect(client.text().replace(/\s+/g, ' ')).toContain('033 [ 1 ; 1 R');
    const replay = await bench.client(spec, 'replay');
    await replay.askFor({ cmd: 'Attach', from: 'start', mode: 'drive', terminal: true, credit: 1e6 }, 'Attached');
    await replay.untilText('DONE');
    await screenOf(client);
    expect(client.text().match(/033/g)).toHaveLength(2);
    const second = await bench.start(
      [
        'bash',
        '-c',
        'stty raw -echo; printf READY; dd bs=1 count=1 2>/dev/null >/dev/null; printf "\\033[6n"; dd bs=1 count=4 2>/dev/null; printf DONE; exec sleep 60',
      ],
      { kind: 'pty' },
    );
    const driver = await bench.client(second.spec, 'driver');
    const { lease } = await driver.askFor(
      { cmd: 'Attach', from: 'start', mode: 'drive', terminal: true, credit: 1e6 },
      'Attached',
    );
    await driver.untilText('READY');
    driver.input(lease?.epoch ?? 0, 1, 'g');
    await driver.untilText('\x1b[6n');
    await screenOf(driver);
    driver.input(lease?.epoch ?? 0, 2, 'MINE');
    await driver.untilText('DONE');
    expect(driver.text()).toContain('MINEDONE');
  });

  it('is blank and inexact after retention overtook it, until a full clear', async () => {
    const limits = {
      memory_bytes: 1 << 16,
      spill_bytes: 0,
      segment_bytes: 1 << 20,
      stall_ms: 1000,
      lease_ms: 1000,
      linger_ms: null,
      allow_lossless: true,
    };
    const script =
      'stty -echo raw; head -c 3000000 /dev/zero | tr "\\0" x; printf END; dd bs=1 count=1 2>/dev/null; printf "\\033[2J\\033[Hclean"; exec sleep 60';
    const { spec } = await bench.start(['bash', '-c', script], { kind: 'pty', limits });
    const client = await bench.client(spec);
    const { lease } = await client.askFor({ cmd: 'Attach', from: 'start', mode: 'drive', credit: 1e9 }, 'Attached');
    await client.untilText('END');
    expect(await screenOf(client)).toMatchObject({ exact: false });
    client.input(lease?.epoch ?? 0, 1, 'g');
    await client.untilText('clean');
    const screen = await screenOf(client);
    expect(screen).toMatchObject({ exact: true });
    expect(screen.content.split('\n')[0]).toBe('clean');
  });
});
