/** From flags to what a session is started with. */
import { resolve } from 'node:path';
import type { SessionSpec } from '../client/index.ts';
import type { AgentGiven } from '../protocol/control/index.ts';
import { HoldfastError, invalid, limits } from '../protocol/index.ts';
import { duration, flag, integer, text, texts } from './arguments.ts';
import type { CommandContext, OptionValues } from './command.ts';
import { terminalSize } from './terminal/terminal.ts';

export function sessionSpec({ options, env }: Pick<CommandContext, 'options' | 'env'>, argv: string[]): SessionSpec {
  const pipe = flag(options, 'pipe');
  if (flag(options, 'merge-stderr') && !pipe) {
    throw invalid('--merge-stderr', '--merge-stderr needs --pipe; a terminal has only one output');
  }
  const name = text(options, 'name');
  const originator = text(options, 'originator');
  return {
    argv,
    cwd: workingDirectory(text(options, 'cwd')),
    env: environment(env, texts(options, 'env')),
    kind: pipe ? 'pipe' : 'pty',
    umask: process.umask(),
    ...(name === undefined ? {} : { name }),
    ...(originator === undefined ? {} : { originator }),
    ...(flag(options, 'merge-stderr') ? { merge_stderr: true } : {}),
    ...(pipe ? {} : size(options)),
    ...(text(options, 'linger') === undefined ? {} : { limits: { linger_ms: duration(options, 'linger')! } }),
  };
}

const MODES: readonly string[] = ['pty', 'acp', 'stream_json'] satisfies AgentGiven['mode'][];
const RESTARTS: readonly string[] = ['never', 'on_failure', 'always'];

/** `run --agent`: what its profile does not say. `args` are added to the profile's own. */
export function agentSpec(context: Pick<CommandContext, 'options' | 'env'>, args: string[]): SessionSpec {
  const { options } = context;
  const mode = text(options, 'mode') ?? 'pty';
  if (!MODES.includes(mode)) throw invalid('--mode', `--mode is ${MODES.join(', ')}, not "${mode}"`);
  const wanted = text(options, 'restart')?.replace('-', '_');
  if (wanted !== undefined && !RESTARTS.includes(wanted)) {
    throw invalid('--restart', `--restart is ${RESTARTS.join(', ')}, not "${wanted}"`);
  }
  if (flag(options, 'pipe')) throw invalid('--pipe', '--pipe is for commands; how an agent is spoken to is its --mode');
  const conversation = text(options, 'resume');
  const prompt = text(options, 'prompt');
  const branch = text(options, 'worktree');
  const { argv: _argv, kind: _kind, ...spec } = sessionSpec(context, args);
  return {
    ...spec,
    agent: {
      profile: text(options, 'agent')!,
      mode: mode as NonNullable<AgentGiven['mode']>,
      ...(args.length === 0 ? {} : { args }),
      ...(conversation === undefined ? {} : { conversation }),
      ...(prompt === undefined ? {} : { prompt }),
      ...(wanted === undefined ? {} : { restart: { when: wanted as 'never' | 'on_failure' | 'always' } }),
      ...(branch === undefined ? {} : { worktree: branch === '' ? (true as const) : { branch } }),
      ...(flag(options, 'share') ? { share_directory: true } : {}),
    },
  };
}

function workingDirectory(given: string | undefined): string {
  try {
    return resolve(given ?? process.cwd());
  } catch (error) {
    throw new HoldfastError('invalid_argument', 'the current directory no longer exists; give one with --cwd', {
      field: '--cwd',
      cause: error,
    });
  }
}

/** The caller's environment with what --env adds; the later entry wins. */
function environment(env: NodeJS.ProcessEnv, added: string[]): [string, string][] {
  const entries = Object.entries(env).filter((entry): entry is [string, string] => {
    return entry[1] !== undefined && !entry[0].startsWith('HOLDFAST_');
  });
  for (const word of added) {
    const at = word.indexOf('=');
    if (at <= 0) throw invalid('--env', `--env must be NAME=VALUE, not "${word}"`);
    entries.push([word.slice(0, at), word.slice(at + 1)]);
  }
  return entries;
}

function size(options: OptionValues): { rows: number; cols: number } {
  const here = terminalSize(1);
  return {
    rows: integer(options, 'rows', 1, limits.TERMINAL_SIDE_CELLS) ?? here?.rows ?? limits.DEFAULT_ROWS,
    cols: integer(options, 'cols', 1, limits.TERMINAL_SIDE_CELLS) ?? here?.cols ?? limits.DEFAULT_COLS,
  };
}
