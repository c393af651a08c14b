/** One program twice, in a Holdfast session and in tmux, given the same bytes and sizes: both screens must be equal. */
import { expect } from 'vitest';
import type { Session } from '../../src/client/index.ts';
import { systemClock } from '../../src/runtime/index.ts';
import { FAULTS_LOADER, PATIENCE_MS, type TestRuntime } from './runtime.ts';
import type { Look, Pane, Size, Tmux } from './tmux.ts';

export interface TwinProgram {
  argv: string[];
  env: Record<string, string>;
  cwd: string;
  size: Size;
  /** Hides what two runs of the program cannot have in common. Rows of terminals hold attributes: `‹1,31›`. Default: nothing. */
  mask?: (row: string) => string;
}

export class Twin {
  readonly session: Session;
  readonly pane: Pane;
  readonly #runtime: TestRuntime;
  readonly #tmux: Tmux;
  readonly #program: TwinProgram;
  #size: Size;
  /** A terminal with `holdfast attach` in it. */
  #attached: Pane | undefined;

  private constructor(runtime: TestRuntime, tmux: Tmux, program: TwinProgram, session: Session, pane: Pane) {
    this.#runtime = runtime;
    this.#tmux = tmux;
    this.#program = program;
    this.#size = program.size;
    this.session = session;
    this.pane = pane;
  }

  static async start(runtime: TestRuntime, tmux: Tmux, program: TwinProgram): Promise<Twin> {
    const { argv, env, cwd, size } = program;
    const [session, pane] = await Promise.all([
      runtime.run(argv, { env: Object.entries(env), cwd, rows: size.rows, cols: size.cols }),
      tmux.pane(argv, env, size, cwd),
    ]);
    return new Twin(runtime, tmux, program, session, pane);
  }

  /** Through the attached terminal when there is one. */
  async type(keys: string): Promise<void> {
    await Promise.all([this.#attached?.type(keys) ?? this.session.write(keys), this.pane.type(keys)]);
  }

  async resize(size: Size): Promise<void> {
    this.#size = size;
    const own = this.#attached?.resize(size) ?? this.session.resize(size.rows, size.cols);
    await Promise.all([own, this.pane.resize(size)]);
  }

  async look(): Promise<Look> {
    const { content, cursor_row, cursor_col } = await this.session.screen();
    return { rows: content.split('\n').map((line) => line.trimEnd()), row: cursor_row, col: cursor_col };
  }

  /** Waits until both show `awaited`, are equal, and were so a moment ago; then the command line must say the same. */
  async settle(awaited: RegExp): Promise<void> {
    await this.#equal(async () => [await this.look(), await this.pane.look()] as const, awaited);
    if (this.#attached !== undefined) await this.#settleAttached(this.#attached);
  }

  /** A real terminal on the session; it must show what a terminal shows that was there from the start. */
  async attach(): Promise<void> {
    const command = `${process.execPath} ${FAULTS_LOADER} attach ${this.session.id}; echo "left with $?"; exec cat`;
    const argv = ['sh', '-c', command];
    this.#attached = await this.#tmux.pane(argv, this.#runtime.env, this.#size, this.#runtime.home);
    await this.#settleAttached(this.#attached);
  }

  async detach(): Promise<void> {
    const attached = this.#attached!;
    this.#attached = undefined;
    await attached.type('\x1cd');
    await attached.shows(/^\[detached\]\nleft with 0$/m);
    await attached.close();
  }

  async #settleAttached(attached: Pane): Promise<void> {
    await this.#equal(() => Promise.all([attached.styled(), this.pane.styled()]), /^/);
  }

  #masked(row: string): string {
    return this.#program.mask?.(row) ?? row;
  }

  async #equal<T extends { rows: string[] }>(
    take: () => Promise<readonly [ours: T, theirs: T]>,
    awaited: RegExp,
  ): Promise<void> {
    const deadline = systemClock.monotonic() + PATIENCE_MS / 2;
    let before = '';
    for (;;) {
      const [ours, theirs] = (await take()).map((look) => ({
        ...look,
        rows: look.rows.map((row) => this.#masked(row)),
      })) as [T, T];
      const now = JSON.stringify(ours);
      const equal = now === JSON.stringify(theirs);
      if (equal && now === before && awaited.test(theirs.rows.join('\n'))) return;
      before = now;
      if (systemClock.monotonic() > deadline) {
        expect(ours).toEqual(theirs);
        throw new Error(`both screens are equal and never showed ${String(awaited)}:\n${theirs.rows.join('\n')}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
  }
}
