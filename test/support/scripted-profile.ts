/** The profile of test/support/scripted-agent.mjs, and how it is started. */
import { fileURLToPath } from 'node:url';
import type { AgentProfile } from '../../src/protocol/agent/index.ts';

const PROGRAM = fileURLToPath(new URL('scripted-agent.mjs', import.meta.url));

/** One turn of the script: what becomes of a message. */
export interface ScriptedTurn {
  /** Ms of work before the answer, or before it asks. */
  work_ms?: number;
  /** `{turn}` in it is another text every time. */
  answer?: string;
  /** Asks for permission with this text first. */
  permission?: string;
  /** Never answers. */
  never?: boolean;
  ignore_interrupt?: boolean;
  /** After an interrupt it answers all the same, so much later. */
  late_ms?: number;
  /** Exit code or signal, as soon as the message is submitted, or at `die_at`. */
  die?: number | string;
  /** When it was pasted (only if the message says so), after `work_ms`, or right behind the answer. */
  die_at?: 'paste' | 'work' | 'answer';
  /** As in the script, for this message, if it says so. */
  echo_ms?: number;
  swallow_enter?: number;
  /** Says so behind the answer. */
  error?: string;
  /** Lines before the answer. */
  lines?: number;
  /** Tells nobody that it works. */
  quiet?: boolean;
}

export interface AgentScript {
  /** File for what happened, one JSON object a line. */
  log?: string;
  ready_ms?: number;
  /** Asks whether the directory is trusted first. */
  trust?: string;
  says?: ('screen' | 'title' | 'psp' | 'hook')[];
  /** No turn is `quiet`: programs that run hooks run them for every turn. */
  always_says?: boolean;
  /** Ms between two frames while it works. */
  frame_ms?: number;
  echo_ms?: number;
  submit_ms?: number;
  /** So many presses of Enter are not heard. */
  swallow_enter?: number;
  /** A longer box is shown as a mark. */
  collapse_bytes?: number;
  /** Lines that fill the screen from the start. */
  history?: number;
  screen?: 'inline' | 'alternate';
  /** Written at the start, raw: terminal queries, hostile sequences. */
  query?: string;
  turns?: ScriptedTurn[];
  /** A message says itself which turn it gets: as JSON behind a `%`, on a line of its own. */
  obeys?: boolean;
}

export const scriptedArgv: string[] = [process.execPath, PROGRAM];

export function scriptedEnv(script: AgentScript): [string, string] {
  return ['SCRIPTED_AGENT', JSON.stringify(script)];
}

/** Times are short, so that tests are. */
export const scriptedProfile: AgentProfile = {
  name: 'scripted',
  title: 'Scripted agent',
  revision: 1,
  cli_versions: null,
  launch: {
    argv: scriptedArgv,
    resume: [...scriptedArgv, '--resume', '{conversation}'],
    version: null,
    scrub: [],
    set: {},
    conversation: { from: 'hook', event: 'TurnStarted', field: 'conversation' },
  },
  input: {
    paste: 'bracketed',
    newline: '\n',
    submit: '\r',
    interrupt: ['\x1b'],
    clear: ['\x15'],
    exit: ['\x04'],
    box: {
      region: { of: 'last', lines: 12 },
      prompt: '^> ?(.*)$',
      continuation: '^  (.*)$',
      placeholders: [],
      dim_is_placeholder: true,
    },
    collapsed: { pattern: '\\[Pasted text \\+\\d+ lines\\]' },
    by_reference_bytes: 16_384,
    answer_mark: '^● ',
    stopped_mark: '^Stopped by a person',
  },
  dialogs: [
    {
      id: 'trust',
      kind: 'trust',
      region: { of: 'last', lines: 5 },
      match: { all: ['Do you trust', 'Esc to cancel'] },
      choice: '^(\\d)\\. (.*)$',
      choices: yesOrNo(),
      noise: ['^Esc to cancel$'],
    },
    {
      id: 'permission',
      kind: 'permission',
      region: { of: 'last', lines: 5 },
      match: { all: ['Esc to cancel', '^1\\. Yes'] },
      choice: '^(\\d)\\. (.*)$',
      choices: yesOrNo(),
      noise: ['^Esc to cancel$'],
    },
  ],
  rules: [
    {
      id: 'working',
      region: { of: 'last', lines: 12 },
      match: { any: ['^[✻✽✶✳] Working… \\(esc to interrupt\\)'] },
      activity: 'working',
      attention: 'none',
      priority: 20,
      confidence: 0.9,
      settle_ms: 0,
    },
    {
      id: 'exhausted',
      region: { of: 'last', lines: 12 },
      match: { any: ['^Context limit reached'] },
      activity: 'idle',
      attention: 'exhausted',
      priority: 15,
      confidence: 0.9,
      settle_ms: 100,
    },
    {
      id: 'prompt',
      region: { of: 'last', lines: 12 },
      match: { all: ['^> ', '^\\? for shortcuts$'] },
      activity: 'idle',
      attention: 'none',
      priority: 10,
      confidence: 0.9,
      settle_ms: 100,
    },
  ],
  titles: [
    { id: 'working', pattern: '^[⠋⠙⠹] scripted$', activity: 'working', attention: null, confidence: 0.9 },
    { id: 'idle', pattern: '^scripted$', activity: 'idle', attention: null, confidence: 0.8 },
  ],
  progress: false,
  prompt_marks: false,
  program_status: true,
  hooks: {
    settings: null,
    events: [
      {
        event: 'TurnStarted',
        activity: 'working',
        attention: 'none',
        lease_ms: null,
        turn: 'started',
        conversation: 'conversation',
        transcript: 'transcript',
      },
      {
        event: 'TurnEnded',
        activity: 'idle',
        attention: 'none',
        lease_ms: null,
        turn: 'ended',
        response: 'response',
        usage: 'usage',
        transcript: 'transcript',
      },
      { event: 'TurnStopped', activity: 'idle', attention: 'none', lease_ms: null, turn: 'stopped' },
      { event: 'Asked', activity: null, attention: 'permission', lease_ms: null, text: 'text' },
    ],
  },
  structured: [],
  timings: { ready_ms: 5_000, echo_ms: 1_000, start_ms: 2_000, settle_ms: 200, interrupt_ms: 2_000 },
};

function yesOrNo(): AgentProfile['dialogs'][number]['choices'] {
  return [
    { id: 'allow', label: '^Yes$', meaning: 'allow', keys: '{key}' },
    { id: 'allow_always', label: '^Yes, always$', meaning: 'allow_always', keys: '{key}' },
    { id: 'deny', label: '^No', meaning: 'deny', keys: '{key}' },
  ];
}
