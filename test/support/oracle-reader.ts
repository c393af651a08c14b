/** Children that write the oracle's stream, and readers of them that check every byte. */
import { fileURLToPath } from 'node:url';
import type { ExitFact, OutputItem, OutputOptions, Session, StreamId } from '../../src/client/index.ts';
import { OracleChecker, ptyLength } from './oracle.mjs';
import { soon } from './runtime.ts';

const ORACLE = fileURLToPath(new URL('./oracle.mjs', import.meta.url));

/** Longest a reader of a test may take for a whole session. */
export const READ_MS = process.env['HOLDFAST_TEST_LONG'] === '1' ? 300_000 : 60_000;

export interface OracleChild {
  bytes: number;
  /** Bytes of one write; `~N`: 1 to N, changing. */
  chunk?: number | string;
  exit?: number;
  /** `both`: all of it on stdout, its first half on stderr; `turns`: chunks on stdout and stderr in turns. */
  where?: 'stdout' | 'both' | 'turns';
  /** Offset of its first byte; `bytes` is one past the last. */
  from?: number;
}

export function oracleArgv({ bytes, chunk = 65_536, exit = 0, where = 'stdout', from = 0 }: OracleChild): string[] {
  return [process.execPath, ORACLE, String(bytes), String(chunk), String(exit), where, String(from)];
}

export interface OracleRead {
  /** What came per stream. */
  streams: Map<StreamId, OracleChecker>;
  gaps: Extract<OutputItem, { type: 'gap' }>[];
  exit: ExitFact | undefined;
  end: Extract<OutputItem, { type: 'end' }> | undefined;
  /** Connections it lost on the way. */
  lost: number;
}

export interface OracleReading extends OutputOptions {
  pty?: boolean;
  /** Longest it may take for the whole session. */
  patienceMs?: number;
  /** Called with every piece before the next is asked for: a slow reader takes its time here. */
  taken?: (bytes: number) => void | Promise<void>;
}

/** A read that has begun: its connection stands, or `opened` rejects. */
export interface OpenRead {
  opened: Promise<unknown>;
  result: Promise<OracleRead>;
  /** Bytes and gaps of a stream so far. */
  reached(stream?: StreamId): number;
}

/** Reads a session to its end; rejects at the first byte that is wrong, lost or doubled. */
export function readOracle(session: Session, reading: OracleReading = {}): Promise<OracleRead> {
  return openOracleRead(session, reading).result;
}

export function openOracleRead(
  session: Session,
  { pty = false, patienceMs = READ_MS, taken, ...options }: OracleReading = {},
): OpenRead {
  const read: OracleRead = { streams: new Map(), gaps: [], exit: undefined, end: undefined, lost: 0 };
  const output = session.output({
    from: 0,
    ...options,
    onConnection: (state) => {
      if (state === 'lost') read.lost++;
    },
  });
  const opened = output.open();
  const work = async (): Promise<OracleRead> => {
    await opened;
    for await (const item of output) {
      if (read.end !== undefined) throw new Error(`${item.type} after the end`);
      take(read, item, pty);
      if (item.type === 'data' && taken !== undefined) await taken(item.bytes.length);
    }
    if (read.end === undefined) throw new Error('the stream stopped without an end');
    return read;
  };
  return {
    opened,
    result: soon(work(), 'a reader to reach the end', patienceMs),
    reached: (stream = 1) => read.streams.get(stream)?.position ?? 0,
  };
}

function take(read: OracleRead, item: OutputItem, pty: boolean): void {
  const checker = (stream: StreamId): OracleChecker => {
    const known = read.streams.get(stream) ?? new OracleChecker({ pty });
    read.streams.set(stream, known);
    return known;
  };
  if (item.type === 'data') checker(item.stream).data(item.offset, item.bytes);
  else if (item.type === 'gap') {
    checker(item.stream).gap(item.from, item.to);
    read.gaps.push(item);
  } else if (item.type === 'eof') {
    const { position = 0 } = checker(item.stream);
    if (position !== item.offset)
      throw new Error(`eof of stream ${item.stream} at ${item.offset}, the reader is at ${position}`);
  } else if (item.type === 'child_exit') {
    if (read.exit !== undefined) throw new Error('the exit was told twice');
    read.exit = item.exit;
  } else if (item.type === 'end') read.end = item;
}

/** What the oracle's stream of `bytes` bytes is for a reader of this kind of session. */
export function lengthAsRead(bytes: number, pty: boolean): number {
  return pty ? ptyLength(bytes) : bytes;
}

/** `seconds` with a fraction, for a reader that takes its time; never a way to wait for something. */
export function dawdle(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Checks what a command wrote to its stdout, with the gaps it named on stderr, as one read from offset 0. */
export function checkPrinted(stdout: Buffer, stderr: string, { pty = false, from = 0 } = {}): OracleChecker {
  const checker = new OracleChecker({ pty });
  let position = from;
  let printed = 0;
  const gaps = [...stderr.matchAll(/^holdfast: (\d+) bytes of stream \d from offset (\d+) are missing \((\w+)\)$/gm)];
  for (const [, size, at] of gaps) {
    const before = Number(at) - position;
    checker.data(position, stdout.subarray(printed, printed + before));
    checker.gap(Number(at), Number(at) + Number(size));
    printed += before;
    position = Number(at) + Number(size);
  }
  checker.data(position, stdout.subarray(printed));
  return checker;
}
