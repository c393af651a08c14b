// A Vitest reporter for .ci/run: writes the run's numbers into $HOLDFAST_CI_RESULTS and names every skipped test.
import { writeFileSync } from 'node:fs';

export default class CiReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      // A file that could not be loaded has no tests that failed.
      if (module.state() === 'failed' && module.errors().length > 0) counts.failed++;
      for (const test of module.children.allTests()) {
        const { state, note } = test.result();
        if (state === 'pending') counts.failed++;
        else counts[state]++;
        if (state === 'skipped') process.stdout.write(`skipped: ${test.fullName} – ${note ?? 'no reason given'}\n`);
      }
    }
    const file = process.env['HOLDFAST_CI_RESULTS'];
    if (file !== undefined) writeFileSync(file, JSON.stringify(counts));
  }
}
