import type { AgentProfile, Match, Region, ScreenRule } from '../../protocol/agent/index.ts';
import { SCRUBBED } from './environment.ts';

/** Input box, model and hints: without a draft these are the last three rows that are not empty. */
const BOTTOM: Region = { of: 'last', lines: 4 };
/** An error that ended a turn is the last thing above the input box. */
const ERROR: Region = { of: 'last', lines: 6 };
/** Called when a turn is over, with JSON as its last argument; for the side conversation that makes a title, too. */
const NOTIFY = `notify=['sh','-c','printf %s "$1" | eval "$HOLDFAST_REPORT agent-turn-complete"','sh']`;
const OPTIONS = ['--no-daemon', '-c', 'check_for_update_on_startup=false', '-c', NOTIFY];
const CHOICE = '^\\s*(?:› )?(\\d)\\. (.+)$';

function errorRule(id: string, attention: ScreenRule['attention'], match: Match): ScreenRule {
  return { id, region: ERROR, match, activity: 'error', attention, priority: 60, confidence: 0.75, settle_ms: 100 };
}

export const codex: AgentProfile = {
  name: 'codex',
  title: 'Codex',
  revision: 1,
  cli_versions: '>=0.160 <1',
  launch: {
    argv: ['codex', ...OPTIONS],
    resume: ['codex', 'resume', '{conversation}', ...OPTIONS],
    version: ['codex', '--version'],
    scrub: [...SCRUBBED],
    set: {},
    conversation: { from: 'hook', event: 'agent-turn-complete', field: 'thread-id' },
  },
  input: {
    paste: 'bracketed',
    newline: '\n',
    submit: '\r',
    interrupt: ['\x1b'],
    // Ctrl-C in an empty box would end the program. One for each line, and for each line's end; each takes it 15 ms.
    clear: ['\x15'.repeat(8)],
    exit: ['\x03'],
    box: {
      region: { of: 'last', lines: 80 },
      prompt: '^›(?:$| (.*))',
      continuation: '^  (.*)$',
      end: '^  \\S+ .* · [/~]|^  tab to queue|^  ← for agents|^  \\? for shortcuts',
      placeholders: ['^Ask Codex to do anything'],
      dim_is_placeholder: true,
    },
    collapsed: { pattern: '\\[Pasted Content \\d+ chars\\]' },
    by_reference_bytes: 16_384,
    submit_after_ms: 200,
    special: { pattern: '^[!/]', prefix: ' ' },
    chrome: ['^  Worked for \\d', '^  └ Tip: ', '^[•◦] .*esc to interrupt', '^  \\S+ default · ', '\\? for shortcuts'],
    answer_mark: '^• ',
  },
  dialogs: [
    {
      id: 'permission',
      kind: 'permission',
      region: { of: 'last', lines: 40 },
      match: {
        all: ['^  Would you like to ', '^› \\d\\. ', '^  Press enter to confirm or esc to cancel'],
      },
      choice: CHOICE,
      choices: [
        { id: 'allow', label: '^Yes, proceed|^Yes$', meaning: 'allow', keys: 'y' },
        { id: 'allow_always', label: "don't ask again for commands", meaning: 'allow_always', keys: 'p' },
        { id: 'allow_session', label: "don't ask again", meaning: 'allow_always', keys: 'a' },
        { id: 'deny', label: '^No', meaning: 'deny', keys: '\x1b' },
      ],
      begin: '^  Would you like to ',
      noise: [],
    },
    {
      id: 'trust',
      kind: 'trust',
      region: { of: 'last', lines: 24 },
      match: { all: ['^  Folder access', '^› \\d\\. Trust and continue', '^  enter continue'] },
      choice: CHOICE,
      // A digit marks its choice and does not take it.
      choices: [
        { id: 'allow', label: '^Trust and continue', meaning: 'allow', keys: '\r' },
        { id: 'deny', label: '^Back to', meaning: 'deny', keys: '\x1b' },
      ],
      noise: [],
    },
    {
      id: 'trust-unmarked',
      kind: 'trust',
      region: { of: 'last', lines: 24 },
      match: { all: ['^  Folder access', '^  \\d\\. Trust and continue', '^  enter continue'] },
      choice: CHOICE,
      choices: [
        { id: 'allow', label: '^Trust and continue', meaning: 'allow', keys: '\x1b[A\r' },
        { id: 'deny', label: '^Back to', meaning: 'deny', keys: '\x1b' },
      ],
      noise: [],
    },
    {
      id: 'model',
      kind: 'question',
      region: { of: 'last', lines: 24 },
      match: { all: ['\\d\\. Try new model', '\\d\\. Use existing model'] },
      choice: CHOICE,
      choices: [
        { id: 'new', label: '^Try new model', meaning: null, keys: '1' },
        { id: 'existing', label: '^Use existing model', meaning: null, keys: '2' },
      ],
      noise: [],
    },
    {
      id: 'question',
      kind: 'question',
      region: { of: 'last', lines: 24 },
      match: { all: ['^ *Question \\d', '^ *› \\d\\. ', 'enter to submit '] },
      choice: CHOICE,
      choices: [{ id: 'none', label: '^None of the above', meaning: null, keys: '{key}\r' }],
      begin: '^ *Question \\d',
      noise: ['^ *Question \\d'],
    },
    {
      id: 'menu',
      kind: 'question',
      region: { of: 'last', lines: 16 },
      match: {
        all: ['^› 1\\. |^  1\\. ', '^› \\d\\. '],
        any: ['^  [Pp]ress enter to ', '^  enter/esc ', '^  enter continue'],
      },
      choice: CHOICE,
      choices: [],
      noise: [],
    },
  ],
  rules: [
    {
      id: 'working-line',
      region: { of: 'last', lines: 8 },
      match: { any: ['^[•◦] .*\\(\\d{1,3}[smh].* • ', '^[•◦] .*\\(\\d{1,3}[smh] •'] },
      activity: 'working',
      attention: 'none',
      priority: 90,
      confidence: 0.9,
      settle_ms: 0,
    },
    errorRule('error-auth', 'auth', { any: ['^■ unexpected status 401', '^■ .*refresh token'] }),
    errorRule('error-quota', 'quota', {
      any: ['^■ Quota exceeded', "^■ You've hit your usage limit", '^■ exceeded retry limit, last status: 429'],
    }),
    errorRule('error-exhausted', 'exhausted', { any: ['^■ Codex ran out of room'] }),
    errorRule('error', 'none', { any: ['^■ '], none: ['^■ Conversation interrupted'] }),
    {
      // While an answer streams only OSC 7501 and the title tell; so the row that follows a turn must be the last one.
      id: 'idle-after-turn',
      region: BOTTOM,
      match: { all: ['^  Worked for \\d', '^›', '\\? for shortcuts'] },
      activity: 'idle',
      attention: 'none',
      priority: 10,
      confidence: 0.8,
      settle_ms: 500,
    },
  ],
  titles: [
    { id: 'spinner', pattern: '^[\\u2800-\\u28ff] ', activity: 'working', attention: null, confidence: 0.9 },
    {
      id: 'action',
      pattern: '^\\[ . \\] Action Required',
      activity: 'working',
      attention: 'permission',
      confidence: 0.9,
    },
  ],
  progress: false,
  prompt_marks: false,
  program_status: true,
  hooks: {
    settings: null,
    events: [
      {
        event: 'agent-turn-complete',
        matching: {
          'input-messages.0': '^Generate a concise, single-line task title',
          'last-assistant-message': '^\\{"title":',
        },
        activity: null,
        attention: null,
        lease_ms: null,
      },
      {
        // OSC 7501 says what it does: a queued message may have begun already.
        event: 'agent-turn-complete',
        activity: null,
        attention: null,
        lease_ms: null,
        response: 'last-assistant-message',
        conversation: 'thread-id',
        turn: 'ended',
      },
    ],
  },
  structured: [],
  timings: { ready_ms: 30_000, echo_ms: 5_000, start_ms: 5_000, settle_ms: 500, interrupt_ms: 5_000 },
};
