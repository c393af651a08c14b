/** What a person sees who looks on: the session's output, drawn by an emulator of the test's own. */
import type { Attachment, Session } from '../../../src/client/index.ts';
import { createEmulator } from '../../../src/screen/emulator.ts';
import { systemClock, withDeadline } from '../../../src/runtime/index.ts';

export interface DisplayOptions {
  rows: number;
  cols: number;
  terminal?: boolean;
}

export class Display {
  readonly #emulator: ReturnType<typeof createEmulator>;
  readonly #watchers = new Set<() => void>();
  readonly #pieces: Buffer[] = [];
  #attachment: Attachment | null = null;
  #written: Promise<void> = Promise.resolve();

  private constructor(rows: number, cols: number) {
    // What its terminal would answer, the session answers.
    this.#emulator = createEmulator(rows, cols, { reply() {}, cleared() {} });
  }

  /** `terminal`: as `holdfast attach` does, on a terminal that answers queries. */
  static async attach(session: Session, { rows, cols, terminal = false }: DisplayOptions): Promise<Display> {
    const display = new Display(rows, cols);
    display.#attachment = await session.attach({
      ...(terminal ? { mode: 'drive', terminal: true, rows, cols } : { mode: 'observe' }),
      from: 'start',
      onItem: (item) => {
        if (item.type !== 'data') return;
        display.#take(Buffer.from(item.bytes));
        display.#attachment?.consumed(item.bytes.length);
      },
    });
    return display;
  }

  text(): string {
    return this.#emulator.text(undefined).content;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  /** Resolves with the time when the screen has it. Rejects with the last screen. */
  shows(pattern: RegExp, deadlineMs?: number): Promise<number> {
    return this.until(() => (pattern.test(this.text()) ? systemClock.now() : undefined), String(pattern), deadlineMs);
  }

  /** Resolves with what `look` finds, after each piece of output. */
  async until<T>(look: () => T | undefined, what: string, deadlineMs = 45_000): Promise<T> {
    let check = (): void => {};
    const found = new Promise<T>((resolve) => {
      check = () => {
        const seen = look();
        if (seen !== undefined) resolve(seen);
      };
      this.#watchers.add(check);
      check();
    });
    const late = (): Error => new Error(`no ${what} within ${deadlineMs} ms; the screen is:\n${this.text()}`);
    return withDeadline(systemClock, deadlineMs, found, late).finally(() => this.#watchers.delete(check));
  }

  close(): void {
    this.#attachment?.close();
  }

  #take(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#written = this.#written
      .then(() => this.#emulator.write(bytes))
      .then(() => {
        for (const watcher of this.#watchers) watcher();
      });
  }
}
