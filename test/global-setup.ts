// Once per run of the suite: the bundles which the process tests start, with and without fault points.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export default function setup(): void {
  const build = fileURLToPath(new URL('../scripts/build.mjs', import.meta.url));
  if (!existsSync(build)) return;
  execFileSync(process.execPath, [build, '--if-stale', '--all'], { stdio: ['ignore', 'inherit', 'inherit'] });
}
