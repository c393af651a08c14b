/**
 * Native files of packages, loaded without the packages: resolving a package and running its loaders costs a process
 * several times the memory and time of the file itself, and every session pays it.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The exports of `file` (its path below a `node_modules` directory), searched upwards from this program's own files.
 * Undefined where it is not there: with a package manager of another layout its package may still find it.
 * Throws what loading it throws.
 */
export function loadNativeFile(file: string): unknown {
  for (let directory = import.meta.dirname; ; directory = dirname(directory)) {
    const path = join(directory, 'node_modules', file);
    if (existsSync(path)) {
      const loaded = { exports: {} };
      process.dlopen(loaded, path);
      return loaded.exports;
    }
    if (dirname(directory) === directory) return undefined;
  }
}
