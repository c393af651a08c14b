/** A child on pipes: stdin, stdout and stderr, or the latter two as one in write order. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, readlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { type LibC, type OutputEnd, systemTable } from '../../process/index.ts';
import { HoldfastError } from '../../protocol/index.ts';
import type { LaunchSpec } from '../../protocol/launch/index.ts';
import { STDERR, STDOUT, type StreamId } from '../../protocol/session/index.ts';
import type { Child, ChildHandlers, WriteOutcome } from '../contract.ts';
import { startFailed } from './checks.ts';
import { childEnvironment } from './environment.ts';
import { openPipes, type PipeDirection, type PipePair } from './fifo.ts';
import { OutputReader } from './reader.ts';
import { signalGroup } from './signals.ts';

/** The contract's bound: one turn then costs under 1 ms at memory speed. */
const TURN_BYTES = 1024 * 1024;

interface Output {
  end: OutputEnd;
  reader: OutputReader;
  ended: boolean;
}

export class PipeChild implements Child {
  readonly pid: number;
  readonly start_time: number;
  readonly #stdin: Socket;
  readonly #outputs: Output[];
  #lastWrite: Promise<WriteOutcome> = Promise.resolve('written');
  #stdinClosed = false;

  constructor(spec: LaunchSpec, handlers: ChildHandlers, libc: LibC | undefined) {
    const streams: StreamId[] = spec.merge_stderr ? [STDOUT] : [STDOUT, STDERR];
    const directions: PipeDirection[] = ['to_child', 'from_child', 'from_child'];
    const [stdin, ...outputs] = openPipes(directions.slice(0, 1 + streams.length), spec.session_dir, libc);
    const child = startProcess(spec, stdin!, outputs);
    this.pid = child.pid!;
    // Not waited for before the loop turns, so it is there even if it has ended.
    this.start_time = systemTable.read(this.pid)?.start_time ?? 0;
    child.once('exit', (code, signal) => handlers.exit({ code, signal }));
    this.#stdin = new Socket({ fd: stdin!.ours, readable: false, writable: true });
    // Every write learns its error itself.
    this.#stdin.on('error', () => {});
    this.#outputs = outputs.map(({ ours }, index) => this.#open(streams[index]!, ours, handlers));
  }

  outputEnds(): readonly OutputEnd[] {
    return this.#outputs.filter(({ ended }) => !ended).map(({ end }) => end);
  }

  pauseOutput(): void {
    for (const { reader } of this.#outputs) reader.pause();
  }

  resumeOutput(): void {
    for (const { reader } of this.#outputs) reader.resume();
  }

  drainOutput(): void {
    for (const { reader } of this.#outputs) reader.drain();
  }

  /** Its stream knows what waits, not the caller. */
  writeNow(): number {
    return 0;
  }

  write(bytes: Buffer): Promise<WriteOutcome> {
    if (this.#stdinClosed || this.#stdin.destroyed) return Promise.resolve('closed');
    this.#lastWrite = new Promise((resolve) => {
      this.#stdin.write(bytes, (error) => resolve(error ? 'closed' : 'written'));
    });
    return this.#lastWrite;
  }

  async closeStdin(): Promise<void> {
    this.#stdinClosed = true;
    await this.#lastWrite;
    this.#stdin.destroy();
  }

  /** A pipe has no size. */
  resize(): void {}

  signal(signal: NodeJS.Signals): void {
    // While anybody is in the group its id is not given to others; once the pid is another's, the group is gone.
    const row = systemTable.read(this.pid);
    const reused = row !== undefined && row.start_time !== this.start_time;
    if (!reused && signalGroup(this.pid, signal)) return;
    throw new HoldfastError('session_exited', 'No process is left in the process group of the child.');
  }

  close(): void {
    this.#stdinClosed = true;
    this.#stdin.destroy();
    for (const { reader } of this.#outputs) reader.close();
  }

  #open(stream: StreamId, fd: number, handlers: ChildHandlers): Output {
    const reader = new OutputReader({
      fd,
      turnBytes: TURN_BYTES,
      open: (reading) => new Socket(reading),
      output: (bytes) => handlers.output(stream, bytes),
      ended: () => {
        output.ended = true;
        reader.close();
        handlers.eof(stream);
      },
    });
    const output: Output = { end: { link: linkOf(fd), tty: 0 }, reader, ended: false };
    return output;
  }
}

function startProcess(spec: LaunchSpec, stdin: PipePair, outputs: PipePair[]): ChildProcess {
  const [program = '', ...args] = spec.argv;
  const [stdout, stderr = stdout] = outputs;
  try {
    const child = spawn(program, args, {
      cwd: spec.cwd,
      env: Object.fromEntries(childEnvironment(spec)),
      stdio: [stdin.theirs, stdout!.theirs, stderr!.theirs],
      detached: true,
    });
    if (child.pid !== undefined) return child;
    child.once('error', () => {});
    throw startFailed(
      126,
      'argv[0]',
      `${program} could not be started: a limit of the system was reached, or the program changed.`,
    );
  } catch (error) {
    for (const { ours } of [stdin, ...outputs]) closeSync(ours);
    if (error instanceof HoldfastError) throw error;
    const { code = 'EUNKNOWN' } = error as NodeJS.ErrnoException;
    throw startFailed(126, 'argv[0]', `${program} could not be started (${code}).`, code);
  } finally {
    for (const { theirs } of [stdin, ...outputs]) closeSync(theirs);
  }
}

function linkOf(fd: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    // No /proc on this system: holders are unknown there.
    return '';
  }
}
