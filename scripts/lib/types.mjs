// Declarations of the SDK for the published package.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { inRoot } from './project.mjs';

export const tsc = inRoot('node_modules', 'ts7', 'bin', 'tsc');

export function emitTypes(distDir) {
  const outDir = join(distDir, 'types');
  rmSync(outDir, { recursive: true, force: true });
  execFileSync(process.execPath, [tsc, '-p', inRoot('tsconfig.types.json'), '--outDir', outDir], { stdio: 'inherit' });
}
