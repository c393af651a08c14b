import { crc32 as nativeCrc32 } from 'node:zlib';
import { expect, it } from 'vitest';
import { crc32 } from './checksum.ts';

it('[L5] computes the same CRC-32 with the table and natively, in one go and in pieces', () => {
  const bytes = Buffer.from(Array.from({ length: 1500 }, (_, index) => (index * 73 + (index >> 3)) & 0xff));
  for (const length of [0, 1, 7, 34, 511, 512, 513, 1500]) {
    expect(crc32(bytes.subarray(0, length))).toBe(nativeCrc32(bytes.subarray(0, length)));
    const head = crc32(bytes.subarray(0, length >> 1));
    expect(crc32(bytes.subarray(length >> 1, length), head)).toBe(nativeCrc32(bytes.subarray(0, length)));
  }
});
