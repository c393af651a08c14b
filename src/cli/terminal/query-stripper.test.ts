import { describe, expect, it } from 'vitest';
import { QueryStripper } from './query-stripper.ts';

const QUERIES = ['\x1b[c', '\x1b[>c', '\x1b[6n', '\x1b[?6n', '\x1b[5n', '\x1b[>q', '\x1b[?2026$p', '\x1b[?u', '\x1b]11;?\x07', '\x1b]4;1;?\x1b\\', '\x1bP+q544e\x1b\\', '\x1b[18t'];
const OTHERS = ['\x1b[0m', '\x1b[31mred', '\x1b[2J', '\x1b]0;title\x07', '\x1b]11;#ffffff\x07', '\x1b[?25h', '\x1b7', '\x1b[4 q', '\x1b[!p'];

function strip(...chunks: string[]): string {
  const stripper = new QueryStripper();
  const kept = chunks.map((chunk) => stripper.strip(Buffer.from(chunk, 'latin1')).toString('latin1')).join('');
  return kept + stripper.flush().toString('latin1');
}

describe('stripping terminal queries', () => {
  it.each(QUERIES)('takes out %j, wherever it is cut', (query) => {
    expect(strip(`a${query}b`)).toBe('ab');
    for (let cut = 1; cut < query.length; cut++) expect(strip(`a${query.slice(0, cut)}`, `${query.slice(cut)}b`)).toBe('ab');
  });

  it.each(OTHERS)('leaves %j as it is, wherever it is cut', (sequence) => {
    for (let cut = 0; cut <= sequence.length; cut++) {
      expect(strip(`a${sequence.slice(0, cut)}`, `${sequence.slice(cut)}b`)).toBe(`a${sequence}b`);
    }
  });

  it('gives back an unfinished sequence when asked', () => {
    expect(strip('a\x1b[')).toBe('a\x1b[');
  });

  it('does not hold back more than a sequence can be long', () => {
    const stripper = new QueryStripper();
    const text = `\x1b]0;${'x'.repeat(10_000)}`;
    expect(stripper.strip(Buffer.from(text)).length).toBe(text.length);
  });
});
