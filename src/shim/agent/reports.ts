/**
 * Reports of hooks that found no shim to listen (`sessions/<id>/reports/`): one file each, named by the report's id.
 * They are taken when they appear, at the latest before the next report that comes by socket, in the order of their ids,
 * each once.
 */
import {
  closeSync,
  constants,
  type FSWatcher,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  unlinkSync,
  watch,
} from 'node:fs';
import { join } from 'node:path';
import { REPORT_BYTES } from '../../protocol/limits.ts';
import { readAgentReport } from '../../protocol/session/index.ts';
import type { AgentReport } from '../../protocol/agent/index.ts';

const REPORTS_DIRECTORY = 'reports';
const NAME = /^([0-7][0-9A-HJKMNP-TV-Z]{25})\.json$/;
/** Taken at once; a hook does not queue more either. */
const QUEUED_COUNT = 1_000;
/** Ids remembered, so that a report that came by both ways counts once. */
const SEEN_COUNT = 1_000;
/** A report as JSON: its payload, escaped at worst, and its envelope. */
const FILE_BYTES = 2 * REPORT_BYTES;

export class Reports {
  readonly #directory: string;
  readonly #seen = new Set<string>();
  readonly #take: (report: AgentReport) => void;
  readonly #bad: (what: string) => void;
  readonly #watcher: FSWatcher | null;
  #toldBad = false;

  /** `take` gets every report once; `bad` hears of files that are none. */
  constructor(sessionDirectory: string, take: (report: AgentReport) => void, bad: (what: string) => void) {
    this.#directory = join(sessionDirectory, REPORTS_DIRECTORY);
    this.#take = take;
    this.#bad = bad;
    // Made here, so that a hook needs no right but to write a file.
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    this.#watcher = this.#watch();
  }

  close(): void {
    this.#watcher?.close();
  }

  /** What came by socket, after all that was queued before it. */
  add(report: AgentReport): void {
    this.drain();
    this.#once(report);
  }

  /** Never throws: whatever programs of the session made of the directory, what they tell by socket still counts. */
  drain(): void {
    for (const name of this.#names()) {
      const path = join(this.#directory, name);
      const report = this.#read(path);
      this.#remove(path);
      if (report !== null) this.#once(report);
    }
  }

  /** A hook whose shim was too busy to answer in time leaves its report here, and it may be the last one of a turn. */
  #watch(): FSWatcher | null {
    try {
      const watcher = watch(this.#directory, { persistent: false }, (_, name) => {
        if (name !== null && NAME.test(name)) this.drain();
      });
      watcher.on('error', () => watcher.close());
      return watcher;
    } catch {
      return null; // The system has no watch left: the next report takes them along.
    }
  }

  #names(): string[] {
    try {
      // Through a link another directory's files would be read and removed.
      if (!lstatSync(this.#directory).isDirectory()) throw new Error('it is no directory');
      const names = readdirSync(this.#directory).filter((name) => NAME.test(name));
      return names.sort().slice(0, QUEUED_COUNT);
    } catch (error) {
      this.#badOnce(`reports cannot be queued: ${(error as Error).message}`);
      return [];
    }
  }

  #remove(path: string): void {
    try {
      unlinkSync(path);
    } catch {
      // A directory under a report's name: it would be found again each time.
      rmSync(path, { recursive: true, force: true });
    }
  }

  /** What is wrong with the directory is wrong at each report. */
  #badOnce(what: string): void {
    if (this.#toldBad) return;
    this.#toldBad = true;
    this.#bad(what);
  }

  #once(report: AgentReport): void {
    if (this.#seen.has(report.report_id)) return;
    this.#seen.add(report.report_id);
    if (this.#seen.size > SEEN_COUNT) {
      const [oldest] = this.#seen;
      if (oldest !== undefined) this.#seen.delete(oldest);
    }
    this.#take(report);
  }

  #read(path: string): AgentReport | null {
    try {
      return readAgentReport(JSON.parse(readWhole(path)), 'report');
    } catch (error) {
      this.#bad(`a queued report is none: ${(error as Error).message}`);
      return null;
    }
  }
}

/** A file of bounded size, and nothing that is waited for: no pipe, no device, no link to one. */
function readWhole(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const info = fstatSync(fd);
    if (!info.isFile()) throw new Error('no file');
    if (info.size > FILE_BYTES) throw new Error(`more than ${FILE_BYTES} bytes`);
    const bytes = Buffer.alloc(info.size);
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(fd);
  }
}
