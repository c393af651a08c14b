/**
 * Which pieces of evidence decide a status. Per axis the most trusted source that says something wins, and within a
 * source the newest piece; a lease that ended, low confidence or a doubt takes a piece out. Two things are known to go
 * stale without anybody taking them back, and give way to a less trusted piece that came up later (see `OVERTAKEN`).
 */
import type { Activity, Attention, Evidence, EvidenceSource } from '../protocol/agent/index.ts';

export type Axis = 'activity' | 'attention';

/** A piece on the board. */
export interface Piece extends Evidence {
  /** Why it must not decide this axis any more; said in the explanation. */
  doubt: { [axis in Axis]?: string };
}

export interface Verdict {
  winner: { [axis in Axis]: Piece | null };
  /** Why a piece did not decide an axis it speaks of. */
  reasons: Map<Piece, string[]>;
}

const TRUST: readonly EvidenceSource[] = ['process', 'protocol', 'psp', 'hook', 'osc', 'screen'];

interface Overtaking {
  axis: Axis;
  sources: readonly EvidenceSource[];
  from: readonly (Activity | Attention)[];
  to(value: Activity | Attention | null): boolean;
  /** Ms by which the later piece must be later. */
  after: number;
  confidence: number;
}

/** A stale `idle` is the worst error: the least sign of work since ends it. A stale `working` takes a certain one. */
const OVERTAKEN: readonly Overtaking[] = [
  {
    axis: 'activity',
    sources: ['hook', 'osc'],
    from: ['idle', 'done'],
    to: (value) => value === 'working' || value === 'error',
    after: 300,
    confidence: 0.7,
  },
  {
    axis: 'activity',
    sources: ['hook', 'osc'],
    from: ['working'],
    to: (value) => value === 'error',
    after: 300,
    confidence: 0.9,
  },
  {
    axis: 'activity',
    sources: ['hook'],
    from: ['working'],
    to: (value) => value === 'idle',
    after: 2_000,
    confidence: 0.9,
  },
  {
    axis: 'attention',
    sources: ['psp', 'hook', 'osc'],
    from: ['none'],
    to: (value) => value !== 'none',
    after: 0,
    confidence: 0.8,
  },
];

export function decide(pieces: readonly Piece[], now: number, minimumConfidence: number): Verdict {
  const ordered = [...pieces].sort((a, b) => rankOf(a) - rankOf(b) || b.seen - a.seen);
  const verdict: Verdict = { winner: { activity: null, attention: null }, reasons: new Map() };
  const standing = (axis: Axis) => ordered.filter((piece) => stands(piece, axis, now, minimumConfidence, verdict));

  const attention = win('attention', standing('attention'), verdict);
  const asks = ['permission', 'question', 'auth'].includes(attention?.attention ?? 'none');
  const activities = standing('activity').filter((piece) => {
    // Who is asked something is not idle, whatever a title or a line of the screen still says.
    const isRest = piece.activity === 'idle' || piece.activity === 'done';
    if (
      !asks ||
      attention === null ||
      !isRest ||
      rankOf(piece) < TRUST.indexOf('osc') ||
      attention.attention === 'auth'
    )
      return true;
    because(verdict, piece, `a request is open (${nameOf(attention)})`);
    return false;
  });
  win('activity', activities, verdict);
  return verdict;
}

/** `process` is the most trusted about an exit; that it started a program is known before anything else, and least. */
export function rankOf(piece: Piece): number {
  return piece.source === 'process' && piece.activity !== 'dead' ? TRUST.length : TRUST.indexOf(piece.source);
}

export function nameOf(piece: Pick<Evidence, 'source' | 'rule'>): string {
  return `${piece.source} ${piece.rule}`;
}

function stands(piece: Piece, axis: Axis, now: number, minimumConfidence: number, verdict: Verdict): boolean {
  if (piece[axis] === null) return false;
  const doubt = piece.doubt[axis];
  if (piece.until !== null && piece.until <= now) because(verdict, piece, 'lease ended');
  else if (piece.confidence < minimumConfidence) because(verdict, piece, `below confidence ${minimumConfidence}`);
  else if (doubt !== undefined) because(verdict, piece, doubt);
  else return true;
  return false;
}

function win(axis: Axis, standing: readonly Piece[], verdict: Verdict): Piece | null {
  let winner = standing[0] ?? null;
  for (const piece of standing.slice(1)) {
    if (overtakes(axis, winner!, piece)) {
      because(verdict, winner!, `overtaken by ${nameOf(piece)}`);
      winner = piece;
    } else {
      because(verdict, piece, `outranked by ${nameOf(winner!)}`);
    }
  }
  verdict.winner[axis] = winner;
  return winner;
}

function overtakes(axis: Axis, winner: Piece, piece: Piece): boolean {
  // A title says that somebody is needed, a dialog what for.
  const isNeed = axis === 'attention' && winner.attention !== 'none' && piece.attention !== 'none';
  if (isNeed && winner.source === 'osc' && piece.source === 'screen') return true;
  return OVERTAKEN.some(
    (rule) =>
      rule.axis === axis &&
      rule.sources.includes(winner.source) &&
      rule.from.includes(winner[axis]!) &&
      rule.to(piece[axis]) &&
      rankOf(piece) > rankOf(winner) &&
      (piece.source === 'osc' || piece.source === 'screen') &&
      piece.since > winner.seen + rule.after &&
      piece.confidence >= rule.confidence,
  );
}

function because(verdict: Verdict, piece: Piece, reason: string): void {
  const reasons = verdict.reasons.get(piece) ?? [];
  if (!reasons.includes(reason)) verdict.reasons.set(piece, [...reasons, reason]);
}
