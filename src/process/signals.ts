/**
 * How a process takes signals: the masks of /proc/PID/status (proc(5), SigIgn).
 */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';

/**
 * Whether this is an interactive shell with job control: it ignores SIGTERM as well as SIGTSTP and SIGTTOU, and ends
 * on the hang-up of its terminal instead. A script that merely ignores SIGTERM does not match.
 */
export function endsOnHangUp(pid: number): boolean {
  const ignored = ignoredSignals(pid);
  const { SIGTERM, SIGTSTP, SIGTTOU, SIGHUP } = constants.signals;
  const ignores = (signal: number): boolean => ((ignored >> BigInt(signal - 1)) & 1n) === 1n;
  return ignores(SIGTERM) && ignores(SIGTSTP) && ignores(SIGTTOU) && !ignores(SIGHUP);
}

function ignoredSignals(pid: number): bigint {
  try {
    const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
    return mask === null ? 0n : BigInt(`0x${mask[1]}`);
  } catch {
    // Gone, or no /proc on this system: nothing is known to be ignored.
    return 0n;
  }
}
