/** What `create_session` accepts. Everything refused here is `invalid_argument` with the field, before anything exists. */
import type { CreateSession } from '../../protocol/control/index.ts';
import { HoldfastError, invalid, limits } from '../../protocol/index.ts';
import type { SessionLimits } from '../../protocol/launch/index.ts';

/** execve(2), path_resolution(7): PATH_MAX with its NUL is 4096. */
const PATH_BYTES = 4_095;
const ULID_LIKE = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i;
const DAY_MS = 24 * 60 * 60 * 1000;

/** A session to create, once it is said what it runs. */
export type CreateCommand = CreateSession & { argv: string[] };

export function checkCreate(command: CreateSession): asserts command is CreateCommand {
  if (command.argv === undefined) throw invalid('argv', 'argv is missing: name a program to run, or an agent');
  checkArgv(command.argv);
  checkCwd(command.cwd);
  checkEnv(command.env);
  checkSize(command.rows ?? limits.DEFAULT_ROWS, command.cols ?? limits.DEFAULT_COLS);
  if (command.kind !== undefined && command.kind !== 'pty' && command.kind !== 'pipe') {
    throw invalid('kind', 'kind is "pty" or "pipe"');
  }
  if (typeof command.name === 'string') checkName(command.name);
  checkText('originator', command.originator);
  checkText('command', command.command, limits.ARGUMENTS_BYTES);
  const { umask } = command;
  if (umask !== undefined && umask !== null && !inRange(umask, 0, 0o777)) {
    throw invalid('umask', 'umask is an integer from 0 to 0o777');
  }
}

function checkArgv(argv: string[]): void {
  if (argv.length === 0 || argv[0] === '') throw invalid('argv', 'argv is empty: name a program to run');
  let total = 0;
  for (const [index, argument] of argv.entries()) {
    if (argument.includes('\0')) throw invalid('argv', `argv[${index}] contains a NUL byte`);
    const length = Buffer.byteLength(argument);
    if (length > limits.ARGUMENT_BYTES) {
      throw new HoldfastError(
        'too_large',
        `argv[${index}] has ${length} bytes; the kernel takes ${limits.ARGUMENT_BYTES}`,
        {
          field: 'argv',
        },
      );
    }
    total += length + 1;
  }
  if (total > limits.ARGUMENTS_BYTES) {
    throw new HoldfastError('too_large', `argv has ${total} bytes; at most ${limits.ARGUMENTS_BYTES} are taken`, {
      field: 'argv',
    });
  }
}

function checkCwd(cwd: string): void {
  if (!cwd.startsWith('/')) throw invalid('cwd', `cwd must be an absolute path, got "${cwd}"`);
  if (cwd.includes('\0')) throw invalid('cwd', 'cwd contains a NUL byte');
  if (Buffer.byteLength(cwd) > PATH_BYTES) throw invalid('cwd', `cwd is longer than ${PATH_BYTES} bytes`);
}

function checkEnv(env: [string, string][]): void {
  let total = 0;
  for (const [name, value] of env) {
    if (name === '') throw invalid('env', 'an environment entry has an empty name');
    if (name.includes('=')) throw invalid('env', `the environment name "${name}" contains "="`);
    if (name.includes('\0') || value.includes('\0')) {
      throw invalid('env', `the environment entry "${name.replaceAll('\0', '')}" contains a NUL byte`);
    }
    const length = Buffer.byteLength(name) + 1 + Buffer.byteLength(value);
    if (length > limits.ARGUMENT_BYTES) {
      throw new HoldfastError(
        'too_large',
        `the environment entry "${name}" has ${length} bytes; the kernel takes ${limits.ARGUMENT_BYTES}`,
        {
          field: 'env',
        },
      );
    }
    total += length + 1;
  }
  if (total > limits.ARGUMENTS_BYTES) {
    throw new HoldfastError(
      'too_large',
      `the environment has ${total} bytes; at most ${limits.ARGUMENTS_BYTES} are taken`,
      {
        field: 'env',
      },
    );
  }
}

export function checkSize(rows: number, cols: number): void {
  const side = limits.TERMINAL_SIDE_CELLS;
  if (!inRange(rows, 1, side)) throw invalid('rows', `rows is an integer from 1 to ${side}, got ${rows}`);
  if (!inRange(cols, 1, side)) throw invalid('cols', `cols is an integer from 1 to ${side}, got ${cols}`);
  if (rows * cols > limits.TERMINAL_AREA_CELLS) {
    throw invalid('rows', `rows × cols is at most ${limits.TERMINAL_AREA_CELLS}, got ${rows * cols}`);
  }
}

export function checkName(name: string): void {
  if (name === '') throw invalid('name', 'a name is not empty; leave it out for none');
  if (Buffer.byteLength(name) > limits.NAME_BYTES)
    throw invalid('name', `a name has at most ${limits.NAME_BYTES} bytes`);
  if (/\p{Cc}/u.test(name)) throw invalid('name', 'a name holds no control characters');
  if (name.startsWith('-')) throw invalid('name', 'a name does not start with "-": it would read as an option');
  if (ULID_LIKE.test(name)) throw invalid('name', 'a name does not look like a session id');
}

function checkText(field: string, text: string | undefined, bytes: number = limits.NAME_BYTES): void {
  if (text !== undefined && Buffer.byteLength(text) > bytes)
    throw invalid(field, `${field} has at most ${bytes} bytes`);
}

type Range = [low: number, high: number];

/** Lowest and highest value of each limit a caller may set. 0 ms: no limit. */
const LIMIT_RANGES: Record<
  'memory_bytes' | 'spill_bytes' | 'segment_bytes' | 'stall_ms' | 'lease_ms' | 'linger_ms',
  Range
> = {
  memory_bytes: [64 * 1024, 64 * 1024 * 1024],
  spill_bytes: [0, 1024 ** 4],
  segment_bytes: [64 * 1024, 1024 ** 3],
  stall_ms: [0, DAY_MS],
  lease_ms: [0, DAY_MS],
  linger_ms: [0, 365 * DAY_MS],
};

/** The limits of a session: what the caller asks for over the home's defaults. */
export function mergeLimits(defaults: SessionLimits, asked: Partial<SessionLimits> | undefined): SessionLimits {
  const merged: SessionLimits = { ...defaults };
  if (asked === undefined) return merged;
  for (const [name, [low, high]] of Object.entries(LIMIT_RANGES) as [keyof typeof LIMIT_RANGES, Range][]) {
    const value = asked[name];
    if (value === undefined) continue;
    if (name === 'linger_ms' && value === null) {
      merged.linger_ms = null;
      continue;
    }
    if (value === null || !inRange(value, low, high)) {
      throw invalid(`limits.${name}`, `limits.${name} is an integer from ${low} to ${high}, got ${String(value)}`);
    }
    merged[name] = value;
  }
  if (asked.allow_lossless !== undefined) merged.allow_lossless = asked.allow_lossless;
  return merged;
}

function inRange(value: number, low: number, high: number): boolean {
  return Number.isInteger(value) && value >= low && value <= high;
}
