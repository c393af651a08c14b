/**
 * `node flood-child.mjs DIRECTORY PAUSE_MS MOST_BYTES`: writes the oracle's stream in bursts of 1 to MOST_BYTES bytes
 * until the file DIRECTORY/stop is there, leaves the number of bytes in DIRECTORY/<pid>.total and exits with 7.
 */
import { existsSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { oracleBytes } from './oracle.mjs';

const [directory, pauseMs, mostBytes] = process.argv.slice(2);
const sleeper = new Int32Array(new SharedArrayBuffer(4));
let state = process.pid;
let total = 0;

while (!existsSync(join(directory, 'stop'))) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  const burst = oracleBytes(total, total + 1 + Math.floor((state / 2 ** 32) * Number(mostBytes)));
  for (let written = 0; written < burst.length; ) written += writeSync(1, burst, written);
  total += burst.length;
  Atomics.wait(sleeper, 0, 0, Number(pauseMs));
}
// Under its name only when it is whole.
writeFileSync(join(directory, `${process.pid}.part`), String(total));
renameSync(join(directory, `${process.pid}.part`), join(directory, `${process.pid}.total`));
process.exit(7);
