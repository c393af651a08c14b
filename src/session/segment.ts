/**
 * A segment file: `<first seq, 16 digits>.seg` under `sessions/<id>/log/`, so that names sort by age. It starts with
 * "HFSG", u32 format version, u32 body length, u32 crc of the body and a JSON body that carries what earlier segments
 * told; any of them may be gone. Records follow with contiguous seqs, the first one the file's name: that, and not
 * the crc alone, tells them from older records behind the tail of a file that was used before.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { UNKNOWN_END } from '../protocol/session/index.ts';
import { crc32 } from './checksum.ts';
import { type Mark, RECORD_HEAD_BYTES, RECORD_PAYLOAD_BYTES, recordBytes, recordIsGood, recordSeq } from './record.ts';

/** Indexed by stream id. */
export type StreamOffsets = [number, number, number];

/** The file operations the log needs; a test puts failing ones in. */
export type SegmentFs = Pick<
  typeof fs,
  | 'openSync'
  | 'closeSync'
  | 'readSync'
  | 'writevSync'
  | 'ftruncateSync'
  | 'renameSync'
  | 'unlinkSync'
  | 'readdirSync'
  | 'mkdirSync'
>;

export interface Segment {
  readonly path: string;
  readonly first: number;
  /** Seq of its last record; `first - 1` while it has none. */
  last: number;
  /** Offset of its first byte, per stream. */
  readonly start: StreamOffsets;
  /** One past its last byte, per stream. */
  end: StreamOffsets;
  /** Where the first record starts in the file. */
  readonly recordsAt: number;
  /** One past its last good record. */
  size: number;
  /** What was never spilled right before this segment. */
  readonly lost: { seq: number; offsets: StreamOffsets } | null;
  /** Sparse: seq and file position of some records, ascending. */
  readonly index: { seq: number; at: number }[];
}

export interface SegmentHeader {
  first: number;
  /** Output streams of the session. */
  streams: number[];
  offsets: StreamOffsets;
  lost: { seq: number; offsets: StreamOffsets } | null;
  marks: Mark[];
}

const MAGIC = 0x48465347; // "HFSG"
const FORMAT_VERSION = 1;
const FIXED_BYTES = 16;
const HEADER_BODY_BYTES = 1024 * 1024;
const INDEX_EVERY_BYTES = 64 * 1024;
const SEGMENT_NAME = /^\d{16}\.seg$/;

export function segmentPath(directory: string, first: number): string {
  return join(directory, `${String(first).padStart(16, '0')}.seg`);
}

/** Segment files of a log directory, oldest first; none when there is no directory. */
export function listSegments(directory: string, io: Pick<SegmentFs, 'readdirSync'> = fs): string[] {
  let names: string[];
  try {
    names = io.readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return names.filter((name) => SEGMENT_NAME.test(name)).toSorted();
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  // JSON has no Infinity: the unknown end of a gap is null there.
  const body = Buffer.from(JSON.stringify(header));
  const fixed = Buffer.allocUnsafe(FIXED_BYTES);
  fixed.writeUInt32BE(MAGIC, 0);
  fixed.writeUInt32BE(FORMAT_VERSION, 4);
  fixed.writeUInt32BE(body.length, 8);
  fixed.writeUInt32BE(crc32(body), 12);
  return Buffer.concat([fixed, body]);
}

/** Undefined when the file's start is not a header of this format written under this name: killed before its first write. */
export function readSegmentHeader(fd: number, first: number): { header: SegmentHeader; recordsAt: number } | undefined {
  const fixed = Buffer.allocUnsafe(FIXED_BYTES);
  if (fs.readSync(fd, fixed, 0, FIXED_BYTES, 0) < FIXED_BYTES) return undefined;
  const length = fixed.readUInt32BE(8);
  if (fixed.readUInt32BE(0) !== MAGIC || fixed.readUInt32BE(4) !== FORMAT_VERSION || length > HEADER_BODY_BYTES) {
    return undefined;
  }
  const body = Buffer.allocUnsafe(length);
  if (fs.readSync(fd, body, 0, length, FIXED_BYTES) < length || crc32(body) !== fixed.readUInt32BE(12))
    return undefined;
  const header = JSON.parse(body.toString()) as SegmentHeader;
  if (header.first !== first) return undefined;
  for (const mark of header.marks) if (mark.type === 'gap') mark.to ??= UNKNOWN_END;
  return { header, recordsAt: FIXED_BYTES + length };
}

/** Notes where a record lies, if the last note is far enough behind. */
export function noteRecord(segment: Segment, seq: number, at: number): void {
  const noted = segment.index.at(-1);
  if (noted === undefined ? at > segment.recordsAt + INDEX_EVERY_BYTES : at > noted.at + INDEX_EVERY_BYTES) {
    segment.index.push({ seq, at });
  }
}

/** A record at or before `seq`, as near as the index knows. */
export function locateRecord(segment: Segment, seq: number): { seq: number; at: number } {
  return segment.index.findLast((note) => note.seq <= seq) ?? { seq: segment.first, at: segment.recordsAt };
}

/** A run of whole, good, contiguous records. */
export interface RecordRun {
  chunk: Buffer;
  /** One past the last whole record in `chunk`. */
  length: number;
  /** No good record follows there although the segment should have one, or its end was reached. */
  damaged: boolean;
}

/** Reads whole records from `at`: at least one if there is a good one, about `wanted` bytes. `seq` is the first one's. */
export function readRecords(fd: number, segment: Segment, at: number, seq: number, wanted: number): RecordRun {
  const most = Math.min(Math.max(wanted, RECORD_HEAD_BYTES + RECORD_PAYLOAD_BYTES), segment.size - at);
  const chunk = Buffer.allocUnsafeSlow(Math.max(0, most));
  const held = most <= 0 ? 0 : readFully(fd, chunk, at);
  let length = 0;
  let expected = seq;
  let damaged = held < most;
  while (held - length >= RECORD_HEAD_BYTES) {
    const bytes = recordBytes(chunk, length);
    if (bytes > held - length && bytes <= segment.size - at - length) break;
    if (
      bytes === 0 ||
      bytes > held - length ||
      recordSeq(chunk, length) !== expected ||
      !recordIsGood(chunk, length, bytes)
    ) {
      damaged = true;
      break;
    }
    noteRecord(segment, expected, at + length);
    expected++;
    length += bytes;
  }
  if (length === 0) damaged = true;
  return { chunk, length, damaged };
}

function readFully(fd: number, target: Buffer, at: number): number {
  let held = 0;
  while (held < target.length) {
    const count = fs.readSync(fd, target, held, target.length - held, at + held);
    if (count === 0) break;
    held += count;
  }
  return held;
}
