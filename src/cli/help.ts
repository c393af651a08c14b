import { COMMON_OPTIONS } from './arguments.ts';
import type { CommandSpec, NounSpec, OptionSpec } from './command.ts';

const OPTIONS = '[options]';

/** `holdfast help COMMAND`. */
export function commandHelp(spec: CommandSpec): string {
  const usage = spec.usage.includes(OPTIONS) ? spec.usage : `${spec.usage} ${OPTIONS}`.trimStart();
  const parts = [`Usage: holdfast ${spec.name} ${usage}`, '', spec.about];
  if (spec.details !== undefined) parts.push('', spec.details);
  parts.push('', 'Options:', ...optionLines([...spec.options, ...COMMON_OPTIONS]));
  return parts.join('\n');
}

/** `holdfast help`. */
export function overview(commands: readonly CommandSpec[], nouns: readonly NounSpec[]): string {
  const single = commands.filter(({ name, group }) => !name.includes(' ') && group === undefined);
  const agents = commands.filter(({ group }) => group === 'agents');
  const grouped = nouns.map(({ name }) => {
    const verbs = verbsOf(name, commands).map((command) => verbOf(command));
    return { name, about: verbs.join(' ') };
  });
  return [
    'Usage: holdfast [COMMAND] [options]',
    '',
    'Terminal sessions that outlive everything but the machine. Without a command: your shell, in a session.',
    '',
    'Commands:',
    ...entries(single),
    '',
    'Agents (started with run --agent NAME):',
    ...entries(agents),
    '',
    'Workspaces and layout, each with a verb:',
    ...entries(grouped),
    '',
    'Things are named by id, unique prefix of an id, or name. What needs the runtime starts it.',
    'More: holdfast help COMMAND',
  ].join('\n');
}

/** `holdfast help NOUN`. */
export function nounHelp({ name, about }: NounSpec, commands: readonly CommandSpec[]): string {
  const verbs = verbsOf(name, commands).map((command) => ({
    name: `${verbOf(command)} ${command.usage.replace(OPTIONS, '')}`.trimEnd(),
    about: command.about,
  }));
  return [
    `Usage: holdfast ${name} VERB [options]`,
    '',
    about,
    '',
    'Verbs:',
    ...entries(verbs),
    '',
    `More: holdfast help ${name} VERB`,
  ].join('\n');
}

export function verbsOf(noun: string, commands: readonly CommandSpec[]): CommandSpec[] {
  return commands.filter(({ name }) => name.startsWith(`${noun} `));
}

export function verbOf({ name }: CommandSpec): string {
  return name.slice(name.indexOf(' ') + 1);
}

function entries(things: readonly { name: string; about: string }[]): string[] {
  const width = Math.max(...things.map(({ name }) => name.length));
  return things.map(({ name, about }) => `  ${name.padEnd(width)}  ${about}`);
}

function optionLines(options: readonly OptionSpec[]): string[] {
  const left = options.map(({ name, short, value, optionalValue }) => {
    const shown = optionalValue === true ? `[=${value}]` : ` ${value}`;
    const long = `--${name}${value === undefined ? '' : shown}`;
    return short === undefined ? `    ${long}` : `-${short}, ${long}`;
  });
  const width = Math.max(...left.map(({ length }) => length));
  return options.map((option, index) => `  ${left[index]!.padEnd(width)}  ${option.about}`);
}
