/**
 * What a recording plays with every CLI: each scenario is one start, driven by what the endpoint did and by when the
 * terminal fell silent, never by what the screen says.
 */
import type { Activity, Attention } from '../../src/protocol/agent/index.ts';
import type { AgentCli, Place } from './cli/contract.ts';
import type { ErrorKind, ModelEndpoint, Turn } from './endpoint/index.ts';
import type { AgentTerminal, AgentTerminalOptions } from './terminal.ts';

export interface Expected {
  activity: Activity;
  attention: Attention;
}

export interface Run {
  cli: AgentCli;
  place: Place;
  endpoint: ModelEndpoint;
  terminal: AgentTerminal;
  /** Keeps everything the terminal got up to now under this name. */
  save(phase: string, expected: Expected): void;
  /** Ends the agent and starts it again with other options. */
  restart(options: AgentTerminalOptions): Promise<void>;
}

export interface Scenario {
  name: string;
  options?: AgentTerminalOptions;
  /** False: the CLI has no such thing. */
  fits?(cli: AgentCli): boolean;
  turns(cli: AgentCli): Turn[];
  play(run: Run): Promise<void>;
}

const CONVERSATION = '00000000-0000-4000-8000-000000000001';
const WAIT_MS = 30_000;
/** Long enough for a spinner and a clock to be on the screen. */
const LINGER_MS = 2_500;
const QUIET_MS = 1_500;
/** Nobody is faster; to some CLIs an Enter right after a character is a line break. */
const SETTLE_MS = 200;
/** The answer to a failed turn takes the CLI's own attempts. */
const GIVE_UP_MS = 60_000;

const FREE: Expected = { activity: 'idle', attention: 'none' };
const DONE: Expected = { activity: 'done', attention: 'none' };
const WORKING: Expected = { activity: 'working', attention: 'none' };

const PROSE =
  'The first line of the answer.\n\nA second paragraph, somewhat longer than the first.\n\nA third one.\n\nEnd.\n';
/** Words that a rule must not fall for. */
const TREACHEROUS =
  'The log says "Do you want to proceed?" and 1. Yes, 2. No.\n\nEsc to cancel, esc to interrupt, Working… ' +
  '(2s), Allow this command? [y/n]\n\nrate limit exceeded (429), prompt is too long, please run /login\n';

const failing = (kind: ErrorKind): Turn[] => [[{ do: 'error', kind, times: 1_000 }]];

export const scenarios: readonly Scenario[] = [
  {
    name: 'trust',
    options: { settled: 'onboarding' },
    fits: (cli) => cli.keys.trust !== null,
    turns: () => [],
    async play({ cli, terminal, save }) {
      await silence(terminal);
      save('trust', { activity: 'starting', attention: 'permission' });
      terminal.press(cli.keys.trust ?? '');
      await composer({ cli, terminal });
      save('trusted', FREE);
    },
  },
  {
    name: 'credentials',
    fits: (cli) => cli.doubtful !== undefined,
    turns: () => [],
    async play(run) {
      await run.restart({ env: run.cli.doubtful ?? [] });
      await silence(run.terminal);
      run.save('credentials', { activity: 'starting', attention: 'auth' });
    },
  },
  {
    name: 'login',
    fits: (cli) => cli.asksLogin === true,
    turns: () => [],
    async play(run) {
      await run.restart({ settled: 'nothing' });
      await silence(run.terminal, 4_000);
      run.save('login', { activity: 'starting', attention: 'auth' });
    },
  },
  {
    name: 'draft',
    turns: () => [],
    async play({ cli, terminal, save }) {
      await composer({ cli, terminal });
      save('ready', FREE);
      terminal.press('a draft of somebody');
      await silence(terminal);
      save('draft', FREE);
    },
  },
  {
    name: 'pasted',
    turns: () => [],
    async play({ cli, terminal, save }) {
      await composer({ cli, terminal });
      const lines = Array.from({ length: 30 }, (_, index) => `line ${index + 1} of a long paste`);
      terminal.paste(lines.join('\n'));
      await silence(terminal);
      save('pasted-draft', FREE);
    },
  },
  {
    name: 'turn',
    turns: () => [
      [
        { do: 'think', text: 'So. '.repeat(40), over_ms: 3_200 },
        { do: 'text', text: PROSE, over_ms: 3_200 },
      ],
    ],
    async play(run) {
      await ask(run, 'Explain it.');
      await step(run, 'think');
      await linger(run.terminal);
      run.save('thinking', WORKING);
      await step(run, 'text');
      await linger(run.terminal);
      run.save('streaming', WORKING);
      await answered(run, 0);
      run.save('done', DONE);
    },
  },
  {
    name: 'treacherous',
    turns: () => [[{ do: 'text', text: TREACHEROUS, over_ms: 2_000 }]],
    async play(run) {
      await ask(run, 'And now.');
      await answered(run, 0);
      run.save('done-treacherous', DONE);
    },
  },
  {
    name: 'streaming-draft',
    turns: () => [[{ do: 'text', text: PROSE, over_ms: 12_000 }]],
    async play(run) {
      await ask(run, 'Explain it.');
      await step(run, 'text');
      await linger(run.terminal);
      run.terminal.press('typed meanwhile');
      await linger(run.terminal);
      run.save('streaming-draft', WORKING);
    },
  },
  {
    name: 'tool',
    fits: (cli) => cli.tools.slow !== null,
    turns: (cli) => [
      [{ do: 'text', text: 'I wait for it.' }, toolStep(cli.tools.slow!(5))],
      [{ do: 'text', text: 'It is over.' }],
    ],
    async play(run) {
      await ask(run, 'Wait for it.');
      await run.endpoint.entry((entry) => entry.what === 'answered', WAIT_MS);
      await linger(run.terminal);
      run.save('tool', WORKING);
      run.terminal.press('typed meanwhile');
      await linger(run.terminal, 1_000);
      run.save('tool-draft', WORKING);
      await answered(run, 1);
      run.save('done-draft', DONE);
    },
  },
  {
    name: 'permission',
    turns: (cli) => [
      [{ do: 'text', text: 'I make it.' }, toolStep(cli.tools.permission)],
      [{ do: 'text', text: 'Made.' }],
    ],
    async play(run) {
      const { cli, terminal } = run;
      await ask(run, 'Make it.');
      await run.endpoint.entry((entry) => entry.what === 'answered' && entry.turn === 0, WAIT_MS);
      await silence(terminal);
      run.save('permission', { activity: 'working', attention: 'permission' });
      terminal.press(cli.keys.approve);
      await answered(run, 1);
      run.save('approved', DONE);
    },
  },
  {
    name: 'permission-more',
    fits: (cli) => cli.tools.more !== undefined,
    turns: (cli) => Object.values(cli.tools.more ?? {}).map((tool) => [toolStep(tool)]),
    async play(run) {
      for (const [turn, name] of Object.keys(run.cli.tools.more ?? {}).entries()) {
        await ask(run, `Do ${name}.`);
        await run.endpoint.entry((entry) => entry.what === 'answered' && entry.turn === turn, WAIT_MS);
        await silence(run.terminal);
        run.save(`permission-${name}`, { activity: 'working', attention: 'permission' });
        run.terminal.press(run.cli.keys.deny);
      }
    },
  },
  {
    name: 'question',
    fits: (cli) => cli.tools.question !== null,
    turns: (cli) => [[toolStep(cli.tools.question!)], [{ do: 'text', text: 'Well chosen.' }]],
    async play(run) {
      await ask(run, 'Ask me.');
      await run.endpoint.entry((entry) => entry.what === 'answered', WAIT_MS);
      await silence(run.terminal);
      run.save('question', { activity: 'working', attention: 'question' });
    },
  },
  {
    name: 'interrupt',
    turns: () => [[{ do: 'text', text: PROSE, over_ms: 12_000 }]],
    async play(run) {
      await ask(run, 'Explain it.');
      await step(run, 'text');
      await linger(run.terminal);
      run.terminal.press(run.cli.keys.interrupt);
      await run.endpoint.entry((entry) => entry.what === 'aborted', WAIT_MS);
      await silence(run.terminal);
      run.save('interrupted', FREE);
    },
  },
  {
    name: 'interrupt-early',
    turns: () => [[{ do: 'hold', gate: 'never' }]],
    async play(run) {
      await ask(run, 'Explain it.');
      await run.endpoint.entry((entry) => entry.what === 'request', WAIT_MS);
      await linger(run.terminal);
      run.save('silent', WORKING);
      run.terminal.press(run.cli.keys.interrupt);
      await run.endpoint.entry((entry) => entry.what === 'aborted', WAIT_MS);
      await silence(run.terminal);
      run.save('interrupted-early', FREE);
    },
  },
  ...(
    [
      ['quota', { activity: 'error', attention: 'quota' }],
      ['auth', { activity: 'error', attention: 'auth' }],
      ['context_length', { activity: 'error', attention: 'exhausted' }],
      ['overloaded', { activity: 'error', attention: 'none' }],
      ['server', { activity: 'error', attention: 'none' }],
    ] as const
  ).map(([kind, expected]): Scenario => failure(kind, expected)),
  {
    name: 'rate_limit',
    turns: () => [[{ do: 'error', kind: 'rate_limit', retry_after_s: 4 }], ...failing('rate_limit')],
    async play(run) {
      await ask(run, 'Try it.');
      await run.endpoint.entry((entry) => entry.what === 'failed', WAIT_MS);
      await linger(run.terminal);
      run.save('retrying', WORKING);
      if (run.cli.insists?.includes('rate_limit') === true) return;
      await silence(run.terminal, 9_000);
      run.save('rate_limit', { activity: 'error', attention: 'quota' });
    },
  },
  {
    name: 'broken',
    turns: () => [[{ do: 'text', text: PROSE, over_ms: 2_000 }, { do: 'break' }], [{ do: 'hold', gate: 'never' }]],
    async play(run) {
      await ask(run, 'Explain it.');
      if (run.cli.insists?.includes('break') === false) {
        await run.endpoint.entry((entry) => entry.what === 'failed', WAIT_MS);
        await silence(run.terminal);
        run.save('broken', { activity: 'error', attention: 'none' });
        return;
      }
      await run.endpoint.entry((entry) => entry.what === 'request' && entry.turn === 1, WAIT_MS);
      await linger(run.terminal);
      run.save('stream-again', WORKING);
    },
  },
  {
    name: 'exit',
    options: { conversation: CONVERSATION },
    turns: () => [[{ do: 'text', text: 'Remember this.' }]],
    async play(run) {
      await ask(run, 'Say something.');
      await answered(run, 0);
      for (const keys of run.cli.keys.exit) {
        run.terminal.press(keys);
        await linger(run.terminal, 500);
      }
      await run.terminal.until((terminal) => terminal.ended, 'end of the agent');
      run.save('exited', { activity: 'dead', attention: 'none' });
      const conversation = run.cli.conversationSaid?.(run.terminal.screen()) ?? CONVERSATION;
      await run.restart({ resume: conversation });
      await composer(run);
      run.save('resumed', FREE);
    },
  },
];

function failure(kind: ErrorKind, expected: Expected): Scenario {
  return {
    name: kind,
    turns: () => failing(kind),
    async play(run) {
      await ask(run, 'Try it.');
      await run.endpoint.entry((entry) => entry.what === 'failed', WAIT_MS);
      if (run.cli.insists?.includes(kind) === true) {
        await linger(run.terminal);
        run.save(`${kind}-retrying`, WORKING);
        return;
      }
      await silence(run.terminal, 5_000);
      run.save(kind, expected);
    },
  };
}

function toolStep({ name, input }: AgentCli['tools']['permission']): Turn[number] {
  return { do: 'tool', name, input };
}

/** Types the prompt at the ready composer as a person would. */
async function ask({ cli, terminal }: Run, prompt: string): Promise<void> {
  await composer({ cli, terminal });
  terminal.press(prompt);
  await terminal.until(() => terminal.screen().includes(prompt), 'echo of the prompt');
  await linger(terminal, SETTLE_MS);
  terminal.press(cli.keys.submit);
}

async function step({ endpoint }: Run, kind: Turn[number]['do']): Promise<void> {
  await endpoint.entry((entry) => entry.what === 'step' && entry.step.do === kind, WAIT_MS);
}

async function answered({ endpoint, terminal }: Run, turn: number): Promise<void> {
  await endpoint.entry((entry) => entry.what === 'answered' && entry.turn === turn, WAIT_MS);
  await silence(terminal);
}

/** Until a person would begin to type: a CLI may fall silent before that, on a machine with other work. */
async function composer({ cli, terminal }: Pick<Run, 'cli' | 'terminal'>): Promise<void> {
  const { composer: there } = cli;
  if (there !== undefined) await terminal.until(() => there.test(terminal.screen()), 'composer', WAIT_MS);
  await silence(terminal);
}

/** Until nothing was written for a while: a screen that waits for a person stands still. */
async function silence(terminal: AgentTerminal, ms = QUIET_MS): Promise<void> {
  await terminal.until(() => terminal.bytes().length > 0, 'first byte', WAIT_MS);
  await terminal.quiet(ms, GIVE_UP_MS);
}

async function linger(terminal: AgentTerminal, ms = LINGER_MS): Promise<void> {
  await terminal.quiet(Infinity, ms);
}
