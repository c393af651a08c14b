/**
 * Real agent CLIs through the structured drivers: what the endpoint is scripted to answer, and what it logs, is the
 * truth that messages, requests and statuses are compared with.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test, type TestContext } from 'vitest';
import { Driven } from '../../src/shim/agent/structured/testing.ts';
import { claude } from './cli/claude.ts';
import { gemini } from './cli/gemini.ts';
import type { AgentCli, Launch, Place } from './cli/index.ts';
import { opencode } from './cli/opencode.ts';
import { createModelEndpoint, type ErrorKind, type ModelEndpoint } from './endpoint/index.ts';

interface Mode {
  cli: AgentCli;
  mode: 'acp' | 'stream_json';
  args: readonly string[];
  /** Arguments that resume a conversation; the protocol does it otherwise. */
  resume?: (conversation: string) => string[];
  /** What its conversation needs before it can be resumed. */
  age?: (home: string) => void;
  errors: readonly [ErrorKind, reason: string, attention: string][];
  /** Besides the CLI's own. */
  env?: readonly [string, string][];
}

const STREAM_JSON = [
  '-p',
  '--verbose',
  '--input-format=stream-json',
  '--output-format=stream-json',
  '--permission-prompt-tool=stdio',
  '--replay-user-messages',
  '--include-partial-messages',
  '--permission-mode=manual',
];

const MODES: readonly Mode[] = [
  {
    cli: claude,
    mode: 'stream_json',
    args: STREAM_JSON,
    resume: (conversation) => ['--resume', conversation],
    // It would try for minutes.
    env: [['CLAUDE_CODE_MAX_RETRIES', '1']],
    errors: [
      ['quota', 'quota', 'quota'],
      ['rate_limit', 'quota', 'quota'],
      ['auth', 'auth', 'auth'],
      ['context_length', 'context_exhausted', 'exhausted'],
    ],
  },
  {
    cli: gemini,
    mode: 'acp',
    args: ['--acp'],
    age: ageChats,
    errors: [
      ['quota', 'quota', 'quota'],
      ['auth', 'auth', 'auth'],
      ['context_length', 'context_exhausted', 'exhausted'],
    ],
  },
  {
    cli: opencode,
    mode: 'acp',
    args: ['acp'],
    // It tries again for ever after the others, and makes a full context smaller by itself.
    errors: [['auth', 'auth', 'auth']],
  },
];

/** Gemini CLI names the file of a conversation after the minute; one it resumes within that minute it begins anew. */
function ageChats(home: string): void {
  const chats = join(home, '.gemini', 'tmp', 'project', 'chats');
  for (const name of readdirSync(chats))
    renameSync(join(chats, name), join(chats, name.replace(/T\d\d-\d\d-/u, 'T00-00-')));
}

const TEST_MS = 150_000;
/** A start on a busy machine. */
const READY_MS = 90_000;
const ENTRY_MS = 30_000;

class Run {
  readonly home = mkdtempSync(join(tmpdir(), 'hf-ag-'));
  readonly #mode: Mode;
  readonly #place: Place;
  readonly endpoint: ModelEndpoint;
  agent!: Driven;

  static async start(mode: Mode, context: TestContext): Promise<Run> {
    const endpoint = await createModelEndpoint({ dialects: mode.cli.dialects });
    const run = new Run(mode, endpoint);
    runs.push(run);
    try {
      mode.cli.launch(run.#place);
    } catch (error) {
      context.skip((error as Error).message);
    }
    for (const { path, text } of mode.cli.files(run.#place, 'trusted')) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    await run.launch(null);
    return run;
  }

  constructor(mode: Mode, endpoint: ModelEndpoint) {
    this.#mode = mode;
    this.endpoint = endpoint;
    const cwd = join(this.home, 'project');
    mkdirSync(cwd);
    this.#place = { endpoint: endpoint.url, home: this.home, cwd };
  }

  get cwd(): string {
    return this.#place.cwd;
  }

  async launch(conversation: string | null): Promise<void> {
    const { cli, mode, args, resume, env = [] } = this.#mode;
    const more = conversation === null || resume === undefined ? [] : resume(conversation);
    const launch: Launch = cli.launch(this.#place, { args: [...args, ...more] });
    this.agent = await Driven.start({
      mode,
      argv: launch.argv,
      env: [...launch.env, ...env],
      cwd: this.cwd,
      conversation,
      resumed: conversation !== null,
      timings: { start_ms: 30_000, interrupt_ms: 15_000 },
    });
    await this.agent.until('the agent is ready', () => this.agent.driver.readiness.ready, READY_MS);
  }

  async stop(): Promise<void> {
    await (this.agent as Driven | undefined)?.stop();
    await this.endpoint.close();
    rmSync(this.home, { recursive: true, force: true });
  }
}

const runs: Run[] = [];
afterEach(async () => {
  for (const run of runs.splice(0)) await run.stop();
});

describe.each(MODES)('$cli.name in mode $mode', (mode) => {
  const { tools } = mode.cli;

  test('message, permission, denial, interrupt and resume', { timeout: TEST_MS }, async (context) => {
    const run = await Run.start(mode, context);
    const { agent, endpoint } = run;
    expect(agent.statuses).toEqual(['starting none', 'idle none']);

    endpoint.script([
      { do: 'think', text: 'Two and two.' },
      { do: 'text', text: 'Four.', over_ms: 200 },
    ]);
    expect(await agent.exchange('How much is two and two?')).toMatchObject({ phase: 'answered', response: 'Four.' });
    expect(agent.phases('m1')).toEqual(['submitting', 'delivered', 'answered']);
    expect(agent.statuses.splice(0)).toEqual(['starting none', 'idle none', 'working none', 'done none']);

    endpoint.script(
      [
        { do: 'text', text: 'I make it.' },
        { do: 'tool', ...tools.permission },
      ],
      [{ do: 'text', text: 'Made.' }],
    );
    const made = agent.send('Make it.');
    const request = await agent.request();
    expect(request).toMatchObject({ kind: 'permission', text: expect.stringContaining('touch approved.txt') });
    expect(request.choices.map(({ meaning }) => meaning).sort()).toEqual(['allow', 'allow_always', 'deny']);
    expect(existsSync(join(run.cwd, 'approved.txt'))).toBe(false);
    await agent.driver.answer(request.request_id, 'allow', undefined);
    expect(await agent.outcome(made)).toMatchObject({ phase: 'answered', response: 'Made.' });
    expect(existsSync(join(run.cwd, 'approved.txt'))).toBe(true);
    expect(agent.statuses.splice(0)).toEqual(['working none', 'working permission', 'working none', 'done none']);
    expect(agent.entriesOf('tool').at(-1)).toMatchObject({ status: 'completed' });

    rmSync(join(run.cwd, 'approved.txt'));
    // To some a denial ends the turn; others go on, with the endpoint's answer to what is not scripted.
    endpoint.script([{ do: 'tool', ...tools.permission }]);
    const denied = agent.send('Make it again.');
    await agent.driver.answer((await agent.request()).request_id, 'deny', undefined);
    expect(['answered', 'cancelled']).toContain((await agent.outcome(denied)).phase);
    expect(existsSync(join(run.cwd, 'approved.txt'))).toBe(false);

    endpoint.script([
      { do: 'text', text: 'I talk.', over_ms: 200 },
      { do: 'hold', gate: 'never' },
    ]);
    const from = endpoint.entries.length;
    const stopped = agent.send('Talk on.');
    await endpoint.entry(({ what }) => what === 'request', ENTRY_MS, from);
    await agent.driver.interrupt();
    expect(await agent.outcome(stopped)).toMatchObject({ phase: 'cancelled', reason: 'interrupted' });
    await agent.ready();
    expect(agent.driver.status).toMatchObject({ activity: 'idle', attention: 'none' });

    const conversation = agent.driver.conversationId;
    expect(conversation).toMatch(/^[\w-]{8,}$/u);
    if (mode.cli !== gemini) expect(agent.driver.usage).toMatchObject({ context_limit_tokens: expect.any(Number) });
    await agent.stop();
    mode.age?.(run.home);

    await run.launch(conversation);
    endpoint.script([{ do: 'text', text: 'I am back.' }]);
    expect(await run.agent.exchange('Are you there?')).toMatchObject({ phase: 'answered', response: 'I am back.' });
    expect(run.agent.driver.conversationId).toBe(conversation);
    expect(run.agent.warnings).toEqual([]);
  });

  test.for(mode.errors)(
    'error %s fails the message with %s and attention %s',
    { timeout: TEST_MS },
    async ([kind, reason, attention], context) => {
      const run = await Run.start(mode, context);
      run.endpoint.script([{ do: 'error', kind, times: 1_000 }]);
      const outcome = await run.agent.exchange('How much is two and two?');
      expect(outcome).toMatchObject({ phase: 'failed', reason });
      expect(run.agent.driver.status).toMatchObject({ activity: 'error', attention });
      expect(run.agent.statuses).toEqual(['starting none', 'idle none', 'working none', `error ${attention}`]);
    },
  );
});
