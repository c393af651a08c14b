import type { AgentProfile } from '../../protocol/agent/index.ts';
import { SCRUBBED } from './environment.ts';

/** From descriptions alone, nothing recorded: its rules are never certain, and what they do not match is unknown. */
export const kiro: AgentProfile = {
  name: 'kiro',
  title: 'Kiro CLI',
  revision: 1,
  cli_versions: 'unrecorded',
  launch: {
    argv: ['kiro-cli', 'chat'],
    resume: null,
    version: ['kiro-cli', '--version'],
    scrub: [...SCRUBBED],
    set: {},
    conversation: { from: 'none' },
  },
  input: {
    paste: 'bracketed',
    newline: '\n',
    submit: '\r',
    interrupt: ['\x03'],
    clear: ['\x15'],
    exit: ['\x04'],
    box: {
      region: { of: 'cursor', lines: 1 },
      prompt: '^(?:Kiro)?> ?(.*)$',
      continuation: null,
      placeholders: ['[Aa]sk a question', '[Dd]escribe a task'],
      dim_is_placeholder: true,
    },
    collapsed: null,
    by_reference_bytes: 16_384,
    special: { pattern: '^[/!@]', prefix: ' ' },
    chrome: [],
  },
  dialogs: [
    {
      id: 'permission',
      kind: 'permission',
      region: { of: 'cursor', lines: 0 },
      match: { any: ['\\[y/n/t\\]:?$', '\\[y/n\\]:?$'] },
      choice: null,
      choices: [
        { id: 'allow', label: 'yes', meaning: 'allow', keys: 'y\r' },
        { id: 'deny', label: 'no', meaning: 'deny', keys: 'n\r' },
        { id: 'allow_always', label: 'trust the tool for this session', meaning: 'allow_always', keys: 't\r' },
      ],
      noise: [],
    },
  ],
  rules: [
    {
      id: 'working',
      region: { of: 'last', lines: 8 },
      match: {
        any: ['Kiro is working'],
      },
      activity: 'working',
      attention: 'none',
      priority: 90,
      confidence: 0.7,
      settle_ms: 0,
    },
    {
      // It paints its prompt before the last bytes of an answer.
      id: 'idle',
      region: { of: 'cursor', lines: 1 },
      match: { any: ['^Kiro>$', '^> ?(?:ask a question|describe a task)'] },
      activity: 'idle',
      attention: 'none',
      priority: 10,
      confidence: 0.6,
      settle_ms: 1_500,
    },
  ],
  titles: [],
  progress: false,
  prompt_marks: false,
  program_status: true,
  hooks: { settings: null, events: [] },
  structured: [{ mode: 'acp', argv: ['kiro-cli', 'acp'], resume: null }],
  timings: { ready_ms: 30_000, echo_ms: 5_000, start_ms: 10_000, settle_ms: 1_500, interrupt_ms: 10_000 },
};
