/** The inherited pipe to srv (descriptor 3): one launch line in, one report line out, then it is closed. */
import { Socket } from 'node:net';
import { HoldfastError } from '../../protocol/errors.ts';
import type { LaunchReport, LaunchSpec } from '../../protocol/launch/index.ts';
import { ARGUMENTS_BYTES } from '../../protocol/limits.ts';
import type { Clock } from '../../runtime/index.ts';

/** JSON may double an argument or environment byte; beyond this the line is no launch line. */
const LINE_BYTES = 8 * ARGUMENTS_BYTES;
/** How long srv may take to read one report line before the shim goes on without it. */
const REPORT_MS = 5_000;

export class Assignment {
  readonly #pipe: Socket;
  readonly #clock: Clock;

  constructor(fd: number, clock: Clock) {
    this.#pipe = new Socket({ fd, readable: true, writable: true, allowHalfOpen: true });
    this.#clock = clock;
  }

  /**
   * The launch spec, or null when srv went away first. A warm spare waits here for as long as srv lives; the one wait
   * without a deadline, since its owner's death ends it.
   */
  receive(): Promise<LaunchSpec | null> {
    const pipe = this.#pipe;
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let length = 0;
      const settle = (finish: () => void) => {
        pipe.removeAllListeners('data').removeAllListeners('end');
        pipe.pause();
        finish();
      };
      pipe.on('data', (chunk: Buffer) => {
        const newline = chunk.indexOf(0x0a);
        chunks.push(newline === -1 ? chunk : chunk.subarray(0, newline));
        length += chunk.length;
        if (newline !== -1) settle(() => parseSpec(Buffer.concat(chunks).toString(), resolve, reject));
        else if (length > LINE_BYTES) settle(() => reject(tooLarge()));
      });
      pipe.on('end', () => settle(() => resolve(null)));
      // srv may die while we write; what it can no longer hear is its loss, not ours.
      pipe.on('error', () => settle(() => resolve(null)));
    });
  }

  /** Sends the one report and closes the pipe; resolves when srv has it or is gone. */
  report(report: LaunchReport): Promise<void> {
    const pipe = this.#pipe;
    return new Promise((resolve) => {
      const done = () => {
        cancel();
        pipe.destroy();
        resolve();
      };
      const cancel = this.#clock.after(REPORT_MS, done);
      pipe.once('close', done);
      pipe.end(`${JSON.stringify(report)}\n`, done);
    });
  }
}

function parseSpec(line: string, resolve: (spec: LaunchSpec) => void, reject: (error: HoldfastError) => void): void {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (error) {
    reject(new HoldfastError('invalid_argument', 'the launch line is not JSON', { field: 'launch', cause: error }));
    return;
  }
  const spec = parsed as LaunchSpec | null;
  if (typeof spec === 'object' && spec !== null && spec.launch === 1) resolve(spec);
  else
    reject(
      new HoldfastError('invalid_argument', 'the launch line is of a version this shim does not know', {
        field: 'launch',
      }),
    );
}

function tooLarge(): HoldfastError {
  return new HoldfastError('too_large', `a launch line holds at most ${LINE_BYTES} bytes`, { field: 'launch' });
}
