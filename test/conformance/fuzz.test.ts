/**
 * Both decoders against mutated golden messages (DESIGN §12): every split, every error code often, no memory kept.
 * `FUZZ_SEED=n` repeats a run.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { LineSplitter, isBlank, parseControlLine } from '../../src/protocol/control/index.ts';
import { parseCommand } from '../../src/protocol/control/schemas.ts';
import { HoldfastError, limits } from '../../src/protocol/index.ts';
import {
  FrameDecoder,
  SessionCommandError,
  encodeDataHeader,
  encodeGap,
  encodeInputHeader,
  encodeJson,
  parseSessionCommand,
  parseSessionEvent,
  type Frame,
} from '../../src/protocol/session/index.ts';
import { CONTROL_COMMAND_FIXTURES, CONTROL_EVENT_FIXTURES } from './fixtures/control-messages.ts';
import { SESSION_COMMAND_FIXTURES, SESSION_EVENT_FIXTURES } from './fixtures/session-messages.ts';

/** Each code is reached at least this often. */
const OFTEN = 300;
const LEAST_ROUNDS = 20_000;
const MOST_ROUNDS = 400_000;
const HEAP_BYTES = 5 * 1024 * 1024;

const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 32);

/** mulberry32: small, fast and repeatable. */
function random(start: number): (below: number) => number {
  let state = start >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heap(): number {
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const jsonFrames = [...Object.values(SESSION_COMMAND_FIXTURES), ...Object.values(SESSION_EVENT_FIXTURES)].map(
  (message) => encodeJson(message),
);
const frames = [
  ...jsonFrames,
  Buffer.concat([encodeDataHeader(1, 2 ** 33, 40), Buffer.alloc(40, 0x41)]),
  Buffer.concat([encodeInputHeader(2, 9, 7), Buffer.from('ls -la\n')]),
  encodeGap(1, 5, 900, 'retention'),
  encodeGap(2, 0, Infinity, 'shim_lost'),
];
const lines = [...Object.values(CONTROL_COMMAND_FIXTURES), ...Object.values(CONTROL_EVENT_FIXTURES)].map((message) =>
  Buffer.from(`${JSON.stringify(message)}\n`),
);

type Below = (below: number) => number;

/** One to three edits: flip, set, cut, insert, double, swap with a piece of another. */
function mutate(source: Buffer, others: readonly Buffer[], below: Below): Buffer {
  let bytes: Buffer = Buffer.from(source);
  for (let edits = 1 + below(3); edits > 0; edits--) {
    const at = below(bytes.length + 1);
    const rest = bytes.subarray(at);
    const kind = below(7);
    if (kind === 0 && at < bytes.length) bytes[at] = bytes[at]! ^ (1 << below(8));
    else if (kind === 1 && at < bytes.length) bytes[at] = below(256);
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), rest.subarray(below(8))]);
    else if (kind === 3)
      bytes = Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from('{}[]":,0\0\xff\n ', 'latin1').subarray(below(11)),
        rest,
      ]);
    else if (kind === 4) bytes = Buffer.concat([bytes, rest]);
    else if (kind === 5)
      bytes = Buffer.concat([bytes.subarray(0, at), others[below(others.length)]!.subarray(below(20))]);
    else if (kind === 6 && bytes.length > 4) bytes[below(4)] = below(256);
  }
  return bytes;
}

/** In pieces of random size. */
function* pieces(bytes: Buffer, below: Below): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const size = below(3) === 0 ? 1 : 1 + below(bytes.length);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

class Codes {
  readonly reached = new Map<string, number>();

  /** Runs what may refuse; anything but a refusal is a defect. */
  run(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      const source = error instanceof SessionCommandError ? `command:${error.code}` : error.code;
      this.reached.set(source, (this.reached.get(source) ?? 0) + 1);
    }
  }

  missing(wanted: readonly string[]): string[] {
    return wanted.filter((code) => (this.reached.get(code) ?? 0) < OFTEN);
  }
}

function readFrame(frame: Frame, codes: Codes): void {
  if (frame.kind !== 'json') return;
  codes.run(() => parseSessionCommand(frame.json));
  codes.run(() => parseSessionEvent(frame.json));
}

function readLines(bytes: Buffer, below: Below): void {
  const splitter = new LineSplitter();
  for (const piece of pieces(bytes, below)) {
    splitter.push(piece);
    for (let line = splitter.next(); line !== null; line = splitter.next())
      if (!isBlank(line)) parseCommand(parseControlLine(line));
  }
}

/** Repeats `round` until every code was reached often; the memory it needed is free again afterwards. */
function fuzz(wanted: readonly string[], codes: Codes, round: () => void): void {
  for (let warm = 0; warm < 500; warm++) round();
  const before = heap();
  let rounds = 0;
  while (rounds < LEAST_ROUNDS || (codes.missing(wanted).length > 0 && rounds < MOST_ROUNDS)) {
    round();
    rounds++;
  }
  const grown = heap() - before;
  console.info(
    `fuzz: seed ${seed}, ${rounds} rounds, ${JSON.stringify(Object.fromEntries(codes.reached))}, heap +${grown} bytes`,
  );
  expect(codes.missing(wanted)).toEqual([]);
  expect(grown).toBeLessThanOrEqual(HEAP_BYTES);
}

describe(`fuzzing (seed ${seed})`, () => {
  it('[F1] frames: every golden frame split at every byte is the same frame', () => {
    for (const bytes of frames) {
      const whole: Frame[] = [];
      new FrameDecoder((frame) => whole.push(frame)).push(bytes);
      expect(whole).toHaveLength(1);
      for (let cut = 0; cut <= bytes.length; cut++) {
        const got: Frame[] = [];
        const decoder = new FrameDecoder((frame) => got.push(frame));
        decoder.push(bytes.subarray(0, cut));
        decoder.push(bytes.subarray(cut));
        expect(got).toEqual(whole);
      }
    }
  });

  it('[F2] [F6] frames: mutated ones are refused by a code or are other frames, and cost nothing', () => {
    const below = random(seed);
    const codes = new Codes();
    fuzz(
      ['bad_frame', 'too_large', 'command:bad_frame', 'command:invalid_argument', 'command:unknown_command'],
      codes,
      () => {
        const bytes = mutate(frames[below(frames.length)]!, frames, below);
        const decoder = new FrameDecoder((frame) => readFrame(frame, codes));
        codes.run(() => {
          for (const piece of pieces(bytes, below)) decoder.push(piece);
        });
        expect(decoder.pending).toBeLessThanOrEqual(bytes.length);
      },
    );
  });

  it('[F1] frames: however mutated bytes are cut, the outcome is the same', () => {
    const below = random(seed ^ 0x5eed);
    const outcome = (chunks: Iterable<Buffer>): unknown[] => {
      const log: unknown[] = [];
      const decoder = new FrameDecoder((frame) => log.push(frame));
      try {
        for (const chunk of chunks) decoder.push(chunk);
      } catch (error) {
        log.push(HoldfastError.from(error).message);
      }
      return log;
    };
    for (let round = 0; round < 2_000; round++) {
      const bytes = mutate(
        Buffer.concat([frames[below(frames.length)]!, frames[below(frames.length)]!]),
        frames,
        below,
      );
      expect(outcome(pieces(bytes, below))).toEqual(outcome([bytes]));
    }
  });

  it('[C3] [F6] lines: mutated ones are refused by a code or are other lines, and cost nothing', () => {
    const below = random(seed + 1);
    const codes = new Codes();
    fuzz(['invalid_argument', 'too_large', 'unknown_command'], codes, () => {
      const kind = below(60);
      let bytes = mutate(lines[below(lines.length)]!, lines, below);
      if (kind === 0) bytes = Buffer.concat([Buffer.alloc(limits.CONTROL_LINE_IN_BYTES, 0x20), bytes]);
      else if (kind < 3) bytes = Buffer.from(`{"cmd":"ping","x":${'['.repeat(below(140))}${']'.repeat(below(140))}}\n`);
      codes.run(() => readLines(bytes, below));
    });
  });
});
