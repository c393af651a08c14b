/** The last screen of a session that is over. */
import { SCREEN_WAIT_MS } from '../protocol/limits.ts';
import type { Clock } from '../runtime/index.ts';
import type { LogSource } from '../session/index.ts';
import { Mirror } from './mirror.ts';

/** Draws what is held of `source`, as far as a second allows; nobody is left to ask, so queries go unanswered. */
export async function drawClosed(source: LogSource, rows: number, cols: number, clock: Clock): Promise<Mirror> {
  const { createEmulator } = await import('./emulator.ts');
  const mirror = new Mirror({
    source,
    rows,
    cols,
    clock,
    create: createEmulator,
    nextQuery: () => null,
    answered() {},
  });
  await mirror.caughtUp(SCREEN_WAIT_MS);
  return mirror;
}
