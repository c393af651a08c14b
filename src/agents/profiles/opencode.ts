import type { AgentProfile, HookRule, Match, Region, ScreenRule } from '../../protocol/agent/index.ts';
import { SCRUBBED } from './environment.ts';
import { OPENCODE_PLUGIN } from './opencode-plugin.ts';

/** The input box ends in this border; the status line is below it. */
const STATUS_LINE: Region = { of: 'after', mark: '^\\s*╹▀{8}' };

/** The foot of an answer has its time, or `interrupted`; without either the turn failed. */
const ENDED_WITHOUT_TIME = '^     ▣  [^·]+· [^·]+$';

/** So sure only that it does not contradict the plugin: a turn that a refusal ended has no time either. */
function errorRule(id: string, attention: ScreenRule['attention'], match: Match): ScreenRule {
  const region: Region = { of: 'last', lines: 10 };
  return { id, region, match, activity: 'error', attention, priority: 60, confidence: 0.6, settle_ms: 500 };
}

const common = { conversation: 'session', lease_ms: null } as const;

function failed(attention: HookRule['attention'], which: Pick<HookRule, 'when' | 'matching'>): HookRule {
  return { ...common, ...which, event: 'failed', activity: 'error', attention, text: 'message', turn: 'failed' };
}

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
    // Loaded for this run alone: the user's own configuration is neither written nor replaced.
    merge: { OPENCODE_CONFIG_CONTENT: { plugin: ['file://{plugin}'] } },
    conversation: { from: 'hook', event: 'session', field: 'session' },
  },
  input: {
    paste: 'bracketed',
    newline: '\n',
    submit: '\r',
    // Two escapes in one write are read as one with Alt; as kitty's keys they are two.
    interrupt: ['\x1b[27;1u\x1b[27;1u'],
    // Ctrl-C on an empty box ends it; this takes, from the beginning on, a line and what parts it from the next.
    clear: [`\x1b[H${'\x0b\x1b[3~'.repeat(8)}`],
    exit: ['\x03'],
    box: {
      region: { of: 'last', lines: 10 },
      prompt: '^ *┃(?:$|  (.*))',
      continuation: null,
      // Agent, model and provider are the last line within its frame.
      end: '^ *┃  \\S+ · ',
      upwards: true,
      placeholders: ['^Ask anything'],
      dim_is_placeholder: true,
    },
    collapsed: { pattern: '\\[Pasted ~\\d+ lines' },
    by_reference_bytes: 16_384,
    submit_after_ms: 50,
    special: { pattern: '^[!/@]', prefix: ' ' },
    completes: { pattern: '@\\S*$', suffix: ' ' },
    chrome: ['^\\s*▣ ', '^\\s*┃', '^\\s*\\+ Thought'],
  },
  dialogs: [
    {
      id: 'question',
      kind: 'question',
      region: { of: 'last', lines: 24 },
      match: { all: ['^  ┃  \\d\\. ', '^  ┃  .*enter submit +esc dismiss'] },
      choice: '^  ┃ +(\\d)\\. (.+)$',
      choices: [{ id: 'other', label: '^Type your own answer', meaning: null, keys: '{down}\r' }],
      begin: '^ *▣ ',
      noise: ['^ *▣ '],
    },
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
      // The animation is drawn first; the hint behind it is cut or wrapped by whatever else is said.
      id: 'working-status',
      region: STATUS_LINE,
      match: { any: ['[⬝■]', 'esc interrupt', 'esc again to interrupt', 'retrying (?:in|attempt) ', 'attempt #\\d'] },
      activity: 'working',
      attention: 'none',
      priority: 90,
      confidence: 0.9,
      settle_ms: 0,
    },
    errorRule('error-auth', 'auth', { all: [ENDED_WITHOUT_TIME, '^  ┃  .*(?:API key|[Uu]nauthorized|401)'] }),
    errorRule('error-quota', 'quota', { all: [ENDED_WITHOUT_TIME, '^  ┃  .*(?:quota|[Rr]ate limit|429)'] }),
    errorRule('error-exhausted', 'exhausted', {
      all: [ENDED_WITHOUT_TIME, '^  ┃  .*(?:context length|prompt is too long)'],
    }),
    errorRule('error', 'none', { all: [ENDED_WITHOUT_TIME] }),
    {
      id: 'idle-status',
      region: STATUS_LINE,
      match: { all: ['ctrl\\+p commands'], none: ['[⬝■]', 'esc '] },
      activity: 'idle',
      attention: 'none',
      priority: 10,
      confidence: 0.85,
      settle_ms: 700,
    },
  ],
  titles: [],
  progress: false,
  prompt_marks: false,
  program_status: true,
  hooks: {
    settings: null,
    plugin: OPENCODE_PLUGIN,
    events: [
      { ...common, event: 'session', activity: null, attention: null },
      { ...common, event: 'busy', activity: 'working', attention: 'none', turn: 'started' },
      { ...common, event: 'retry', activity: 'working', attention: 'none', text: 'message' },
      { ...common, event: 'permission', activity: 'working', attention: 'permission', text: 'text' },
      { ...common, event: 'question', activity: 'working', attention: 'question', text: 'text' },
      { ...common, event: 'replied', activity: 'working', attention: 'none', text: 'text' },
      {
        ...common,
        event: 'idle',
        activity: 'done',
        attention: 'none',
        response: 'response',
        usage: 'usage',
        turn: 'ended',
      },
      { ...common, event: 'aborted', activity: 'idle', attention: 'none', turn: 'stopped' },
      failed('auth', { matching: { status: '^40[13]$' } }),
      failed('exhausted', { when: { error: 'ContextOverflowError' } }),
      failed('quota', { matching: { status: '^429$' } }),
      failed('none', {}),
    ],
  },
  structured: [{ mode: 'acp', argv: ['opencode', 'acp'], resume: ['opencode', 'acp'] }],
  // Its first screen after the first message is blank, on a busy machine for seconds.
  timings: { ready_ms: 30_000, echo_ms: 5_000, start_ms: 20_000, settle_ms: 1_000, interrupt_ms: 8_000 },
};
