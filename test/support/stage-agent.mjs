// A program whose screen a test writes: what comes through the FIFO that STAGE names goes to the terminal as it is. Every
// byte that is typed to it goes to STAGE.keys, and its argv, once it runs, to STAGE.argv.
import { appendFileSync, createReadStream, openSync, writeFileSync } from 'node:fs';

const stage = process.env.STAGE;
if (process.stdin.isTTY) process.stdin.setRawMode(true);
process.stdin.on('data', (bytes) => appendFileSync(`${stage}.keys`, bytes));
// Opened for both: it never ends.
createReadStream('', { fd: openSync(stage, 'r+') }).on('data', (bytes) => process.stdout.write(bytes));
writeFileSync(`${stage}.argv`, JSON.stringify(process.argv.slice(2)));
