import { crc32 as nativeCrc32 } from 'node:zlib';

/** Below this a table is as fast as the call into native code, and a quiet session never loads the module for it. */
const NATIVE_FROM_BYTES = 512;
const POLYNOMIAL = 0xedb88320;
const TABLE = buildTable();

/** CRC-32 (IEEE 802.3) of `bytes`, going on from `start`, the CRC of what precedes them. */
export function crc32(bytes: Buffer, start = 0): number {
  if (bytes.length >= NATIVE_FROM_BYTES) return nativeCrc32(bytes, start);
  let crc = ~start;
  for (let at = 0; at < bytes.length; at++) crc = TABLE[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

function buildTable(): Int32Array {
  const table = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    table[byte] = crc;
  }
  return table;
}
