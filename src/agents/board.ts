/** The evidence of one agent and the status it makes. */
import type {
  AgentStatus,
  AgentTask,
  Attention,
  Evidence,
  EvidenceSource,
  Explanation,
} from '../protocol/agent/index.ts';
import type { Finding, ScreenReading, StatusBoard, StatusBoardOptions } from './contract.ts';
import { type Axis, decide, type Piece, rankOf, type Verdict } from './decide.ts';
import { ProgramStatus } from './program-status.ts';
import { oneLine } from './text.ts';

const MINIMUM_CONFIDENCE = 0.5;
/** Of one source; more come from nowhere but a broken caller, and the oldest goes. */
const PIECES_PER_SOURCE = 32;
const AXES: readonly Axis[] = ['activity', 'attention'];
/** What a title or a hook said about a person is not taken back by the person's answer. */
const DOUBTFUL_AFTER_INPUT: readonly EvidenceSource[] = ['hook', 'osc'];
const DOUBTFUL_AFTER_INTERRUPT: readonly EvidenceSource[] = ['hook'];

/** What replaces a piece when it has held long enough; `finding` null: nothing does. */
interface Pending {
  finding: Finding | null;
  since: number;
  due: number;
}

export function createStatusBoard(options: StatusBoardOptions = {}): StatusBoard {
  return new Board(options);
}

class Board implements StatusBoard {
  readonly #minimumConfidence: number;
  readonly #records = new ProgramStatus();
  #pieces: Piece[] = [];
  readonly #pending = new Map<string, Pending>();
  #last = { activity: 'unknown', attention: 'none', since: 0 };

  constructor(options: StatusBoardOptions) {
    this.#minimumConfidence = options.minimumConfidence ?? MINIMUM_CONFIDENCE;
  }

  add(finding: Finding, now: number, settleMs = 0): void {
    this.#settle(now);
    const channel = channelOf(finding);
    const standing = this.#pieces.find((piece) => isSame(piece, finding));
    if (settleMs > 0 && standing === undefined) {
      const waiting = this.#pending.get(channel);
      const isWaiting = waiting !== undefined && waiting.finding !== null && isSame(waiting.finding, finding);
      const since = isWaiting ? waiting.since : now;
      this.#pending.set(channel, { finding, since, due: since + settleMs });
      this.#settle(now);
      return;
    }
    this.#pending.delete(channel);
    this.#put(finding, standing?.since ?? now, now);
  }

  screen(reading: Pick<ScreenReading, 'evidence' | 'settleMs' | 'skipped'>, now: number): void {
    this.#settle(now);
    if (reading.skipped) return;
    if (reading.evidence !== null) {
      this.add({ ...reading.evidence, until: null }, now, reading.settleMs);
      return;
    }
    const waiting = this.#pending.get('screen');
    if (!this.#pieces.some((piece) => piece.source === 'screen')) {
      this.#pending.delete('screen');
      return;
    }
    const since = waiting?.finding === null ? waiting.since : now;
    this.#pending.set('screen', { finding: null, since, due: since + reading.settleMs });
    this.#settle(now);
  }

  withdraw(source: EvidenceSource, rule?: string): void {
    const isMeant = (piece: Finding) =>
      piece.source === source && (rule === undefined || piece.rule === rule || piece.rule.startsWith(`${rule}.`));
    this.#pieces = this.#pieces.filter((piece) => !isMeant(piece));
    for (const [channel, { finding }] of this.#pending) {
      if (finding === null ? channel === source : isMeant(finding)) this.#pending.delete(channel);
    }
  }

  programStatus(pairs: string, now: number): string | null {
    const problem = this.#records.report(pairs, now);
    if (problem === null) this.#takeRecords();
    return problem;
  }

  programReset(kind: 'reset' | 'prompt' | 'exit'): void {
    this.#records.reset(kind);
    this.#takeRecords();
  }

  input(now: number): void {
    this.#doubt(
      'attention',
      DOUBTFUL_AFTER_INPUT,
      (piece) => piece.attention !== 'none' && piece.seen <= now,
      'a person typed since',
    );
  }

  interrupted(now: number): void {
    this.#doubt(
      'activity',
      DOUBTFUL_AFTER_INTERRUPT,
      (piece) => piece.activity === 'working' && piece.seen <= now,
      'interrupted since',
    );
  }

  status(now: number): AgentStatus {
    return this.#statusOf(this.#decide(now), now);
  }

  tasks(): AgentTask[] {
    return this.#records.tasks();
  }

  nextChange(now: number): number | null {
    const times = [
      ...this.#pieces.map((piece) => piece.until),
      ...[...this.#pending.values()].map((pending) => pending.due),
    ].filter((time): time is number => time !== null && time > now);
    return times.length === 0 ? null : Math.min(...times);
  }

  explain(now: number): Pick<Explanation, 'status' | 'evidence'> {
    const verdict = this.#decide(now);
    const status = this.#statusOf(verdict, now);
    const stated = [...this.#pieces].sort((a, b) => rankOf(a) - rankOf(b) || b.seen - a.seen);
    const evidence: Explanation['evidence'] = stated.map((piece) => {
      const decided = AXES.filter((axis) => verdict.winner[axis] === piece);
      return {
        ...withoutDoubt(piece),
        decided,
        reason: decided.length > 0 ? '' : (verdict.reasons.get(piece)?.join('; ') ?? ''),
      };
    });
    for (const { finding, since, due } of this.#pending.values()) {
      if (finding !== null)
        evidence.push({ ...finding, since, seen: now, decided: [], reason: `settles in ${due - now} ms` });
    }
    return { status, evidence };
  }

  #decide(now: number): Verdict {
    this.#settle(now);
    return decide(this.#pieces, now, this.#minimumConfidence);
  }

  #statusOf({ winner }: Verdict, now: number): AgentStatus {
    const activity = winner.activity?.activity ?? 'unknown';
    const attention = activity === 'dead' ? 'none' : (winner.attention?.attention ?? 'none');
    if (activity !== this.#last.activity || attention !== this.#last.attention || this.#last.since === 0) {
      this.#last = { activity, attention, since: now };
    }
    const told = attention === 'none' ? winner.activity : winner.attention;
    const detail = told !== null && tellsOfWork(told, attention) ? told.detail : '';
    const isRest = activity === 'idle' || activity === 'done';
    const word = attention !== 'none' ? attention : isRest ? '' : activity;
    return {
      activity,
      attention,
      since: this.#last.since,
      summary: oneLine(detail || word),
      source: winner.activity?.source ?? 'none',
      rule: winner.activity?.rule ?? '',
      confidence: winner.activity?.confidence ?? 0,
      tasks: this.tasks(),
    };
  }

  /** What has held long enough takes its place. */
  #settle(now: number): void {
    for (const [channel, { finding, since, due }] of this.#pending) {
      if (due > now) continue;
      this.#pending.delete(channel);
      if (finding === null) this.#pieces = this.#pieces.filter((piece) => channelOf(piece) !== channel);
      else this.#put(finding, since, Math.max(since, due));
    }
  }

  #put(told: Finding, since: number, now: number): void {
    const channel = channelOf(told);
    const isPartial = channel === 'hook' || channel === 'protocol';
    const finding = isPartial ? this.#withoutOlder(told, now) : told;
    if (finding === null) return;
    const kept: Piece[] = [];
    for (const piece of this.#pieces) {
      if (channelOf(piece) !== channel) kept.push(piece);
      else if (isPartial) {
        const rest = withoutAxesOf(piece, finding);
        if (rest !== null) kept.push(rest);
      }
    }
    kept.push({ ...finding, since, seen: now, doubt: {} });
    const own = kept.filter((piece) => piece.source === finding.source);
    this.#pieces = own.length > PIECES_PER_SOURCE ? kept.filter((piece) => piece !== own[0]) : kept;
  }

  /** A report that comes late says nothing about an axis that a later one spoke of. */
  #withoutOlder(finding: Finding, now: number): Finding | null {
    const later = this.#pieces.filter((piece) => channelOf(piece) === channelOf(finding) && piece.seen > now);
    if (later.length === 0) return finding;
    const activity = later.some((piece) => piece.activity !== null) ? null : finding.activity;
    const attention = later.some((piece) => piece.attention !== null) ? null : finding.attention;
    return activity === null && attention === null ? null : { ...finding, activity, attention };
  }

  #takeRecords(): void {
    this.#pieces = this.#pieces.filter((piece) => piece.source !== 'psp');
    const finding = this.#records.finding();
    if (finding !== null) this.#pieces.push({ ...finding, doubt: {} });
  }

  #doubt(axis: Axis, sources: readonly EvidenceSource[], isMeant: (piece: Piece) => boolean, reason: string): void {
    for (const piece of this.#pieces) {
      if (sources.includes(piece.source) && piece[axis] !== null && isMeant(piece)) piece.doubt[axis] = reason;
    }
  }
}

/** What shows that an agent rests is its input box, with what a person has typed, or the name of a hook. */
function tellsOfWork({ source, activity }: Evidence, attention: Attention): boolean {
  if (attention !== 'none' || (activity !== 'idle' && activity !== 'done')) return true;
  return source === 'psp' || source === 'protocol';
}

/** Pieces of one channel replace each other. */
function channelOf(finding: Pick<Evidence, 'source' | 'rule'>): string {
  if (finding.source !== 'osc') return finding.source;
  return `osc ${finding.rule.split('.')[0]}`;
}

function isSame(a: Finding, b: Finding): boolean {
  return a.source === b.source && a.rule === b.rule && a.activity === b.activity && a.attention === b.attention;
}

/** What an older piece still says when a newer one of its channel speaks: nothing about the axes the newer one is about. */
function withoutAxesOf(piece: Piece, newer: Finding): Piece | null {
  const activity = newer.activity === null ? piece.activity : null;
  const attention = newer.attention === null ? piece.attention : null;
  return activity === null && attention === null ? null : { ...piece, activity, attention };
}

function withoutDoubt(piece: Piece): Evidence {
  const { doubt: _, ...evidence } = piece;
  return evidence;
}
