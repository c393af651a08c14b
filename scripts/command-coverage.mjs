// Writes docs/COVERAGE.md: what tests each of the seed's 61 commands. With --check it compares instead, and fails on a
// difference; and in either case when a command misses a kind of test that applies to it.
import { readFileSync, writeFileSync } from 'node:fs';
import { commandCoverage, coveragePage, TEST_FILES } from './lib/command-coverage.mjs';
import { loadControlSource } from './lib/control-source.mjs';
import { fail, inRoot, say } from './lib/project.mjs';
import { testTitles } from './lib/test-titles.mjs';

const page = inRoot('docs', 'COVERAGE.md');
const source = await loadControlSource();
const commands = Object.fromEntries(
  Object.entries(source.COMMAND_REGISTRY)
    .filter(([, { since }]) => since === 0)
    .map(([name, { to, domain }]) => [
      name,
      { accepted: to === 'srv' || to === 'either', domain, fields: fieldsOf(name) },
    ]),
);
const golden = { seed: namesIn('seed-commands.ndjson'), ours: namesIn('commands.ndjson') };
const coverage = commandCoverage(commands, golden, await testTitles(TEST_FILES));
const text = coveragePage(coverage);
if (process.argv.includes('--check')) {
  if (readFileSync(page, 'utf8') !== text) fail('out of date: docs/COVERAGE.md; run node scripts/command-coverage.mjs');
} else {
  writeFileSync(page, text);
}
for (const { name, missing } of coverage) if (missing.length > 0) say(`${name} has no test: ${missing.join(', ')}`);
process.exit(coverage.some(({ missing }) => missing.length > 0) ? 1 : 0);

function fieldsOf(name) {
  return Object.keys(source.PUBLISHED.commands[name].shape).length - 1;
}

function namesIn(file) {
  const lines = readFileSync(inRoot('test', 'fixtures', 'wire', file), 'utf8')
    .split('\n')
    .filter(Boolean);
  return new Set(lines.map((line) => JSON.parse(line).cmd));
}
