/** Codex on the Responses API: a provider of its own, in one process, with no shared background server. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { responses } from '../endpoint/responses.ts';
import type { AgentCli } from './contract.ts';

export const codex: AgentCli = {
  name: 'codex',
  version: '0.169.0',
  dialects: [responses],
  launch(place, { resume, args = [] } = {}) {
    const argv = [binary(), '--no-daemon', ...settings(place.endpoint).flatMap((setting) => ['-c', setting])];
    if (resume !== undefined) argv.push('resume', resume);
    return { argv: [...argv, ...args], env: environment(place.home) };
  },
  files({ home, cwd }, settled) {
    // Only a folder that could bring code or settings of its own is asked about.
    if (settled !== 'trusted') return [{ path: join(cwd, '.codex', 'config.toml'), text: '' }];
    return [{ path: join(home, '.codex', 'config.toml'), text: `[projects."${cwd}"]\ntrust_level = "trusted"\n` }];
  },
  conversationSaid: (screen) => /codex resume ([0-9a-f-]{36})/u.exec(screen)?.[1],
  keys: { submit: '\r', interrupt: '\x1b', exit: ['\x03', '\x03'], trust: '\r', approve: 'y', deny: '\x1b' },
  tools: {
    permission: {
      name: 'exec_command',
      input: { cmd: 'touch approved.txt', sandbox_permissions: 'require_escalated', justification: 'Create a file?' },
    },
    slow: (seconds) => ({ name: 'exec_command', input: { cmd: `sleep ${seconds}`, yield_time_ms: 30_000 } }),
    more: {
      edit: {
        name: 'apply_patch',
        input: { input: '*** Begin Patch\n*** Add File: /opt/written.txt\n+one\n+two\n*** End Patch\n' },
      },
    },
    question: {
      name: 'request_user_input',
      input: {
        questions: [
          {
            id: 'colour',
            header: 'Colour',
            question: 'Which colour?',
            options: [
              { label: 'Red (Recommended)', description: 'Warm' },
              { label: 'Blue', description: 'Cold' },
            ],
          },
        ],
      },
    },
  },
};

function binary(): string {
  const resolve = createRequire(join(import.meta.dirname, '..', 'package.json'));
  const packageFile = `@openai/codex-${process.platform}-${process.arch}/package.json`;
  const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  const target = process.platform === 'darwin' ? `${machine}-apple-darwin` : `${machine}-unknown-linux-musl`;
  const file = join(dirname(resolve.resolve(packageFile)), 'vendor', target, 'bin', 'codex');
  if (!existsSync(file)) throw new Error('Codex is not installed: run scripts/install-agents.mjs');
  return file;
}

/** Everything for this run only: a user's own config.toml is read, never written for it. */
function settings(endpoint: string): string[] {
  const provider = {
    name: 'Scripted',
    base_url: `${endpoint}/v1`,
    wire_api: 'responses',
    env_key: 'SCRIPTED_KEY',
    supports_websockets: false,
    // Of each kind: a request that fails and a stream that breaks are counted apart, one within the other.
    request_max_retries: 1,
    stream_max_retries: 3,
  };
  const fields = Object.entries(provider).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return [
    `model_providers.scripted={${fields.join(',')}}`,
    'model_provider="scripted"',
    'model="gpt-5.5"',
    // Newer models are offered in a dialog at the start, and call tools from a script of their own.
    'notice.model_migrations={"gpt-5.5"="gpt-6-sol"}',
    // Else it asks a person only while it plans.
    'features.default_mode_request_user_input=true',
    'suppress_unstable_features_warning=true',
    'check_for_update_on_startup=false',
    'analytics.enabled=false',
    'feedback.enabled=false',
  ];
}

function environment(home: string): [string, string][] {
  return [
    ['PATH', '/usr/local/bin:/usr/bin:/bin'],
    ['HOME', home],
    ['TERM', 'xterm-256color'],
    ['LANG', 'C.UTF-8'],
    ['SCRIPTED_KEY', 'sk-scripted-000000000000'],
  ];
}
