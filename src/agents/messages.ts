/** The words that go into an agent's input box. */
import type { InputProfile } from '../protocol/agent/index.ts';
import { compilePattern } from './patterns.ts';
import { cut, oneLine } from './text.ts';

const SENDER_CHARACTERS = 128;
/** C0 but tab and newline, DEL, C1: with them a text could end the paste, press keys or ask the terminal. */
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
const LONE_SURROGATE = /\p{Surrogate}/gu;

/**
 * What is put into the agent's box: the sender's line first, unless `from` is empty; nothing in it that a terminal
 * obeys; and a text that the program would take for a command of its own is made one for the model by what the profile
 * says to put in front.
 */
export function formatMessage(message: { from: string; body: string }, input?: InputProfile): string {
  const sender = oneLine(sanitisePaste(message.from), SENDER_CHARACTERS).replace(/[[\]]/g, '');
  const body = sanitisePaste(message.body);
  const text = sender === '' ? body : `[message from ${sender}]\n${body}`;
  const special = input?.special ?? null;
  return special !== null && compilePattern(special.pattern).test(cut(text, 512)) ? `${special.prefix}${text}` : text;
}

/** No ESC, no C0 but `\n` and `\t`, no C1, no DEL; line ends as `\n`. */
export function sanitisePaste(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(CONTROLS, '').replace(LONE_SURROGATE, '\ufffd');
}
