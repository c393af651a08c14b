/** A person at a terminal, for a real agent CLI: it starts it, sees its screen and bytes, presses keys, waits. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createEmulator } from '../../src/screen/emulator.ts';
import { record, type RecordedChild } from '../support/recorded-child.ts';
import type { AgentCli, Launch, LaunchOptions, Place } from './cli/contract.ts';

export interface AgentTerminalOptions extends LaunchOptions {
  settled?: Parameters<AgentCli['files']>[1];
  rows?: number;
  cols?: number;
  /** Whether the terminal says that it reads the Program Status Protocol (OSC 7501); true unless given. */
  programStatus?: boolean;
}

/** The query and its end; the answer repeats both. */
const PROGRAM_STATUS_QUERY = /\x1b\]7501;\?(?:\x07|\x1b\\)/g;
const QUERY_BYTES = 10;

export class AgentTerminal {
  readonly rows: number;
  readonly cols: number;
  /** What came so far, whole. */
  readonly #pieces: Buffer[] = [];
  readonly #child: RecordedChild;
  readonly #emulator: ReturnType<typeof createEmulator>;
  readonly #watchers = new Set<() => void>();
  #written: Promise<void> = Promise.resolve();
  #ended = false;
  readonly #programStatus: boolean;
  /** Where a query may have begun that is not complete. */
  #unasked = '';

  private constructor({ argv, env }: Launch, cwd: string, options: AgentTerminalOptions) {
    const { rows = 24, cols = 80, programStatus = true } = options;
    this.#programStatus = programStatus;
    this.rows = rows;
    this.cols = cols;
    this.#emulator = createEmulator(rows, cols, {
      reply: (text) => this.press(text),
      cleared() {},
    });
    const spec = { cwd, env, rows, cols };
    this.#child = record(argv, spec, { output: (_stream, bytes) => this.#take(Buffer.from(bytes)) });
    void this.#child.exit.then(() => {
      this.#ended = true;
      this.#changed();
    });
  }

  static start(cli: AgentCli, place: Place, options: AgentTerminalOptions = {}): AgentTerminal {
    for (const { path, text } of cli.files(place, options.settled ?? 'trusted')) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    mkdirSync(place.cwd, { recursive: true });
    return new AgentTerminal(cli.launch(place, options), place.cwd, options);
  }

  get pid(): number {
    return this.#child.child.pid;
  }

  get exit(): RecordedChild['exit'] {
    return this.#child.exit;
  }

  get ended(): boolean {
    return this.#ended;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  /** The rows as they are drawn, right-trimmed. */
  screen(): string {
    return this.#emulator.text(undefined).content;
  }

  /** What the agent does not take, because it has ended, is lost, as a person's keys are. */
  press(keys: string): void {
    void this.#child.child.write(Buffer.from(keys));
  }

  /** In bracketed paste mode, which all these CLIs switch on. */
  paste(text: string): void {
    this.press(`\x1b[200~${text}\x1b[201~`);
  }

  /** Resolves when nothing was written for `ms`, or after `deadlineMs`: some screens never stand still. */
  async quiet(ms: number, deadlineMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#watchers.delete(again);
        clearTimeout(silent);
        clearTimeout(deadline);
        resolve();
      };
      let silent: NodeJS.Timeout | undefined;
      const again = (): void => {
        clearTimeout(silent);
        if (ms < deadlineMs) silent = setTimeout(done, ms);
      };
      const deadline = setTimeout(done, deadlineMs);
      this.#watchers.add(again);
      again();
    });
  }

  /** Resolves when `fits` holds of the screen; asked after everything the agent writes. Rejects with the last screen. */
  async until(fits: (terminal: this) => boolean, what: string, deadlineMs = 15_000): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const check = (): void => {
        if (!fits(this)) return;
        this.#watchers.delete(check);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#watchers.delete(check);
        reject(new Error(`no ${what} within ${deadlineMs} ms; the screen is:\n${this.screen()}`));
      }, deadlineMs);
      this.#watchers.add(check);
      check();
    });
  }

  /** Ends the whole tree of the agent and releases everything. */
  async end(): Promise<void> {
    await this.#child.end();
    await this.#written;
  }

  #take(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#answerProgramStatus(bytes.toString('latin1'));
    this.#written = this.#written.then(() => this.#emulator.write(bytes)).then(() => this.#changed());
  }

  /** Before the emulator answers what was asked next: programs take the order for an answer. */
  #answerProgramStatus(text: string): void {
    const known = this.#unasked + text;
    const queries = known.match(PROGRAM_STATUS_QUERY) ?? [];
    if (this.#programStatus) for (const query of queries) this.press(query);
    this.#unasked = known.replaceAll(PROGRAM_STATUS_QUERY, '').slice(1 - QUERY_BYTES);
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher();
  }
}
