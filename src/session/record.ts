/**
 * The record of a log segment (WIRES §3): u32 payload length, u32 crc, u8 type, u8 stream, u64 seq, u64 ms, u64 offset,
 * payload; integers big-endian. The crc is CRC-32 over everything behind it.
 */
import {
  type EndCause,
  type ExitFact,
  GAP_REASON,
  type GapReason,
  type HolderFact,
  readU64,
  type StreamId,
  UNKNOWN_END,
  writeU64,
} from '../protocol/session/index.ts';
import { crc32 } from './checksum.ts';
import type { LogItem } from './contract.ts';

export const RECORD_HEAD_BYTES = 34;
/** No record's payload is longer; a longer length field is damage. */
export const RECORD_PAYLOAD_BYTES = 64 * 1024;

export const RECORD_DATA = 1;
const RECORD_RESIZE = 2;
const RECORD_GAP = 3;
const RECORD_CHILD_EXIT = 4;
const RECORD_EOF = 5;
const RECORD_END = 6;

/** Everything a log holds besides bytes; `ms` is the wall clock when it was observed. */
export type Mark = Exclude<LogItem, { type: 'data' }> & { ms: number };

const CRC_FROM = 8;
const GAP_PAYLOAD_BYTES = 9;

/** Fills `head` (34 bytes) for `payload`. Copies nothing. */
export function writeRecordHead(
  head: Buffer,
  type: number,
  stream: number,
  seq: number,
  ms: number,
  offset: number,
  payload: Buffer,
): void {
  head.writeUInt32BE(payload.length, 0);
  head[8] = type;
  head[9] = stream;
  writeU64(head, seq, 10);
  writeU64(head, ms, 18);
  writeU64(head, offset, 26);
  head.writeUInt32BE(crc32(payload, crc32(head.subarray(CRC_FROM, RECORD_HEAD_BYTES))), 4);
}

/** The length of the whole record that starts at `at`, or 0 when its length field cannot be right. */
export function recordBytes(chunk: Buffer, at: number): number {
  const length = chunk.readUInt32BE(at);
  return length > RECORD_PAYLOAD_BYTES ? 0 : RECORD_HEAD_BYTES + length;
}

/** Whether the `length` bytes at `at` are a record as it was written. */
export function recordIsGood(chunk: Buffer, at: number, length: number): boolean {
  return crc32(chunk.subarray(at + CRC_FROM, at + length)) === chunk.readUInt32BE(at + 4);
}

export function recordType(chunk: Buffer, at: number): number {
  return chunk[at + 8]!;
}

export function recordStream(chunk: Buffer, at: number): StreamId {
  return chunk[at + 9]! as StreamId;
}

export function recordSeq(chunk: Buffer, at: number): number {
  return readU64(chunk, at + 10);
}

export function recordMs(chunk: Buffer, at: number): number {
  return readU64(chunk, at + 18);
}

export function recordOffset(chunk: Buffer, at: number): number {
  return readU64(chunk, at + 26);
}

/** A whole record of a mark. */
export function encodeMark(mark: Mark): Buffer {
  const { type, stream, offset, payload } = markParts(mark);
  const record = Buffer.allocUnsafe(RECORD_HEAD_BYTES + payload.length);
  writeRecordHead(record, type, stream, mark.seq, mark.ms, offset, payload);
  payload.copy(record, RECORD_HEAD_BYTES);
  return record;
}

function markParts(mark: Mark): { type: number; stream: number; offset: number; payload: Buffer } {
  switch (mark.type) {
    case 'resize': {
      const payload = Buffer.allocUnsafe(4);
      payload.writeUInt16BE(mark.rows, 0);
      payload.writeUInt16BE(mark.cols, 2);
      return { type: RECORD_RESIZE, stream: mark.stream, offset: mark.offset, payload };
    }
    case 'gap': {
      const payload = Buffer.alloc(GAP_PAYLOAD_BYTES, 0xff);
      if (mark.to !== UNKNOWN_END) writeU64(payload, mark.to, 0);
      payload[8] = GAP_REASON[mark.reason];
      return { type: RECORD_GAP, stream: mark.stream, offset: mark.from, payload };
    }
    case 'child_exit':
      return { type: RECORD_CHILD_EXIT, stream: 0, offset: 0, payload: Buffer.from(JSON.stringify(mark.exit)) };
    case 'eof':
      return { type: RECORD_EOF, stream: mark.stream, offset: mark.offset, payload: Buffer.alloc(0) };
    case 'end':
      return { type: RECORD_END, stream: 0, offset: 0, payload: Buffer.from(endPayload(mark.cause, mark.survivors)) };
  }
}

/** As many survivors as one record can name; a longer list is cut, not refused: `end` must get out. */
function endPayload(cause: EndCause, survivors: HolderFact[]): string {
  for (let kept = survivors; ; kept = kept.slice(0, kept.length >> 1)) {
    const text = JSON.stringify({ cause, survivors: kept });
    if (Buffer.byteLength(text) <= RECORD_PAYLOAD_BYTES) return text;
  }
}

/** The mark in a good record, or undefined for a type this build does not know (additive format). */
export function decodeMark(chunk: Buffer, at: number, length: number): Mark | undefined {
  const payload = chunk.subarray(at + RECORD_HEAD_BYTES, at + length);
  const stream = recordStream(chunk, at);
  const seq = recordSeq(chunk, at);
  const ms = recordMs(chunk, at);
  const offset = recordOffset(chunk, at);
  switch (recordType(chunk, at)) {
    case RECORD_RESIZE:
      return { type: 'resize', seq, ms, stream, offset, rows: payload.readUInt16BE(0), cols: payload.readUInt16BE(2) };
    case RECORD_GAP: {
      const unknown = payload.readBigUInt64BE(0) === 0xffff_ffff_ffff_ffffn;
      const to = unknown ? UNKNOWN_END : readU64(payload, 0);
      return { type: 'gap', seq, ms, stream, from: offset, to, reason: gapReason(payload[8]!) };
    }
    case RECORD_CHILD_EXIT:
      return { type: 'child_exit', seq, ms, exit: JSON.parse(payload.toString()) as ExitFact };
    case RECORD_EOF:
      return { type: 'eof', seq, ms, stream, offset };
    case RECORD_END: {
      const end = JSON.parse(payload.toString()) as { cause: EndCause; survivors: HolderFact[] };
      return { type: 'end', seq, ms, cause: end.cause, survivors: end.survivors };
    }
    default:
      return undefined;
  }
}

function gapReason(code: number): GapReason {
  for (const [reason, value] of Object.entries(GAP_REASON)) if (value === code) return reason as GapReason;
  return 'corrupt';
}
