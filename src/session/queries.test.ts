import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QueryScanner, QueryStripper } from './queries.ts';

const ESC = '\x1b';
const ST = '\x1b\\';

const QUERIES = [
  `${ESC}[c`,
  `${ESC}[0c`,
  `${ESC}[>c`,
  `${ESC}[>0c`,
  `${ESC}[=c`,
  `${ESC}Z`,
  `${ESC}[5n`,
  `${ESC}[6n`,
  `${ESC}[?6n`,
  `${ESC}[?15n`,
  `${ESC}[?996n`,
  `${ESC}[4$p`,
  `${ESC}[?2026$p`,
  `${ESC}[>q`,
  `${ESC}[>0q`,
  `${ESC}[?u`,
  `${ESC}[14t`,
  `${ESC}[16t`,
  `${ESC}[18t`,
  `${ESC}[14;2t`,
  `${ESC}[21t`,
  `${ESC}]4;1;?\x07`,
  `${ESC}]4;1;?${ST}`,
  `${ESC}]10;?${ST}`,
  `${ESC}]11;?\x07`,
  `${ESC}]12;?${ST}`,
  `${ESC}]10;?;?\x07`,
  `${ESC}]52;c;?\x07`,
  `${ESC}]7501;?${ST}`,
  `${ESC}]21;foreground=?${ST}`,
  `${ESC}P$qm${ST}`,
  `${ESC}P$q"p${ST}`,
  `${ESC}P+q544e${ST}`,
  `${ESC}_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA${ST}`,
];

const fail = (): never => {
  throw new Error('no such query was asked');
};

const OTHERS = [
  'text',
  '\r\n',
  'é漢',
  '\x07',
  '?',
  'c',
  `${ESC}[0m`,
  `${ESC}[38;5;196m`,
  `${ESC}[?25l`,
  `${ESC}[?1049h`,
  `${ESC}[2J`,
  `${ESC}[H`,
  `${ESC}[?1c`,
  `${ESC}[>4;1m`,
  `${ESC}[>4n`,
  `${ESC}[!p`,
  `${ESC}[61"p`,
  `${ESC}[ q`,
  `${ESC}[2 q`,
  `${ESC}[u`,
  `${ESC}[>1u`,
  `${ESC}[<u`,
  `${ESC}[8;24;80t`,
  `${ESC}[22;0t`,
  `${ESC}[0n`,
  `${ESC}]0;what?\x07`,
  `${ESC}]2;a;?\x07`,
  `${ESC}]8;;http://x/?\x07`,
  `${ESC}]10;#fff${ST}`,
  `${ESC}]4;1;rgb:00/00/00\x07`,
  `${ESC}]52;c;aGk=\x07`,
  `${ESC}]133;A\x07`,
  `${ESC}]7501;state=idle${ST}`,
  `${ESC}P1$r0m${ST}`,
  `${ESC}Pq#0~~${ST}`,
  `${ESC}_Ga=T,f=100;AAAA${ST}`,
  `${ESC}^pm${ST}`,
  `${ESC}Xsos?${ST}`,
  `${ESC}(B`,
  `${ESC}7`,
  `${ESC}=`,
  `${ESC}[6\x18n`,
  `${ESC}[12\x1a`,
];

function bytes(text: string): Buffer {
  return Buffer.from(text, 'utf8');
}

function chunked(whole: Buffer, cuts: number[]): Buffer[] {
  const places = [...new Set([0, ...cuts.map((cut) => cut % (whole.length + 1)), whole.length])].toSorted(
    (a, b) => a - b,
  );
  return places.slice(1).map((end, i) => whole.subarray(places[i], end));
}

function strip(chunks: Buffer[]): string {
  const stripper = new QueryStripper();
  return Buffer.concat([...chunks.map((chunk) => stripper.strip(chunk)), stripper.flush()]).toString('latin1');
}

const stream = fc.array(
  fc.oneof(
    fc.constantFrom(...QUERIES).map((text) => ({ text, query: true })),
    fc.constantFrom(...OTHERS).map((text) => ({ text, query: false })),
  ),
  { maxLength: 12 },
);

describe('terminal queries', () => {
  it.each(QUERIES.map((query) => [JSON.stringify(query), query]))('%s is one and taken out', (_name, query) => {
    expect(strip([bytes(`a${query}b`)])).toBe('ab');
  });

  it.each(OTHERS.map((other) => [JSON.stringify(other), other]))('%s is none and stays as it is', (_name, other) => {
    expect(strip([bytes(`a${other}b`)])).toBe(bytes(`a${other}b`).toString('latin1'));
  });

  it('are taken out alike wherever the chunks are cut', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(400), { maxLength: 20 }), (parts, cuts) => {
        const whole = bytes(parts.map(({ text }) => text).join(''));
        const kept = bytes(parts.map(({ text, query }) => (query ? '' : text)).join(''));
        const chunks = chunked(whole, cuts);
        expect(strip(chunks)).toBe(kept.toString('latin1'));
        expect(strip([...whole].map((byte) => Buffer.from([byte])))).toBe(kept.toString('latin1'));
      }),
      { numRuns: 500 },
    );
  });

  it('arbitrary bytes give the same whatever the chunks', () => {
    const byte = fc.oneof(fc.constantFrom(...bytes(`${ESC}[]P_>?;$q+6n\\\x07\x18c`)), fc.nat(255));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 60 }), fc.array(fc.nat(60), { maxLength: 8 }), (data, cuts) => {
        const whole = Buffer.from(data);
        const once = strip([whole]);
        expect(strip(chunked(whole, cuts))).toBe(once);
      }),
      { numRuns: 2000 },
    );
  });

  it('keeps controls that stand inside a query, and passes a string without an end on', () => {
    expect(strip([bytes(`${ESC}[\r\n6n`)])).toBe('\r\n');
    const endless = `${ESC}]52;c;${'A'.repeat(20_000)}`;
    expect(strip([bytes(endless)])).toBe(endless);
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
    '\x1bP$qm\x1b\\',
  ];

  it('finds every query at its end, however the bytes are split', () => {
    const text = `begin\x1b[31mred\x1b[2J${queries.join('text\x1b]0;title\x07\x1b[1;2H')}\x1b[?25h`;
    const expected: number[] = [];
    new QueryScanner((end) => expected.push(end), fail).push(Buffer.from(text, 'latin1'));
    expect(expected).toHaveLength(queries.length);
    for (const [index, end] of expected.entries()) expect(text.slice(0, end).endsWith(queries[index] ?? '')).toBe(true);
    for (const size of [1, 2, 3, 7]) {
      const found: number[] = [];
      const scanner = new QueryScanner((end) => found.push(end), fail);
      const raw = Buffer.from(text, 'latin1');
      for (let at = 0; at < raw.length; at += size) scanner.push(raw.subarray(at, at + size));
      expect(found).toEqual(expected);
    }
  });

  it('[Q5] answers Program Status Protocol with the terminator of the query, and no other OSC 7501', () => {
    const text = 'a\x1b]7501;?\x07b\x1b]7501;?\x1b\\c\x1b]7501;state=idle\x07\x1b]7501;??\x07\x1b[c';
    for (const size of [1, 2, 5, text.length]) {
      const answers: string[] = [];
      const found: number[] = [];
      const scanner = new QueryScanner(
        (end) => found.push(end),
        (answer) => answers.push(answer),
      );
      const raw = Buffer.from(text, 'latin1');
      for (let at = 0; at < raw.length; at += size) scanner.push(raw.subarray(at, at + size));
      expect(answers).toEqual(['\x1b]7501;?\x07', '\x1b]7501;?\x1b\\']);
      expect(found).toEqual([text.length]);
    }
  });

  it('[Q5] takes nothing but that query out of what is shown first', () => {
    const text = `x\x1b]7501;?\x07${queries.join('y')}\x1b]7501;?\x1b\\\x1b]7501;state=idle\x1b\\\x1b]11;?\x1b[31mz`;
    const expected = text.replaceAll('\x1b]7501;?\x07', '').replaceAll('\x1b]7501;?\x1b\\', '');
    const raw = Buffer.from(text, 'latin1');
    for (const size of [1, 2, 5, raw.length]) {
      const stripper = new QueryStripper('program_status');
      const shown: Buffer[] = [];
      for (let at = 0; at < raw.length; at += size) shown.push(stripper.strip(raw.subarray(at, at + size)));
      shown.push(stripper.flush());
      expect(Buffer.concat(shown).toString('latin1')).toBe(expected);
    }
  });
});
