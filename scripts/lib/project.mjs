// Where things are. Node's standard library only: this runs before anything is installed.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export const inRoot = (...parts) => join(root, ...parts);

/** What the scripts do is told on stderr; stdout belongs to the program they run. */
export function say(text) {
  process.stderr.write(`holdfast: ${text}\n`);
}

export function fail(text) {
  say(text);
  process.exit(1);
}
