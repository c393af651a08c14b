import { describe, expect, it } from 'vitest';
import { HoldfastError, type ErrorCode } from '../errors.ts';
import { DATA_FRAME_BYTES, FRAME_BYTES } from '../limits.ts';
import { FrameDecoder } from './decoder.ts';
import { UNKNOWN_END, encodeDataHeader, encodeGap, encodeInputHeader, encodeJson, type Frame } from './frames.ts';

const frames = (): Buffer[] => [
  encodeJson({ cmd: 'Ping', note: 'grüße' }),
  Buffer.concat([encodeDataHeader(1, 2 ** 40 + 7, 5), Buffer.from('a\0\r\n\xff', 'latin1')]),
  encodeGap(2, 10, 4_294_967_297, 'retention'),
  encodeGap(1, 0, UNKNOWN_END, 'shim_lost'),
  Buffer.concat([encodeInputHeader(3, 2 ** 33, 2), Buffer.from('ls')]),
  encodeDataHeader(1, Number.MAX_SAFE_INTEGER, 0),
];

const decoded: Frame[] = [
  { kind: 'json', json: Buffer.from('{"cmd":"Ping","note":"grüße"}') },
  { kind: 'data', stream: 1, offset: 2 ** 40 + 7, bytes: Buffer.from('a\0\r\n\xff', 'latin1') },
  { kind: 'gap', stream: 2, from: 10, to: 4_294_967_297, reason: 'retention' },
  { kind: 'gap', stream: 1, from: 0, to: UNKNOWN_END, reason: 'shim_lost' },
  { kind: 'input', epoch: 3, seq: 2 ** 33, bytes: Buffer.from('ls') },
  { kind: 'data', stream: 1, offset: Number.MAX_SAFE_INTEGER, bytes: Buffer.alloc(0) },
];

function collect(): { got: Frame[]; decoder: FrameDecoder } {
  const got: Frame[] = [];
  return { got, decoder: new FrameDecoder((frame) => got.push(frame)) };
}

function failure(act: () => void): HoldfastError {
  try {
    act();
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
  throw new Error('expected a refusal');
}

function raw(payload: number[] | Buffer, length = payload.length): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(length);
  return Buffer.concat([prefix, Buffer.from(payload)]);
}

describe('FrameDecoder', () => {
  it('decodes every kind of frame from one chunk', () => {
    const { got, decoder } = collect();
    decoder.push(Buffer.concat(frames()));
    expect(got).toEqual(decoded);
    expect(decoder.pending).toBe(0);
  });

  it('[F1] decodes the same frames split at every byte, and byte by byte', () => {
    const whole = Buffer.concat(frames());
    for (let cut = 0; cut <= whole.length; cut++) {
      const { got, decoder } = collect();
      decoder.push(whole.subarray(0, cut));
      decoder.push(whole.subarray(cut));
      expect(got).toEqual(decoded);
    }
    const { got, decoder } = collect();
    for (const byte of whole) decoder.push(Buffer.of(byte));
    expect(got).toEqual(decoded);
  });

  it('hands on a frame inside one chunk without a copy', () => {
    const { got, decoder } = collect();
    const chunk = frames()[1]!;
    decoder.push(chunk);
    const frame = got[0]!;
    expect(frame.kind === 'data' && frame.bytes.buffer === chunk.buffer).toBe(true);
  });

  it('assembles the largest frames that are allowed', () => {
    const { got, decoder } = collect();
    const body = Buffer.alloc(DATA_FRAME_BYTES, 0x61);
    const json = raw(Buffer.concat([Buffer.from('{'), Buffer.alloc(FRAME_BYTES - 1, 0x20)]));
    const all = Buffer.concat([encodeDataHeader(2, 0, body.length), body, json]);
    for (let at = 0; at < all.length; at += 1000) decoder.push(all.subarray(at, at + 1000));
    expect(got.map((frame) => frame.kind)).toEqual(['data', 'json']);
    expect(got[0]!.kind === 'data' && got[0]!.bytes.equals(body)).toBe(true);
  });

  it('[F6] costs nothing for a hostile length prefix', () => {
    const before = process.memoryUsage().arrayBuffers;
    const held = Array.from({ length: 1000 }, () => {
      const { decoder } = collect();
      decoder.push(raw([0x7b], FRAME_BYTES));
      return decoder;
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(3 * 1024 * 1024);
    expect(held[0]!.pending).toBe(5);
  });

  const malformed: [string, ErrorCode, Buffer][] = [
    ['an empty payload', 'bad_frame', raw([])],
    ['a length over 1 MiB', 'too_large', raw([0x7b], FRAME_BYTES + 1)],
    ['a length of all ones', 'too_large', raw([0x7b], 0xffff_ffff)],
    ['a blank before {', 'bad_frame', raw(Buffer.from(' {"cmd":"Ping"}'))],
    ['a JSON array', 'bad_frame', raw(Buffer.from('[]'))],
    ['0x00', 'bad_frame', raw([0])],
    ...Array.from({ length: 0x1c }, (_, index): [string, ErrorCode, Buffer] => [
      `reserved kind 0x${(index + 4).toString(16)}`,
      'bad_frame',
      raw([index + 4, 1, 2, 3]),
    ]),
    ['a DATA frame without a whole head', 'bad_frame', raw([1, 1, 0, 0, 0, 0, 0, 0, 0])],
    ['a DATA frame over 64 KiB', 'too_large', raw([1, 1], DATA_FRAME_BYTES + 11)],
    ['a DATA frame of stream 3', 'bad_frame', raw([1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 65])],
    ['an offset beyond 2^53 - 1', 'bad_frame', raw([1, 1, 0, 0x20, 0, 0, 0, 0, 0, 0, 65])],
    [
      'a GAP frame of the wrong size',
      'bad_frame',
      raw(Buffer.concat([encodeGap(1, 0, 1, 'retention').subarray(4), Buffer.of(0)])),
    ],
    ['a GAP frame that runs backwards', 'bad_frame', encodeGap(1, 5, 4, 'retention')],
    [
      'a GAP frame of an unknown reason',
      'bad_frame',
      Buffer.concat([encodeGap(1, 0, 1, 'retention').subarray(0, 22), Buffer.of(9)]),
    ],
    ['an INPUT frame without a whole head', 'bad_frame', raw([3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])],
    ['an INPUT frame whose seq is beyond 2^53 - 1', 'bad_frame', raw([3, 0, 0, 0, 1, 0xff, 0, 0, 0, 0, 0, 0, 0])],
  ];

  it.each(malformed)('[F2] refuses %s with %s, whole or byte by byte, and everything after it', (_, code, bytes) => {
    for (const chunks of [[bytes], [...bytes].map((byte) => Buffer.of(byte))]) {
      const { got, decoder } = collect();
      decoder.push(frames()[0]!);
      const first = failure(() => chunks.forEach((chunk) => decoder.push(chunk)));
      expect(first.code).toBe(code);
      expect(failure(() => decoder.push(frames()[0]!))).toBe(first);
      expect(got).toEqual([decoded[0]]);
      expect(decoder.pending).toBe(0);
    }
  });
});
