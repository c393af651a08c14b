import { COMMON_OPTIONS } from './arguments.ts';
import type { CommandSpec, OptionSpec } from './command.ts';

/** `holdfast help COMMAND`. */
export function commandHelp(spec: CommandSpec): string {
  const parts = [`Usage: holdfast ${spec.name}${spec.usage === '' ? '' : ` ${spec.usage}`} [options]`, '', spec.about];
  if (spec.details !== undefined) parts.push('', spec.details);
  parts.push('', 'Options:', ...optionLines([...spec.options, ...COMMON_OPTIONS]));
  return parts.join('\n');
}

/** `holdfast help`. */
export function overview(commands: readonly CommandSpec[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    'Usage: holdfast [COMMAND] [options]',
    '',
    'Terminal sessions that outlive everything but the machine. Without a command: your shell, in a session.',
    '',
    'Commands:',
    ...commands.map(({ name, about }) => `  ${name.padEnd(width)}  ${about}`),
    '',
    'Sessions are named by id, unique prefix of an id, or name. Any command that needs the runtime starts it.',
    'More: holdfast help COMMAND',
  ].join('\n');
}

function optionLines(options: readonly OptionSpec[]): string[] {
  const left = options.map(({ name, short, value }) => {
    const long = `--${name}${value === undefined ? '' : ` ${value}`}`;
    return short === undefined ? `    ${long}` : `-${short}, ${long}`;
  });
  const width = Math.max(...left.map(({ length }) => length));
  return options.map((option, index) => `  ${left[index]!.padEnd(width)}  ${option.about}`);
}
