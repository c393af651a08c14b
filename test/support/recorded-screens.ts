/** The corpus of recorded screens: what real CLIs wrote up to a moment, and which status is right then. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRecordingReader, type ScreenReading } from '../../src/agents/index.ts';
import type { Activity, AgentProfile, Attention, Explanation } from '../../src/protocol/agent/index.ts';
import { createEmulator } from '../../src/screen/emulator.ts';

export interface RecordedScreen {
  /** `claude-2.1.329/permission`. */
  name: string;
  cli: string;
  version: string;
  rows: number;
  cols: number;
  phase: string;
  expected: { activity: Activity; attention: Attention };
  bytes: Buffer;
}

const ROOT = join(import.meta.dirname, '..', 'fixtures', 'screens');
/** As much as a terminal hands over at once. */
const PIECE_BYTES = 4_096;
/** From the last bytes to the look at the screen. */
const LAST_MS = 1_000;
/** Longer than any rule takes to settle. */
const STILL_MS = 10_000;

export function recordedScreens(root: string = ROOT): RecordedScreen[] {
  return readdirSync(root)
    .sort()
    .flatMap((folder) =>
      readdirSync(join(root, folder))
        .filter((file) => file.endsWith('.json'))
        .sort()
        .map((file) => {
          const facts = JSON.parse(readFileSync(join(root, folder, file), 'utf8')) as Omit<
            RecordedScreen,
            'name' | 'bytes'
          >;
          const name = file.slice(0, -'.json'.length);
          return { ...facts, name: `${folder}/${name}`, bytes: readFileSync(join(root, folder, `${name}.bin`)) };
        }),
    );
}

export interface Replay {
  explanation: Explanation;
  reading: ScreenReading;
  screen: string;
}

/** What a live agent's status would be, had the agent written this and then nothing more for a while. */
export async function replay(recorded: RecordedScreen, profile: AgentProfile): Promise<Replay> {
  const emulator = createEmulator(recorded.rows, recorded.cols, { reply() {}, cleared() {} });
  const reader = createRecordingReader(profile, `${recorded.cli} ${recorded.version}`);
  let now = 1_000_000;
  for (let at = 0; at < recorded.bytes.length; at += PIECE_BYTES) {
    const piece = recorded.bytes.subarray(at, at + PIECE_BYTES);
    await emulator.write(piece);
    reader.output(piece, now++);
  }
  now += LAST_MS;
  const reading = reader.screen(emulator.view(), now);
  const screen = emulator
    .view()
    .lines.map((line, row) => `${String(row + 1).padStart(2)}|${line}`)
    .join('\n');
  return { explanation: reader.explain(now + STILL_MS), reading, screen };
}
