/** Composition root of the command line: everything it needs of the world comes in here. */
import { join } from 'node:path';
import { runCommandLine } from './command-line.ts';

runCommandLine({
  words: process.argv.slice(2),
  env: process.env,
  // The bundle stands beside the loader that every process is started with.
  loader: join(import.meta.dirname, 'holdfast.cjs'),
  version: __HOLDFAST_VERSION__,
}).then(
  // A pending read of a terminal would keep the process; all output has been written by now.
  (status) => process.exit(status),
  (error: unknown) => {
    process.stderr.write(`holdfast: ${String(error)}\n`);
    process.exit(1);
  },
);
