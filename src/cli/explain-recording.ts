/** `explain --recording`: what a profile's rules make of recorded output, as the session's own process would. */
import { readFileSync } from 'node:fs';
import { createRecordingReader, type RecordingReader } from '../agents/index.ts';
import type { AgentStatus } from '../client/index.ts';
import { HoldfastError, invalid, limits } from '../protocol/index.ts';
import { type Emulator, openEmulator } from '../screen/index.ts';
import { integer, text } from './arguments.ts';
import type { CommandContext } from './command.ts';
import { explanationLines, saying } from './explanation.ts';
import { printable, table } from './format.ts';

const PIECE_BYTES = 512;
const PIECES_COUNT = 20_000;
/** Raw output has no times: a piece counts as this, and the end as a long silence. */
const PIECE_MS = 50;
const SILENCE_MS = 60_000;

interface Moment {
  /** Bytes of the recording until then. */
  offset: number;
  status: AgentStatus;
}

export async function explainRecording({ connect, options, json, out }: CommandContext): Promise<number> {
  const name = text(options, 'agent');
  if (name === undefined) throw invalid('--agent', '--recording needs the profile to read it with: --agent NAME');
  const rows = integer(options, 'rows', 1, limits.TERMINAL_SIDE_CELLS) ?? limits.DEFAULT_ROWS;
  const cols = integer(options, 'cols', 1, limits.TERMINAL_SIDE_CELLS) ?? limits.DEFAULT_COLS;
  if (rows * cols > limits.TERMINAL_AREA_CELLS)
    throw invalid('--rows', `--rows × --cols is at most ${limits.TERMINAL_AREA_CELLS} cells`);
  const recording = read(text(options, 'recording')!);
  const profile = await (await connect()).agents.profile(name);
  const reader = createRecordingReader(profile, null);
  const emulator = await openEmulator(rows, cols);
  const { moments, end } = await replay(recording, reader, emulator);
  const explanation = reader.explain(end);
  if (json) {
    for (const moment of moments) out.json(moment);
    out.json({ offset: recording.length, explanation });
    return 0;
  }
  const lines = moments.map(({ offset, status }) => [
    String(offset),
    saying(status),
    status.source,
    printable(status.rule),
    printable(status.summary),
  ]);
  for (const line of table([['OFFSET', 'STATUS', 'SOURCE', 'RULE', 'SUMMARY'], ...lines], out.columns)) out.line(line);
  out.line('');
  for (const line of explanationLines(explanation, 'at its end', end, out.columns)) out.line(line);
  return 0;
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const message = `--recording ${path} cannot be read: ${(error as Error).message}`;
    throw new HoldfastError(missing ? 'not_found' : 'invalid_argument', message, {
      field: '--recording',
      cause: error,
    });
  }
}

/** Each change of the status, and when the silence after the last byte is over. */
async function replay(
  recording: Buffer,
  reader: RecordingReader,
  emulator: Emulator,
): Promise<{ moments: Moment[]; end: number }> {
  const moments: Moment[] = [];
  const note = (offset: number, at: number): void => {
    const { status } = reader.explain(at);
    const last = moments.at(-1)?.status;
    if (last?.activity !== status.activity || last.attention !== status.attention) moments.push({ offset, status });
  };
  const size = Math.max(PIECE_BYTES, Math.ceil(recording.length / PIECES_COUNT));
  let at = 0;
  for (let offset = 0; offset < recording.length; offset += size) {
    const piece = recording.subarray(offset, offset + size);
    at += PIECE_MS;
    reader.output(piece, at);
    await emulator.write(piece);
    reader.screen(emulator.view(), at);
    note(offset + piece.length, at);
  }
  const end = at + SILENCE_MS;
  note(recording.length, end);
  return { moments, end };
}
