// Adds up the result files of a CI run: sum-results.mjs DIRECTORY
// With --at-least-one-failure STATUS FILE: a run that ended with STATUS ≠ 0 without naming a failure gets one.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [first, status, file] = process.argv.slice(2);
if (first === '--at-least-one-failure') {
  const counts = JSON.parse(readFileSync(file, 'utf8'));
  if (Number(status) !== 0 && counts.failed === 0) {
    process.stdout.write(`FAILED: the run ended with status ${status} although no test failed\n`);
    writeFileSync(file, JSON.stringify({ ...counts, failed: 1 }));
  }
} else {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const name of readdirSync(first)) {
    const counts = JSON.parse(readFileSync(join(first, name), 'utf8'));
    for (const key of Object.keys(sum)) sum[key] += counts[key];
  }
  process.stdout.write(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped\n`);
  process.exitCode = sum.failed > 0 ? 1 : 0;
}
