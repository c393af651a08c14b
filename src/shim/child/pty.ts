/** A child on a pseudoterminal. */
import { statSync } from 'node:fs';
import { constants } from 'node:os';
import { ReadStream } from 'node:tty';
import { type OutputEnd, type ProcessIdentity, systemTable } from '../../process/index.ts';
import { HoldfastError } from '../../protocol/index.ts';
import type { LaunchSpec } from '../../protocol/launch/index.ts';
import { STDOUT } from '../../protocol/session/index.ts';
import type { Clock } from '../../runtime/index.ts';
import type { Child, ChildHandlers, ExitStatus, WriteOutcome } from '../contract.ts';
import { childEnvironment } from './environment.ts';
import { type Forked, forkTerminal, resizeTerminal } from './native-pty.ts';
import { OutputReader } from './reader.ts';
import { signalGroup } from './signals.ts';
import { TerminalWriter } from './writer.ts';

/** 64 reads of what a terminal returns at most: about 3 ms. */
const TURN_BYTES = 256 * 1024;
const END_OF_FILE = 0x04;
const LINE_FEED = 0x0a;

export class TerminalChild implements Child {
  readonly pid: number;
  readonly start_time: number;
  readonly #fd: number;
  readonly #end: OutputEnd;
  readonly #handlers: ChildHandlers;
  readonly #reader: OutputReader;
  readonly #writer: TerminalWriter;
  #exited = false;
  #closed = false;
  #ended = false;
  /** Whether the input so far ends in the middle of a line, as a line discipline sees it. */
  #inLine = false;

  constructor(spec: LaunchSpec, handlers: ChildHandlers, clock: Clock) {
    const forked = forkTerminal({
      argv: spec.argv,
      env: childEnvironment(spec),
      cwd: spec.cwd,
      rows: spec.rows,
      cols: spec.cols,
      exited: (code, signal) => this.#exit(exitStatus(code, signal)),
    });
    const identity = identityOf(forked.pid);
    this.pid = identity.pid;
    this.start_time = identity.start_time;
    this.#fd = forked.fd;
    this.#end = { link: forked.pty, tty: deviceOf(forked) };
    this.#handlers = handlers;
    this.#writer = new TerminalWriter(forked.fd, clock);
    this.#reader = new OutputReader({
      fd: forked.fd,
      turnBytes: TURN_BYTES,
      open: (reading) => new ReadStream(forked.fd, reading),
      output: (bytes) => handlers.output(STDOUT, bytes),
      ended: () => this.#hungUp(),
    });
  }

  outputEnds(): readonly OutputEnd[] {
    return this.#ended ? [] : [this.#end];
  }

  pauseOutput(): void {
    this.#reader.pause();
  }

  resumeOutput(): void {
    this.#reader.resume();
  }

  drainOutput(): void {
    this.#reader.drain();
  }

  writeNow(bytes: Buffer): number {
    const taken = this.#writer.writeNow(bytes);
    if (taken > 0) this.#noteLine(bytes[taken - 1]!);
    return taken;
  }

  write(bytes: Buffer): Promise<WriteOutcome> {
    const last = bytes.at(-1);
    if (last !== undefined) this.#noteLine(last);
    return this.#writer.write(bytes);
  }

  async closeStdin(): Promise<void> {
    // In the middle of a line VEOF only hands over what is there; the second one is the end of file (termios(3)).
    await this.write(Buffer.alloc(this.#inLine ? 2 : 1, END_OF_FILE));
  }

  resize(rows: number, cols: number): void {
    if (this.#closed) return;
    resizeTerminal(this.#fd, rows, cols);
  }

  signal(signal: NodeJS.Signals): void {
    const foreground = this.#foregroundGroup();
    if (foreground === undefined || !signalGroup(foreground, signal)) {
      throw new HoldfastError('session_exited', 'No process is in the foreground of the terminal any more.');
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ended = true;
    this.#writer.close();
    this.#reader.close();
  }

  #noteLine(last: number): void {
    this.#inLine = last !== LINE_FEED && last !== 0x0d && last !== END_OF_FILE;
  }

  #exit(status: ExitStatus): void {
    this.#exited = true;
    this.#handlers.exit(status);
    if (this.#reader.isHungUp) this.#reader.hangUp();
  }

  /**
   * Nobody has the terminal open. While the child lives it stays open here: closing it would hang up a child that has
   * only redirected itself, and it may open /dev/tty again.
   */
  #hungUp(): void {
    if (!this.#exited || this.#ended) return;
    this.#ended = true;
    this.#handlers.eof(STDOUT);
    this.close();
  }

  /** The process group that gets what is typed, as any process of the terminal shows it (proc(5), tpgid). */
  #foregroundGroup(): number | undefined {
    const child = systemTable.read(this.pid);
    if (child !== undefined && child.start_time === this.start_time && !child.gone) {
      return child.foreground > 0 ? child.foreground : child.pgrp;
    }
    const other = systemTable.list().find((row) => !row.gone && row.tty !== 0 && row.tty === this.#end.tty);
    return other !== undefined && other.foreground > 0 ? other.foreground : undefined;
  }
}

/** A child that has already been waited for gets start time 0, which is nobody's: it counts as gone. */
function identityOf(pid: number): ProcessIdentity {
  return { pid, start_time: systemTable.read(pid)?.start_time ?? 0 };
}

function deviceOf({ pty }: Forked): number {
  return statSync(pty, { throwIfNoEntry: false })?.rdev ?? 0;
}

function exitStatus(code: number, signal: number): ExitStatus {
  if (signal === 0) return { code, signal: null };
  const name = Object.entries(constants.signals).find(([, number]) => number === signal)?.[0];
  return { code: null, signal: name ?? `SIG${signal}` };
}
