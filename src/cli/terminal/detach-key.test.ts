import { describe, expect, it } from 'vitest';
import { DEFAULT_DETACH_KEY, DetachKey } from './detach-key.ts';

const CTRL_BACKSLASH = '\x1c';

function type(key: DetachKey, ...typed: string[]): { forward: string; detach: boolean } {
  let forward = '';
  for (const text of typed) {
    const found = key.scan(Buffer.from(text, 'latin1'));
    forward += found.forward.toString('latin1');
    if (found.detach) return { forward, detach: true };
  }
  return { forward, detach: false };
}

describe('the detach key', () => {
  it('passes everything else on unchanged', () => {
    expect(type(new DetachKey(DEFAULT_DETACH_KEY), 'ls -l\r', 'd\x03\x1b[A')).toEqual({
      forward: 'ls -l\rd\x03\x1b[A',
      detach: false,
    });
  });

  it.each([
    ['in one read', [`ab${CTRL_BACKSLASH}dcd`]],
    ['over two reads', [`ab${CTRL_BACKSLASH}`, 'd']],
  ])('detaches %s', (_, typed) => {
    expect(type(new DetachKey(DEFAULT_DETACH_KEY), ...typed)).toEqual({ forward: 'ab', detach: true });
  });

  it('sends the first key once when it is pressed twice', () => {
    const key = new DetachKey(DEFAULT_DETACH_KEY);
    expect(type(key, `a${CTRL_BACKSLASH}${CTRL_BACKSLASH}d`)).toEqual({
      forward: `a${CTRL_BACKSLASH}d`,
      detach: false,
    });
    expect(type(key, CTRL_BACKSLASH, CTRL_BACKSLASH, 'd')).toEqual({ forward: `${CTRL_BACKSLASH}d`, detach: false });
  });

  it('sends both keys when the second is another', () => {
    expect(type(new DetachKey(DEFAULT_DETACH_KEY), CTRL_BACKSLASH, 'x')).toEqual({
      forward: `${CTRL_BACKSLASH}x`,
      detach: false,
    });
  });

  it('knows the keys as the kitty keyboard protocol sends them', () => {
    expect(type(new DetachKey(DEFAULT_DETACH_KEY), '\x1b[92;5u', 'd')).toEqual({ forward: '', detach: true });
  });

  it('can be another key, two others, or none', () => {
    expect(type(new DetachKey('ctrl-q'), 'a\x11')).toEqual({ forward: 'a', detach: true });
    expect(type(new DetachKey('ctrl-a q'), '\x01q')).toEqual({ forward: '', detach: true });
    expect(type(new DetachKey('none'), `${CTRL_BACKSLASH}d`)).toEqual({ forward: `${CTRL_BACKSLASH}d`, detach: false });
  });

  it.each(['ctrl-', 'ctrl-a b c', 'ctrl-7', 'enter'])('refuses %j, naming the flag', (text) => {
    expect(() => new DetachKey(text)).toThrow(
      expect.objectContaining({ code: 'invalid_argument', field: '--detach-key' }),
    );
  });
});
