import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkPattern, compilePattern, LINE_CHARACTERS } from './patterns.ts';

const ACCEPTED = [
  'esc to interrupt',
  '^\\s*❯\\s(.*)$',
  '^[✶✻✽✢·*] .+…',
  '^\\d+s · .* tokens',
  '^(?:Yes|No), (?:and )?(\\d{1,3})',
  '^[│|]?\\s*(\\d)\\. (.+)$',
  '\\p{L}+\\u{2026}',
  '[^\\]]*\\)',
  '(?<key>[yn])',
  '(?:ab)+c',
];

const REFUSED: [pattern: string, reason: RegExp][] = [
  ['(', /no pattern/],
  ['a**', /no pattern/],
  ['\\-', /no pattern/],
  ['x'.repeat(257), /257 characters/],
  ['(?=a)b', /looks around/],
  ['a(?!b)', /looks around/],
  ['(?<=a)b', /looks around/],
  ['(?<!a)b', /looks around/],
  ['(a)\\1', /refers back/],
  ['(?<x>a)\\k<x>', /refers back/],
  ['(a+)+$', /quantifier inside a quantified group/],
  ['(?:a?){3}', /quantifier inside a quantified group/],
  ['((a*))?', /quantifier inside a quantified group/],
  ['(a|a)*$', /group of alternatives/],
  ['(?:a|ab){2,5}', /group of alternatives/],
  ['.*.*.*x', /3 open-ended/],
  ['a{0,200}b+c*', /3 open-ended/],
  [`${'a?'.repeat(30)}${'a'.repeat(30)}`, /too many ways/],
  [`${'(a|a)'.repeat(25)}b`, /too many ways/],
  [`${'a{0,8}'.repeat(12)}b`, /too many ways/],
  ['a*a*b', /too many ways/],
  ['a.*c.*d', /too many ways/],
  [`${'(a|b)'.repeat(6)}.*c`, /too many ways/],
];

/** Of this process alone: the machine is shared. */
function cpuMs(work: () => void): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1_000;
}

describe('checkPattern', () => {
  it.each(ACCEPTED)('takes %s', (pattern) => {
    expect(() => checkPattern(pattern, 'rules.0.match.all.0')).not.toThrow();
  });

  it.each(REFUSED)('refuses %s', (pattern, reason) => {
    expect(() => checkPattern(pattern, 'rules.0')).toThrow(reason);
    expect(() => checkPattern(pattern, 'rules.0')).toThrow(
      expect.objectContaining({ code: 'invalid_argument', field: 'rules.0' }),
    );
  });

  it('keeps the worst accepted patterns bounded on the worst lines', () => {
    const worst = [
      'a*b',
      '[ab]+c',
      '^a*a*b',
      '^[ab]*a[ab]*c',
      '^.*.*b',
      `${'a?'.repeat(4)}a*b`,
      '^(?:a|a)(?:a|a)a*a*b',
      '^(?:aa)*a*b',
    ];
    const lines = [
      'a'.repeat(LINE_CHARACTERS),
      'ab'.repeat(LINE_CHARACTERS / 2),
      `${'a'.repeat(LINE_CHARACTERS - 1)}!`,
      ' '.repeat(LINE_CHARACTERS),
    ];
    for (const pattern of worst) {
      expect(() => checkPattern(pattern, 'p'), pattern).not.toThrow();
      const expression = compilePattern(pattern);
      expect(
        cpuMs(() => lines.forEach((line) => expression.test(line))),
        pattern,
      ).toBeLessThan(500);
    }
  });

  it('either refuses a random pattern or is bounded on it', () => {
    const piece = fc.constantFrom(
      'a',
      'b',
      '.',
      '[ab]',
      '(a|b)',
      '(?:ab)',
      '(a)',
      '^',
      '|',
      'a?',
      'a*',
      'b+',
      '(a|aa)?',
      'a{2,6}',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        const pattern = pieces.join('');
        try {
          checkPattern(pattern, 'p');
        } catch {
          // Refused, as it may be.
          return;
        }
        const used = cpuMs(() => {
          compilePattern(pattern).test(`${'a'.repeat(LINE_CHARACTERS - 1)}!`);
          compilePattern(pattern).test(`${'ab'.repeat(LINE_CHARACTERS / 2 - 1)}!`);
        });
        expect(used, pattern).toBeLessThan(500);
      }),
      { numRuns: 2_000 },
    );
  });
});
