import { defineConfig } from 'vitest/config';

// `--long` (HOLDFAST_TEST_LONG=1) runs the long loops, which need more than the default time.
const long = process.env['HOLDFAST_TEST_LONG'] === '1';
/** Somebody's own socket has one user at a time. */
const shared = process.env['HOLDFAST_CONFORMANCE_SOCKET'] !== undefined;
const testTimeout = long ? 600_000 : 30_000;

/** Only what starts real processes needs the bundles; unit tests run while other sources do not even compile. */
const bundles = ['./test/global-setup.ts'];

const project = (name: string, include: string[], globalSetup: string[]) => ({
  extends: true as const,
  test: { name, include, globalSetup },
});

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: shared ? 1 : 2,
    testTimeout,
    hookTimeout: testTimeout,
    teardownTimeout: 10_000,
    setupFiles: ['./test/setup.ts'],
    passWithNoTests: true,
    projects: [
      project('unit', ['src/**/*.test.ts', 'test/agents/{judge,lock-subset,endpoint/*}.test.ts'], []),
      project('conformance', ['test/conformance/**/*.test.ts'], bundles),
      project('faults', ['test/faults/**/*.test.ts'], bundles),
      // Real agent CLIs (scripts/install-agents.mjs); those that are not installed are skipped.
      project('agents', ['test/agents/{claude,codex,gemini,opencode,structured}.test.ts'], bundles),
      project('e2e', ['test/e2e/**/*.test.ts'], bundles),
    ],
  },
  // The constants which the build defines; unit tests run from source with fault points compiled in.
  define: {
    __HOLDFAST_FAULTS__: 'true',
    __HOLDFAST_VERSION__: JSON.stringify('0.0.0-test'),
  },
});
