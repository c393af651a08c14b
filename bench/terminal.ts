/**
 * The terminal a person would sit at: a bare PTY whose master we read as fast as it gives. Every attach contender runs
 * inside one, so what is measured is what reaches the glass. Uses the PTY binding directly, without Holdfast.
 */
import { readSync, writeSync, closeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import pty from '@lydell/node-pty';

interface NativePty {
  fork(
    file: string,
    args: string[],
    env: string[],
    cwd: string,
    cols: number,
    rows: number,
    uid: number,
    gid: number,
    utf8: boolean,
    helper: string,
    onExit: (code: number, signal: number) => void,
  ): { fd: number; pid: number };
}

const native = (pty as unknown as { native: NativePty }).native;

export interface TerminalOptions {
  env: Record<string, string>;
  cwd?: string;
  rows?: number;
  cols?: number;
}

export class Terminal {
  readonly pid: number;
  readonly exited: Promise<number>;
  /** Bytes seen so far. */
  received = 0;
  readonly #fd: number;
  readonly #stream: ReadStream;
  readonly #scratch = Buffer.allocUnsafeSlow(256 * 1024);
  #tail = '';
  #onBytes: ((bytes: Buffer) => void) | undefined;
  #waiting: { text: string; resolve: () => void } | undefined;

  constructor(file: string, args: string[], options: TerminalOptions) {
    let onExit: (code: number) => void = () => {};
    this.exited = new Promise((resolve) => (onExit = resolve));
    const env = Object.entries({ TERM: 'xterm-256color', ...options.env }).map(([key, value]) => `${key}=${value}`);
    const { rows = 24, cols = 80, cwd = '/' } = options;
    const child = native.fork(file, args, env, cwd, cols, rows, -1, -1, true, '', (code) => onExit(code));
    this.#fd = child.fd;
    this.pid = child.pid;
    this.#stream = new ReadStream(child.fd);
    this.#stream.on('data', (chunk: Buffer) => {
      this.#take(chunk);
      this.#drain();
    });
    this.#stream.on('end', () => this.#drain());
    this.#stream.on('error', () => {}); // EIO is how a PTY says the other side is gone (pty(7)).
  }

  write(text: string | Buffer): void {
    writeSync(this.#fd, text as string);
  }

  /** Resolves when `text` (≤ 256 bytes, not split by escapes) has come by, from now on. */
  see(text: string, deadlineMs = 60_000): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`did not see ${JSON.stringify(text)}; last: ${JSON.stringify(this.#tail.slice(-200))}`)),
        deadlineMs,
      );
      this.#waiting = {
        text,
        resolve: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      this.#check();
    });
  }

  /** Calls back with every chunk until replaced; for round-trip timing without promises in the path. */
  onBytes(receive: ((bytes: Buffer) => void) | undefined): void {
    this.#onBytes = receive;
  }

  forget(): void {
    this.#tail = '';
  }

  close(): void {
    this.#stream.destroy();
    try {
      closeSync(this.#fd);
    } catch {
      // destroy() has closed it already.
    }
  }

  #drain(): void {
    for (;;) {
      let count: number;
      try {
        count = readSync(this.#fd, this.#scratch);
      } catch {
        return; // EAGAIN: empty; EIO: the other side is gone.
      }
      if (count === 0) return;
      this.#take(this.#scratch.subarray(0, count));
    }
  }

  #take(bytes: Buffer): void {
    this.received += bytes.length;
    this.#onBytes?.(bytes);
    if (this.#waiting === undefined && bytes.length > 4096) {
      this.#tail = bytes.toString('latin1', bytes.length - 512);
      return;
    }
    this.#tail = (this.#tail + bytes.toString('latin1', Math.max(0, bytes.length - 4096))).slice(-1024);
    this.#check();
  }

  #check(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || !this.#tail.includes(waiting.text)) return;
    this.#waiting = undefined;
    this.#tail = '';
    waiting.resolve();
  }
}
