import { ERROR_EXIT_STATUS, HoldfastError } from '../protocol/index.ts';
import type { CommandSpec } from './command.ts';
import type { Output } from './output.ts';

/** Where the exit status is the child's, ours are these (as env(1), nice(1), timeout(1)). */
const OWN_FAILURE = 125;

/** One line on standard error; the message says what is wrong and what to do. */
export function reportError(out: Output, error: unknown): void {
  if (error instanceof HoldfastError) {
    const field = error.field !== undefined && !error.message.includes(error.field) ? `${error.field}: ` : '';
    out.note(`holdfast: ${field}${error.message}`);
  } else {
    out.note(`holdfast: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
}

export function exitStatusOf(spec: CommandSpec | undefined, words: readonly string[], error: unknown): number {
  const failure = HoldfastError.from(error);
  if (returnsChildStatus(spec, words)) {
    const status = failure.details['exit_status'];
    return typeof status === 'number' && status >= OWN_FAILURE && status <= 127 ? status : OWN_FAILURE;
  }
  return ERROR_EXIT_STATUS[failure.code];
}

function returnsChildStatus(spec: CommandSpec | undefined, words: readonly string[]): boolean {
  if (spec?.name === 'run') {
    const end = words.indexOf('--');
    const own = end < 0 ? words : words.slice(0, end);
    return !own.includes('--detach') && !own.includes('-d');
  }
  return spec?.name === 'wait' && words.includes('--exit');
}
