/** Claude Code on the Messages API, with a key of the environment that needs no approval. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { anthropic } from '../endpoint/anthropic.ts';
import type { AgentCli } from './contract.ts';

/** Prompts for permission are for people; the default leaves most of them to a model. */
const MODE = ['--permission-mode', 'manual'];
const KEY = 'sk-ant-scripted-000000000000000000';

export const claude: AgentCli = {
  name: 'claude',
  version: '2.1.329',
  dialects: [anthropic],
  launch(place, { conversation, resume, args = [], env = [] } = {}) {
    const argv = [binary(), ...MODE];
    if (conversation !== undefined) argv.push('--session-id', conversation);
    if (resume !== undefined) argv.push('--resume', resume);
    return { argv: [...argv, ...args], env: [...environment(place.endpoint, place.home), ...env] };
  },
  files({ home, cwd }, settled) {
    if (settled === 'nothing') return [];
    const projects = settled === 'trusted' ? { [cwd]: { hasTrustDialogAccepted: true } } : {};
    const state = {
      hasCompletedOnboarding: true,
      customApiKeyResponses: { approved: [KEY.slice(-20)], rejected: [] },
      projects,
    };
    return [{ path: join(home, '.claude.json'), text: JSON.stringify(state) }];
  },
  doubtful: [['ANTHROPIC_API_KEY', 'sk-ant-doubtful-11111111111111111111']],
  keys: { submit: '\r', interrupt: '\x1b', exit: ['\x03', '\x03'], trust: '\x1b[B\r', approve: '1', deny: '\x1b' },
  tools: {
    permission: { name: 'Bash', input: { command: 'touch approved.txt', description: 'Create a file' } },
    more: {
      write: { name: 'Write', input: { file_path: 'written.txt', content: 'one\ntwo\n' } },
      fetch: { name: 'WebFetch', input: { url: 'http://127.0.0.1:9/x', prompt: 'Read it' } },
    },
    slow: (seconds) => ({ name: 'Bash', input: { command: `sleep ${seconds}`, description: 'Wait' } }),
    question: {
      name: 'AskUserQuestion',
      input: {
        questions: [
          {
            question: 'Which colour?',
            header: 'Colour',
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

function binary(): string {
  const resolve = createRequire(join(import.meta.dirname, '..', 'package.json'));
  const packageFile = `@anthropic-ai/claude-code-${process.platform}-${process.arch}/package.json`;
  const file = join(dirname(resolve.resolve(packageFile)), 'claude');
  if (!existsSync(file)) throw new Error('Claude Code is not installed: run scripts/install-agents.mjs');
  return file;
}

function environment(endpoint: string, home: string): [string, string][] {
  return [
    ['PATH', '/usr/local/bin:/usr/bin:/bin'],
    ['HOME', home],
    ['TERM', 'xterm-256color'],
    ['LANG', 'C.UTF-8'],
    ['ANTHROPIC_BASE_URL', endpoint],
    ['ANTHROPIC_API_KEY', KEY],
    // Ten by default, over minutes.
    ['CLAUDE_CODE_MAX_RETRIES', '2'],
    ['DISABLE_AUTOUPDATER', '1'],
    ['DISABLE_TELEMETRY', '1'],
    ['DISABLE_ERROR_REPORTING', '1'],
    ['CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC', '1'],
  ];
}
