/** A terminal that a program sees as real, and that counts and answers the queries which reach it. */
import { closeSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { forkTerminal } from '../../src/shim/child/native-pty.ts';
import { until } from './runtime.ts';

/** By name: the query as sent by query-child.mjs, and an answer nobody else would give. */
const ANSWERS: Readonly<Record<string, readonly [query: string, answer: string]>> = {
  da1: ['\x1b[c', '\x1b[?64;77c'],
  cpr: ['\x1b[6n', '\x1b[7;7R'],
  decrqm: ['\x1b[?2004$p', '\x1b[?2004;77$y'],
  osc11: ['\x1b]11;?\x1b\\', '\x1b]11;rgb:7777/7777/7777\x1b\\'],
  xtversion: ['\x1b[>q', '\x1bP>|seventy-seven\x1b\\'],
  kitty: ['\x1b[?u', '\x1b[?7u'],
  dsr: ['\x1b[5n', '\x1b[0n'],
};

export interface FakeTerminalOptions {
  argv: readonly string[];
  env: Record<string, string>;
  cwd: string;
  /** Default true. */
  answers?: boolean;
}

export class FakeTerminal {
  readonly pid: number;
  /** Queries that reached it, by name. */
  readonly asked: string[] = [];
  text = '';
  readonly #fd: number;
  readonly #stream: ReadStream;
  readonly #answers: boolean;
  #scanned = 0;
  #exited = false;

  constructor({ argv, env, cwd, answers = true }: FakeTerminalOptions) {
    this.#answers = answers;
    const exited = (): void => {
      this.#exited = true;
    };
    const { fd, pid } = forkTerminal({ argv, env: Object.entries(env), cwd, rows: 24, cols: 80, exited });
    this.#fd = fd;
    this.pid = pid;
    this.#stream = new ReadStream(fd);
    // EIO is how a terminal says that the other side is gone (pty(7)).
    this.#stream.on('error', () => undefined);
    this.#stream.on('data', (bytes: Buffer) => this.#take(bytes));
  }

  /** Answers given, as the program reads them. */
  static answerTo(name: string): string {
    return ANSWERS[name]![1];
  }

  type(text: string): void {
    writeSync(this.#fd, text);
  }

  shows(text: string): Promise<void> {
    return until(() => this.text.includes(text), `${JSON.stringify(text)} in ${JSON.stringify(this.text.slice(-500))}`);
  }

  async exited(): Promise<void> {
    await until(() => this.#exited, 'the terminal’s program to end');
    this.#stream.destroy();
    try {
      closeSync(this.#fd);
    } catch {
      // The stream closed it.
    }
  }

  #take(bytes: Buffer): void {
    this.text += bytes.toString('latin1');
    for (;;) {
      const [first] = Object.entries(ANSWERS)
        .map(([name, [query]]) => ({ name, at: this.text.indexOf(query, this.#scanned), query }))
        .filter(({ at }) => at >= 0)
        .toSorted((left, right) => left.at - right.at);
      if (first === undefined) return;
      this.#scanned = first.at + first.query.length;
      this.asked.push(first.name);
      if (this.#answers) this.type(ANSWERS[first.name]![1]);
    }
  }
}

export const QUERY_NAMES = Object.keys(ANSWERS);
