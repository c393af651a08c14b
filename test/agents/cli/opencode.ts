/** opencode on chat completions, with a provider of its configuration; nothing is fetched. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { chat } from '../endpoint/chat.ts';
import type { AgentCli } from './contract.ts';

const VERSION = '1.18.33';
const KEY = 'scripted-key';
/** Two of the plain one in a row are read as one key with Alt. */
const ESCAPE = '\x1b[27;1u';

export const opencode: AgentCli = {
  name: 'opencode',
  version: VERSION,
  dialects: [chat],
  // It takes no id for a new conversation: it says its own at the end, and to its plugins.
  launch(place, { resume, args = [] } = {}) {
    const argv = [binary()];
    if (resume !== undefined) argv.push('--session', resume);
    return { argv: [...argv, ...args], env: environment(place.endpoint, place.home) };
  },
  /** No dialog to settle: what is placed makes it believe that its plugin package, which it would fetch, is there. */
  files({ home }) {
    const settings = join(home, '.config', 'opencode');
    const lock = { lockfileVersion: 3, packages: { '': { dependencies: { '@opencode-ai/plugin': VERSION } } } };
    return [
      { path: join(settings, 'package-lock.json'), text: JSON.stringify(lock) },
      { path: join(settings, 'node_modules', '.keep'), text: '' },
    ];
  },
  composer: /ctrl\+p commands/u,
  insists: ['rate_limit', 'quota', 'overloaded', 'server', 'context_length', 'break'],
  conversationSaid: (screen) => /opencode -s (ses_\w+)/u.exec(screen)?.[1],
  keys: { submit: '\r', interrupt: ESCAPE + ESCAPE, exit: ['\x03'], trust: null, approve: '\r', deny: '\x1b' },
  tools: {
    permission: { name: 'bash', input: { command: 'touch approved.txt', description: 'Create a file' } },
    more: { write: { name: 'write', input: { filePath: 'written.txt', content: 'one\ntwo\n' } } },
    slow: (seconds) => ({ name: 'bash', input: { command: `sleep ${seconds}`, description: 'Wait' } }),
    question: {
      name: 'question',
      input: {
        questions: [
          {
            question: 'Which colour?',
            header: 'Colour',
            options: [
              { label: 'Red', description: 'Warm' },
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
  const file = join(
    dirname(resolve.resolve(`opencode-${process.platform}-${process.arch}/package.json`)),
    'bin',
    'opencode',
  );
  if (!existsSync(file)) throw new Error('opencode is not installed: run scripts/install-agents.mjs');
  return file;
}

function configuration(endpoint: string): object {
  return {
    autoupdate: false,
    share: 'disabled',
    model: 'scripted/scripted',
    small_model: 'scripted/scripted',
    enabled_providers: ['scripted'],
    permission: { bash: { '*': 'ask', 'sleep *': 'allow' }, edit: 'ask' },
    provider: {
      scripted: {
        // Part of the program, not fetched.
        npm: '@ai-sdk/openai-compatible',
        name: 'Scripted',
        options: { baseURL: `${endpoint}/v1`, apiKey: KEY },
        models: {
          scripted: {
            name: 'Scripted',
            tool_call: true,
            reasoning: true,
            limit: { context: 128_000, output: 8_000 },
          },
        },
      },
    },
  };
}

function environment(endpoint: string, home: string): [string, string][] {
  return [
    ['PATH', '/usr/local/bin:/usr/bin:/bin'],
    ['HOME', home],
    ['TERM', 'xterm-256color'],
    ['COLORTERM', 'truecolor'],
    ['LANG', 'C.UTF-8'],
    ['OPENCODE_CONFIG_CONTENT', JSON.stringify(configuration(endpoint))],
    ['OPENCODE_DISABLE_AUTOUPDATE', '1'],
    ['OPENCODE_DISABLE_MODELS_FETCH', '1'],
    ['OPENCODE_DISABLE_LSP_DOWNLOAD', '1'],
    ['OPENCODE_DISABLE_DEFAULT_PLUGINS', '1'],
    // Should it try to install something nevertheless.
    ['npm_config_offline', 'true'],
  ];
}
