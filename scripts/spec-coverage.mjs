/** Lists the rules of docs/SPEC.md that no test title cites, and citations of rules that do not exist; exits 1 on any. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const rules = [...readFileSync('docs/SPEC.md', 'utf8').matchAll(/^- \*\*([A-Z]\d+)\*\*/gm)].map((match) => match[1]);
const tests = execFileSync(
  'git',
  ['ls-files', '-co', '--exclude-standard', '*.test.ts', 'test/**/*.ts', 'src/**/*-contract.ts'],
  {
    encoding: 'utf8',
  },
)
  .split('\n')
  .filter(Boolean);
const cited = new Set();
for (const file of tests) {
  for (const match of readFileSync(file, 'utf8').matchAll(/['"`]((?:\[[A-Z]\d+\] ?)+)/g)) {
    for (const id of match[1].matchAll(/[A-Z]\d+/g)) cited.add(id[0]);
  }
}
const untested = rules.filter((rule) => !cited.has(rule));
const unknown = [...cited].filter((rule) => !rules.includes(rule));
if (untested.length > 0) console.error(`rules without a test: ${untested.join(' ')}`);
if (unknown.length > 0) console.error(`tests cite rules that do not exist: ${unknown.join(' ')}`);
process.exitCode = untested.length + unknown.length > 0 ? 1 : 0;
