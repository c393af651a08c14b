/** Agents and their messages in words and columns. */
import type { AgentRecord, AgentTask, Attention, MessageRecord } from '../client/index.ts';
import { age, printable } from './format.ts';

/** By what a person has to do: answer, look after a failure, read what is done, then the rest. */
export function urgency({ status, parked }: AgentRecord): number {
  const { activity, attention } = status;
  if (attention !== 'none' && activity !== 'dead') return 0;
  if (activity === 'error' || parked !== null) return 1;
  if (activity === 'done') return 2;
  if (activity === 'idle') return 3;
  if (activity === 'dead') return 6;
  return activity === 'working' ? 5 : 4;
}

/** Most urgent first; among equals who has waited longest. */
export function byUrgency(agents: readonly AgentRecord[]): AgentRecord[] {
  return agents.toSorted((one, other) => urgency(one) - urgency(other) || one.status.since - other.status.since);
}

export const AGENT_COLUMNS = ['NAME', 'AGENT', 'STATE', 'ATTENTION', 'SINCE', 'QUEUE', 'SUMMARY'];

/** An agent's row, and one for each task below it. */
export function agentRows(agent: AgentRecord, now: number): string[][] {
  const { status, queue } = agent;
  const waiting = queue.waiting + (queue.delivering === null ? 0 : 1);
  const row = [
    printable(nameOf(agent)),
    agent.mode === 'pty' ? agent.profile : `${agent.profile} (${agent.mode})`,
    stateOf(agent),
    attentionOf(status.attention),
    age(now - status.since),
    waiting === 0 ? '-' : String(waiting),
    printable(agent.requests[0]?.text ?? status.summary).replaceAll('\\n', ' '),
  ];
  return [row, ...status.tasks.map((task) => taskRow(task, now))];
}

function taskRow(task: AgentTask, now: number): string[] {
  const depth = task.path.split('/').length;
  const progress = task.progress === null ? '' : ` ${task.progress} %`;
  return [
    `${'  '.repeat(depth - 1)}└ ${printable(task.title || task.path)}`,
    printable(task.app),
    `${task.activity}${progress}`,
    attentionOf(task.attention),
    age(now - task.since),
    '',
    printable(task.message),
  ];
}

export function nameOf({ name, session_id }: { name: string | null; session_id: string }): string {
  return name ?? session_id;
}

function stateOf({ status, parked }: AgentRecord): string {
  return parked === null ? status.activity : `${status.activity} (parked: ${parked.reason})`;
}

function attentionOf(attention: Attention): string {
  return attention === 'none' ? '-' : attention;
}

/** `failed (no_answer)`. */
export function messageState({ state, reason }: Pick<MessageRecord, 'state' | 'reason'>): string {
  return reason === null || reason === '' ? state : `${state} (${reason})`;
}

/** Agents and people by their names; the runtime's own parts have none but a connection's id. */
export function senderName({ kind, name }: MessageRecord['from']): string {
  return kind === 'tool' ? kind : name;
}
