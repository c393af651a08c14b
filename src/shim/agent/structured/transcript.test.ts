import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TranscriptEntry } from '../../../protocol/agent/index.ts';
import { LineSplitter } from './lines.ts';
import { Recorder } from './record.ts';
import { Transcript } from './transcript.ts';

let directory: string;
let added: TranscriptEntry[];
let failures: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hf-tr-'));
  added = [];
  failures = [];
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function open(fileBytes?: number): Transcript {
  return new Transcript({
    directory,
    now: () => 7,
    added: (entry) => added.push(entry),
    failed: (reason) => failures.push(reason),
    ...(fileBytes === undefined ? {} : { fileBytes }),
  });
}

describe('a transcript', () => {
  test('gives back every entry from anywhere, the old ones from the file', () => {
    const transcript = open();
    for (let index = 0; index < 1_000; index++)
      transcript.append({ entry: 'note', text: `note ${index} ✓` }, `t${index % 3}`);
    expect(added).toHaveLength(1_000);
    for (const from of [0, 1, 63, 64, 65, 500, 743, 744, 745, 998, 999, 1_000]) {
      for (const limit of [1, 10, 300]) {
        const { entries, next } = transcript.read(from, limit);
        expect(entries).toEqual(added.slice(from, from + limit));
        expect(next).toBe(Math.min(1_000, from + limit));
      }
    }
    expect(transcript.read(5_000, 10)).toEqual({ entries: [], next: 1_000 });
    const lines = readFileSync(join(directory, 'transcript'), 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(added);
    transcript.close();
  });

  test('answers in pieces that fit a frame, all of which add up', () => {
    const transcript = open();
    for (let index = 0; index < 100; index++) transcript.append({ entry: 'note', text: 'x'.repeat(30_000) }, null);
    const got: TranscriptEntry[] = [];
    for (let from = 0; ; ) {
      const { entries, next } = transcript.read(from, 1_000);
      if (entries.length === 0) break;
      expect(JSON.stringify(entries).length).toBeLessThan(600_000);
      got.push(...entries);
      from = next;
    }
    expect(got).toEqual(added);
    transcript.close();
  });

  test('says once that its file is full and keeps the newest in memory', () => {
    const transcript = open(10_000);
    for (let index = 0; index < 800; index++) transcript.append({ entry: 'note', text: `n${index}` }, null);
    expect(failures).toEqual(['it is full']);
    expect(transcript.read(0, 3).entries).toEqual(added.slice(0, 3));
    expect(transcript.read(795, 10).entries).toEqual(added.slice(795));
    // What neither the file nor the memory has is left out, and that can be seen by the numbers.
    const { entries, next } = transcript.read(0, 1_000);
    const onDisk = readFileSync(join(directory, 'transcript'), 'utf8').trimEnd().split('\n').length;
    expect(onDisk).toBeLessThan(300);
    expect(entries).toEqual([...added.slice(0, onDisk), ...added.slice(800 - 256)]);
    expect(next).toBe(800);
    transcript.close();
  });

  test('is kept in memory where its file cannot be made', () => {
    rmSync(directory, { recursive: true });
    const transcript = open();
    transcript.append({ entry: 'note', text: 'still here' }, null);
    expect(failures).toHaveLength(1);
    expect(transcript.read(0, 10).entries).toEqual(added);
    transcript.close();
  });
});

test('texts are joined by role and cut when they are long, never within a character', () => {
  const entries: unknown[] = [];
  const recorder = new Recorder((entry) => entries.push(entry));
  recorder.say('agent', 'a');
  recorder.say('agent', 'b');
  recorder.say('thought', 'c');
  recorder.say('agent', `${'x'.repeat(32 * 1024 - 1)}😀y`);
  recorder.flush();
  recorder.flush();
  expect(entries).toEqual([
    { entry: 'message', role: 'agent', text: 'ab' },
    { entry: 'message', role: 'thought', text: 'c' },
    { entry: 'message', role: 'agent', text: 'x'.repeat(32 * 1024 - 1) },
    { entry: 'message', role: 'agent', text: '😀y' },
  ]);
});

test('lines come whole however they are cut, and one that is too long is dropped alone', () => {
  const bytes = Buffer.from(`one\r\n\n${'ü'.repeat(10)}\n${'z'.repeat(40)}\nlast\nrest`);
  for (let size = 1; size <= bytes.length; size++) {
    const lines: string[] = [];
    const splitter = new LineSplitter(32, { line: (text) => lines.push(text), dropped: () => lines.push('<dropped>') });
    for (let at = 0; at < bytes.length; at += size) {
      const piece = Buffer.from(bytes.subarray(at, at + size));
      splitter.push(piece);
      // The log reuses its memory.
      piece.fill(0);
    }
    expect(lines).toEqual(['one', 'ü'.repeat(10), '<dropped>', 'last']);
  }
});
