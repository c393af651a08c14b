/**
 * What a screen needs of xterm and its public interface does not tell: margins, saved cursor, character sets, tab
 * stops, modes. The dependency is pinned exactly; `emulator.test.ts` fails when one of these goes away.
 */
import type { Terminal } from '@xterm/headless';
import type { Attributes } from './attributes.ts';

export type Charset = Record<string, string> | undefined;

export interface BufferInternals {
  x: number;
  y: number;
  ybase: number;
  scrollTop: number;
  scrollBottom: number;
  savedX: number;
  savedY: number;
  savedCurAttrData: Attributes;
  savedCharset: Charset;
  tabs: Record<number, boolean>;
}

export interface TerminalInternals {
  buffer: BufferInternals;
  buffers: { normal: BufferInternals; alt: BufferInternals };
  coreService: {
    isCursorHidden: boolean;
    modes: { insertMode: boolean };
    decPrivateModes: {
      applicationCursorKeys: boolean;
      applicationKeypad: boolean;
      bracketedPasteMode: boolean;
      cursorBlink: boolean | undefined;
      cursorStyle: 'block' | 'underline' | 'bar' | undefined;
      origin: boolean;
      reverseWraparound: boolean;
      sendFocus: boolean;
      wraparound: boolean;
    };
  };
  coreMouseService: { activeProtocol: string; activeEncoding: string };
  _charsetService: { glevel: number; _charsets: Charset[] };
  _inputHandler: { _curAttrData: Attributes; _windowTitle: string; _iconName: string };
}

export function internalsOf(terminal: Terminal): TerminalInternals {
  return (terminal as unknown as { _core: TerminalInternals })._core;
}
