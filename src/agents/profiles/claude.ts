import type { AgentProfile, HookRule, Region, ScreenRule } from '../../protocol/agent/index.ts';
import { SCRUBBED } from './environment.ts';

/** The last row, under the lower rule of the input box. */
const FOOTER: Region = { of: 'last', lines: 1 };
/** Dialogs take the place of the input box: they stand below the last rule. A command longer than the screen hides it. */
const DIALOG: Region = { of: 'after', mark: '^─{20}' };
/** What came since the last message of the person: `❯` and a blank; in the input box it is a no-break space. */
const TURN: Region = { of: 'after', mark: '^❯ [^ ]' };
const CHOICE = '^\\s*(?:❯ )?(\\d)\\. (.+)$';

const PERMISSION_CHOICES = [
  { id: 'switch_mode', label: '^Yes, and switch', meaning: null, keys: '{key}' },
  { id: 'allow', label: '^Yes$', meaning: 'allow', keys: '{key}' },
  { id: 'allow_always', label: '^Yes, ', meaning: 'allow_always', keys: '{key}' },
  { id: 'deny', label: '^No', meaning: 'deny', keys: '{key}' },
] as const;
const PERMISSION_NOISE = ['^ Tip: ', '^ below$', '^ Esc to cancel', '^\\s*╌+$'];

/** Without a terminal: messages, their taking and its permissions as lines of JSON. */
const STREAM_JSON = [
  'claude',
  '-p',
  '--input-format',
  'stream-json',
  '--output-format',
  'stream-json',
  '--verbose',
  '--permission-prompt-tool',
  'stdio',
  '--replay-user-messages',
  '--include-partial-messages',
];

const EVENTS = [
  'SessionStart',
  'UserPromptSubmit',
  'PreToolUse',
  'PermissionRequest',
  'Notification',
  'PostToolUse',
  'Stop',
  'StopFailure',
  'PreCompact',
];

/** The agent waits for none but the one that begins a turn: what ends it must come later. */
function hook(event: string): Record<string, unknown> {
  return { type: 'command', command: `{report} ${event}`, timeout: 5, async: event !== 'UserPromptSubmit' };
}

/** A conversation is known from every hook; each names it. */
const common = { conversation: 'session_id', transcript: 'transcript_path', lease_ms: null } as const;
const working = { ...common, activity: 'working', attention: 'none' } as const;

/** Why a turn failed is an enumeration; only what no retry mends asks for a person. */
function failed(attention: HookRule['attention'], condition: Pick<HookRule, 'when' | 'matching'>): HookRule {
  return {
    ...common,
    ...condition,
    event: 'StopFailure',
    activity: 'error',
    attention,
    text: 'last_assistant_message',
    turn: 'failed',
  };
}

/** An error that ended the turn, drawn behind the message; hooks and OSC 7501 are believed before it. */
function errorRule(id: string, attention: ScreenRule['attention'], any: string[]): ScreenRule {
  return {
    id,
    region: TURN,
    match: { any },
    activity: 'error',
    attention,
    priority: 60,
    confidence: 0.75,
    settle_ms: 100,
  };
}

export const claude: AgentProfile = {
  name: 'claude',
  title: 'Claude Code',
  revision: 1,
  cli_versions: '>=2.1.295 <3',
  launch: {
    argv: ['claude', '--session-id', '{conversation}', '--settings', '{settings}'],
    resume: ['claude', '--resume', '{conversation}', '--settings', '{settings}'],
    version: ['claude', '--version'],
    scrub: [...SCRUBBED],
    set: {},
    conversation: { from: 'argv' },
  },
  input: {
    paste: 'bracketed',
    newline: '\n',
    submit: '\r',
    interrupt: ['\x1b'],
    // One for each line as it is drawn.
    clear: ['\x15'.repeat(8)],
    exit: ['\x03', '\x03'],
    box: {
      region: { of: 'last', lines: 24 },
      prompt: '^❯(?:$|\\u00a0(.*))',
      continuation: '^  (.*)$',
      end: '^─{20}',
      placeholders: [
        '^Try "',
        '^Resend your message to try again$',
        '^Once fixed, resend your message$',
        '^Press up to edit queued messages$',
      ],
      dim_is_placeholder: true,
    },
    collapsed: { pattern: '\\[Pasted text #\\d' },
    by_reference_bytes: 16_384,
    // It trims what it looks at for a command: a blank in front is not enough.
    special: { pattern: '^\\s*[!/#@&]', prefix: '[message]\n' },
    chrome: ['^[·✢✳✶✻✽*] .*(?: for \\d|…)', '^  Thought for \\d', '^  [⏸⏵]', '· /effort$', '^ {20,}ctrl\\+\\w to '],
    answer_mark: '^[●⏺] ',
  },
  dialogs: [
    {
      id: 'permission',
      kind: 'permission',
      region: DIALOG,
      match: { all: ['^\\s*❯ \\d\\. ', '^\\s*(?:❯ )?\\d\\. No', '\\?$'] },
      choice: CHOICE,
      choices: [...PERMISSION_CHOICES],
      noise: PERMISSION_NOISE,
    },
    {
      id: 'permission-tall',
      kind: 'permission',
      region: { of: 'last', lines: 8 },
      match: { all: ['^ Do you want to ', '^\\s*❯ \\d\\. ', '^\\s*(?:❯ )?\\d\\. No'] },
      choice: CHOICE,
      choices: [...PERMISSION_CHOICES],
      noise: PERMISSION_NOISE,
    },
    {
      id: 'question',
      kind: 'question',
      region: { of: 'after', mark: '^[ ←]*[☐☒✔]' },
      match: { all: ['^Enter to select', '^❯ \\d\\. |^  \\d\\. '] },
      choice: CHOICE,
      choices: [{ id: 'other', label: '^Type something', meaning: null, keys: '{key}' }],
      noise: ['^Enter to select', '^     '],
    },
    {
      // A menu that no rule above knows: somebody has to look.
      id: 'menu',
      kind: 'question',
      region: DIALOG,
      match: { all: ['^\\s*❯ \\d\\. ', '^ ?(?:Esc to cancel|Enter to (?:confirm|select|continue))'] },
      choice: CHOICE,
      choices: [],
      noise: [],
    },
    {
      id: 'trust',
      kind: 'trust',
      region: { of: 'last', lines: 20 },
      match: { all: ['^ ❯ No, exit$', '^   Yes, I trust this folder$', '^ Enter to confirm'] },
      choice: null,
      choices: [
        { id: 'allow', label: 'Yes, I trust this folder', meaning: 'allow', keys: '\x1b[B\r' },
        { id: 'deny', label: 'No, exit', meaning: 'deny', keys: '\r' },
      ],
      noise: ['^ Enter to confirm', '^ Security guide', '^ ❯ No, exit', '^   Yes, I trust'],
    },
    {
      id: 'credentials',
      kind: 'auth',
      region: { of: 'last', lines: 20 },
      match: { all: ['^ *Do you want to use this API key\\?', '^ *❯ No ', '^ *Enter to confirm'] },
      choice: null,
      choices: [
        { id: 'allow', label: 'Yes', meaning: 'allow', keys: '\x1b[A\r' },
        { id: 'deny', label: 'No', meaning: 'deny', keys: '\r' },
      ],
      noise: ['^ *Enter to confirm', '^ *Yes$', '^ *❯ No '],
    },
    {
      id: 'trust-marked',
      kind: 'trust',
      region: { of: 'last', lines: 20 },
      match: { all: ['^   No, exit$', '^ ❯ Yes, I trust this folder$', '^ Enter to confirm'] },
      choice: null,
      choices: [
        { id: 'allow', label: 'Yes, I trust this folder', meaning: 'allow', keys: '\r' },
        { id: 'deny', label: 'No, exit', meaning: 'deny', keys: '\x1b[A\r' },
      ],
      noise: ['^ Enter to confirm', '^ Security guide', '^   No, exit', '^ ❯ Yes, I trust'],
    },
  ],
  rules: [
    {
      id: 'transcript-viewer',
      region: { of: 'last', lines: 3 },
      match: { any: ['Showing detailed transcript'] },
      activity: null,
      attention: null,
      priority: 100,
      confidence: 1,
      settle_ms: 0,
      skip: true,
    },
    {
      id: 'working-footer',
      region: FOOTER,
      match: { any: [' · esc to', ' · esc…?$'] },
      activity: 'working',
      attention: 'none',
      priority: 90,
      confidence: 0.9,
      settle_ms: 0,
    },
    {
      // A draft takes the hint's place in the footer; the answer's text is indented, so only the program begins a row so.
      id: 'working-line',
      region: { of: 'last', lines: 8 },
      match: { any: ['^[·✢✳✶✻✽*] \\p{L}[^…]*…', '^✻ .* · retrying in ', '^✻ Waiting for \\d+ background'] },
      activity: 'working',
      attention: 'none',
      priority: 80,
      confidence: 0.9,
      settle_ms: 0,
    },
    errorRule('error-quota', 'quota', [
      '^  ⎿\\s+Credit balance',
      '^● API Error: Request rejected \\(429\\)',
      '^  ⎿\\s+.{1,40} limit reached',
    ]),
    errorRule('error-auth', 'auth', ['^  ⎿\\s+Invalid API key', '^  ⎿\\s+.{0,40}run /login']),
    errorRule('error-exhausted', 'exhausted', ['^  ⎿\\s+Prompt is too long', '^  ⎿\\s+Context limit reached']),
    errorRule('error-api', 'none', ['^● API Error: ', '^  ⎿\\s+API Error']),
    {
      // With a draft in the box nothing on the screen tells idle from working without a line of work: unknown, then.
      id: 'idle-box',
      region: { of: 'last', lines: 4 },
      match: {
        all: [
          '^❯(?:$|\\u00a0\\s*$|\\u00a0Try "|\\u00a0Resend your|\\u00a0Once fixed)',
          'mode on|\\? for shortcuts|← for agents|bypass permissions on|accept edits on',
        ],
      },
      activity: 'idle',
      attention: 'none',
      priority: 10,
      confidence: 0.9,
      settle_ms: 500,
    },
  ],
  titles: [{ id: 'spinner', pattern: '^[◐◑] ', activity: 'working', attention: null, confidence: 0.9 }],
  progress: false,
  prompt_marks: false,
  program_status: true,
  hooks: {
    settings: {
      hooks: Object.fromEntries(EVENTS.map((event) => [event, [{ hooks: [hook(event)] }]])),
    },
    events: [
      { ...common, event: 'SessionStart', activity: null, attention: null },
      // A sub-agent that ended begins a turn by itself.
      { ...working, event: 'UserPromptSubmit', matching: { prompt: '^<task-notification>' } },
      { ...working, event: 'UserPromptSubmit', text: 'prompt', turn: 'started' },
      { ...working, event: 'PreToolUse', text: 'tool_name' },
      { ...working, event: 'PermissionRequest', attention: 'permission', text: 'tool_name' },
      {
        ...working,
        event: 'Notification',
        when: { notification_type: 'permission_prompt' },
        attention: 'permission',
        text: 'message',
      },
      { ...working, event: 'PostToolUse', text: 'tool_name' },
      { ...working, event: 'PreCompact' },
      {
        ...working,
        event: 'Stop',
        matching: { 'background_tasks.0.type': '^subagent$' },
        response: 'last_assistant_message',
        turn: 'ended',
      },
      {
        ...common,
        event: 'Stop',
        activity: 'done',
        attention: 'none',
        response: 'last_assistant_message',
        turn: 'ended',
      },
      failed('quota', { when: { error: 'billing_error' } }),
      failed('quota', { when: { error: 'rate_limit' } }),
      failed('auth', { when: { error: 'authentication_failed' } }),
      failed('exhausted', { matching: { error_details: '[Pp]rompt is too long' } }),
      failed('exhausted', { matching: { last_assistant_message: '^Prompt is too long' } }),
      failed('none', {}),
    ],
  },
  structured: [
    {
      mode: 'stream_json',
      argv: [...STREAM_JSON, '--session-id', '{conversation}'],
      resume: [...STREAM_JSON, '--resume', '{conversation}'],
    },
  ],
  timings: { ready_ms: 30_000, echo_ms: 5_000, start_ms: 5_000, settle_ms: 500, interrupt_ms: 5_000 },
};
