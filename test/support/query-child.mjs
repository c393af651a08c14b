/**
 * `node query-child.mjs FILE`: asks the terminal everything whenever it reads the byte `?` on a line of its own, and
 * appends everything it reads to FILE.
 */
import { appendFileSync } from 'node:fs';

/** DA1, cursor position, DECRQM of bracketed paste, background colour, XTVERSION, kitty keyboard, DSR. */
const QUERIES = '\x1b[c\x1b[6n\x1b[?2004$p\x1b]11;?\x1b\\\x1b[>q\x1b[?u\x1b[5n';
const [file] = process.argv.slice(2);

process.stdin.setRawMode(true);
process.stdin.on('data', (bytes) => {
  appendFileSync(file, bytes);
  if (bytes.includes('?\r')) process.stdout.write(QUERIES);
});
process.stdout.write('ready');
