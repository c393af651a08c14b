import type { AgentProfile } from '../../protocol/agent/index.ts';
import { OUTER_TERMINAL } from './environment.ts';

/** A plain shell: a message is a command line. OSC 133 is believed; without it a prompt at the cursor has to do. */
export const shell: AgentProfile = {
  name: 'shell',
  title: 'Shell',
  revision: 1,
  cli_versions: null,
  launch: {
    argv: ['sh', '-i'],
    resume: null,
    version: null,
    scrub: [...OUTER_TERMINAL],
    set: {},
    conversation: { from: 'none' },
  },
  input: {
    paste: 'plain',
    newline: '\n',
    submit: '\r',
    interrupt: ['\x03'],
    clear: ['\x15'],
    exit: ['\x04'],
    box: {
      region: { of: 'cursor', lines: 0 },
      prompt: '^[^$#]*[$#](?:$| (.*))',
      continuation: null,
      placeholders: [],
      dim_is_placeholder: false,
    },
    collapsed: null,
    by_reference_bytes: 4_096,
  },
  dialogs: [],
  rules: [
    {
      id: 'prompt',
      region: { of: 'cursor', lines: 0 },
      match: { any: ['(?:^|[\\w~/\\]) ])[$#]$', '^[A-Za-z][\\w.@-]*%$', '^[❯➜λ]$'] },
      activity: 'idle',
      attention: 'none',
      priority: 10,
      confidence: 0.6,
      settle_ms: 500,
    },
  ],
  titles: [],
  progress: false,
  prompt_marks: true,
  program_status: true,
  hooks: { settings: null, events: [] },
  structured: [],
  timings: { ready_ms: 5_000, echo_ms: 2_000, start_ms: 2_000, settle_ms: 500, interrupt_ms: 5_000 },
};
