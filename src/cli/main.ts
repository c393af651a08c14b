/** Composition root of the command line: everything it needs of the world comes in here. */
import { join } from 'node:path';
import { runCommandLine } from './command-line.ts';

const HELP: ReadonlySet<string> = new Set(['--help', '-h']);

main(process.argv.slice(2)).then(
  // A pending read of a terminal would keep the process; all output has been written by now.
  (status) => process.exit(status),
  (error: unknown) => {
    process.stderr.write(`holdfast: ${String(error)}\n`);
    process.exit(1);
  },
);

function main(words: string[]): Promise<number> {
  // An agent's hook must not fail, not even for a word that is no option: it has no command line to be told of.
  if (words[0] === 'report' && !HELP.has(words[1] ?? '')) return hook(words.slice(1));
  return runCommandLine({
    words,
    env: process.env,
    // The bundle stands beside the loader that every process is started with.
    loader: join(import.meta.dirname, 'holdfast.cjs'),
    version: __HOLDFAST_VERSION__,
  });
}

async function hook(words: string[]): Promise<number> {
  try {
    const { report } = await import('./commands/report.ts');
    return await report(words, process.env);
  } catch {
    return 0; // Nothing of ours is the agent's business.
  }
}
