import type { ShowOutcome } from './attach-terminal.ts';

/** As for the error code `lease_lost`: somebody else drives now. */
export const STOLEN_STATUS = 5;

/** What a person sees last: `[detached]`, `[exited 3]`, `[exited SIGKILL]`, `[stolen by …]`. */
export function describeOutcome({ why, exit, by }: ShowOutcome): string {
  if (why === 'exited') return `[exited ${exit?.signal ?? exit?.code ?? 'unknown'}]`;
  if (why === 'stolen') return `[stolen by ${by ?? 'another client'}]`;
  return `[${why}]`;
}
