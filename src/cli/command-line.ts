import { resolve } from 'node:path';
import { resolveHome } from '../protocol/home/index.ts';
import { HoldfastError } from '../protocol/index.ts';
import { COMMON_OPTIONS, flag, parseCommandArguments, text } from './arguments.ts';
import type { CommandContext, CommandSpec } from './command.ts';
import { COMMANDS, NOUNS, SHELL } from './commands.ts';
import { exitStatusOf, reportError } from './errors.ts';
import { commandHelp, nounHelp, overview, verbOf, verbsOf } from './help.ts';
import { Output, OutputClosed, SIGPIPE_STATUS } from './output.ts';

export interface CommandLine {
  words: string[];
  env: NodeJS.ProcessEnv;
  loader: string;
  version: string;
}

/** Runs one command and resolves with the exit status. */
export async function runCommandLine(line: CommandLine): Promise<number> {
  const out = new Output(line.env);
  let spec: CommandSpec | undefined;
  try {
    const found = findCommand(line.words);
    if (typeof found === 'string') {
      out.line(found === 'version' ? line.version : found);
      return 0;
    }
    spec = found.spec;
    const { options, positionals, rest } = parseCommandArguments(spec, found.words);
    if (flag(options, 'help')) {
      out.line(spec === SHELL ? overview(COMMANDS, NOUNS) : commandHelp(spec));
      return 0;
    }
    const home = resolve(resolveHome(text(options, 'home'), line.env));
    const { run } = await spec.load();
    const context: CommandContext = {
      options,
      positionals,
      rest,
      home,
      out,
      json: flag(options, 'json'),
      loader: line.loader,
      env: line.env,
      connect: async (choice = {}) => {
        const { connect } = await import('../client/index.ts');
        const token = sessionToken(line.env, home);
        return connect({ home, loader: line.loader, env: line.env, start: choice.start ?? true, token });
      },
    };
    return await run(context);
  } catch (error) {
    if (error instanceof OutputClosed) return SIGPIPE_STATUS;
    reportError(out, error);
    return exitStatusOf(spec, line.words, error);
  }
}

/** Inside an agent's session, with its own home, the command line acts as that session. */
function sessionToken(env: NodeJS.ProcessEnv, home: string): string | undefined {
  const own = env['HOLDFAST_HOME'];
  return env['HOLDFAST_TOKEN'] && own && resolve(own) === home ? env['HOLDFAST_TOKEN'] : undefined;
}

/** The command and its words, or the text of a help or version request. */
function findCommand(words: string[]): { spec: CommandSpec; words: string[] } | string {
  const [leading, rest] = splitLeadingOptions(words);
  const name = rest[0];
  if (name === undefined) {
    return leading.includes('--version') || leading.includes('-V') ? 'version' : { spec: SHELL, words: leading };
  }
  if (name === 'version') return 'version';
  if (name === 'help') return helpText(rest.slice(1));
  if (isNoun(name)) return findVerb(name, leading, rest.slice(1));
  return { spec: commandNamed(name), words: [...leading, ...rest.slice(1)] };
}

/** Options may stand between the noun and its verb, too. */
function findVerb(noun: string, leading: string[], words: string[]): { spec: CommandSpec; words: string[] } | string {
  const [between, rest] = splitLeadingOptions(words);
  const verb = rest[0];
  if (verb !== undefined)
    return { spec: commandNamed(`${noun} ${verb}`), words: [...leading, ...between, ...rest.slice(1)] };
  if (between.includes('--help') || between.includes('-h')) return helpText([noun]);
  const verbs = verbsOf(noun, COMMANDS).map((spec) => verbOf(spec));
  throw new HoldfastError('invalid_argument', `${noun} needs a verb: ${verbs.join(', ')}; see: holdfast help ${noun}`);
}

function isNoun(name: string): boolean {
  return NOUNS.some((noun) => noun.name === name);
}

/** Options before the command's name. */
function splitLeadingOptions(words: string[]): [string[], string[]] {
  const valued = new Set(
    [...SHELL.options, ...COMMON_OPTIONS].flatMap(({ name, value }) => (value === undefined ? [] : [`--${name}`])),
  );
  let at = 0;
  while (at < words.length && words[at]!.startsWith('-')) at += valued.has(words[at]!) ? 2 : 1;
  return [words.slice(0, at), words.slice(at)];
}

function helpText([name, verb]: string[]): string {
  if (name === undefined) return overview(COMMANDS, NOUNS);
  const noun = NOUNS.find((known) => known.name === name);
  if (noun !== undefined && verb === undefined) return nounHelp(noun, COMMANDS);
  return commandHelp(commandNamed(noun === undefined ? name : `${name} ${verb}`));
}

function commandNamed(name: string): CommandSpec {
  const spec = COMMANDS.find((command) => command.name === name);
  if (spec !== undefined) return spec;
  const [noun, verb] = name.split(' ');
  const known = verb === undefined ? [...COMMANDS, ...NOUNS].filter((each) => !each.name.includes(' ')) : COMMANDS;
  const near = known.find((each) => each.name.startsWith(name) || name.startsWith(each.name));
  const help = verb === undefined ? 'holdfast help' : `holdfast help ${noun!}`;
  const hint = near === undefined ? `see: ${help}` : `did you mean "${near.name}"?`;
  throw new HoldfastError('unknown_command', `there is no command "${name}"; ${hint}`);
}
