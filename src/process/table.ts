/**
 * What the kernel says about processes: /proc on Linux (proc(5)), `ps` elsewhere.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** A process and when it started (proc(5) field 22): the pair identifies it, a pid alone never does. */
export interface ProcessIdentity {
  pid: number;
  /** Clock ticks since boot on Linux, seconds since the Unix epoch elsewhere: only good for comparing. */
  start_time: number;
}

export interface ProcessRow extends ProcessIdentity {
  ppid: number;
  pgrp: number;
  session: number;
  /** Device number of the controlling terminal, 0 for none. */
  tty: number;
  /** Foreground process group of that terminal (tpgid), −1 for none or unknown. */
  foreground: number;
  /** `R`, `S`, `D`, `T`, `Z`, … as in proc(5). */
  state: string;
  /** The short command name; not unique, not trustworthy. */
  name: string;
  /** Has ended; only its parent's wait is missing. */
  gone: boolean;
}

/** The kernel's view at one moment. `undefined` and empty answers mean "no such process" or "not readable". */
export interface ProcessTable {
  read(pid: number): ProcessRow | undefined;
  list(): ProcessRow[];
  /** The environment a process was started with, NUL-terminated entries; empty when unknown. */
  environment(pid: number): string;
  /** Arguments joined by blanks, at most 256 characters; the short name where they cannot be read. */
  command(row: ProcessRow): string;
  /** Identifies one boot of the machine: start times compare only within it. */
  bootId(): string;
}

const COMMAND_CHARACTERS = 256;

export const linuxTable: ProcessTable = {
  read(pid) {
    const text = readText(`/proc/${pid}/stat`);
    return text === '' ? undefined : parseStat(text);
  },
  list() {
    const rows: ProcessRow[] = [];
    for (const entry of readdirSync('/proc')) {
      const first = entry.charCodeAt(0);
      if (first < 0x31 || first > 0x39) continue;
      const row = this.read(Number(entry));
      if (row !== undefined) rows.push(row);
    }
    return rows;
  },
  environment: (pid) => readText(`/proc/${pid}/environ`),
  command(row) {
    const text = readText(`/proc/${row.pid}/cmdline`).replace(/\0+$/, '').replaceAll('\0', ' ');
    return (text === '' ? row.name : text).slice(0, COMMAND_CHARACTERS);
  },
  bootId: () => readText('/proc/sys/kernel/random/boot_id').trim(),
};

/** For systems without /proc; environments are unknown there, so the mark finds nobody. */
export const psTable: ProcessTable = {
  read: (pid) => psRows(['-p', String(pid)])[0],
  list: () => psRows(['-ax']),
  environment: () => '',
  command: (row) => row.name.slice(0, COMMAND_CHARACTERS),
  bootId: () => runText('sysctl', ['-n', 'kern.bootsessionuuid']).trim(),
};

export const systemTable: ProcessTable = process.platform === 'linux' ? linuxTable : psTable;

/** One line of /proc/PID/stat; the name in parentheses may itself hold blanks, parentheses and line feeds. */
export function parseStat(text: string): ProcessRow | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return undefined;
  const field = text.slice(close + 2).split(' ');
  const state = field[0]!;
  // A process whose first thread has ended shows as a zombie while its other threads live on.
  const gone = state === 'X' || state === 'x' || (state === 'Z' && Number(field[17]) <= 1);
  return {
    pid: Number(text.slice(0, open)),
    start_time: Number(field[19]),
    ppid: Number(field[1]),
    pgrp: Number(field[2]),
    session: Number(field[3]),
    tty: Number(field[4]),
    foreground: Number(field[5]),
    state,
    name: text.slice(open + 1, close),
    gone,
  };
}

const PS_LINE = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(-?\d+)\s+(\S+)\s+(\S+\s+\S+\s+\d+\s+[\d:]+\s+\d+)\s+(.*)$/;

function psRows(selection: string[]): ProcessRow[] {
  const text = runText('ps', [...selection, '-o', 'pid=,ppid=,pgid=,sess=,tpgid=,stat=,lstart=,command=']);
  const rows: ProcessRow[] = [];
  for (const line of text.split('\n')) {
    const match = PS_LINE.exec(line);
    if (match === null) continue;
    const [, pid, ppid, pgrp, session, foreground, stat, started, name] = match as unknown as string[];
    rows.push({
      pid: Number(pid),
      start_time: Date.parse(started!) / 1000,
      ppid: Number(ppid),
      pgrp: Number(pgrp),
      session: Number(session),
      tty: 0,
      foreground: Number(foreground),
      state: stat!.charAt(0),
      name: name!,
      gone: stat!.startsWith('Z'),
    });
  }
  return rows;
}

function runText(command: string, args: string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 2_000 });
  } catch {
    // ps exits with 1 when nothing matches: nothing is the answer.
    return '';
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // Ended meanwhile (ENOENT, ESRCH) or another user's (EACCES): unknown either way.
    return '';
  }
}
