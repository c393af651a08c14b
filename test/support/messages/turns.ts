/** What an agent's journal says that it really did: one turn for each text that it took. */
import type { JournalLine } from './fleet.ts';
import { HUMAN_TEXT } from './people.ts';

/** A text that an agent took, and what became of it. */
export interface Took {
  text: string;
  at: number;
  pid: number;
  answeredAt: number | null;
  /** All that it may be taken to have answered: with the lines before the last one or without. */
  answers: string[];
  interrupted: boolean;
  /** What stands on the same screen below it: of an interrupted turn that still talks, or of people. */
  beside: string[];
  /** Its process ended, or another one was there afterwards, before the turn had ended. */
  died: boolean;
  human: boolean;
}

/** Whether what is called an agent was ever two processes at once is told in `faults`. */
export function turnsOf(journal: readonly JournalLine[], faults: string[]): Took[] {
  const turns: Took[] = [];
  let pid = 0;
  let current: Took | undefined;
  const over = new Set<number>();
  const below = (text: string): void => void turns.findLast(({ human }) => !human)?.beside.push(text);
  for (const line of journal) {
    if (over.has(line.pid)) faults.push(`process ${line.pid} did ${line.event} when ${pid} was there already`);
    switch (line.event) {
      case 'started':
        if (pid !== 0) over.add(pid);
        pid = line.pid;
        if (current !== undefined) current.died = true;
        current = undefined;
        break;
      case 'submitted':
        current = {
          text: line.text!,
          at: line.at,
          pid: line.pid,
          answeredAt: null,
          answers: [],
          beside: [],
          interrupted: false,
          died: false,
          human: HUMAN_TEXT.test(line.text!.trim()),
        };
        if (current.human) below(`» ${line.text!}`);
        turns.push(current);
        break;
      case 'answered':
        if (current?.human === true) below(line.shown!);
        if (current !== undefined)
          Object.assign(current, { answeredAt: line.at, answers: [line.response, line.shown] });
        current = undefined;
        break;
      case 'late':
        below(line.shown!);
        break;
      case 'interrupted':
        if (current !== undefined) current.interrupted = true;
        current = undefined;
        break;
      case 'died':
        if (current !== undefined) current.died = true;
        current = undefined;
        break;
      default:
        break;
    }
  }
  return turns;
}
