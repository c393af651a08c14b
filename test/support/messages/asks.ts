/** What a message of the workload asks of the agent that gets it, and what may become of it for that. */
import type { Random } from '../random.ts';
import type { ScriptedTurn } from '../scripted-profile.ts';

export interface Ask {
  /** For the books: what is to be seen. */
  kind: string;
  turn: ScriptedTurn;
  /** Ms, where the answer will not come; default: long enough. */
  answerMs?: number;
}

/** A person who is asked for permission with this in the text does nothing. */
export const NOBODY = 'nobody answers';

/** All on the screen: these programs draw it whole, so what leaves it is nowhere. */
const ANSWER_LINES = 8;

type Maker = (random: Random) => Omit<Ask, 'kind'>;

const between = (random: Random, least: number, most: number): number => least + random(most - least);
const deaths = (random: Random): number | string => [1, 3, 'SIGKILL', 'SIGSEGV'][random(4)]!;

/** How often of all, and what. */
const MAKERS: [kind: string, share: number, make: Maker][] = [
  ['plain', 46, (random) => ({ turn: { work_ms: between(random, 20, 300) } })],
  ['long answer', 4, (random) => ({ turn: { work_ms: between(random, 300, 500), lines: 1 + random(ANSWER_LINES) } })],
  ['slow', 6, (random) => ({ turn: { work_ms: between(random, 600, 1_500) } })],
  ['quiet', 3, (random) => ({ turn: { work_ms: random(150), quiet: true } })],
  ['Enter swallowed', 5, (random) => ({ turn: { swallow_enter: 1 + random(2) } })],
  ['Enter never heard', 1, () => ({ turn: { swallow_enter: 99 } })],
  ['late echo', 5, (random) => ({ turn: { echo_ms: between(random, 100, 500) } })],
  ['echo too late', 2, (random) => ({ turn: { echo_ms: between(random, 1_300, 2_500) } })],
  ['dies of the paste', 2, (random) => ({ turn: { die: deaths(random), die_at: 'paste' } })],
  ['dies of the submit', 3, (random) => ({ turn: { die: deaths(random) } })],
  ['dies at work', 3, (random) => ({ turn: { die: deaths(random), die_at: 'work', work_ms: random(400) } })],
  ['dies of the answer', 1, (random) => ({ turn: { die: deaths(random), die_at: 'answer' } })],
  ['permission', 7, (random) => ({ turn: { permission: `Run step ${random(1_000)}?`, work_ms: 50 } })],
  ['permission of nobody', 2, () => ({ turn: { permission: `Run it while ${NOBODY}?` }, answerMs: 1_200 })],
  ['never', 4, (random) => ({ turn: { never: true }, answerMs: between(random, 300, 1_200) })],
  ['never, then late', 5, (random) => ({ turn: { never: true, late_ms: random(1_200) }, answerMs: 500 })],
  ['heeds no interrupt', 1, () => ({ turn: { never: true, ignore_interrupt: true }, answerMs: 500 })],
];
const TOTAL = MAKERS.reduce((sum, [, share]) => sum + share, 0);

export function drawAsk(random: Random): Ask {
  let at = random(TOTAL);
  for (const [kind, share, make] of MAKERS) {
    at -= share;
    if (at < 0) return { kind, ...make(random) };
  }
  throw new Error('the shares do not add up');
}

/** The text that asks for it. `mark` is in no other text. */
export function textOf(mark: string, ask: Ask, filler = ''): string {
  const turn: ScriptedTurn = { ...ask.turn, answer: `${mark} is done, turn {turn}` };
  return `Message ${mark}.${filler}\n%${JSON.stringify(turn)}`;
}
