import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import type { SocketConstructorOpts } from 'node:net';
import { isatty, ReadStream, WriteStream } from 'node:tty';
import { writeFullySync } from '../../client/index.ts';
import { TerminalModes } from './modes.ts';

export interface TerminalSize {
  rows: number;
  cols: number;
}

const LINE_FEED = 0x0a;
const INPUT_BYTES = 64 * 1024;
const ENDING: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'];

/** The size of the terminal behind `fd`; undefined where there is none, or it does not know. */
export function terminalSize(fd: number): TerminalSize | undefined {
  if (!isatty(fd)) return undefined;
  // A descriptor of its own: Node makes a terminal it wraps non-blocking, and ours must keep blocking.
  const own = openSync(`/dev/fd/${fd}`, 'r+');
  const stream = new WriteStream(own);
  const { rows, columns } = stream;
  stream.destroy();
  return rows > 0 && columns > 0 ? { rows, cols: columns } : undefined;
}

/**
 * The user's terminal while a session is shown on it: raw, bytes both ways, and put back as it was on every way out,
 * signals and exceptions included.
 */
export class Terminal {
  readonly modes = new TerminalModes();
  readonly #input: ReadStream;
  readonly #stty: Promise<unknown>;
  readonly #cleanups: (() => void)[] = [];
  #entered = true;
  #ending: (() => void) | undefined;
  #typed: (bytes: Buffer) => void = () => {};
  /** The last byte on the screen was no line feed. */
  #inLine = false;

  /** Throws when standard input or output is no terminal: check with `isatty` first. */
  constructor() {
    this.#input = openInput((bytes) => this.#typed(bytes));
    this.#input.setRawMode(true);
    this.#stty = disableOutputProcessing();
    const leave = (): void => this.leave();
    process.on('exit', leave);
    this.#cleanups.push(() => process.off('exit', leave));
    for (const signal of ENDING) {
      const end = (): void => {
        this.#ending?.();
        this.leave();
        process.exit(128 + constants.signals[signal]);
      };
      process.on(signal, end);
      this.#cleanups.push(() => process.off(signal, end));
    }
  }

  /** Resolves when the terminal is entirely raw. */
  async ready(): Promise<void> {
    await this.#stty;
  }

  onInput(take: (bytes: Buffer) => void): void {
    this.#typed = take;
    this.#input.resume();
  }

  onInputEnd(end: () => void): void {
    // A terminal that has gone reads as EIO (read(2)), before or without its SIGHUP.
    for (const gone of ['end', 'error']) {
      this.#input.once(gone, end);
      this.#cleanups.push(() => this.#input.off(gone, end));
    }
  }

  /** `end` is called before a signal ends the process; what it starts must be under way when it returns. */
  onEnding(end: () => void): void {
    this.#ending = end;
  }

  pauseInput(): void {
    this.#input.pause();
  }

  resumeInput(): void {
    if (this.#entered) this.#input.resume();
  }

  onResize(resized: (size: TerminalSize) => void): void {
    const changed = (): void => {
      const size = terminalSize(1);
      if (size !== undefined) resized(size);
    };
    process.on('SIGWINCH', changed);
    this.#cleanups.push(() => process.off('SIGWINCH', changed));
  }

  write(bytes: Buffer): void {
    this.modes.observe(bytes);
    if (bytes.length > 0) this.#inLine = bytes[bytes.length - 1] !== LINE_FEED;
    writeFullySync(1, bytes);
  }

  /** What the user had on the screen scrolls up instead of being overwritten; then everything is blank. */
  clear(size: TerminalSize, keepContent: boolean): void {
    const scroll = keepContent ? '\r\n'.repeat(size.rows) : '';
    writeFullySync(1, Buffer.concat([this.modes.restore(), Buffer.from(`\x1b[0m${scroll}\x1b[H\x1b[2J`)]));
  }

  /** The beginning of a line of our own, below the child's. */
  say(text: string): void {
    writeFullySync(1, Buffer.from(`${this.#freshLine()}\x1b[J${text}`));
  }

  /** The end of that line. */
  finishLine(text: string): void {
    this.#inLine = false;
    writeFullySync(1, Buffer.from(`${text}\r\n`));
  }

  /**
   * `line`: what follows is a line of its own. With `clear` it must not stand in what the child has drawn, neither beside
   * its cursor nor above the rest; after the child's own end it only must not continue its last line.
   */
  leave(line: 'none' | 'fresh' | 'clear' = 'none'): void {
    if (!this.#entered) return;
    this.#entered = false;
    for (const cleanup of this.#cleanups) cleanup();
    try {
      writeFullySync(
        1,
        Buffer.concat([
          this.modes.restore(),
          Buffer.from(line === 'none' ? '' : this.#freshLine() + (line === 'clear' ? '\x1b[J' : '')),
        ]),
      );
      this.#input.setRawMode(false);
    } catch {
      // The terminal has gone: there is nothing to put back.
    }
    this.#input.pause();
  }

  #freshLine(): string {
    return this.#inLine ? '\r\n' : '\r';
  }
}

/** Read into one buffer and handed on at once: a key does not go through a stream's queue. */
function openInput(typed: (bytes: Buffer) => void): ReadStream {
  const callback = (count: number, bytes: Uint8Array): boolean => {
    // Input waits for its acknowledgement, longer than the buffer keeps it.
    typed(Buffer.from(bytes.subarray(0, count)));
    return true;
  };
  const onread = { buffer: new Uint8Array(INPUT_BYTES), callback };
  // The typings know `onread` for connections only.
  return new ReadStream(0, { onread } as SocketConstructorOpts);
}

/**
 * Node's raw mode leaves ONLCR on, which would put a carriage return before every bare line feed of a full-screen
 * program (termios(3)); leaving raw mode restores all of it.
 */
async function disableOutputProcessing(): Promise<void> {
  let stty: ChildProcess;
  try {
    const terminal = openSync('/dev/fd/0', 'r+');
    stty = spawn('stty', ['-opost'], { stdio: [terminal, 'ignore', 'ignore'] });
    closeSync(terminal);
    await once(stty, 'close');
  } catch {
    // No stty: screens of programs that use bare line feeds may be off by a column.
  }
}
