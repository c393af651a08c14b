import type { AgentProfile, Region } from '../../protocol/agent/index.ts';
import { SCRUBBED } from './environment.ts';

/** The input box ends in this border; the status line is below it. */
const STATUS_LINE: Region = { of: 'after', mark: '^\\s*╹▀{8}' };

export const opencode: AgentProfile = {
  name: 'opencode',
  title: 'opencode',
  revision: 1,
  cli_versions: '>=1.18 <2',
  launch: {
    argv: ['opencode'],
    resume: ['opencode', '-s', '{conversation}'],
    version: ['opencode', '--version'],
    scrub: [...SCRUBBED],
    set: {},
    conversation: { from: 'none' },
  },
  input: {
    paste: 'bracketed',
    newline: '\n',
    submit: '\r',
    interrupt: ['\x1b', '\x1b'],
    clear: ['\x03'],
    exit: ['\x03'],
    box: {
      region: { of: 'last', lines: 12 },
      prompt: '^ *┃  (\\S.*)$',
      continuation: null,
      placeholders: ['^Ask anything'],
      dim_is_placeholder: true,
    },
    collapsed: { pattern: '\\[Pasted ~\\d+ lines' },
    by_reference_bytes: 16_384,
    submit_after_ms: 50,
    special: { pattern: '^[!/@]', prefix: ' ' },
    chrome: ['^\\s*▣ ', '^\\s*┃'],
  },
  dialogs: [
    {
      id: 'permission',
      kind: 'permission',
      region: { of: 'after', mark: '△ Permission required' },
      match: { all: ['Allow once +Allow always', ' Reject '] },
      choice: null,
      choices: [
        { id: 'allow', label: 'Allow once', meaning: 'allow', keys: '\r' },
        { id: 'allow_always', label: 'Allow always', meaning: 'allow_always', keys: '\x1b[C\r' },
        { id: 'deny', label: 'Reject', meaning: 'deny', keys: '\x1b' },
      ],
      noise: ['Allow once +Allow always'],
    },
  ],
  rules: [
    {
      id: 'working-status',
      region: STATUS_LINE,
      match: { any: ['esc interrupt', 'esc again to interrupt'] },
      activity: 'working',
      attention: 'none',
      priority: 90,
      confidence: 0.9,
      settle_ms: 0,
    },
    {
      id: 'idle-status',
      region: STATUS_LINE,
      match: { all: ['ctrl\\+p commands'], none: ['esc', '[⬝■]'] },
      activity: 'idle',
      attention: 'none',
      priority: 10,
      confidence: 0.85,
      settle_ms: 1_000,
    },
  ],
  titles: [],
  progress: false,
  prompt_marks: false,
  program_status: true,
  hooks: { settings: null, events: [] },
  structured: [{ mode: 'acp', argv: ['opencode', 'acp'], resume: null }],
  timings: { ready_ms: 30_000, echo_ms: 5_000, start_ms: 5_000, settle_ms: 1_000, interrupt_ms: 8_000 },
};
