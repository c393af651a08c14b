/** Why a status is what it is, for people. */
import type { Activity, AgentStatus, Attention, Evidence, Explanation } from '../client/index.ts';
import { age, printable, table } from './format.ts';

export function explanationLines(explanation: Explanation, name: string, now: number, width?: number): string[] {
  const { profile, evidence, rules, cost } = explanation;
  const cli = profile.cli === null ? '' : `, CLI ${printable(profile.cli)}`;
  const lines = [
    `${printable(name)}: ${statusText(explanation.status, now)}`,
    `profile ${profile.name} revision ${profile.revision}${cli}`,
  ];
  const rows = evidence.map((piece) => [
    piece.source,
    printable(piece.rule),
    saying(piece),
    age(now - piece.since),
    age(now - piece.seen),
    lease(piece, now),
    piece.confidence.toFixed(2),
    verdict(piece),
    printable(piece.detail),
  ]);
  const heads = ['SOURCE', 'RULE', 'SAYS', 'AGE', 'SEEN', 'LEASE', 'CONFIDENCE', 'VERDICT', 'DETAIL'];
  if (rows.length > 0) lines.push('', ...table([heads, ...rows], width));
  if (rules.length > 0) {
    const tried = rules.map(({ id, matched, reason }) => [matched ? 'matched' : 'no match', id, printable(reason)]);
    lines.push('', ...table([['SCREEN', 'RULE', 'WHY'], ...tried], width));
  }
  const { evaluations, total_ms, slowest_ms } = cost;
  lines.push(
    '',
    `rules ran ${evaluations} times, ${total_ms.toFixed(1)} ms in all, ${slowest_ms.toFixed(1)} ms at most`,
  );
  return lines;
}

/** `working, needs a person: permission, for 12s (hook Notification, confidence 0.95)`. */
export function statusText(status: AgentStatus, now: number): string {
  const { activity, attention, source, rule, confidence, since, summary } = status;
  const needs = attention === 'none' ? '' : `, needs a person: ${attention}`;
  const because =
    source === 'none' ? 'no evidence' : `${source} ${printable(rule)}, confidence ${confidence.toFixed(2)}`;
  const told = summary === '' ? '' : `; ${printable(summary)}`;
  return `${activity}${needs}, for ${age(now - since)} (${because})${told}`;
}

/** `working + permission`. */
export function saying({ activity, attention }: { activity: Activity | null; attention: Attention | null }): string {
  return [activity, attention].filter((word) => word !== null && word !== 'none').join(' + ') || 'nothing';
}

function lease({ until }: Evidence, now: number): string {
  if (until === null) return 'none';
  return until > now ? `${age(until - now)} left` : `ended ${age(now - until)} ago`;
}

function verdict({ decided, reason }: Explanation['evidence'][number]): string {
  return decided.length > 0 ? `decides ${decided.join(' and ')}` : printable(reason);
}
