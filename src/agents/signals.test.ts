import { describe, expect, it } from 'vitest';
import type { Signal } from './contract.ts';
import { createSignalScanner } from './signals.ts';

const ST = '\x1b\\';

function signals(...chunks: (string | Uint8Array)[]): Signal[] {
  const found: Signal[] = [];
  const scanner = createSignalScanner((signal) => found.push(signal));
  for (const chunk of chunks) scanner.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  return found;
}

const title = (text: string): Signal => ({ signal: 'title', title: text });
const query = (terminator: string): Signal => ({ signal: 'program_query', answer: `\x1b]7501;?${terminator}` });
const pairs = (text: string): Signal => ({ signal: 'program_status', pairs: text });
const longest = (terminator: string) => `state=idle:${'x'.repeat(4096 - 7 - terminator.length - 11)}`;

const GOLDEN: [name: string, bytes: string, expected: Signal[]][] = [
  ['plain output', 'hello\r\nworld \x1b[1;31mred\x1b[m', []],
  ['title by OSC 0 and BEL', '\x1b]0;✳ Claude; Code\x07', [title('✳ Claude; Code')]],
  ['title by OSC 2 and ST', `\x1b]2;a${ST}b`, [title('a')]],
  ['icon names are no titles', '\x1b]1;a\x07', []],
  ['controls in a title', '\x1b]0;a\x01\x9bb\x7fc\x07', [title('abc')]],
  ['an empty title', '\x1b]0;\x07', [title('')]],
  ['a title of 600 characters', `\x1b]0;${'é'.repeat(600)}\x07`, [title('é'.repeat(512))]],
  ['progress', '\x1b]9;4;1;42\x07', [{ signal: 'progress', state: 1, percent: 42 }]],
  ['progress without percent', `\x1b]9;4;3${ST}`, [{ signal: 'progress', state: 3, percent: null }]],
  ['progress with an empty percent', '\x1b]9;4;0;\x07', [{ signal: 'progress', state: 0, percent: null }]],
  ['progress beyond 100', '\x1b]9;4;1;250\x07', [{ signal: 'progress', state: 1, percent: 100 }]],
  ['a notification is no progress', '\x1b]9;4 files changed\x07\x1b]9;4;9\x07', []],
  ['prompt start', '\x1b]133;A;cl=m\x07', [{ signal: 'mark', mark: 'A', status: null }]],
  ['command end with status', '\x1b]133;D;130\x07', [{ signal: 'mark', mark: 'D', status: 130 }]],
  ['command end without status', '\x1b]133;D\x07', [{ signal: 'mark', mark: 'D', status: null }]],
  ['an unknown mark', '\x1b]133;P;k=i\x07\x1b]133;AB\x07', []],
  ['a report', `\x1b]7501;state=working:app=pi${ST}`, [pairs('state=working:app=pi')]],
  ['a query, BEL', '\x1b]7501;?\x07', [query('\x07')]],
  ['a query, ST', `\x1b]7501; ? ${ST}`, [query(ST)]],
  ['the longest report, BEL', `\x1b]7501;${longest('\x07')}\x07`, [pairs(longest('\x07'))]],
  ['the longest report, ST', `\x1b]7501;${longest(ST)}${ST}`, [pairs(longest(ST))]],
  ['a report one byte too long, BEL', `\x1b]7501;${longest('\x07')}x\x07\x07`, [{ signal: 'bell' }]],
  ['a report one byte too long, ST', `\x1b]7501;${longest(ST)}x${ST}\x07`, [{ signal: 'bell' }]],
  ['a report cut off by CAN', '\x1b]7501;state=idle\x18\x07', [{ signal: 'bell' }]],
  ['a report cut off by another', '\x1b]7501;state=idle\x1b]0;a\x07', [title('a')]],
  ['controls inside a report', '\x1b]7501;sta\nte=idle\x07', [pairs('state=idle')]],
  ['other numbers', '\x1b]8;;http://x\x07\x1b]52;c;QQ==\x07\x1b]75010;?\x07\x1b];a\x07\x1b]0x;a\x07\x1b]\x07', []],
  ['no number at all', `\x1b]${'9'.repeat(5000)}\x07`, []],
  ['a bell', 'a\x07b\x07', [{ signal: 'bell' }, { signal: 'bell' }]],
  ['BEL within DCS and APC is text', `\x1bPq\x07${ST}\x1b_G\x07${ST}`, []],
  ['a report within DCS is text', `\x1bPtmux;]7501;state=idle\x07${ST}`, []],
  ['RIS', 'a\x1bcb', [{ signal: 'reset' }]],
  ['RIS ends a string', '\x1bPabc\x1bc', [{ signal: 'reset' }]],
  ['a charset is no RIS', '\x1b(c\x1b[?1;2c', []],
  ['DECSTR is no RIS', '\x1b[!p', []],
  ['controls between ESC and its final', '\x1b\x07\nc', [{ signal: 'bell' }, { signal: 'reset' }]],
  ['ESC twice', '\x1b\x1b]0;a\x07', [title('a')]],
  ['ends inside a sequence', '\x1b]7501;state=idle', []],
  [
    'everything in a row',
    `x\x1b]0;t\x07y\x1b]9;4;0\x07${'z'.repeat(300)}\x07\x1b]7501;?${ST}`,
    [title('t'), { signal: 'progress', state: 0, percent: null }, { signal: 'bell' }, query(ST)],
  ],
];

describe('createSignalScanner', () => {
  it.each(GOLDEN)('finds what is in: %s', (_, bytes, expected) => {
    expect(signals(bytes)).toEqual(expected);
  });

  it('finds the same wherever the output is split', () => {
    for (const [name, text, expected] of GOLDEN) {
      const bytes = Buffer.from(text);
      const step = bytes.length > 1000 ? 37 : 1;
      for (let at = 0; at <= bytes.length; at += step) {
        expect(signals(bytes.subarray(0, at), bytes.subarray(at)), `${name} split at ${at}`).toEqual(expected);
      }
      const single = [...bytes].map((byte) => Uint8Array.of(byte));
      expect(signals(...single), `${name} byte by byte`).toEqual(expected);
    }
  });

  it('survives any bytes, and is found again after them', () => {
    let seed = 0x1234_5678;
    const random = () => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) >>> 16;
    const alphabet = [...Buffer.from('\x1b\x1b\x1b]]\x07\\P_^X;;?7501=:c\x18\x1a09\n'), 0x80, 0x9c, 0xff];
    for (let round = 0; round < 500; round++) {
      const noise = Uint8Array.from({ length: random() % 200 }, () => alphabet[random() % alphabet.length]!);
      const found = signals(noise, Buffer.from('\x18\x1b]0;still here\x07'));
      expect(found.at(-1)).toEqual(title('still here'));
    }
  });

  it('costs next to nothing on plain output', () => {
    const scanner = createSignalScanner(() => {});
    const chunk = Buffer.alloc(64 * 1024, 'plain output without any sequence\r\n');
    const start = process.cpuUsage();
    for (let round = 0; round < 1_600; round++) scanner.push(chunk);
    const { user, system } = process.cpuUsage(start);
    // 100 MiB; a per-byte loop would take more than this on any machine.
    expect((user + system) / 1_000).toBeLessThan(500);
  });
});
