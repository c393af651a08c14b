import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { STDOUT } from '../protocol/session/index.ts';
import { systemClock } from '../runtime/index.ts';
import { SessionLog } from '../session/index.ts';
import { createEmulator, type Emulator, type EmulatorEvents } from './emulator.ts';
import { Mirror } from './mirror.ts';

const MEMORY_BYTES = 256 * 1024;
const LINE = Buffer.from(`${'x'.repeat(78)}\r\n`);
const LINES = 100_000;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hf-mirror-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** The real emulator, whose writes take effect only when the test lets them. */
class SlowEmulator {
  underWay = 0;
  mostUnderWay = 0;
  #release: (() => void)[] = [];
  #isSlow = true;

  readonly create = (rows: number, cols: number, events: EmulatorEvents): Emulator => {
    const real = createEmulator(rows, cols, events);
    const write = async (bytes: Buffer): Promise<void> => {
      this.underWay += bytes.length;
      this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
      if (this.#isSlow) await new Promise<void>((resolve) => this.#release.push(resolve));
      await real.write(bytes);
      this.underWay -= bytes.length;
    };
    return Object.create(real, { write: { value: write } }) as Emulator;
  };

  release(): void {
    this.#isSlow = false;
    for (const resolve of this.#release.splice(0)) resolve();
  }
}

it('[Q4] a screen that falls behind holds up neither the log nor its readers, and skips to what is still held', async () => {
  const log = new SessionLog({
    clock: systemClock,
    directory,
    streams: [STDOUT],
    memoryBytes: MEMORY_BYTES,
    spillBytes: 0,
    segmentBytes: 0,
  });
  const slow = new SlowEmulator();
  const mirror = new Mirror({
    source: log,
    rows: 24,
    cols: 80,
    clock: systemClock,
    create: slow.create,
    nextQuery: () => null,
    answered() {},
  });
  const reader = log.cursor([STDOUT], { offsets: { [STDOUT]: 0 } });
  let received = 0;
  for (let line = 0; line < LINES; line++) {
    log.append(STDOUT, Buffer.from(LINE));
    for (const item of reader.read(1 << 20)) received += item.type === 'data' ? item.bytes.length : Number.NaN;
  }
  expect(received).toBe(LINES * LINE.length);
  expect(slow.mostUnderWay).toBeLessThanOrEqual(MEMORY_BYTES);
  expect(mirror.state.offset).toBeLessThan(received / 10);
  slow.release();
  await mirror.caughtUp(10_000);
  expect(mirror.state).toEqual({ offset: received, exact: false });
  expect(mirror.text(undefined).content.split('\n')[0]).toBe('x'.repeat(78));
  mirror.close();
});
