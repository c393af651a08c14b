/** Writes sequences of keys, each by itself: a program takes keys that come in one read for a paste or a sequence. */
import type { PtyHost } from './contract.ts';
import type { Waiting } from './waiting.ts';

const BETWEEN_MS = 60;

/** Resolves when the last one is with the kernel; `closed` when the child's input is. */
export async function pressKeys(
  host: Pick<PtyHost, 'write'>,
  waiting: Waiting,
  keys: readonly string[],
): Promise<'written' | 'closed'> {
  for (const [index, key] of keys.entries()) {
    if (index > 0) await waiting.pause(BETWEEN_MS);
    if ((await host.write(Buffer.from(key))) === 'closed') return 'closed';
  }
  return 'written';
}
