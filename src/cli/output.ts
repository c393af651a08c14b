import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';

/** Exit status of a process whose reader went away: as if SIGPIPE had ended it (128 + 13). */
export const SIGPIPE_STATUS = 141;

/** Thrown when nobody reads our output any more; ends the command silently. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';
}

/** Standard output and standard error, written in order and at once, so that nothing is lost at exit. */
export class Output {
  readonly isTerminal: boolean;
  readonly #colour: boolean;

  constructor(env: NodeJS.ProcessEnv) {
    this.isTerminal = isatty(1);
    // https://no-color.org: present and not empty.
    this.#colour = this.isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  }

  /** Terminal columns to fit tables into; undefined: no limit. */
  get columns(): number | undefined {
    return this.isTerminal ? process.stdout.columns : undefined;
  }

  /** Terminal rows; undefined: no terminal, or it does not know. */
  get rows(): number | undefined {
    return this.isTerminal ? process.stdout.rows : undefined;
  }

  line(text: string): void {
    writeAll(1, `${text}\n`);
  }

  json(value: unknown): void {
    writeAll(1, `${JSON.stringify(value)}\n`);
  }

  /** To a person, beside the output. */
  note(text: string): void {
    try {
      writeAll(2, `${text}\n`);
    } catch {
      // Nobody listens on standard error; there is no third place to say so.
    }
  }

  paint(code: 'dim' | 'bold' | 'red' | 'green' | 'yellow', text: string): string {
    return this.#colour ? `\x1b[${COLOURS[code]}m${text}\x1b[0m` : text;
  }
}

const COLOURS = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const;

function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  let from = 0;
  while (from < bytes.length) {
    try {
      from += writeSync(fd, bytes, from);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') throw new OutputClosed();
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
}
