/**
 * Reports of hooks that found no shim to listen (`sessions/<id>/reports/`): one file each, named by the report's id.
 * They are taken before the next report that comes by socket, in the order of their ids, each once.
 */
import { mkdirSync, readdirSync, readFileSync, statSync, unlinkSync } from 'node:fs';
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

  /** `take` gets every report once; `bad` hears of files that are none. */
  constructor(sessionDirectory: string, take: (report: AgentReport) => void, bad: (what: string) => void) {
    this.#directory = join(sessionDirectory, REPORTS_DIRECTORY);
    this.#take = take;
    this.#bad = bad;
    // Made here, so that a hook needs no right but to write a file.
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
  }

  /** What came by socket, after all that was queued before it. */
  add(report: AgentReport): void {
    this.drain();
    this.#once(report);
  }

  drain(): void {
    const names = readdirSync(this.#directory).filter((name) => NAME.test(name));
    for (const name of names.sort().slice(0, QUEUED_COUNT)) {
      const path = join(this.#directory, name);
      const report = this.#read(path);
      unlinkSync(path);
      if (report !== null) this.#once(report);
    }
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
      if (statSync(path).size > FILE_BYTES) throw new Error(`more than ${FILE_BYTES} bytes`);
      return readAgentReport(JSON.parse(readFileSync(path, 'utf8')), 'report');
    } catch (error) {
      this.#bad(`a queued report is none: ${(error as Error).message}`);
      return null;
    }
  }
}
