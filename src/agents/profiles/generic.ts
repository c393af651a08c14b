import type { AgentProfile } from '../../protocol/agent/index.ts';
import { SCRUBBED } from './environment.ts';

/** Any terminal program: believed what it says by OSC 7501, OSC 9;4 and OSC 133, and nothing guessed from its screen. */
export const generic: AgentProfile = {
  name: 'generic',
  title: 'Terminal agent',
  revision: 1,
  cli_versions: null,
  launch: {
    // The command is the caller's.
    argv: [],
    resume: null,
    version: null,
    scrub: [...SCRUBBED],
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
    box: null,
    collapsed: null,
    by_reference_bytes: 4_096,
  },
  dialogs: [],
  rules: [],
  titles: [],
  progress: true,
  prompt_marks: true,
  program_status: true,
  hooks: { settings: null, events: [] },
  structured: [],
  timings: { ready_ms: 30_000, echo_ms: 3_000, start_ms: 5_000, settle_ms: 1_000, interrupt_ms: 10_000 },
};
