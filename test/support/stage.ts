/** An agent whose screen a test writes, byte by byte (stage-agent.mjs). */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AgentProfile } from '../../src/protocol/agent/index.ts';
import { until } from './runtime.ts';
import { scriptedProfile } from './scripted-profile.ts';

const PROGRAM = fileURLToPath(new URL('stage-agent.mjs', import.meta.url));
const CLEAR = '\x1b[H\x1b[2J';

export const IDLE = `${CLEAR}────────\r\n> \r\n────────\r\n? for shortcuts`;
export const WORKING = `${CLEAR}✻ Working… (esc to interrupt)\r\n────────\r\n> \r\n────────\r\n? for shortcuts`;
/** Says nothing: what was asked before may still be asked behind it. */
export const VIEWER = `${CLEAR}VIEWER\r\n1. Delete everything\r\n2. Keep it`;
export const dialog = (text: string): string =>
  `${CLEAR}${text}\r\n\r\n1. Yes\r\n2. Yes, always\r\n3. No, and say why\r\n\r\nEsc to cancel`;

export const stageProfile: AgentProfile = {
  ...scriptedProfile,
  name: 'stage',
  launch: {
    ...scriptedProfile.launch,
    argv: [process.execPath, PROGRAM, 'fresh', '{settings}', '{report}'],
    resume: [process.execPath, PROGRAM, '--resume', '{conversation}', '--id={conversation}'],
  },
  rules: [
    {
      id: 'viewer',
      region: { of: 'whole' },
      match: { all: ['^VIEWER'] },
      activity: null,
      attention: null,
      priority: 100,
      confidence: 0.9,
      settle_ms: 0,
      skip: true,
    },
    ...scriptedProfile.rules,
  ],
  hooks: {
    settings: { command: '{report} Stop', $: 'a' },
    events: [
      ...scriptedProfile.hooks.events,
      { event: 'Leased', activity: 'working', attention: null, lease_ms: 1_000 },
    ],
  },
};

export class Stage {
  readonly env: [string, string];
  readonly #path: string;

  constructor(directory: string, name: string) {
    this.#path = join(directory, `stage-${name}`);
    this.env = ['STAGE', this.#path];
    execFileSync('mkfifo', [this.#path]);
  }

  async started(): Promise<string[]> {
    const file = `${this.#path}.argv`;
    await until(() => existsSync(file) && readFileSync(file).length > 0, 'the program on the stage to run');
    return JSON.parse(readFileSync(file, 'utf8')) as string[];
  }

  /** Once it runs: a FIFO that nobody reads waits. */
  show(bytes: string | Buffer): void {
    writeFileSync(this.#path, bytes);
  }

  get keys(): string {
    const file = `${this.#path}.keys`;
    return existsSync(file) ? readFileSync(file, 'latin1') : '';
  }
}
