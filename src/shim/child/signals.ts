/** Signals to process groups. */

/** False when nobody is in the group, or nobody that may be signalled. */
export function signalGroup(pgrp: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-pgrp, signal);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH' || code === 'EPERM') return false;
    throw error;
  }
}
