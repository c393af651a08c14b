import { describe, expect, it } from 'vitest';
import { Draft } from './draft.ts';

function after(...writes: string[]): { held: boolean; keyed: boolean } {
  const draft = new Draft();
  let keyed = false;
  for (const write of writes) keyed = draft.typed(Buffer.from(write, 'latin1'), 1) || keyed;
  return { held: draft.held, keyed };
}

describe('a draft', () => {
  it.each<[string, string[], boolean, boolean]>([
    ['a letter', ['a'], true, true],
    ['letters in several writes', ['a', 'b'], true, true],
    ['a text that was submitted', ['hello\r'], false, true],
    ['a text behind a submit', ['hello\rnext'], true, true],
    ['a text that was thrown away', ['hello', '\x15'], false, true],
    ['a bracketed paste with lines', ['\x1b[200~a\rb\r\x1b[201~'], true, true],
    ['one that was submitted', ['\x1b[200~a\rb\x1b[201~\r'], false, true],
    ['cursor keys', ['\x1b[A\x1b[B\x1bOC'], false, false],
    ['an Escape, then a letter', ['\x1b', 'a'], true, true],
    ['focus and mouse', ['\x1b[I\x1b[O\x1b[<0;10;20M\x1b[M !!'], false, false],
    [
      'answers of the terminal',
      ['\x1b[24;80R\x1b[?62;c\x1b]11;rgb:0/0/0\x1b\\\x1bP1$r0m\x1b\\\x1b]7501;?\x07'],
      false,
      false,
    ],
    ['an answer in pieces', ['\x1b[24', ';80R'], false, false],
    ['a letter as kitty sends it', ['\x1b[97u'], true, true],
    ['Enter as kitty sends it', ['a\x1b[13u'], false, true],
    ['a chord as kitty sends it', ['\x1b[99;5u'], false, false],
    ['keyboard flags as kitty reports them', ['\x1b[?1u'], false, false],
  ])('[G8] is held after %s: %j → %s', (_what, writes, held, keyed) => {
    expect(after(...writes)).toEqual({ held, keyed });
  });
});
