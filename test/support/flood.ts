/** Sessions whose children write the oracle's stream for as long as the test wants, each with a reader that checks it. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { Session, SessionSpec } from '../../src/client/index.ts';
import { isAlive, type ProcessIdentity, processIdentity } from '../../src/process/index.ts';
import { lengthAsRead, type OpenRead, openOracleRead, type OracleRead } from './oracle-reader.ts';
import type { TestRuntime } from './runtime.ts';

const CHILD = fileURLToPath(new URL('./flood-child.mjs', import.meta.url));
const PAUSE_MS = 20;
const MOST_BYTES = 16 * 1024;
/** A flood goes on for as long as its test; a machine with other work makes that long. */
const READ_MS = process.env['HOLDFAST_TEST_LONG'] === '1' ? 600_000 : 180_000;
/** A long flood must not outgrow what its log keeps: every byte is compared at the end. */
const SPILL_BYTES = 512 * 1024 * 1024;

export interface FloodSession {
  session: Session;
  pty: boolean;
  child: ProcessIdentity;
  shim: ProcessIdentity;
}

export class Flood {
  readonly sessions: FloodSession[] = [];
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory);
  }

  /** `count` sessions, pipe and PTY in turns. */
  static async start(runtime: TestRuntime, count = 8): Promise<Flood> {
    const flood = new Flood(join(runtime.home, 'flood'));
    const starts = Array.from({ length: count }, (_, at) => flood.#begin(runtime, at % 2 === 1));
    flood.sessions.push(...(await Promise.all(starts)));
    return flood;
  }

  /** A reader of each session, from its first byte, connected. */
  async read(sessions = this.sessions): Promise<OpenRead[]> {
    const reads = sessions.map(({ session, pty }) => openOracleRead(session, { pty, patienceMs: READ_MS }));
    await Promise.all(reads.map(({ opened }) => opened));
    return reads;
  }

  /** The children come to their end. */
  stop(): void {
    writeFileSync(join(this.#directory, 'stop'), '');
  }

  /** Bytes a child wrote, as a reader sees them. Only after its end. */
  total({ child, pty }: FloodSession): number {
    return lengthAsRead(Number(readFileSync(join(this.#directory, `${child.pid}.total`), 'utf8')), pty);
  }

  expectAllAlive(sessions = this.sessions): void {
    const dead = sessions.filter(({ child, shim }) => !isAlive(child) || !isAlive(shim));
    expect(dead.map(({ session }) => session.id)).toEqual([]);
    for (const { child } of sessions) expect(existsSync(join(this.#directory, `${child.pid}.total`))).toBe(false);
  }

  /** The read has every byte its child wrote, the child's own exit, and the end. */
  expectWhole(session: FloodSession, read: OracleRead): void {
    const checker = read.streams.get(1);
    expect({ bytes: checker?.bytes, gaps: read.gaps }).toEqual({ bytes: this.total(session), gaps: [] });
    expect(read.exit).toMatchObject({ code: 7, signal: null });
    expect(read.end).toMatchObject({ cause: 'child', survivors: [] });
  }

  async #begin(runtime: TestRuntime, pty: boolean): Promise<FloodSession> {
    const spec: Partial<SessionSpec> = { kind: pty ? 'pty' : 'pipe', limits: { spill_bytes: SPILL_BYTES } };
    const argv = [process.execPath, CHILD, this.#directory, String(PAUSE_MS), String(MOST_BYTES)];
    const session = await runtime.run(argv, spec);
    const { pid, shim_pid } = await session.record();
    return { session, pty, child: known(pid), shim: known(shim_pid) };
  }
}

function known(pid: number | null): ProcessIdentity {
  const identity = pid === null ? undefined : processIdentity(pid);
  if (identity === undefined) throw new Error(`process ${pid} does not run`);
  return identity;
}
