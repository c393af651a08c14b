/**
 * Incremental decoder of the session socket's frames (WIRES §2), for both sides.
 *
 * A frame inside one chunk is handed on as a view of that chunk. A frame that straddles chunks is assembled in a buffer
 * that grows with the bytes received, never with the length announced, so a hostile prefix costs nothing.
 */
import { HoldfastError } from '../errors.ts';
import { DATA_FRAME_BYTES, FRAME_BYTES } from '../limits.ts';
import {
  FRAME_DATA,
  FRAME_GAP,
  FRAME_INPUT,
  FRAME_JSON,
  GAP_REASON,
  UNKNOWN_END,
  readU64,
  type Frame,
  type GapReason,
} from './frames.ts';
import type { StreamId } from './messages.ts';

const PREFIX_BYTES = 4;
const DATA_HEAD_BYTES = 10;
const INPUT_HEAD_BYTES = 13;
const GAP_BYTES = 19;

/** A straddling frame's buffer holds at most this many times what was received of it (or the least allocation). */
const GROWTH = 16;
const LEAST_ALLOCATION_BYTES = 1024;

const ALL_ONES = 0xffff_ffff_ffff_ffffn;

/** Code on the wire → name; index 0 is no reason. */
const GAP_REASONS: readonly (GapReason | undefined)[] = gapReasonsByCode();

export class FrameDecoder {
  readonly #onFrame: (frame: Frame) => void;
  /** The beginning of a frame whose rest is still to come: prefix and payload. */
  #partial: Buffer = Buffer.alloc(0);
  #received = 0;
  /** Prefix plus payload of the partial frame; 0 until its prefix is whole. */
  #expected = 0;
  #failure: HoldfastError | null = null;

  /** @param onFrame gets each frame in order; its buffers are its own to keep. */
  constructor(onFrame: (frame: Frame) => void) {
    this.#onFrame = onFrame;
  }

  /** Bytes of an unfinished frame held back; 0 at a frame border. */
  get pending(): number {
    return this.#received;
  }

  /**
   * Decodes what `chunk` completes. The chunk must not be changed afterwards.
   * Throws `bad_frame` or `too_large`; frames before the bad one have been handed on, and every later call throws the
   * same error again.
   */
  push(chunk: Buffer): void {
    if (this.#failure !== null) throw this.#failure;
    try {
      this.#decode(chunk);
    } catch (error) {
      this.#failure = HoldfastError.from(error);
      this.#partial = Buffer.alloc(0);
      this.#received = 0;
      throw this.#failure;
    }
  }

  #decode(chunk: Buffer): void {
    let at = this.#received > 0 ? this.#complete(chunk) : 0;
    const length = chunk.length;
    while (length - at > PREFIX_BYTES) {
      const payload = chunk.readUInt32BE(at);
      const end = at + PREFIX_BYTES + payload;
      if (end > length || payload === 0) break;
      this.#onFrame(decodeFrame(chunk, at + PREFIX_BYTES, end));
      at = end;
    }
    if (at < length) this.#hold(chunk, at);
  }

  /** Adds to the partial frame and hands it on when it is whole; returns how much of `chunk` was taken. */
  #complete(chunk: Buffer): number {
    let at = 0;
    if (this.#expected === 0) {
      // One byte beyond the prefix: the kind, so that a frame is judged before any of it is stored.
      at = this.#store(chunk, 0, PREFIX_BYTES + 1);
      if (this.#received >= PREFIX_BYTES) this.#judge();
      if (this.#expected === 0) return at;
    }
    at += this.#store(chunk, at, this.#expected);
    if (this.#received < this.#expected) return at;
    const frame = this.#partial;
    const end = this.#expected;
    this.#partial = Buffer.alloc(0);
    this.#received = 0;
    this.#expected = 0;
    this.#onFrame(decodeFrame(frame, PREFIX_BYTES, end));
    return at;
  }

  #hold(chunk: Buffer, at: number): void {
    this.#complete(at === 0 ? chunk : chunk.subarray(at));
  }

  /** Copies from `chunk` until the partial frame has `upTo` bytes. */
  #store(chunk: Buffer, from: number, upTo: number): number {
    const count = Math.min(upTo - this.#received, chunk.length - from);
    if (count <= 0) return 0;
    const needed = this.#received + count;
    if (needed > this.#partial.length) {
      const limit = this.#expected === 0 ? LEAST_ALLOCATION_BYTES : this.#expected;
      const grown = Buffer.allocUnsafeSlow(
        Math.max(needed, Math.min(limit, Math.max(LEAST_ALLOCATION_BYTES, needed * GROWTH))),
      );
      this.#partial.copy(grown, 0, 0, this.#received);
      this.#partial = grown;
    }
    chunk.copy(this.#partial, this.#received, from, from + count);
    this.#received = needed;
    return count;
  }

  /** Checks the prefix and, as soon as it is there, the kind of the partial frame. */
  #judge(): void {
    const payload = this.#partial.readUInt32BE(0);
    checkLength(payload);
    if (this.#received === PREFIX_BYTES) return;
    checkKind(this.#partial[PREFIX_BYTES]!, payload);
    this.#expected = PREFIX_BYTES + payload;
  }
}

function decodeFrame(source: Buffer, start: number, end: number): Frame {
  const kind = source[start]!;
  const size = end - start;
  if (kind === FRAME_DATA && size >= DATA_HEAD_BYTES && size <= DATA_HEAD_BYTES + DATA_FRAME_BYTES) {
    return {
      kind: 'data',
      stream: readStream(source, start + 1),
      offset: readOffset(source, start + 2, 'offset'),
      bytes: source.subarray(start + DATA_HEAD_BYTES, end),
    };
  }
  checkLength(size);
  checkKind(kind, size);
  if (kind === FRAME_JSON) return { kind: 'json', json: source.subarray(start, end) };
  if (kind === FRAME_INPUT) {
    return {
      kind: 'input',
      epoch: source.readUInt32BE(start + 1),
      seq: readOffset(source, start + 5, 'seq'),
      bytes: source.subarray(start + INPUT_HEAD_BYTES, end),
    };
  }
  return decodeGap(source, start);
}

function decodeGap(source: Buffer, start: number): Frame {
  const stream = readStream(source, start + 1);
  const from = readOffset(source, start + 2, 'from');
  const to = source.readBigUInt64BE(start + 10) === ALL_ONES ? UNKNOWN_END : readOffset(source, start + 10, 'to');
  if (to < from) throw badFrame(`a GAP frame ends at ${to}, before its start ${from}`);
  const code = source[start + 18]!;
  const reason = GAP_REASONS[code];
  // A new reason comes behind a new protocol number, so an unknown one is damage.
  if (reason === undefined) throw badFrame(`GAP reason ${code} is not one of ${Object.values(GAP_REASON).join(', ')}`);
  return { kind: 'gap', stream, from, to, reason };
}

function checkLength(payload: number): void {
  if (payload === 0) throw badFrame('a frame has no payload');
  if (payload > FRAME_BYTES) {
    throw new HoldfastError('too_large', `a frame holds at most ${FRAME_BYTES} bytes, its length says ${payload}`);
  }
}

function checkKind(kind: number, payload: number): void {
  if (kind === FRAME_JSON) return;
  if (kind === FRAME_DATA) {
    if (payload < DATA_HEAD_BYTES)
      throw badFrame(`a DATA frame has at least ${DATA_HEAD_BYTES} bytes, this one ${payload}`);
    if (payload <= DATA_HEAD_BYTES + DATA_FRAME_BYTES) return;
    throw new HoldfastError(
      'too_large',
      `a DATA frame carries at most ${DATA_FRAME_BYTES} bytes, this one ${payload - DATA_HEAD_BYTES}`,
    );
  }
  if (kind === FRAME_INPUT) {
    if (payload >= INPUT_HEAD_BYTES) return;
    throw badFrame(`an INPUT frame has at least ${INPUT_HEAD_BYTES} bytes, this one ${payload}`);
  }
  if (kind === FRAME_GAP) {
    if (payload === GAP_BYTES) return;
    throw badFrame(`a GAP frame has ${GAP_BYTES} bytes, this one ${payload}`);
  }
  throw badFrame(`0x${kind.toString(16).padStart(2, '0')} is no kind of frame`);
}

function readStream(source: Buffer, at: number): StreamId {
  const stream = source[at]!;
  if (stream > 2) throw badFrame(`stream ${stream} does not exist`);
  return stream as StreamId;
}

function readOffset(source: Buffer, at: number, field: string): number {
  const value = readU64(source, at);
  if (value > Number.MAX_SAFE_INTEGER) throw badFrame(`${field} is beyond 2^53 - 1`);
  return value;
}

function badFrame(message: string): HoldfastError {
  return new HoldfastError('bad_frame', message);
}

function gapReasonsByCode(): (GapReason | undefined)[] {
  const byCode: (GapReason | undefined)[] = [];
  for (const [name, code] of Object.entries(GAP_REASON)) byCode[code] = name as GapReason;
  return byCode;
}
