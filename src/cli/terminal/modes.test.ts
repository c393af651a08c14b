import { describe, expect, it } from 'vitest';
import { TerminalModes } from './modes.ts';

function restored(...chunks: string[]): string {
  const modes = new TerminalModes();
  for (const chunk of chunks) modes.observe(Buffer.from(chunk, 'latin1'));
  return modes.restore().toString('latin1');
}

describe('what a terminal is put back from', () => {
  it('is nothing after plain text', () => {
    expect(restored('hello\r\n')).toBe('');
  });

  it('is every mode the child left on, the alternate screen last', () => {
    const text = restored('\x1b[?1049h\x1b[?1000;1006h\x1b[?2004h\x1b[?25l');
    for (const off of ['\x1b[?1000l', '\x1b[?1006l', '\x1b[?2004l', '\x1b[?25h', '\x1b[?1049l'])
      expect(text).toContain(off);
    expect(text.indexOf('\x1b[?1049l')).toBeGreaterThan(text.indexOf('\x1b[?2004l'));
  });

  it('is not what the child has put back itself', () => {
    const text = restored('\x1b[?1049h\x1b[?25l', '\x1b[?25h\x1b[?1049l');
    expect(text).not.toContain('1049');
    expect(text).not.toContain('\x1b[?25');
  });

  it('includes modes whose sequence was cut anywhere', () => {
    const sequence = '\x1b[?1002;2004h';
    for (let cut = 1; cut < sequence.length; cut++) {
      const text = restored(`ab${sequence.slice(0, cut)}`, `${sequence.slice(cut)}cd`);
      expect(text).toContain('\x1b[?1002l');
      expect(text).toContain('\x1b[?2004l');
    }
  });

  it('includes pushed keyboard modes and modifyOtherKeys', () => {
    const text = restored('\x1b[>1u\x1b[>3u\x1b[<u\x1b[>4;2m');
    expect(text).toContain('\x1b[<1u');
    expect(text).toContain('\x1b[>4m');
  });

  it('knows whether a full-screen program is on', () => {
    const modes = new TerminalModes();
    modes.observe(Buffer.from('\x1b[?1049h'));
    expect(modes.alternateScreen).toBe(true);
    modes.observe(Buffer.from('\x1bc'));
    expect(modes.alternateScreen).toBe(false);
  });
});
