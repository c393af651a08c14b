/**
 * Frames of the session socket (WIRES §2): u32 big-endian length (≤ 1 MiB), then the payload, whose first byte is its
 * kind. Encoding never copies a payload; decoding copies only frames that straddle chunks.
 */
import { HoldfastError } from '../errors.ts';
import { DATA_FRAME_BYTES, FRAME_BYTES } from '../limits.ts';
import type { StreamId } from './messages.ts';

export const FRAME_JSON = 0x7b; // '{'
export const FRAME_DATA = 0x01;
export const FRAME_GAP = 0x02;
export const FRAME_INPUT = 0x03;

/** Why bytes are missing, on the wire as a u8. */
export const GAP_REASON = { retention: 1, shim_lost: 2, spill_failed: 3, corrupt: 4 } as const;
export type GapReason = keyof typeof GAP_REASON;

/** The end of a gap of unknown size: all ones on the wire. */
export const UNKNOWN_END = Infinity;

export type Frame =
  | { kind: 'json'; json: Buffer }
  | { kind: 'data'; stream: StreamId; offset: number; bytes: Buffer }
  | { kind: 'gap'; stream: StreamId; from: number; to: number; reason: GapReason }
  | { kind: 'input'; epoch: number; seq: number; bytes: Buffer };

const ALL_ONES = 0xffff_ffff_ffff_ffffn;
const DATA_HEADER_BYTES = 4 + 1 + 1 + 8;

/** The length prefix and head of a DATA frame; the caller writes `bytes` right behind it. */
export function encodeDataHeader(stream: StreamId, offset: number, byteLength: number): Buffer {
  if (byteLength > DATA_FRAME_BYTES) throw new RangeError(`a DATA frame holds at most ${DATA_FRAME_BYTES} bytes`);
  const header = Buffer.allocUnsafe(DATA_HEADER_BYTES);
  header.writeUInt32BE(DATA_HEADER_BYTES - 4 + byteLength, 0);
  header[4] = FRAME_DATA;
  header[5] = stream;
  writeU64(header, offset, 6);
  return header;
}

export function encodeGap(stream: StreamId, from: number, to: number, reason: GapReason): Buffer {
  const frame = Buffer.allocUnsafe(4 + 1 + 1 + 8 + 8 + 1);
  frame.writeUInt32BE(frame.length - 4, 0);
  frame[4] = FRAME_GAP;
  frame[5] = stream;
  writeU64(frame, from, 6);
  if (to === UNKNOWN_END) frame.writeBigUInt64BE(ALL_ONES, 14);
  else writeU64(frame, to, 14);
  frame[22] = GAP_REASON[reason];
  return frame;
}

/** The length prefix and head of an INPUT frame; the caller writes `bytes` right behind it. Epoch 0 = no lease held. */
export function encodeInputHeader(epoch: number, seq: number, byteLength: number): Buffer {
  const header = Buffer.allocUnsafe(4 + 1 + 4 + 8);
  header.writeUInt32BE(header.length - 4 + byteLength, 0);
  header[4] = FRAME_INPUT;
  header.writeUInt32BE(epoch, 5);
  writeU64(header, seq, 9);
  return header;
}

/** A JSON frame, prefix included. Throws `too_large` above 1 MiB. */
export function encodeJson(message: object): Buffer {
  const text = JSON.stringify(message);
  const length = Buffer.byteLength(text);
  if (length > FRAME_BYTES) {
    throw new HoldfastError('too_large', `a frame holds at most ${FRAME_BYTES} bytes, this message has ${length}`);
  }
  const frame = Buffer.allocUnsafe(4 + length);
  frame.writeUInt32BE(length, 0);
  frame.write(text, 4);
  return frame;
}

/** Offsets are u64 on the wire and safe integers in memory: 2^53 bytes is 3 years at 100 MB/s. */
export function writeU64(target: Buffer, value: number, at: number): void {
  target.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at);
  target.writeUInt32BE(value >>> 0, at + 4);
}

export function readU64(source: Buffer, at: number): number {
  return source.readUInt32BE(at) * 0x1_0000_0000 + source.readUInt32BE(at + 4);
}
