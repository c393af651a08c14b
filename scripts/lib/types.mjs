// Declarations of the SDK for the published package.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inRoot } from './project.mjs';

export const tsc = inRoot('node_modules', 'ts7', 'bin', 'tsc');

export function emitTypes(distDir) {
  const outDir = join(distDir, 'types');
  rmSync(outDir, { recursive: true, force: true });
  execFileSync(process.execPath, [tsc, '-p', inRoot('tsconfig.types.json'), '--outDir', outDir], { stdio: 'inherit' });
  // tsc leaves the extensions of declarations alone; compilers without allowImportingTsExtensions want those of files.
  for (const name of readdirSync(outDir, { recursive: true })) {
    if (!name.endsWith('.d.ts')) continue;
    const file = join(outDir, name);
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll(/((['"])\.{1,2}\/[^'"]*)\.ts\2/g, '$1.js$2'));
  }
}
