/** How a starter learns what became of srv: one line on the inherited descriptor 3 (protocol/home). */
import { closeSync, fstatSync, writeSync } from 'node:fs';
import { REPORT_FD, type StartReport } from '../protocol/home/index.ts';

/** Whether somebody waits for the report. Without an inherited pipe the number is one of Node's own descriptors. */
export function hasStarter(): boolean {
  try {
    const stat = fstatSync(REPORT_FD);
    return stat.isFIFO() || stat.isSocket();
  } catch {
    return false; // EBADF: nobody.
  }
}

/** Once per process. */
export function reportStart(report: StartReport): void {
  if (!hasStarter()) return;
  try {
    writeSync(REPORT_FD, `${JSON.stringify(report)}\n`);
    closeSync(REPORT_FD);
  } catch {
    // The starter has gone; srv serves whoever comes next.
  }
}
