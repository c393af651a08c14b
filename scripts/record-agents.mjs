#!/usr/bin/env node
// Bundles test/agents/record.ts and runs it: node scripts/record-agents.mjs CLI [SCENARIO…] (see there).
import { spawn } from 'node:child_process';
import * as esbuild from 'esbuild';
import { inRoot, root } from './lib/project.mjs';

const outfile = inRoot('dist-agents', 'record.mjs');
await esbuild.build({
  entryPoints: [inRoot('test', 'agents', 'record.ts')],
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  outfile,
  external: ['@lydell/node-pty', 'koffi'],
  define: {
    __HOLDFAST_FAULTS__: 'false',
    __HOLDFAST_VERSION__: '"0.0.0-test"',
    // The CLIs are found from where their descriptions lie.
    'import.meta.dirname': JSON.stringify(inRoot('test', 'agents', 'cli')),
  },
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
  logLevel: 'warning',
});
const child = spawn(process.execPath, [outfile, ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
child.on('exit', (code, signal) => {
  process.exitCode = signal === null ? (code ?? 1) : 1;
});
