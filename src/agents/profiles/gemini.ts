import type { AgentProfile, Match, Region, ScreenRule } from '../../protocol/agent/index.ts';
import { SCRUBBED } from './environment.ts';

/** What fails a turn stands above the input box and its footer, with a hint below it. */
const ERROR: Region = { of: 'last', lines: 13 };
/** Spinner, rule, mode, box and footer. */
const BOTTOM: Region = { of: 'last', lines: 8 };
const CHOICE = '^ ?│ [ ●] (\\d)\\. (.+)$';

const common = { conversation: 'session_id', transcript: 'transcript_path', lease_ms: null } as const;
const working = { ...common, activity: 'working', attention: 'none' } as const;

function errorRule(id: string, attention: ScreenRule['attention'], match: Match): ScreenRule {
  return { id, region: ERROR, match, activity: 'error', attention, priority: 60, confidence: 0.75, settle_ms: 300 };
}

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
    set: {},
    conversation: { from: 'argv' },
  },
  input: {
    paste: 'bracketed',
    newline: '\n',
    submit: '\r',
    interrupt: ['\x1b'],
    // Ctrl-C on an empty box offers to quit; this takes a line and what parts it from the one above, often enough.
    clear: ['\x15\x7f'.repeat(8)],
    exit: ['\x03', '\x03'],
    box: {
      region: { of: 'last', lines: 24 },
      prompt: '^ [>*!] {1,3}(.*)$',
      continuation: '^ {1,4}(.*)$',
      end: '^▀{8}|^ workspace \\(',
      placeholders: ['^Type your message', '^Message will be queued'],
      dim_is_placeholder: false,
    },
    collapsed: { pattern: '\\[Pasted Text: \\d+ ' },
    by_reference_bytes: 16_384,
    // An Enter within 30 ms of the last key is taken for a new line.
    submit_after_ms: 100,
    // It looks behind blanks and empty lines, too.
    special: { pattern: '^\\s*[!/?@]', prefix: 'Message: ' },
    completes: { pattern: '@\\S*$', suffix: ' ' },
    chrome: [
      '^ ?[\\u2800-\\u28ff] ',
      '^\\s*Shift\\+Tab ',
      'esc to cancel',
      '^\\s*\\? for shortcuts',
      '^\\s*Press Ctrl\\+O ',
    ],
    answer_mark: '^✦ ',
    stopped_mark: '^ℹ Request cancelled',
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
      begin: '^ ?╭',
      noise: [],
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
      begin: '^ ?╭',
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
      match: { all: ['^[│ ]*● \\d\\. ', '^ ?╰'] },
      choice: CHOICE,
      choices: [],
      begin: '^ ?╭',
      noise: [],
    },
  ],
  rules: [
    {
      id: 'quota',
      region: { of: 'last', lines: 14 },
      match: { all: ['^│ Usage limit reached for ', '^│ ● \\d\\. '] },
      activity: 'error',
      attention: 'quota',
      priority: 95,
      confidence: 0.9,
      settle_ms: 200,
    },
    {
      // It has a box by then, and works on nothing.
      id: 'resuming',
      region: BOTTOM,
      match: { any: ['^ ?[\\u2800-\\u28ff] Resuming session'] },
      activity: 'starting',
      attention: 'none',
      priority: 95,
      confidence: 0.9,
      settle_ms: 0,
    },
    {
      id: 'working-line',
      region: BOTTOM,
      match: { any: ['\\(esc to cancel', '^ ?[\\u2800-\\u28ff] '] },
      activity: 'working',
      attention: 'none',
      priority: 90,
      confidence: 0.9,
      settle_ms: 0,
    },
    errorRule('error-auth', 'auth', { any: ['^✕ \\[API Error: .*"code":401', '^✕ \\[API Error: .*API key not valid'] }),
    errorRule('error-quota', 'quota', { any: ['^✕ \\[API Error: .*"code":429', '^✕ \\[API Error: .*exhausted'] }),
    errorRule('error-exhausted', 'exhausted', { any: ['^✕ \\[API Error: .*input token count'] }),
    errorRule('error', 'none', { any: ['^✕ \\[API Error'] }),
    {
      // The box is there while it works, too, but never without the line of work.
      id: 'idle-box',
      region: BOTTOM,
      match: { all: ['^ [>*!] ', 'Shift\\+Tab|Ctrl\\+Y'] },
      activity: 'idle',
      attention: 'none',
      priority: 10,
      confidence: 0.85,
      settle_ms: 400,
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
    // It takes them from the user's or the project's settings only; who installs them there is understood.
    settings: null,
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
        when: { prompt_response: '[no response text]' },
        activity: null,
        attention: 'none',
        turn: 'failed',
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
