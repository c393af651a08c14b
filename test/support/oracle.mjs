/**
 * Data computed from its offset, so that any fragment of a session's output checks itself.
 *
 * The stream is a sequence of cells of CELL_BYTES bytes: sixteen hex digits of the cell's number, then a filler that
 * holds everything a line-minded reader breaks on: blank lines, CRLF, a lone CR, NUL, invalid UTF-8, a split sequence.
 * What a PTY's line discipline makes of it (OPOST | ONLCR, termios(3)) has a period of its own, so both forms are
 * checked without the other. Plain JavaScript: the child that writes it runs this file as it is.
 */
const FILLER = Buffer.from('\n\n\r\n\0\xff\xfe\xc3(\r\x80e\xcc\x81~\n.holdfast \t\x7f\xf0\x9f\n=', 'latin1');
const HEX = 16;

/** Bytes of one cell as the child writes it. */
export const CELL_BYTES = HEX + FILLER.length;

const FILLER_PTY = Buffer.from(FILLER.toString('latin1').replaceAll('\n', '\r\n'), 'latin1');

/** Bytes of one cell as a PTY's reader sees it. */
export const CELL_PTY_BYTES = HEX + FILLER_PTY.length;

const CELLS_PER_BLOCK = 1024;

/** The bytes [from, to) of the stream; `pty` for what the line discipline makes of it. */
export function oracleBytes(from, to, pty = false) {
  const size = pty ? CELL_PTY_BYTES : CELL_BYTES;
  const firstCell = Math.floor(from / size);
  const lastCell = Math.ceil(to / size);
  const whole = Buffer.allocUnsafe((lastCell - firstCell) * size);
  const filler = pty ? FILLER_PTY : FILLER;
  for (let cell = firstCell, at = 0; cell < lastCell; cell++, at += size) {
    whole.write(cell.toString(16).padStart(HEX, '0'), at, 'latin1');
    filler.copy(whole, at + HEX);
  }
  return whole.subarray(from - firstCell * size, to - firstCell * size);
}

/** Length a PTY's reader sees for `bytes` bytes of the child's. */
export function ptyLength(bytes) {
  const cells = Math.floor(bytes / CELL_BYTES);
  const rest = oracleBytes(cells * CELL_BYTES, bytes);
  return cells * CELL_PTY_BYTES + rest.length + rest.filter((byte) => byte === 0x0a).length;
}

/** Checks fragments at their offsets and accounts for gaps; throws at the first wrong byte, naming both. */
export class OracleChecker {
  constructor({ pty = false } = {}) {
    this.pty = pty;
    /** Next offset a reader may deliver. */
    this.position = undefined;
    this.bytes = 0;
    this.gapBytes = 0;
  }

  data(offset, bytes) {
    if (this.position !== undefined && offset !== this.position) {
      throw new Error(`expected offset ${this.position}, got ${offset}: a byte was lost or doubled`);
    }
    const expected = oracleBytes(offset, offset + bytes.length, this.pty);
    if (!expected.equals(bytes)) {
      const at = expected.findIndex((byte, i) => byte !== bytes[i]);
      throw new Error(`byte ${offset + at} is ${bytes[at]}, expected ${expected[at]}`);
    }
    this.position = offset + bytes.length;
    this.bytes += bytes.length;
  }

  gap(from, to) {
    if (this.position !== undefined && from !== this.position) {
      throw new Error(`gap from ${from}, but the reader is at ${this.position}`);
    }
    if (!(to > from)) throw new Error(`empty gap ${from}..${to}`);
    this.position = to;
    this.gapBytes += to - from;
  }
}

/**
 * `node oracle.mjs BYTES [CHUNK_BYTES] [EXIT_CODE] [WHERE] [FROM]`: writes the stream from offset FROM up to BYTES,
 * blocking, and exits. A chunk of `~N` is
 * 1 to N bytes, never the same for long. WHERE: `stdout`; `both`, all of it on stdout and
 * its first half on stderr, in turns; `turns`, its chunks on stdout and stderr in turns, so that the two merged in write order are the stream.
 */
async function main([total, chunk = '65536', exitCode = '0', where = 'stdout', from = '0']) {
  const { writeSync } = await import('node:fs');
  const sizes = chunkSizes(chunk);
  const end = Number(total);
  const block = CELLS_PER_BLOCK * CELL_BYTES;
  let buffered = Buffer.alloc(0);
  let bufferedFrom = 0;
  for (let offset = Number(from), turn = 0; offset < end; turn++) {
    if (offset >= bufferedFrom + buffered.length) {
      bufferedFrom = offset;
      buffered = oracleBytes(offset, Math.min(end, offset + block));
    }
    const part = buffered.subarray(offset - bufferedFrom, offset - bufferedFrom + sizes());
    writeBlocking(writeSync, where === 'turns' && turn % 2 === 1 ? 2 : 1, part);
    if (where === 'both') writeBlocking(writeSync, 2, part.subarray(0, Math.max(0, Math.floor(end / 2) - offset)));
    offset += part.length;
  }
  process.exit(Number(exitCode));
}

function chunkSizes(chunk) {
  if (!chunk.startsWith('~')) return () => Number(chunk);
  const most = Number(chunk.slice(1));
  let state = most;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return 1 + Math.floor((state / 2 ** 32) * most);
  };
}

/** stdout may be non-blocking when it is a pipe the parent made so. */
function writeBlocking(writeSync, fd, bytes) {
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(fd, bytes, written);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname) await main(process.argv.slice(2));
