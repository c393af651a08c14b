/** Every message's one outcome against what its agent really got and did. */
import { expect } from 'vitest';
import type { HistoryEvent } from '../workload.ts';
import type { Fleet } from './fleet.ts';
import { type Attempt, History, type Logged } from './history.ts';
import type { Entry } from './sender.ts';
import { type Took, turnsOf } from './turns.ts';

export interface CheckOptions {
  /** Shims, or agents by others than messages, were killed meanwhile. */
  killed: boolean;
}

export interface Verdict {
  /** How many messages ended how: `answered`, `failed no_answer`, … */
  outcomes: Map<string, number>;
  /** All of it, for people. */
  text: string;
  /** Texts that agents took from messages. */
  received: number;
  /** From people at the terminal. */
  drafts: number;
}

type Fault = (message: Logged, what: string) => void;

/** Reasons of those that wait for an agent: it got nothing. */
const UNREAD = new Set(['agent_ended', 'agent_removed']);
/** Reasons for which nobody can know, without a kill, by what the message asked for. */
const UNKNOWABLE: Record<string, ReadonlySet<string>> = {
  'Enter never heard': new Set(['not_started']),
  'echo too late': new Set(['no_echo', 'not_started']),
  'dies of the paste': new Set(['agent_died']),
  'dies of the submit': new Set(['agent_died']),
  'dies at work': new Set(['agent_died']),
};

export function check(
  events: readonly HistoryEvent[],
  entries: readonly Entry[],
  fleet: Fleet,
  { killed }: CheckOptions,
): Verdict {
  const history = new History(events);
  const { faults, messages } = history;
  checkBooks(history, entries, fleet);
  const asked = new Map(entries.map((entry) => [entry.id, entry]));
  const verdict: Verdict = { outcomes: new Map(), text: '', received: 0, drafts: 0 };
  for (const message of messages.values()) {
    const [closed, ...more] = message.closed;
    if (closed === undefined || more.length > 0) faults.push(`${message.id} was closed ${message.closed.length} times`);
    const outcome = [closed?.outcome, closed?.reason].filter((part) => part !== null).join(' ');
    verdict.outcomes.set(outcome, (verdict.outcomes.get(outcome) ?? 0) + 1);
  }
  for (const [name, agent] of fleet.agents) {
    const fault: Fault = (message, what) => {
      const { closed, body } = message;
      const kind = asked.get(message.id)?.ask.kind;
      faults.push(`${name}: ${message.id} ${what}: ${JSON.stringify({ kind, ...closed[0], body: body.slice(-160) })}`);
    };
    const turns = turnsOf(fleet.journal(name), faults);
    verdict.drafts += turns.filter(({ human }) => human).length;
    const attempts = history.attempts.get(agent) ?? [];
    const matched = match(
      attempts,
      turns.filter(({ human }) => !human),
      (what) => faults.push(`${name}: ${what}`),
    );
    for (const attempt of attempts) {
      const took = matched.get(attempt);
      if (took !== undefined) verdict.received++;
      judge(attempt, took, asked.get(attempt.message.id), killed, fault);
    }
  }
  expect(faults.slice(0, 20)).toEqual([]);
  const outcomes = [...verdict.outcomes].toSorted(([, a], [, b]) => b - a).map(([what, count]) => `${count} ${what}`);
  verdict.text =
    `${messages.size} messages: ${outcomes.join(', ')}; ` +
    `${verdict.received} taken, and ${verdict.drafts} texts of people`;
  return verdict;
}

/** What was acknowledged is in the log once, as it was sent and by whom; anything else once or not at all. */
function checkBooks({ messages, faults, agentOf }: History, entries: readonly Entry[], fleet: Fleet): void {
  const told = new Set<string | null>();
  for (const entry of entries) {
    const message = entry.id === null ? undefined : messages.get(entry.id);
    told.add(entry.id);
    if (entry.acknowledged && message === undefined) faults.push(`${entry.id} was acknowledged and is lost`);
    if (entry.refused !== null && message !== undefined) faults.push(`${entry.id} was refused and is there`);
    if (message === undefined) continue;
    if (message.agent !== fleet.agents.get(entry.to)) faults.push(`${entry.id} is for another agent`);
    if (message.body !== entry.text) faults.push(`${entry.id} is another text`);
    const { kind, session_id } = message.from;
    const by = session_id === null ? undefined : agentOf.get(session_id);
    const sender = entry.agent === null ? undefined : fleet.agents.get(entry.agent);
    if ((kind === 'agent') !== (sender !== undefined) || by !== sender) {
      faults.push(`${entry.id} of ${entry.agent} is said to be from ${kind} ${by}`);
    }
  }
  // A broadcast that was not acknowledged is in nobody's books.
  const texts = new Set(entries.map(({ text }) => text));
  for (const { id, body } of messages.values()) {
    if (!told.has(id) && !texts.has(body)) faults.push(`nobody sent ${id}`);
  }
}

/**
 * Which hand-over each text came from: both are in order, and one text may be in both several times, so this is the
 * longest common sequence that leaves out no hand-over which must have arrived, if there is one.
 */
function match(
  attempts: readonly Attempt[],
  turns: readonly Took[],
  fault: (what: string) => void,
): Map<Attempt, Took> {
  // best[a][t]: of the first a hand-overs and t texts.
  const best: number[][] = [new Array<number>(turns.length + 1).fill(0)];
  const pairs = (attempt: Attempt, took: Took): boolean => took.text.endsWith(attempt.message.body);
  const weight = (attempt: Attempt): number => 1e6 + (isCertain(attempt) ? 1 : isDenied(attempt) ? -1 : 0);
  for (const [a, attempt] of attempts.entries()) {
    const row = [0];
    for (const [t, took] of turns.entries()) {
      const without = Math.max(best[a]![t + 1]!, row[t]!);
      row.push(pairs(attempt, took) ? Math.max(without, best[a]![t]! + weight(attempt)) : without);
    }
    best.push(row);
  }
  const matched = new Map<Attempt, Took>();
  let a = attempts.length;
  let t = turns.length;
  const left: Took[] = [];
  while (t > 0) {
    if (a > 0 && best[a]![t] === best[a - 1]![t]) a--;
    else if (best[a]![t] === best[a]![t - 1]) left.push(turns[--t]!);
    else matched.set(attempts[--a]!, turns[--t]!);
  }
  for (const { text } of left) fault(`took a text that nobody handed over then: ${JSON.stringify(text.slice(-160))}`);
  return matched;
}

/** The log says that it did not. */
function isDenied({ message, requeued }: Attempt): boolean {
  return requeued || message.closed[0]?.outcome === 'refused';
}

/** The log says that it arrived. */
function isCertain({ message, requeued }: Attempt): boolean {
  return !requeued && (message.deliveredAt !== null || message.closed[0]?.outcome === 'answered');
}

function judge(
  attempt: Attempt,
  took: Took | undefined,
  entry: Entry | undefined,
  killed: boolean,
  fault: Fault,
): void {
  const { message } = attempt;
  const [closed] = message.closed;
  if (closed === undefined) return;
  const isLast = message.attempts.at(-1) === attempt;
  if (!isLast && !attempt.requeued) fault(message, 'was handed over again');
  if (attempt.requeued) {
    if (took !== undefined) fault(message, 'was taken, and is said to wait');
    return;
  }
  if (isCertain(attempt) && took === undefined) fault(message, 'is said to be delivered and never was');
  if (took !== undefined && message.deliveredAt !== null && message.deliveredAt < took.at) {
    fault(message, `was delivered ${took.at - message.deliveredAt} ms before it was`);
  }
  switch (closed.outcome) {
    case 'answered':
      if (took === undefined) return;
      if (took.answeredAt === null) fault(message, 'was never answered');
      else if (!took.answers.map(unmarked).includes(alone(unmarked(closed.response ?? ''), took)))
        fault(message, `has another answer than ${took.answers.join(' or ')}`);
      else if (closed.at < took.answeredAt) fault(message, 'was answered before it was');
      return;
    case 'refused':
    case 'expired':
      if (took !== undefined) fault(message, 'arrived all the same');
      return;
    case 'cancelled':
      if (entry !== undefined && !entry.cancelled) fault(message, 'was taken back by nobody');
      return;
    case 'failed':
      judgeFailure(message, closed.reason, took, killed, fault);
      return;
    case 'indeterminate':
      if (killed && (closed.reason === 'shim_lost' || closed.reason === 'agent_died')) return;
      if (entry?.cancelled === true) return;
      if (UNKNOWABLE[entry?.ask.kind ?? '']?.has(closed.reason ?? '') !== true) fault(message, 'could be known');
      return;
  }
}

function judgeFailure(
  message: Logged,
  reason: string | null,
  took: Took | undefined,
  killed: boolean,
  fault: Fault,
): void {
  if (UNREAD.has(reason ?? '')) {
    if (took !== undefined) fault(message, 'was read');
    return;
  }
  if (took === undefined) {
    fault(message, 'failed at something that it never was');
    return;
  }
  switch (reason) {
    case 'agent_died':
      if (!took.died && took.answeredAt === null) fault(message, 'has an agent that lives');
      return;
    case 'shim_lost':
      if (!killed) fault(message, 'lost no shim');
      return;
    case 'no_answer':
      if (took.answeredAt !== null && took.answeredAt < message.closed[0]!.at - LATE_MS) fault(message, 'was answered');
      return;
    default:
      fault(message, 'has a reason that nobody gave');
  }
}

/**
 * Of a screen nobody can tell who wrote a line before the turn was seen to have ended; so it may show beside its answer
 * what others said, never instead of it.
 */
function alone(response: string, { beside }: Took): string {
  const left = beside.reduce((text, shown) => text.replace(unmarked(shown), ''), response);
  return left === response ? response : left.replace(/\n{2,}/g, '\n').trim();
}

/** The bullet in front of what an agent says is no part of it, and may leave its place. */
function unmarked(text: string): string {
  return text.replaceAll(/^(● | {2})/gm, '');
}

/** An answer is looked at until the agent has rested for a while. */
const LATE_MS = 1_500;
