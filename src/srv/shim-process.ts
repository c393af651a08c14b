/** Starting shims: one process, tied to srv by the inherited pipe until it has its session (protocol/launch). */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { HoldfastError } from '../protocol/index.ts';
import type { LaunchReport, LaunchSpec } from '../protocol/launch/index.ts';
import { type Clock, withDeadline } from '../runtime/index.ts';

export interface ShimCommand {
  /** The Node executable. */
  node: string;
  /** Options of Node, `holdfast.cjs` and what follows it. */
  args: string[];
  env: NodeJS.ProcessEnv;
  /** Where what a shim says on its descriptors 1 and 2 goes. */
  logFile: string;
}

/** A shim that has no session yet. */
export interface ShimProcess {
  readonly pid: number;
  readonly alive: boolean;
  /**
   * Hands over the session, once, and resolves with the shim's one report.
   * Rejects with `shim_lost` when it dies first, with `timeout` after `deadlineMs`: then what became of it is to be
   * read from the claim.
   */
  launch(spec: LaunchSpec, deadlineMs: number): Promise<LaunchReport>;
  /** Lets an unassigned shim go: it leaves when its pipe closes. */
  release(): void;
  onGone(gone: () => void): void;
}

const REPORT_BYTES = 1024 * 1024;

/** Throws what spawn(2) says: EAGAIN, ENOMEM, a missing executable. */
export function startShim(command: ShimCommand, clock: Clock): ShimProcess {
  const log = openSync(command.logFile, 'a', 0o600);
  let child: ChildProcess;
  try {
    child = spawn(command.node, command.args, {
      detached: true,
      cwd: '/',
      env: command.env,
      stdio: ['ignore', log, log, 'pipe'],
    });
  } finally {
    closeSync(log);
  }
  return new SpawnedShim(child, clock);
}

class SpawnedShim implements ShimProcess {
  readonly pid: number;
  readonly #clock: Clock;
  readonly #child: ChildProcess;
  readonly #pipe: Duplex;
  readonly #gone: (() => void)[] = [];
  #alive = true;

  constructor(child: ChildProcess, clock: Clock) {
    this.#child = child;
    this.#clock = clock;
    this.pid = child.pid ?? 0;
    this.#pipe = child.stdio[3] as Duplex;
    const gone = () => {
      if (!this.#alive) return;
      this.#alive = false;
      for (const notify of this.#gone) notify();
    };
    child.once('error', gone);
    child.once('exit', gone);
    // Writing to a shim that has just died; the end of the pipe tells it as well.
    this.#pipe.on('error', gone);
  }

  get alive(): boolean {
    return this.#alive && this.pid !== 0;
  }

  onGone(gone: () => void): void {
    if (this.alive) this.#gone.push(gone);
    else gone();
  }

  async launch(spec: LaunchSpec, deadlineMs: number): Promise<LaunchReport> {
    const report = this.#report();
    this.#pipe.write(`${JSON.stringify(spec)}\n`);
    try {
      return await withDeadline(
        this.#clock,
        deadlineMs,
        report,
        () => new HoldfastError('timeout', `shim ${this.pid} did not report within ${deadlineMs} ms`),
      );
    } finally {
      // After a timeout nobody waits for the report any more.
      report.catch(() => undefined);
      this.#pipe.destroy();
      this.#child.unref();
    }
  }

  release(): void {
    this.#pipe.destroy();
    this.#child.unref();
  }

  #report(): Promise<LaunchReport> {
    return new Promise((resolve, reject) => {
      let text = '';
      const lost = () => reject(new HoldfastError('shim_lost', `shim ${this.pid} ended before it reported`));
      this.#pipe.setEncoding('utf8');
      this.#pipe.on('data', (chunk: string) => {
        text += chunk;
        const end = text.indexOf('\n');
        if (end >= 0) {
          try {
            resolve(JSON.parse(text.slice(0, end)) as LaunchReport);
          } catch {
            lost(); // Not a report: as good as none.
          }
        } else if (text.length > REPORT_BYTES) lost();
      });
      this.#pipe.once('close', lost);
      this.#pipe.once('end', lost);
    });
  }
}
