/** srv's own log, `logs/srv.log`: what a person reads when something went wrong. Bounded: one file and its predecessor. */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import type { Clock } from '../runtime/index.ts';

export type JournalLevel = 'info' | 'warn' | 'error';

export interface Journal {
  /** One line. Never the environment, a token or output of a session. */
  write(level: JournalLevel, message: string): void;
  close(): void;
}

const JOURNAL_BYTES = 4 * 1024 * 1024;

/** Appends to `file`; beyond `maxBytes` it becomes `file.1` and a new one starts. */
export function openJournal(file: string, clock: Clock, maxBytes = JOURNAL_BYTES): Journal {
  let fd = openSync(file, 'a', 0o600);
  let size = fstatSync(fd).size;
  return {
    write(level, message) {
      const line = Buffer.from(`${new Date(clock.now()).toISOString()} ${level} ${message.replaceAll('\n', '\\n')}\n`);
      try {
        if (size + line.length > maxBytes) {
          closeSync(fd);
          renameSync(file, `${file}.1`);
          fd = openSync(file, 'a', 0o600);
          size = 0;
        }
        size += writeSync(fd, line);
      } catch {
        // A full disk or a removed directory must not take srv down for want of a log line.
      }
    },
    close: () => closeSync(fd),
  };
}
