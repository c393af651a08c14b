import { describe, expect, it } from 'vitest';
import { duration, integer, parseCommandArguments } from './arguments.ts';
import { COMMANDS } from './commands.ts';

const command = (name: string) => COMMANDS.find((spec) => spec.name === name)!;

describe('arguments of a command', () => {
  it('gives the child everything from its first word on', () => {
    const parsed = parseCommandArguments(command('run'), ['--detach', '--name', 'x', 'ls', '-l', '--help']);
    expect(parsed.rest).toEqual(['ls', '-l', '--help']);
    expect(parsed.options).toMatchObject({ detach: true, name: 'x' });
  });

  it('gives the child everything after --, a -- of its own included', () => {
    expect(parseCommandArguments(command('run'), ['-d', '--', '--odd', '--', 'x']).rest).toEqual(['--odd', '--', 'x']);
  });

  it.each([
    ['an option it does not know', 'ls', ['--bogus']],
    ['too few arguments', 'attach', []],
    ['too many arguments', 'attach', ['a', 'b']],
    ['a value for a switch', 'logs', ['x', '--follow=yes']],
  ])('refuses %s and says where help is', (_, name, words) => {
    expect(() => parseCommandArguments(command(name), words)).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining(name) as string }),
    );
  });

  it.each([
    [['--worktree', '--detach', 'x'], { worktree: '', detach: true }, ['x']],
    [['--worktree=topic', '--', '--worktree'], { worktree: 'topic' }, ['--worktree']],
    [['--agent', 'claude', '--worktree'], { agent: 'claude', worktree: '' }, []],
  ])('reads %j: a value that may be left out is none of the words', (words, options, rest) => {
    const parsed = parseCommandArguments(command('run'), words);
    expect(parsed.rest).toEqual(rest);
    expect({ ...parsed.options }).toEqual(options);
  });

  it.each(['0', '70000', '-1', '1.5', 'x', ''])('[X2] refuses %j rows, naming flag and bounds', (value) => {
    expect(() => integer({ rows: value }, 'rows', 1, 10_000)).toThrow(/--rows must be a whole number from 1 to 10000/);
  });

  it.each([
    ['500ms', 500],
    ['10', 10_000],
    ['1.5s', 1_500],
    ['2m', 120_000],
    ['1d', 86_400_000],
  ])('reads the duration %s', (value, ms) => {
    expect(duration({ timeout: value }, 'timeout')).toBe(ms);
  });

  it('refuses a duration it cannot read', () => {
    expect(() => duration({ timeout: 'soon' }, 'timeout')).toThrow(/--timeout must be a duration/);
  });

  it('describes every option of every command', () => {
    for (const spec of COMMANDS)
      for (const option of spec.options) expect(option.about, `${spec.name} --${option.name}`).not.toBe('');
  });
});
