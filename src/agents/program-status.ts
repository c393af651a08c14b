/**
 * The records of the Program Status Protocol (OSC 7501, revision 0.4): one for the program itself and one for each task
 * or sub-agent it names, as a tree of ids.
 */
import type { Activity, AgentTask, Attention } from '../protocol/agent/index.ts';
import { parseProgramReport, type ProgramReport, type ProgramState } from './program-report.ts';
import type { Finding } from './contract.ts';
import { oneLine } from './text.ts';

/** Records kept; the one that was reported longest ago goes first. */
const RECORDS_COUNT = 128;
const ROOT = '';
/** Those which a program that left, or a shell that asks for the next command, cannot mean any more. */
const TRANSIENT: ReadonlySet<ProgramState> = new Set<ProgramState>(['idle', 'working', 'blocked']);

interface ProgramRecord extends ProgramReport {
  /** Since when its state and kind are these. */
  since: number;
  seen: number;
  /** It was working when it came to be blocked. */
  wasWorking: boolean;
}

export class ProgramStatus {
  /** By id, the one reported longest ago first. */
  readonly #records = new Map<string, ProgramRecord>();

  /** Returns what is wrong with the report; it changes nothing then. */
  report(pairs: string, now: number): string | null {
    const report = parseProgramReport(pairs);
    if (typeof report === 'string') return report;
    const { id, state } = report;
    if (state === 'clear') this.#clear(id);
    else this.#replace({ ...report, state }, now);
    return null;
  }

  reset(kind: 'reset' | 'prompt' | 'exit'): void {
    for (const [id, record] of this.#records) {
      if (kind === 'reset' || TRANSIENT.has(record.state)) this.#records.delete(id);
    }
  }

  /** What the records say of the agent as a whole; null when there are none. */
  finding(): (Finding & { since: number; seen: number }) | null {
    const root = this.#records.get(ROOT);
    const asking =
      root?.state === 'blocked' ? root : [...this.#records.values()].find((record) => record.state === 'blocked');
    const told = root ?? asking ?? [...this.#records.values()].find((record) => record.state === 'working');
    if (told === undefined) return null;
    const from = asking ?? told;
    return {
      source: 'psp',
      rule: from.id === ROOT ? 'root' : `task.${from.id}`,
      activity: root === undefined ? (this.#anyWorking() ? 'working' : null) : activityOf(root),
      attention: asking === undefined ? (told.state === 'error' ? null : 'none') : attentionOf(asking),
      confidence: 1,
      until: null,
      detail: oneLine(from.message || from.title || from.state),
      since: from.since,
      seen: Math.max(told.seen, from.seen),
    };
  }

  tasks(): AgentTask[] {
    const tasks: AgentTask[] = [];
    for (const record of this.#records.values()) {
      if (record.id === ROOT) continue;
      const { id, progress, title, message, since } = record;
      const activity = activityOf(record) ?? 'unknown';
      tasks.push({
        path: id,
        app: this.#appOf(id),
        activity,
        attention: attentionOf(record),
        progress,
        title,
        message,
        since,
      });
    }
    return tasks.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  #replace(report: ProgramReport, now: number): void {
    const before = this.#records.get(report.id);
    const isSame = before?.state === report.state && before.kind === report.kind;
    const wasWorking =
      before !== undefined && (before.state === 'working' || (before.state === 'blocked' && before.wasWorking));
    this.#records.delete(report.id);
    this.#records.set(report.id, { ...report, since: isSame ? before.since : now, seen: now, wasWorking });
    if (this.#records.size <= RECORDS_COUNT) return;
    const [oldest] = this.#records.keys();
    this.#records.delete(oldest!);
  }

  #clear(id: string): void {
    for (const known of this.#records.keys()) {
      if (id === ROOT || known === id || known.startsWith(`${id}/`)) this.#records.delete(known);
    }
  }

  #anyWorking(): boolean {
    return [...this.#records.values()].some((record) => record.state === 'working' || record.wasWorking);
  }

  /** Of the record, else of its nearest ancestor that told one. */
  #appOf(id: string): string {
    for (let path = id; ; path = path.slice(0, Math.max(0, path.lastIndexOf('/')))) {
      const app = this.#records.get(path)?.app;
      if (app) return app;
      if (path === ROOT) return '';
    }
  }
}

/** Null: a blocked program that was not at work says only that it needs somebody. */
function activityOf(record: ProgramRecord): Activity | null {
  if (record.state !== 'blocked') return record.state as Exclude<ProgramState, 'blocked' | 'clear'>;
  if (!record.wasWorking) return null;
  // Work that nobody lets in any more is over; a permission or an answer lets it go on.
  return record.kind === 'auth' ? 'error' : 'working';
}

function attentionOf(record: ProgramRecord): Attention {
  return record.state === 'blocked' ? (record.kind ?? 'question') : 'none';
}
