import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { launchSpec, record } from '../../../test/support/recorded-child.ts';
import { HoldfastError } from '../../protocol/index.ts';
import { systemClock } from '../../runtime/index.ts';
import { checkStart } from './checks.ts';
import { startChild } from './index.ts';
import { shebangOf } from './program.ts';

const dir = mkdtempSync(join(tmpdir(), 'hf-k-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function file(name: string, content: string | Buffer, mode = 0o755): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

const PATH = process.env['PATH']!;
mkdirSync(join(dir, 'bin'));
mkdirSync(join(dir, 'bin/prog'));
const plain = file('plain', '#!/bin/sh\necho hi\n', 0o644);
const script = file('script', '#!/bin/sh\necho hi\n');
const noShebang = file('no-shebang', 'echo "$0"\n');
const noInterpreter = file('no-interpreter', '#!/nonexistent/interpreter -x\n');
const badInterpreter = file('bad-interpreter', `#!${plain}\n`);
const crlf = file('crlf', '#!/bin/sh\r\necho hi\r\n');
const envMissing = file('env-missing', '#!/usr/bin/env no-such-program-here\n');
const envCrlf = file('env-crlf', '#!/usr/bin/env sh\r\n');
const envSplit = file('env-split', '#!/usr/bin/env -S A=1 no-such-program-here -x\n');
const envFine = file('env-fine', '#!/usr/bin/env -S A=1 sh\necho hi\n');
const binary = file('binary', Buffer.from([0x7f, 0x42, 0, 1, 2, 3, 0x0a, 0]));
const empty = file('empty', '');
symlinkSync(join(dir, 'nowhere'), join(dir, 'dangling'));
symlinkSync(join(dir, 'loop'), join(dir, 'loop'));

const REFUSED: [string, { argv?: string[]; cwd?: string; env?: [string, string][] }, number, string, RegExp][] = [
  ['an empty argument list', { argv: [] }, 125, 'argv', /no program/],
  ['an empty program name', { argv: [''] }, 127, 'argv[0]', /empty/],
  ['a missing program in PATH', { argv: ['no-such-program-here'] }, 127, 'argv[0]', /not found in the session's PATH/],
  ['a missing program without PATH', { argv: ['no-such'], env: [] }, 127, 'argv[0]', /default PATH/],
  ['a missing absolute program', { argv: ['/no/such'] }, 127, 'argv[0]', /does not exist/],
  ['a path through a file', { argv: [`${plain}/x`] }, 127, 'argv[0]', /not a directory/],
  ['a program without x-bit', { argv: [plain] }, 126, 'argv[0]', /x permission/],
  ['a program without x-bit in PATH', { argv: ['plain'], env: [['PATH', dir]] }, 126, 'argv[0]', /x permission/],
  ['a directory', { argv: [dir] }, 126, 'argv[0]', /is a directory/],
  ['a directory in PATH', { argv: ['prog'], env: [['PATH', join(dir, 'bin')]] }, 126, 'argv[0]', /is a directory/],
  ['a device', { argv: ['/dev/null'] }, 126, 'argv[0]', /may not be executed/],
  ['a dangling link', { argv: [join(dir, 'dangling')] }, 127, 'argv[0]', /does not exist/],
  ['a loop of links', { argv: [join(dir, 'loop')] }, 126, 'argv[0]', /ELOOP/],
  ['a missing interpreter', { argv: [noInterpreter] }, 126, 'argv[0]', /interpreter \/nonexistent\/interpreter/],
  ['an interpreter without x-bit', { argv: [badInterpreter] }, 126, 'argv[0]', /cannot be executed \(EACCES\)/],
  ['a script with CR LF', { argv: [crlf] }, 126, 'argv[0]', /\/bin\/sh\\r.*Windows line ends/],
  ['a program missing behind env', { argv: [envMissing] }, 127, 'argv[0]', /asks env for "no-such-program-here"/],
  ['a program missing behind env -S', { argv: [envSplit] }, 127, 'argv[0]', /asks env for "no-such-program-here"/],
  ['an env script with CR LF', { argv: [envCrlf] }, 127, 'argv[0]', /"sh\\r".*Windows line ends/],
  ['a file of unknown format', { argv: [binary] }, 126, 'argv[0]', /not a program/],
  ['a missing directory', { cwd: join(dir, 'none') }, 125, 'cwd', /does not exist/],
  ['a file as directory', { cwd: script }, 125, 'cwd', /is not a directory/],
  ['a file without x-bit as directory', { cwd: plain }, 125, 'cwd', /is not a directory/],
  ['a directory below a file', { cwd: `${plain}/x` }, 125, 'cwd', /not a directory/],
  ['a relative directory', { cwd: 'x' }, 125, 'cwd', /not an absolute path/],
  ['NUL in an argument', { argv: ['echo', 'a\0b'] }, 125, 'argv', /Argument 1 contains a NUL/],
  ['NUL in the environment', { env: [['A', 'x\0y']] }, 125, 'env', /"A" contains a NUL/],
  ['an empty variable name', { env: [['', 'x']] }, 125, 'env', /is empty or contains/],
  ['a variable name with =', { env: [['A=B', 'x']] }, 125, 'env', /is empty or contains/],
  ['an argument over 128 KiB', { argv: ['echo', 'x'.repeat(131_072)] }, 125, 'argv', /131072 bytes/],
  ['a variable over 128 KiB', { env: [['A', 'x'.repeat(131_070)]] }, 125, 'env', /131072 bytes/],
  [
    'arguments beyond the system limit',
    { argv: ['echo', ...Array<string>(80).fill('x'.repeat(131_000))] },
    125,
    'argv',
    /ulimit -s/,
  ],
];

describe.each(REFUSED)('%s', (_, { argv = ['true'], cwd = '/', env = [['PATH', PATH]] }, status, field, message) => {
  it.each(['pty', 'pipe'] as const)('[S1] is refused on a %s and starts nothing', (kind) => {
    const spec = launchSpec(argv, { cwd, env, kind, session_dir: dir });
    const start = (): unknown => startChild(spec, unexpected, { clock: systemClock });
    let error: unknown;
    try {
      start();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(HoldfastError);
    const { code, details, message: text, field: named } = error as HoldfastError;
    expect({ code, status: details['exit_status'], field: details['field'], named }).toEqual({
      code: 'start_failed',
      status,
      field,
      named: field,
    });
    expect(text).toMatch(message);
  });
});

const unexpected = {
  output: () => expect.unreachable(),
  eof: () => expect.unreachable(),
  exit: () => expect.unreachable(),
};

describe('what may start', () => {
  const RUNS: [string, { argv: string[]; cwd?: string; env?: [string, string][] }, string][] = [
    ['a script', { argv: [script] }, 'hi\n'],
    ['a program relative to the directory', { argv: ['./script'], cwd: dir }, 'hi\n'],
    ['a program through an empty PATH entry', { argv: ['script'], cwd: dir, env: [['PATH', ':/bin']] }, 'hi\n'],
    ['a program through a relative PATH entry', { argv: ['script'], cwd: '/', env: [['PATH', dir.slice(1)]] }, 'hi\n'],
    [
      'a program later in PATH than one without x-bit',
      { argv: ['true'], env: [['PATH', `${dir}/bin:/bin:/usr/bin`]] },
      '',
    ],
    ['a program by the default PATH', { argv: ['echo', 'a'], env: [] }, 'a\n'],
    ['text without a first line', { argv: [noShebang] }, `${noShebang}\n`],
    ['a script behind env -S', { argv: [envFine] }, 'hi\n'],
    ['an empty file', { argv: [empty] }, ''],
    [
      'the last of two PATHs',
      {
        argv: ['script'],
        env: [
          ['PATH', '/none'],
          ['PATH', dir],
        ],
      },
      'hi\n',
    ],
  ];
  it.each(RUNS)('%s', async (_, { argv, cwd = '/', env = [['PATH', PATH]] }, output) => {
    expect(() => checkStart({ argv, cwd, env })).not.toThrow();
    for (const kind of ['pipe', 'pty'] as const) {
      const child = record(argv, { kind, cwd, env });
      await child.eof(1);
      expect((await child.exit).code).toBe(0);
      expect(child.text().replaceAll('\r\n', '\n')).toBe(output);
      await child.end();
    }
  });
});

it('keeps the name the program was called by', async () => {
  for (const kind of ['pipe', 'pty'] as const) {
    const child = record(['sh', '-c', 'tr "\\0" " " < /proc/$$/cmdline'], { kind });
    await child.eof(1);
    expect(child.text()).toMatch(/^sh -c /);
    await child.end();
  }
});

it('reads the first line as the kernel does', () => {
  const parse = (text: string): unknown => shebangOf(Buffer.from(text));
  expect(parse('#!/bin/sh')).toEqual({ interpreter: '/bin/sh', command: undefined });
  expect(parse('#! \t/bin/sh -e x \n')).toEqual({ interpreter: '/bin/sh', command: undefined });
  expect(parse('#!/usr/bin/env node\n')).toEqual({ interpreter: '/usr/bin/env', command: 'node' });
  expect(parse('#!/usr/bin/env -i node\n')).toEqual({ interpreter: '/usr/bin/env', command: undefined });
  expect(parse('#!/usr/bin/env -S "a b"\n')).toEqual({ interpreter: '/usr/bin/env', command: undefined });
  expect(parse('#!\n')).toBeUndefined();
  expect(parse('echo\n')).toBeUndefined();
});
