import * as fs from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { VirtualClock } from '../runtime/index.ts';
import { openClosedLog, readClosedFacts, sealLog } from './closed.ts';
import { CheckedReader, createTestLog, segmentFiles } from './testing.ts';

const exit = { code: 0, signal: null, outcome: 'natural_exit', at_ms: 5 } as const;
const clock = new VirtualClock();

function testLog(options: Parameters<typeof createTestLog>[0] = {}) {
  const made = createTestLog(options);
  onTestFinished(() => made.remove());
  return made;
}

/** A directory with one segment file of these contents. */
function logOf(name: string, contents: Buffer): string {
  const directory = mkdtempSync(join(tmpdir(), 'hfc-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  fs.writeFileSync(join(directory, name), contents);
  return directory;
}

describe('a log whose shim was killed', () => {
  it('[L5] cut at every byte it gives every whole record, one last gap of unknown size per open stream, and an end', () => {
    const { log, directory, grow } = testLog();
    for (let i = 0; i < 6; i++) grow(i % 3 === 2 ? 2 : 1, 9 + i);
    log.resize(10, 20);
    log.childExit(exit);
    log.eof(2);
    log.close();
    const [file] = segmentFiles(directory);
    const whole = fs.readFileSync(file!);
    const name = file!.slice(directory.length + 1);
    const work = logOf(name, whole);
    const path = join(work, name);
    let counted = new Set<number>();
    const headerEnd = whole.length - recordsLength(whole);
    for (let cut = whole.length; cut >= headerEnd; cut--) {
      fs.writeFileSync(path, whole.subarray(0, cut));
      const reader = new CheckedReader(openClosedLog({ directory: work, streams: [1, 2] }), { 1: 0, 2: 0 }).readAll();
      expect(reader.ended).toBe(true);
      const eof = reader.marks.some(({ type }) => type === 'eof');
      expect(reader.gaps.map(({ stream, to, reason }) => [stream, to, reason])).toEqual(
        eof
          ? [[1, Infinity, 'shim_lost']]
          : [
              [1, Infinity, 'shim_lost'],
              [2, Infinity, 'shim_lost'],
            ],
      );
      expect(reader.marks.at(-1)).toMatchObject({ type: 'end', cause: 'shim_lost' });
      counted = counted.add(reader.bytes);
    }
    // 6 appends: none, one, … all of them were seen.
    expect(counted.size).toBe(7);
  });

  it('a flipped byte anywhere in the last records ends the log before it, never changes a byte', () => {
    const { directory, grow, log } = testLog({ streams: [1] });
    for (let i = 0; i < 4; i++) grow(1, 20);
    log.close();
    const [file] = segmentFiles(directory);
    const whole = fs.readFileSync(file!);
    for (let at = whole.length - 2 * 54; at < whole.length; at++) {
      const damaged = Buffer.from(whole);
      damaged[at]! ^= 0x41;
      fs.writeFileSync(file!, damaged);
      const reader = new CheckedReader(openClosedLog({ directory, streams: [1] }), { 1: 0 }).readAll();
      expect(reader.bytes).toBe(at < whole.length - 54 ? 40 : 60);
      expect(reader.ended).toBe(true);
    }
  });

  it('is not misled by older records behind the tail of a file written over', () => {
    const made = testLog({ streams: [1], segmentBytes: 4096, spillBytes: 8192 });
    for (let i = 0; i < 35; i++) made.grow(1, 600);
    const files = segmentFiles(made.directory);
    const newest = files.at(-1)!;
    // The file on disk is longer than what this life of it wrote: an older life's records follow, all with good crcs.
    const total = made.log.metrics().bytes;
    const closed = openClosedLog({ directory: made.directory, streams: [1] });
    const reader = new CheckedReader(closed, { 1: 0 }).readAll();
    const contents = fs.readFileSync(newest);
    // Six records a file; the last five lie over an older six, aligned, as both headers have the same length.
    expect(recordsLength(contents)).toBe(6 * 634);
    expect(closed.extents()[0]!.end).toBe(total);
    expect(reader.bytes + reader.gapBytes).toBe(total);
  });

  it('ignores a file that was renamed for reuse but never written', () => {
    const made = testLog({ streams: [1] });
    for (let i = 0; i < 12; i++) made.grow(1, 1000);
    made.log.close();
    const files = segmentFiles(made.directory);
    fs.renameSync(files[0]!, join(made.directory, '0000000000000099.seg'));
    const reader = new CheckedReader(openClosedLog({ directory: made.directory, streams: [1] }), { 1: 0 }).readAll();
    expect(reader.gaps.map(({ to, reason }) => [to === Infinity, reason])).toEqual([
      [false, 'retention'],
      [true, 'shim_lost'],
    ]);
    expect(reader.bytes + reader.gapBytes).toBe(12_000);
  });

  it('tells damage in the middle as a corrupt gap and goes on with the next segment', () => {
    const made = testLog({ streams: [1] });
    for (let i = 0; i < 30; i++) made.grow(1, 1000);
    made.log.end('child', []);
    made.log.close();
    const [first] = segmentFiles(made.directory);
    const contents = fs.readFileSync(first!);
    contents[contents.length - 2500]! ^= 1;
    fs.writeFileSync(first!, contents);
    const reader = new CheckedReader(openClosedLog({ directory: made.directory, streams: [1] }), { 1: 0 }).readAll();
    expect(reader.gaps).toMatchObject([{ reason: 'corrupt' }]);
    expect(reader.gapBytes).toBeLessThan(4000);
    expect(reader.bytes + reader.gapBytes).toBe(30_000);
  });

  it('serves a reader that has more than was kept: a gap from where it is, and the end', () => {
    const { log, directory, grow } = testLog({ streams: [1] });
    grow(1, 500);
    log.close();
    const killed = openClosedLog({ directory, streams: [1] });
    const reader = new CheckedReader(killed, { 1: 700 }).readAll();
    expect(reader.gaps).toMatchObject([{ from: 700, to: Infinity, reason: 'shim_lost' }]);
    expect(reader.ended).toBe(true);
    const never = openClosedLog({ directory: join(directory, 'none'), streams: [1, 2], lost: 'child' });
    const late = new CheckedReader(never, { 1: 0, 2: 9 }).readAll();
    expect(late.gaps).toMatchObject([
      { stream: 1, from: 0, to: Infinity, reason: 'retention' },
      { stream: 2, from: 9, to: Infinity, reason: 'retention' },
    ]);
    expect(late.marks.at(-1)).toMatchObject({ type: 'end', cause: 'child' });
  });

  it('still refuses an offset ahead of a head that is known', () => {
    const { log, directory, grow } = testLog({ streams: [1] });
    grow(1, 500);
    log.eof(1);
    log.close();
    const source = openClosedLog({ directory, streams: [1] });
    expect(() => source.cursor([1], { offsets: { 1: 501 } })).toThrow(/ahead/);
  });

  it('without a log at all still ends, with a gap from 0', () => {
    const directory = join(tmpdir(), 'hf-no-such-directory');
    const reader = new CheckedReader(openClosedLog({ directory, streams: [1, 2], lost: 'reboot' }), {
      1: 0,
      2: 0,
    }).readAll();
    expect(reader.gaps).toMatchObject([
      { stream: 1, from: 0, to: Infinity },
      { stream: 2, from: 0, to: Infinity },
    ]);
    expect(reader.marks).toMatchObject([{ type: 'end', cause: 'reboot' }]);
    expect(readClosedFacts({ directory, streams: [1] })).toMatchObject({ end: null, exit: null, last_ms: null });
  });
});

describe('sealing', () => {
  const survivors = [{ pid: 9, start_time: 8, command: 'sleep' }];

  it('cuts the torn tail, writes what is missing once, and later reads are the same', () => {
    const made = testLog({ streams: [1] });
    made.grow(1, 500);
    made.grow(1, 500);
    made.log.close();
    const [file] = segmentFiles(made.directory);
    fs.truncateSync(file!, fs.statSync(file!).size - 3);
    const options = { directory: made.directory, streams: [1] as const, lost: 'reboot' as const, survivors, clock };
    expect(sealLog(options)).toMatchObject({
      end: { cause: 'reboot', survivors },
      streams: [{ id: 1, start: 0, end: 500 }],
    });
    const size = fs.statSync(file!).size;
    expect(sealLog({ ...options, lost: 'shim_lost' }).end).toEqual({ cause: 'reboot', survivors });
    expect(fs.statSync(file!).size).toBe(size);
    const reader = new CheckedReader(openClosedLog({ directory: made.directory, streams: [1] }), { 1: 0 }).readAll();
    expect(reader.bytes).toBe(500);
    expect(reader.gaps).toMatchObject([{ from: 500, to: Infinity, reason: 'shim_lost' }]);
    expect(reader.marks).toMatchObject([{ type: 'end', cause: 'reboot', survivors }]);
  });

  it('makes a log for a session that never spilled', () => {
    const made = testLog({ streams: [1], spillBytes: 0 });
    const facts = sealLog({ directory: made.directory, streams: [1], survivors, clock });
    expect(facts.end).toEqual({ cause: 'shim_lost', survivors });
    expect(readClosedFacts({ directory: made.directory, streams: [1] }).end).toEqual(facts.end);
  });

  it('keeps the exit, the size and the eofs of segments that are gone', () => {
    const made = testLog({ streams: [1, 2] });
    made.log.resize(33, 44);
    made.log.childExit(exit);
    made.log.eof(2);
    for (let i = 0; i < 100; i++) made.grow(1, 1000);
    made.log.close();
    const facts = readClosedFacts({ directory: made.directory, streams: [1] });
    expect(facts).toMatchObject({ exit, size: { rows: 33, cols: 44 }, eofs: [2], end: null });
    expect(facts.streams[0]).toMatchObject({ id: 1, end: 100_000 });
    expect(facts.streams[0]!.start).toBeGreaterThan(30_000);
  });

  it('names as many survivors as a record holds and never refuses the end', () => {
    const made = testLog({ streams: [1] });
    const many = Array.from({ length: 5000 }, (_, pid) => ({ pid, start_time: pid, command: 'x'.repeat(20) }));
    made.log.end('terminated', many);
    made.log.close();
    const facts = readClosedFacts({ directory: made.directory, streams: [1] });
    expect(facts.end?.cause).toBe('terminated');
    expect(facts.end?.survivors.length).toBeGreaterThan(100);
  });
});

/** Bytes of the records in a segment file, by its header's length field. */
function recordsLength(whole: Buffer): number {
  return whole.length - 16 - whole.readUInt32BE(8);
}
