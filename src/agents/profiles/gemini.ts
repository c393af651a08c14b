import type { AgentProfile } from '../../protocol/agent/index.ts';
import { SCRUBBED } from './environment.ts';

const EVENTS = ['SessionStart', 'BeforeAgent', 'BeforeTool', 'AfterTool', 'AfterAgent', 'Notification'];
const CHOICE = '^[│\\s]*(?:● )?(\\d)\\. (.+)$';

const common = { conversation: 'session_id', transcript: 'transcript_path', lease_ms: null } as const;
const working = { ...common, activity: 'working', attention: 'none' } as const;

export const gemini: AgentProfile = {
  name: 'gemini',
  title: 'Gemini CLI',
  revision: 1,
  cli_versions: '>=0.60 <1',
  launch: {
    argv: ['gemini', '--session-id', '{conversation}'],
    resume: ['gemini', '--resume', '{conversation}'],
    version: ['gemini', '--version'],
    scrub: [...SCRUBBED],
    // Settings of the highest rank, merged with the user's: hooks for this run alone.
    set: { GEMINI_CLI_SYSTEM_SETTINGS_PATH: '{settings}' },
    conversation: { from: 'argv' },
  },
  input: {
    paste: 'bracketed',
    newline: '\n',
    submit: '\r',
    interrupt: ['\x1b'],
    clear: ['\x03'],
    exit: ['\x03', '\x03'],
    box: {
      region: { of: 'last', lines: 24 },
      prompt: '^ [>*!] {1,3}(.*)$',
      continuation: '^   {1,3}(\\S.*)$',
      placeholders: ['^Type your message', '^Message will be queued'],
      dim_is_placeholder: false,
    },
    collapsed: { pattern: '\\[Pasted Text: \\d+ ' },
    by_reference_bytes: 16_384,
    // An Enter within 30 ms of the last key is taken for a new line.
    submit_after_ms: 100,
    special: { pattern: '^[!/?@]', prefix: ' ' },
    chrome: ['^ ?[\\u2800-\\u28ff] ', '^\\s*Shift\\+Tab ', 'esc to cancel'],
  },
  dialogs: [
    {
      id: 'permission',
      kind: 'permission',
      region: { of: 'last', lines: 40 },
      match: { all: ['● \\d\\. ', '\\d\\. Allow once', '\\d\\. No, '] },
      choice: CHOICE,
      choices: [
        { id: 'allow', label: '^Allow once', meaning: 'allow', keys: '{key}' },
        { id: 'allow_session', label: '^Allow for this session', meaning: 'allow_always', keys: '{key}' },
        { id: 'allow_always', label: '^Allow ', meaning: 'allow_always', keys: '{key}' },
        { id: 'deny', label: '^No', meaning: 'deny', keys: '{key}' },
      ],
      noise: ['^ > ', '^ ?✦ ', '^[╭╰]'],
    },
    {
      id: 'trust',
      kind: 'trust',
      region: { of: 'last', lines: 24 },
      match: { all: ['Do you trust the files in this folder\\?', '\\d\\. Trust folder'] },
      choice: CHOICE,
      choices: [
        { id: 'allow', label: '^Trust folder', meaning: 'allow', keys: '{key}' },
        { id: 'allow_parent', label: '^Trust parent', meaning: 'allow_always', keys: '{key}' },
        { id: 'deny', label: "^Don't trust", meaning: 'deny', keys: '{key}' },
      ],
      noise: [],
    },
    {
      id: 'login',
      kind: 'auth',
      region: { of: 'last', lines: 24 },
      match: { any: ['How would you like to authenticate', 'Enter Gemini API Key'] },
      choice: null,
      choices: [],
      noise: [],
    },
    {
      id: 'menu',
      kind: 'question',
      region: { of: 'last', lines: 16 },
      match: { all: ['^[│ ]*● \\d\\. ', '[Ee]nter|[Ee]sc'] },
      choice: CHOICE,
      choices: [],
      noise: [],
    },
  ],
  rules: [
    {
      id: 'working-line',
      region: { of: 'last', lines: 8 },
      match: { any: ['\\(esc to cancel', '^ ?[\\u2800-\\u28ff] '] },
      activity: 'working',
      attention: 'none',
      priority: 90,
      confidence: 0.9,
      settle_ms: 0,
    },
    {
      // The box is there while it works, too: no line of work for a while, and a title that says no more than Ready.
      id: 'idle-box',
      region: { of: 'last', lines: 8 },
      match: { all: ['^ > {1,3}Type your message'] },
      activity: 'idle',
      attention: 'none',
      priority: 10,
      confidence: 0.85,
      settle_ms: 700,
    },
  ],
  titles: [
    { id: 'working', pattern: '^[✦⏲] ', activity: 'working', attention: null, confidence: 0.95 },
    { id: 'action', pattern: '^✋ ', activity: 'working', attention: 'permission', confidence: 0.95 },
  ],
  progress: false,
  prompt_marks: false,
  program_status: true,
  hooks: {
    settings: {
      hooksConfig: { notifications: false },
      hooks: Object.fromEntries(
        EVENTS.map((event) => [
          event,
          [{ hooks: [{ type: 'command', command: `{report} ${event}`, name: 'holdfast', timeout: 5_000 }] }],
        ]),
      ),
    },
    events: [
      { ...common, event: 'SessionStart', activity: null, attention: null },
      { ...working, event: 'BeforeAgent', text: 'prompt', turn: 'started' },
      { ...working, event: 'BeforeTool', text: 'tool_name' },
      { ...working, event: 'AfterTool', text: 'tool_name' },
      {
        ...working,
        event: 'Notification',
        when: { notification_type: 'ToolPermission' },
        attention: 'permission',
        text: 'message',
      },
      {
        ...common,
        event: 'AfterAgent',
        activity: 'done',
        attention: 'none',
        response: 'prompt_response',
        turn: 'ended',
      },
    ],
  },
  structured: [{ mode: 'acp', argv: ['gemini', '--acp'], resume: null }],
  timings: { ready_ms: 30_000, echo_ms: 5_000, start_ms: 5_000, settle_ms: 700, interrupt_ms: 5_000 },
};
