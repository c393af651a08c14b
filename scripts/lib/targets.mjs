// What can be built, and from what. Node's standard library only.
import { buildIsFresh } from './freshness.mjs';
import { inRoot } from './project.mjs';

export function distTarget(faults, { src = inRoot('src'), outDir = inRoot(faults ? 'dist-faults' : 'dist') } = {}) {
  return { kind: 'dist', label: faults ? 'bundles with fault points' : 'bundles', faults, src, outDir, inputs: [src] };
}

export function benchTarget() {
  const src = inRoot('src');
  return { kind: 'bench', label: 'benchmarks', src, outDir: inRoot('dist-bench'), inputs: [src, inRoot('bench')] };
}

export function isFresh(target) {
  return buildIsFresh(target.outDir, target.inputs);
}
