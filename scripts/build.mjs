// Builds dist/: one CommonJS bundle per process, its lazy chunks, the SDK and the loader.
//   build.mjs [--faults | --all] [--if-stale] [--types] [--bench] [--src DIR --out DIR]
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildIsFresh, stampBuild, takeFingerprint } from './lib/freshness.mjs';
import { withLock } from './lib/lock.mjs';
import { fail, inRoot, say } from './lib/project.mjs';

const { values: options } = parseArgs({
  options: {
    faults: { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
    'if-stale': { type: 'boolean', default: false },
    types: { type: 'boolean', default: false },
    bench: { type: 'boolean', default: false },
    src: { type: 'string', default: inRoot('src') },
    out: { type: 'string' },
  },
});

const src = resolve(options.src);
const targets = [];
if (options.bench) targets.push({ kind: 'bench', label: 'benchmarks', outDir: inRoot('dist-bench'), inputs: [src, inRoot('bench')] });
if (!options.faults || options.all) targets.push(distTarget(false, options.out ?? inRoot('dist')));
if (options.faults || options.all) targets.push(distTarget(true, options.out ?? inRoot('dist-faults')));

await main();

async function main() {
  if (options['if-stale'] && targets.every(isFresh)) return;
  if (!existsSync(inRoot('node_modules', 'esbuild'))) fail('dependencies are not installed; run npm start or npm ci');
  try {
    await withLock(buildAll);
  } catch (error) {
    // esbuild has printed its own errors.
    if (!Array.isArray(error.errors)) say(error.message);
    process.exitCode = 1;
  }
}

async function buildAll() {
  for (const target of targets) {
    // Asked again: another process may have built while this one waited.
    if (options['if-stale'] && isFresh(target)) continue;
    if (options['if-stale']) say(`building ${target.label} …`);
    const fingerprint = takeFingerprint(target.inputs);
    const { build } = await import('./lib/bundle.mjs');
    const outputs = await build({ ...target, src });
    stampBuild(target.outDir, fingerprint, outputs);
  }
  if (options.types) {
    const { emitTypes } = await import('./lib/types.mjs');
    emitTypes(options.out ?? inRoot('dist'));
  }
}

function distTarget(faults, outDir) {
  return { kind: 'dist', label: faults ? 'with fault points' : 'bundles', faults, outDir: resolve(outDir), inputs: [src] };
}

function isFresh(target) {
  return buildIsFresh(target.outDir, target.inputs);
}
