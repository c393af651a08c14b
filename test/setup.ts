// Runs before each test file: no test may see, or depend on, the environment of whoever started it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Read by the tests themselves, never by the product; everything else that starts with HOLDFAST_ goes. */
const KEPT = new Set([
  'HOLDFAST_TEST_AGENTS',
  'HOLDFAST_TEST_LONG',
  'HOLDFAST_TEST_SEED',
  'HOLDFAST_CONFORMANCE_SOCKET',
]);
const SECRET = /(?:^|_)(?:API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|AUTH)(?:_|$)/i;
const SESSION = /^(?:TMUX|TMUX_PANE|STY|DTACH|SSH_AUTH_SOCK|SSH_CONNECTION|SSH_CLIENT|SSH_TTY|NODE_OPTIONS)$/;

for (const name of Object.keys(process.env)) {
  if (KEPT.has(name)) continue;
  if (name.startsWith('HOLDFAST_') || name.startsWith('npm_') || SECRET.test(name) || SESSION.test(name)) {
    delete process.env[name];
  }
}

const home = mkdtempSync(join(tmpdir(), 'hf-home-'));
process.env['HOME'] = home;
for (const name of ['XDG_STATE_HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_CACHE_HOME', 'XDG_RUNTIME_DIR']) {
  delete process.env[name];
}

afterAll(() => {
  rmSync(home, { recursive: true, force: true, maxRetries: 3 });
});
