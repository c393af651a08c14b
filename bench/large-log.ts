/** A home whose log is large, made once and only when a measure asks for it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { logWorkerOf } from './control.ts';
import { removeDirectory } from './peers.ts';

export const LARGE_EVENTS = 1_000_000;
/** Nearly as many as there can be, with room for the connections of the measures. */
export const AFTER_SNAPSHOT = 9_000;

export class LargeLog {
  readonly #loader: string;
  #home: string | undefined;

  constructor(loader: string) {
    this.#loader = loader;
  }

  /** No srv runs there when this is first called. */
  home(): string {
    if (this.#home === undefined) {
      const home = mkdtempSync(join(tmpdir(), 'hfb-'));
      process.stderr.write(`  filling a log with ${LARGE_EVENTS} events …\n`);
      const fill = join(import.meta.dirname, 'fill-log.mjs');
      const args = [fill, home, logWorkerOf(this.#loader), String(LARGE_EVENTS), String(AFTER_SNAPSHOT)];
      execFileSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
      this.#home = home;
    }
    return this.#home;
  }

  close(): void {
    if (this.#home !== undefined) removeDirectory(this.#home);
  }
}
