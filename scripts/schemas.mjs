// Writes what is made from the control socket's schemas: docs/schema/control.json, docs/CONTROL.md and
// src/protocol/control/seed-keys.ts. With --check it compares instead, and fails on a difference.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { controlReference } from './lib/control-reference.mjs';
import { loadControlSource } from './lib/control-source.mjs';
import { controlSchema } from './lib/json-schema.mjs';
import { fail, inRoot } from './lib/project.mjs';
import { seedKeys } from './lib/seed-keys.mjs';

const source = await loadControlSource();
const schema = controlSchema(source.PUBLISHED, source);
const files = {
  'docs/schema/control.json': formatted('control.json', JSON.stringify(schema)),
  'docs/CONTROL.md': controlReference(schema, source.ERROR_EXIT_STATUS),
  'src/protocol/control/seed-keys.ts': formatted('seed-keys.ts', seedKeys(source.PUBLISHED, source)),
};

const stale = Object.entries(files).filter(([name, text]) => textOf(inRoot(name)) !== text);
if (process.argv.includes('--check')) {
  if (stale.length > 0) fail(`out of date: ${stale.map(([name]) => name).join(', ')}; run node scripts/schemas.mjs`);
} else {
  for (const [name, text] of stale) {
    mkdirSync(dirname(inRoot(name)), { recursive: true });
    writeFileSync(inRoot(name), text);
  }
}

function textOf(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : null;
}

function formatted(name, text) {
  const biome = inRoot('node_modules', '@biomejs', 'biome', 'bin', 'biome');
  return execFileSync(process.execPath, [biome, 'format', `--stdin-file-path=${name}`], {
    cwd: inRoot(),
    input: text,
    encoding: 'utf8',
  });
}
