// Once per run of a project that starts real processes: the bundles, with and without fault points.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export default function setup(): void {
  const build = fileURLToPath(new URL('../scripts/build.mjs', import.meta.url));
  execFileSync(process.execPath, [build, '--all', '--if-stale'], { stdio: ['ignore', 'inherit', 'inherit'] });
}
