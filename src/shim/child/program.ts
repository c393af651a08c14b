/** The start of a program's file, as the kernel reads it to choose how to run it (execve(2)). */
import { closeSync, openSync, readSync } from 'node:fs';

/** BINPRM_BUF_SIZE: what the kernel looks at. */
const START_BYTES = 256;

export interface Shebang {
  interpreter: string;
  /** The program env(1) is to find, if the interpreter is env. */
  command: string | undefined;
}

/** Undefined when the file cannot be read, which does not keep it from being executed. */
export function readStart(path: string): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    // No r permission.
    return undefined;
  }
  try {
    const start = Buffer.alloc(START_BYTES);
    return start.subarray(0, readSync(fd, start, 0, START_BYTES, 0));
  } finally {
    closeSync(fd);
  }
}

export function shebangOf(start: Buffer): Shebang | undefined {
  const text = start.toString('latin1');
  if (!text.startsWith('#!')) return undefined;
  const lineEnd = text.indexOf('\n');
  // The kernel leaves a carriage return in the name: so does this.
  const line = text
    .slice(2, lineEnd < 0 ? undefined : lineEnd)
    .replace(/^[ \t]+/, '')
    .replace(/[ \t]+$/, '');
  const blank = line.search(/[ \t]/);
  const interpreter = toUtf8(blank < 0 ? line : line.slice(0, blank));
  if (interpreter === '') return undefined;
  const argument = blank < 0 ? '' : toUtf8(line.slice(blank).replace(/^[ \t]+/, ''));
  return { interpreter, command: /(^|\/)env$/.test(interpreter) ? commandOfEnv(argument) : undefined };
}

/** The whole rest of the line is one argument of env; only `-S` splits it. Undefined where that is not obvious. */
function commandOfEnv(argument: string): string | undefined {
  if (argument === '') return undefined;
  if (!argument.startsWith('-')) return argument;
  const split = /^-S[ \t]*([^\\"'$]*)$/.exec(argument)?.[1];
  const words = split?.split(/[ \t]+/).filter((word) => word !== '') ?? [];
  const first = words.find((word) => !word.includes('='));
  return first?.startsWith('-') === true ? undefined : first;
}

function toUtf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}
