/** Gemini CLI on the Generative Language API, with a key of the environment; a Node program. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { gemini as dialect } from '../endpoint/gemini.ts';
import type { AgentCli } from './contract.ts';

const KEY = 'scripted-key';
/** A list of allowed tools in the settings would do on a terminal, but makes it refuse all others over ACP. */
const SLEEP_ALLOWED = [
  '[[rule]]',
  'toolName = "run_shell_command"',
  'commandPrefix = "sleep"',
  'decision = "allow"',
  'priority = 100',
].join('\n');

export const gemini: AgentCli = {
  name: 'gemini',
  version: '0.61.0',
  dialects: [dialect],
  launch(place, { conversation, resume, args = [] } = {}) {
    const argv = [process.execPath, program()];
    if (conversation !== undefined) argv.push('--session-id', conversation);
    if (resume !== undefined) argv.push('--resume', resume);
    return { argv: [...argv, ...args], env: environment(place.endpoint, place.home) };
  },
  files({ home, cwd }, settled) {
    const settings = join(home, '.gemini', 'settings.json');
    // Without these its telemetry and its look for a newer version leave the machine.
    const alone = {
      general: { enableAutoUpdate: false, enableAutoUpdateNotification: false },
      privacy: { usageStatisticsEnabled: false },
      telemetry: { enabled: false },
    };
    if (settled === 'nothing') return [{ path: settings, text: JSON.stringify(alone) }];
    const settledSettings = {
      ...alone,
      // A key in the environment alone still opens the dialog of a first start.
      security: { auth: { selectedType: 'gemini-api-key' } },
    };
    const files = [
      { path: settings, text: JSON.stringify(settledSettings) },
      { path: join(home, '.gemini', 'policies', 'slow.toml'), text: SLEEP_ALLOWED },
    ];
    if (settled === 'onboarding') return files;
    const trusted = join(home, '.gemini', 'trustedFolders.json');
    return [...files, { path: trusted, text: JSON.stringify({ [cwd]: 'TRUST_FOLDER' }) }];
  },
  asksLogin: true,
  composer: /^ > /mu,
  // Its settings have a number of attempts that it does not heed.
  insists: ['rate_limit', 'overloaded', 'server'],
  keys: { submit: '\r', interrupt: '\x1b', exit: ['\x03', '\x03'], trust: '\r', approve: '1', deny: '\x1b' },
  tools: {
    permission: {
      name: 'run_shell_command',
      input: { command: 'touch approved.txt', description: 'Create a file' },
    },
    more: { write: { name: 'write_file', input: { file_path: 'written.txt', content: 'one\ntwo\n' } } },
    slow: (seconds) => ({
      name: 'run_shell_command',
      input: { command: `sleep ${seconds}`, description: 'Wait' },
    }),
    question: {
      name: 'ask_user',
      input: {
        questions: [
          {
            question: 'Which colour?',
            header: 'Colour',
            type: 'choice',
            multiSelect: false,
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

function program(): string {
  const resolve = createRequire(join(import.meta.dirname, '..', 'package.json'));
  const paths = resolve.resolve.paths('@google/gemini-cli') ?? [];
  const file = paths.map((path) => join(path, '@google', 'gemini-cli', 'bundle', 'gemini.js')).find(existsSync);
  if (file === undefined) throw new Error('Gemini CLI is not installed: run scripts/install-agents.mjs');
  return file;
}

function environment(endpoint: string, home: string): [string, string][] {
  return [
    ['PATH', '/usr/local/bin:/usr/bin:/bin'],
    ['HOME', home],
    ['TERM', 'xterm-256color'],
    ['COLORTERM', 'truecolor'],
    ['LANG', 'C.UTF-8'],
    ['GOOGLE_GEMINI_BASE_URL', endpoint],
    ['GEMINI_API_KEY', KEY],
    // It leaves a report of each failed request there.
    ['TMPDIR', home],
  ];
}
