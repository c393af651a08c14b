import * as fs from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { HoldfastError } from '../protocol/errors.ts';
import type { StreamId } from '../protocol/session/index.ts';
import { openClosedLog, readClosedFacts } from './closed.ts';
import type { SessionLog } from './log.ts';
import { CheckedReader, createTestLog, seeded, segmentFiles, type TestLog } from './testing.ts';

function testLog(options: Parameters<typeof createTestLog>[0] = {}): TestLog {
  const made = createTestLog(options);
  onTestFinished(() => made.remove());
  return made;
}

const exit = { code: 7, signal: null, outcome: 'natural_exit', at_ms: 5 } as const;

function starts(log: SessionLog): Partial<Record<StreamId, number>> {
  return Object.fromEntries(log.extents().map(({ id, start }) => [id, start]));
}

describe('SessionLog', () => {
  it('[L1] [L3] gives every reader each byte once at its offset, or a gap, whatever is appended, dropped or deleted meanwhile', () => {
    const base = Number(process.env['HOLDFAST_TEST_SEED'] ?? Date.now() % 1e9);
    for (let round = 0; round < 40; round++) {
      const seed = base + round;
      try {
        play(seed);
      } catch (error) {
        throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
      }
    }
  });

  function play(seed: number): void {
    const pick = seeded(seed);
    const deletes = pick(3) === 0;
    const spillBytes = [0, 8 * 1024, 40 * 1024, 200 * 1024][pick(4)]!;
    const made = createTestLog({
      memoryBytes: [256, 4096, 20_000][pick(3)]!,
      spillBytes,
      segmentBytes: [2048, 8192, 30_000][pick(3)]!,
    });
    const { log } = made;
    const readers: CheckedReader[] = [];
    const begun = new Map<CheckedReader, number>();
    try {
      for (let step = 0; step < 300; step++) {
        const stream = (1 + pick(2)) as StreamId;
        const what = pick(20);
        if (what < 9) made.grow(stream, 1 + pick([4, 300, 6000][pick(3)]!));
        else if (what === 9) made.grow(stream, pick(90_000));
        else if (what === 10) log.resize(1 + pick(100), 1 + pick(100));
        else if (what === 11) {
          const heads = log.extents();
          const reader = new CheckedReader(log, { 1: pick(heads[0]!.end + 1), 2: pick(heads[1]!.end + 1) });
          begun.set(reader, sum(reader));
          readers.push(reader);
        } else if (what === 12 && deletes && spillBytes > 0) {
          const files = segmentFiles(made.directory);
          // Never the one being written: that is the rule for whoever limits the home.
          if (files.length > 1) fs.unlinkSync(files[pick(files.length - 1)]!);
        } else if (what === 13) {
          const whole = new CheckedReader(log, starts(log)).readAll(1 + pick(50_000));
          expect(whole.cursor.lag()).toBe(0);
          if (!deletes) expect(whole.gaps).toEqual([]);
        } else {
          readers[pick(readers.length || 1)]?.read(pick([1, 500, 100_000][pick(3)]!));
        }
        expect(log.metrics().memory_bytes).toBeLessThanOrEqual(40_000);
        expect(diskBytes(made.directory)).toBeLessThanOrEqual(Math.max(spillBytes, spillBytes === 0 ? 0 : 4096));
      }
      log.childExit(exit);
      log.eof(1);
      log.eof(2);
      log.end('child', []);
      const total = log.metrics().bytes;
      for (const reader of readers) {
        reader.readAll(1 + pick(20_000));
        expect(reader.ended).toBe(true);
        expect(reader.bytes + reader.gapBytes).toBe(total - begun.get(reader)!);
        expect(reader.marks.filter(({ type }) => type !== 'resize').map(({ type }) => type)).toEqual([
          'child_exit',
          'eof',
          'eof',
          'end',
        ]);
      }
      if (spillBytes > 0) reopen(made);
    } finally {
      made.remove();
    }
  }

  function reopen(made: TestLog): void {
    const { log, directory } = made;
    log.close();
    const closed = openClosedLog({ directory, streams: [1, 2] });
    const reader = new CheckedReader(closed, { 1: 0, 2: 0 }).readAll(10_000);
    expect(reader.ended).toBe(true);
    expect(reader.bytes + reader.gapBytes).toBe(log.metrics().bytes);
    const ends = log.extents().map(({ end }) => end);
    expect(closed.extents().map(({ end }) => end)).toEqual(ends);
    expect(readClosedFacts({ directory, streams: [1] })).toMatchObject({
      exit,
      end: { cause: 'child', survivors: [] },
      eofs: [1, 2],
    });
  }

  it('keeps the observed order over both streams', () => {
    const { log, grow } = testLog();
    for (let i = 0; i < 50; i++) grow(i % 2 === 0 ? 1 : 2, 3);
    log.end('child', []);
    const order = log.cursor([1, 2], { offsets: { 1: 0, 2: 0 } }).read(1000);
    const streams = order.flatMap((item) => (item.type === 'data' ? [item.stream] : []));
    expect(streams).toEqual(Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? 1 : 2)));
  });

  it('[L6] writes to disk before a reader is told, and tells within the append', () => {
    const { log, directory, grow } = testLog();
    const seen: number[] = [];
    log.onAppend(() => {
      const onDisk = readClosedFacts({ directory, streams: [1, 2] }).streams[0]!.end;
      seen.push(onDisk);
    });
    grow(1, 10);
    grow(1, 5000);
    expect(seen).toEqual([10, 5010]);
  });

  it('refuses an offset ahead of the head, an unknown stream and an entry after the end', () => {
    const { log, grow } = testLog({ streams: [1] });
    grow(1, 10);
    expect(() => log.cursor([1], { offsets: { 1: 11 } })).toThrow(expect.objectContaining({ code: 'offset_ahead' }));
    expect(() => log.cursor([2], { offsets: {} })).toThrow(expect.objectContaining({ code: 'stream_unavailable' }));
    expect(() => log.append(2, Buffer.from('x'))).toThrow(expect.objectContaining({ code: 'stream_unavailable' }));
    log.eof(1);
    expect(() => log.append(1, Buffer.from('x'))).toThrow(/after its eof/);
    log.end('child', []);
    expect(() => log.resize(1, 1)).toThrow(/after the end/);
  });

  it('gives a late reader the size in force at its start and no older one', () => {
    const { log, grow } = testLog();
    log.resize(24, 80);
    grow(1, 10);
    log.resize(30, 90);
    grow(1, 10);
    log.resize(40, 100);
    const sizes = (offset: number) =>
      log
        .cursor([1], { offsets: { 1: offset } })
        .read(100)
        .flatMap((item) => (item.type === 'resize' ? [item.rows] : []));
    expect(sizes(0)).toEqual([24, 30, 40]);
    expect(sizes(12)).toEqual([30, 40]);
    expect(sizes(20)).toEqual([40]);
  });

  it('gives marks but no bytes to a reader without room', () => {
    const { log, grow } = testLog();
    log.resize(24, 80);
    grow(1, 10);
    const cursor = log.cursor([1], { offsets: { 1: 0 } });
    expect(cursor.read(0).map(({ type }) => type)).toEqual(['resize']);
    expect(cursor.read(0)).toEqual([]);
    expect(cursor.read(100).map(({ type }) => type)).toEqual(['data']);
    log.childExit(exit);
    expect(cursor.read(0).map(({ type }) => type)).toEqual(['child_exit']);
  });

  it('[L8] holds a million one-byte writes in bounded memory', () => {
    const { log } = testLog({ memoryBytes: 1 << 20, spillBytes: 0 });
    const one = Buffer.from('x');
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    collect();
    const before = process.memoryUsage();
    for (let i = 0; i < 1_000_000; i++) log.append(i % 2 === 0 ? 1 : 2, one);
    collect();
    const after = process.memoryUsage();
    const grown = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
    expect(grown).toBeLessThan(16 << 20);
    expect(log.metrics()).toMatchObject({ bytes: 1_000_000, records: 1_000_000 });
  });
});

describe('a disk that refuses', () => {
  /** Fails like a full disk while `full`: what still fits `room` is written first. */
  function fillingDisk() {
    const disk = { full: false, room: 0 };
    const io = {
      ...fs,
      writevSync(fd: number, buffers: readonly NodeJS.ArrayBufferView[], position?: number): number {
        if (!disk.full) return fs.writevSync(fd, buffers, position);
        if (disk.room === 0)
          throw Object.assign(new Error('ENOSPC: no space left on device, writev'), { code: 'ENOSPC' });
        const all = Buffer.concat(buffers.map((view) => Buffer.from(view.buffer, view.byteOffset, view.byteLength)));
        const count = Math.min(disk.room, all.length);
        disk.room -= count;
        return fs.writeSync(fd, all, 0, count, position);
      },
    };
    return { disk, io };
  }

  it('[L7] turns spill off with a warning, goes on in memory and tries again with the next segment', () => {
    const { disk, io } = fillingDisk();
    const failures: HoldfastError[] = [];
    const { log, directory, grow } = testLog({ io, streams: [1], onSpillFailed: (error) => failures.push(error) });
    grow(1, 3000);
    const slow = new CheckedReader(log, { 1: 0 });
    disk.full = true;
    disk.room = 1000;
    for (let i = 0; i < 5; i++) grow(1, 1000);
    expect(failures.map(({ code }) => code)).toEqual(['storage_full']);
    expect(log.spill).toBe('failed');
    const watching = new CheckedReader(log, { 1: log.metrics().bytes });
    disk.full = false;
    for (let i = 0; i < 20; i++) {
      grow(1, 1000);
      watching.readAll();
    }
    expect(log.spill).toBe('on');
    expect(watching.gaps).toEqual([]);
    log.end('child', []);
    slow.readAll();
    expect(slow.gaps).toHaveLength(1);
    expect(slow.gaps[0]).toMatchObject({ from: 3000, reason: 'spill_failed' });
    log.close();
    const late = new CheckedReader(openClosedLog({ directory, streams: [1] }), { 1: 0 }).readAll();
    expect(late.gaps).toMatchObject([{ from: 3000, reason: 'spill_failed' }]);
    expect(late.bytes + late.gapBytes).toBe(28_000);
    expect(late.ended).toBe(true);
  });

  it('a reader within the memory window loses nothing while the disk is full', () => {
    const { disk, io } = fillingDisk();
    const { log, grow } = testLog({ io, streams: [1], memoryBytes: 10_000 });
    grow(1, 2000);
    disk.full = true;
    const reader = new CheckedReader(log, { 1: 0 });
    grow(1, 9000);
    reader.readAll(100);
    expect(reader.gaps).toEqual([]);
    expect(reader.bytes).toBe(11_000);
    expect(log.metrics()).toMatchObject({ bytes: 11_000, dropped_bytes: 0, spilled_bytes: 2000 });
  });

  it('writes the end record over the oldest bytes when nothing else has room', () => {
    const { disk, io } = fillingDisk();
    const { log, directory, grow } = testLog({ io, streams: [1] });
    for (let i = 0; i < 30; i++) grow(1, 1000);
    disk.full = true;
    log.childExit(exit);
    // The file written over has its pages already: the next write succeeds.
    const realOpen = io.openSync;
    io.openSync = ((path: string, flags: string, mode?: number) => {
      if (flags === 'r+') disk.full = false;
      return realOpen(path, flags, mode);
    }) as typeof fs.openSync;
    log.eof(1);
    log.end('child', []);
    log.close();
    expect(readClosedFacts({ directory, streams: [1] })).toMatchObject({ exit, eofs: [1], end: { cause: 'child' } });
  });

  it('survives a real full device', () => {
    const failures: string[] = [];
    const io = {
      ...fs,
      openSync: (() => fs.openSync('/dev/full', 'w')) as typeof fs.openSync,
      ftruncateSync: () => {},
      unlinkSync: () => {},
    };
    const { log, grow } = testLog({ io, streams: [1], onSpillFailed: ({ code }) => failures.push(code) });
    for (let i = 0; i < 30; i++) grow(1, 1000);
    expect(failures).toEqual(['storage_full']);
    const reader = new CheckedReader(log, { 1: 0 }).readAll();
    expect(reader.gaps).toMatchObject([{ from: 0, to: 30_000 - reader.bytes, reason: 'spill_failed' }]);
    expect(reader.bytes).toBeGreaterThan(3000);
  });

  it('gives a gap, not an exception, for a file that cannot be read', () => {
    const { log, directory, grow } = testLog({ streams: [1] });
    for (let i = 0; i < 20; i++) grow(1, 1000);
    const [first] = segmentFiles(directory);
    fs.unlinkSync(first!);
    fs.mkdirSync(first!);
    onTestFinished(() => fs.rmSync(first!, { recursive: true, force: true }));
    const reader = new CheckedReader(log, { 1: 0 }).readAll();
    expect(reader.gaps).toMatchObject([{ from: 0, reason: 'corrupt' }]);
    expect(reader.bytes + reader.gapBytes).toBe(20_000);
  });

  it('starts without a directory it cannot make, and says so', () => {
    const failures: string[] = [];
    const { log, grow } = testLog({
      streams: [1],
      directory: '/dev/null/log',
      onSpillFailed: ({ code }) => failures.push(code),
    });
    grow(1, 10);
    expect(failures).toEqual(['storage_error']);
    expect(new CheckedReader(log, { 1: 0 }).readAll().bytes).toBe(10);
  });

  it('tells a reader of a file removed for the home limit a retention gap', () => {
    const { log, directory, grow } = testLog({ streams: [1] });
    for (let i = 0; i < 20; i++) grow(1, 1000);
    const reader = new CheckedReader(log, { 1: 0 });
    reader.read(500);
    fs.unlinkSync(segmentFiles(directory)[0]!);
    reader.readAll();
    expect(reader.gaps).toMatchObject([{ from: 500, reason: 'retention' }]);
    expect(reader.bytes + reader.gapBytes).toBe(20_000);
    expect(log.extents()[0]!.start).toBe(reader.gaps[0]!.to);
  });
});

describe('an append larger than everything', () => {
  it('keeps what fits and counts the rest', () => {
    const { log, grow } = testLog({ streams: [1], memoryBytes: 1000, spillBytes: 8192, segmentBytes: 4096 });
    grow(1, 100_000);
    const reader = new CheckedReader(log, { 1: 0 }).readAll();
    expect(reader.bytes + reader.gapBytes).toBe(100_000);
    expect(reader.gaps).toHaveLength(1);
    expect(reader.bytes).toBe(100_000 - log.metrics().dropped_bytes);
    expect(reader.bytes).toBeGreaterThan(4000);
  });
});

function sum(reader: CheckedReader): number {
  return reader.at.get(1)! + reader.at.get(2)!;
}

function diskBytes(directory: string): number {
  if (!fs.existsSync(directory)) return 0;
  return segmentFiles(directory).reduce((bytes, path) => bytes + fs.statSync(path).size, 0);
}
