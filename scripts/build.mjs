// Builds dist/: one CommonJS bundle per process, its lazy chunks, the SDK and the loader.
//   build.mjs [--faults | --all] [--bench] [--types] [--if-stale] [--src DIR] [--out DIR]
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { stampBuild, takeFingerprint } from './lib/freshness.mjs';
import { withLock } from './lib/lock.mjs';
import { fail, inRoot, say } from './lib/project.mjs';
import { benchTarget, distTarget, isFresh } from './lib/targets.mjs';

const { values: options } = parseArgs({
  options: {
    faults: { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
    bench: { type: 'boolean', default: false },
    types: { type: 'boolean', default: false },
    'if-stale': { type: 'boolean', default: false },
    src: { type: 'string' },
    out: { type: 'string' },
  },
});

const onlyStale = options['if-stale'];
const targets = chooseTargets();
if (options.types || !onlyStale || !targets.every(isFresh)) await main();

async function main() {
  if (!existsSync(inRoot('node_modules', 'esbuild'))) fail('dependencies are not installed; run npm start or npm ci');
  try {
    await withLock(buildAll);
  } catch (error) {
    // esbuild has printed its own errors.
    if (!Array.isArray(error.errors)) say(error.stack);
    process.exitCode = 1;
  }
}

async function buildAll() {
  const { build } = await import('./lib/bundle.mjs');
  for (const target of targets) {
    // Asked again: another process may have built while this one waited.
    if (onlyStale && isFresh(target)) continue;
    if (onlyStale) say(`building ${target.label} …`);
    const fingerprint = takeFingerprint(target.inputs);
    stampBuild(target.outDir, fingerprint, await build(target));
  }
  if (options.types) {
    const { emitTypes } = await import('./lib/types.mjs');
    emitTypes(targets[0].outDir);
  }
}

function chooseTargets() {
  const places = {
    ...(options.src === undefined ? {} : { src: resolve(options.src) }),
    ...(options.out === undefined ? {} : { outDir: resolve(options.out) }),
  };
  const chosen = [];
  if (options.all || !options.faults) chosen.push(distTarget(false, places));
  if (options.all || options.faults) chosen.push(distTarget(true, places));
  if (options.bench) chosen.push(benchTarget());
  return chosen;
}
