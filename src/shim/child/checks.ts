/**
 * What can be said about a start before it is tried: a refused start is a typed error and no session (DESIGN §6).
 *
 * The rules are those of execvp(3) in the child: its own PATH, its own directory; exit statuses are the shell's (126
 * found but not executable, 127 not found), and 125 for what is wrong before a program is looked for.
 */
import { accessSync, constants, readdirSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { HoldfastError, limits } from '../../protocol/index.ts';
import type { LaunchSpec } from '../../protocol/launch/index.ts';
import { readStart, type Shebang, shebangOf } from './program.ts';

export type StartField = 'argv' | 'argv[0]' | 'cwd' | 'env';
export type StartStatus = 125 | 126 | 127;

export function startFailed(status: StartStatus, field: StartField, message: string, errno?: string): HoldfastError {
  const details = { exit_status: status, field, ...(errno === undefined ? {} : { errno }) };
  return new HoldfastError('start_failed', message, { field, details });
}

/** What execvp(3) searches when the child has no PATH (glibc; the current directory is not in it). */
const DEFAULT_PATH = '/bin:/usr/bin';

/** Throws `start_failed` for a start that could not succeed; returns the path of the program that will run. */
export function checkStart(spec: Pick<LaunchSpec, 'argv' | 'cwd' | 'env'>): string {
  checkStrings(spec);
  checkDirectory(spec.cwd);
  const program = findProgram(spec.argv[0]!, spec);
  checkFormat(program, spec);
  return program;
}

function checkStrings({ argv, env }: Pick<LaunchSpec, 'argv' | 'env'>): void {
  if (argv.length === 0) throw startFailed(125, 'argv', 'There is no program to start: the argument list is empty.');
  argv.forEach((argument, index) => {
    if (argument.includes('\0'))
      throw startFailed(125, 'argv', `Argument ${index} contains a NUL character.`, 'EINVAL');
    checkLength(argument, 'argv', `Argument ${index}`);
  });
  for (const [name, value] of env) {
    if (name === '' || name.includes('=')) {
      throw startFailed(
        125,
        'env',
        `"${name}" is not a name for an environment variable: it is empty or contains "=".`,
      );
    }
    if (name.includes('\0') || value.includes('\0')) {
      throw startFailed(
        125,
        'env',
        `The environment variable "${name.replaceAll('\0', '')}" contains a NUL character.`,
      );
    }
    checkLength(`${name}=${value}`, 'env', `The environment variable "${name}"`);
  }
  const total = stringsBytes(argv) + stringsBytes(env.map(([name, value]) => `${name}=${value}`));
  const limit = stringsLimit();
  if (total > limit) {
    const sizes = `${total} bytes, and this system takes ${limit}`;
    throw startFailed(125, 'argv', `Arguments and environment together have ${sizes} (ulimit -s). Pass less.`, 'E2BIG');
  }
}

function checkLength(text: string, field: StartField, what: string): void {
  const length = Buffer.byteLength(text);
  if (length <= limits.ARGUMENT_BYTES) return;
  throw startFailed(
    125,
    field,
    `${what} has ${length} bytes; the system takes ${limits.ARGUMENT_BYTES} at most.`,
    'E2BIG',
  );
}

const POINTER_BYTES = 8;

function stringsBytes(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 1 + POINTER_BYTES, 0);
}

const MIB = 1024 * 1024;

/** execve(2): a quarter of the stack's soft limit, 6 MiB at most and 128 KiB at least; a page is kept as reserve. */
function stringsLimit(): number {
  let stack = 8 * MIB;
  try {
    const soft = /^Max stack size\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    stack = soft === 'unlimited' ? Infinity : Number(soft ?? stack);
  } catch {
    // No /proc: the usual limit.
  }
  return Math.max(Math.min(stack / 4, 6 * MIB), MIB / 8) - 4096;
}

function checkDirectory(cwd: string): void {
  const failed = (message: string, errno?: string): HoldfastError => startFailed(125, 'cwd', message, errno);
  if (!cwd.startsWith('/')) throw failed(`The working directory "${cwd}" is not an absolute path.`);
  const errno = accessError(cwd);
  if (errno === 'ENOENT') throw failed(`The working directory ${cwd} does not exist.`, errno);
  if (errno === 'ENOTDIR')
    throw failed(`A part of the path of the working directory ${cwd} is not a directory.`, errno);
  // A file without x-bit is refused for that as well; what is wrong with it is that it is a file.
  if (isNoDirectory(cwd)) throw failed(`${cwd} is not a directory.`, 'ENOTDIR');
  if (errno === 'EACCES') throw failed(`You may not enter the working directory ${cwd} (no x permission).`, errno);
  if (errno !== undefined) throw failed(`The working directory ${cwd} cannot be entered (${errno}).`, errno);
}

/** False for what cannot be looked at. */
function isNoDirectory(path: string): boolean {
  try {
    return !statSync(path).isDirectory();
  } catch {
    return false; // The error of the access says more.
  }
}

type Place = Pick<LaunchSpec, 'cwd' | 'env'>;

/** The file which execvp(3) would run for `name`; throws `start_failed` with 126 or 127. */
function findProgram(name: string, place: Place): string {
  if (name === '') throw startFailed(127, 'argv[0]', 'The name of the program is empty.', 'ENOENT');
  if (name.includes('/')) {
    const path = resolve(place.cwd, name);
    const errno = executeError(path);
    if (errno !== undefined) throw cannotExecute(path, errno);
    return path;
  }
  const path = place.env.findLast(([key]) => key === 'PATH')?.[1];
  const found = searchPath(name, path ?? DEFAULT_PATH, place.cwd);
  if (found === undefined) {
    const where = path === undefined ? `the default PATH ${DEFAULT_PATH}` : `the session's PATH (${path})`;
    throw startFailed(127, 'argv[0]', `"${name}" was not found in ${where}.`, 'ENOENT');
  }
  if (found.errno !== undefined) throw cannotExecute(found.path, found.errno);
  return found.path;
}

/** The first that can run; else the first that exists, with what is wrong with it; else undefined. */
function searchPath(name: string, path: string, cwd: string): { path: string; errno?: string } | undefined {
  let refused: { path: string; errno: string } | undefined;
  for (const directory of path.split(':')) {
    const candidate = resolve(cwd, directory, name);
    const errno = executeError(candidate);
    if (errno === undefined) return { path: candidate };
    if (errno !== 'ENOENT' && errno !== 'ENOTDIR') refused ??= { path: candidate, errno };
  }
  return refused;
}

/** Why `path` cannot be executed, or undefined when it can. Root too needs at least one x-bit. */
function executeError(path: string): string | undefined {
  const errno = accessError(path);
  if (errno !== undefined) {
    // Existing but without permission, or not even findable: access(2) says EACCES for both.
    return errno;
  }
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return 'ENOENT';
  if (stats.isDirectory()) return 'EISDIR';
  return stats.isFile() ? undefined : 'EACCES';
}

function cannotExecute(path: string, errno: string): HoldfastError {
  if (errno === 'ENOENT') return startFailed(127, 'argv[0]', `${path} does not exist.`, errno);
  if (errno === 'ENOTDIR') {
    return startFailed(127, 'argv[0]', `${path} does not exist: a part of its path is not a directory.`, errno);
  }
  if (errno === 'EISDIR') return startFailed(126, 'argv[0]', `${path} is a directory, not a program.`, errno);
  if (errno === 'EACCES') {
    const hint = 'it or a directory above it lacks the x permission, or it is on a file system mounted noexec';
    return startFailed(126, 'argv[0]', `${path} may not be executed: ${hint}.`, errno);
  }
  return startFailed(126, 'argv[0]', `${path} cannot be executed (${errno}).`, errno);
}

function checkFormat(program: string, place: Place): void {
  const start = readStart(program);
  // A program that may be executed but not read is the kernel's to judge.
  if (start === undefined) return;
  const shebang = shebangOf(start);
  if (shebang !== undefined) return checkInterpreter(program, shebang, place);
  if (start.length === 0 || isText(start) || isElf(start) || hasForeignFormats()) return;
  const message = `${program} is not a program this system can run (no ELF file, no script).`;
  throw startFailed(126, 'argv[0]', message, 'ENOEXEC');
}

function checkInterpreter(program: string, shebang: Shebang, place: Place): void {
  const errno = executeError(resolve(place.cwd, shebang.interpreter));
  if (errno !== undefined) {
    const problem = errno === 'ENOENT' ? 'does not exist' : `cannot be executed (${errno})`;
    const hint = shebang.interpreter.endsWith('\r') ? ' The script has Windows line ends (CR LF).' : '';
    const name = shebang.interpreter.replace('\r', '\\r');
    throw startFailed(126, 'argv[0]', `${program} asks for the interpreter ${name}, which ${problem}.${hint}`, errno);
  }
  if (shebang.command === undefined || shebang.command.includes('/')) return;
  const path = place.env.findLast(([key]) => key === 'PATH')?.[1] ?? DEFAULT_PATH;
  const found = searchPath(shebang.command, path, place.cwd);
  if (found !== undefined && found.errno === undefined) return;
  const hint = shebang.command.endsWith('\r') ? ' The script has Windows line ends (CR LF).' : '';
  const name = shebang.command.replace('\r', '\\r');
  const message = `${program} asks env for "${name}", which was not found in the session's PATH (${path}).${hint}`;
  throw startFailed(found === undefined ? 127 : 126, 'argv[0]', message, found?.errno ?? 'ENOENT');
}

/** execvp(3) hands a file without a known format to /bin/sh; like shells, only if its first line is text. */
function isText(start: Buffer): boolean {
  const lineEnd = start.indexOf(0x0a);
  return !start.subarray(0, lineEnd < 0 ? start.length : lineEnd).includes(0);
}

const ELF_MAGIC = Buffer.from('\x7fELF', 'latin1');

function isElf(start: Buffer): boolean {
  return start.subarray(0, ELF_MAGIC.length).equals(ELF_MAGIC);
}

/** Whether someone registered further formats with the kernel (binfmt_misc: Wine, qemu-user, …). */
function hasForeignFormats(): boolean {
  if (process.platform !== 'linux') return true;
  try {
    return readdirSync('/proc/sys/fs/binfmt_misc').some((entry) => entry !== 'register' && entry !== 'status');
  } catch {
    // Not mounted.
    return false;
  }
}

function accessError(path: string): string | undefined {
  try {
    accessSync(path, constants.X_OK);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'EACCES';
  }
}
