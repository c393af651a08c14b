/** The words that go into an agent's input box. */
import type { InputProfile } from '../protocol/agent/index.ts';
import { compilePattern, LINE_CHARACTERS } from './patterns.ts';
import { cut, oneLine } from './text.ts';

const SENDER_CHARACTERS = 128;
/** C0 but tab and newline, DEL, C1: with them a text could end the paste, press keys or ask the terminal. */
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
const LONE_SURROGATE = /\p{Surrogate}/gu;

/**
 * What is put into the agent's box: the sender's line first, unless `from` is empty; nothing in it that a terminal
 * obeys; a text that the program would take for a command of its own is made one for the model by what the profile says
 * to put in front; and what is said to be put behind keeps it from completing the last word.
 */
export function formatMessage(message: { from: string; body: string }, input?: InputProfile): string {
  const sender = oneLine(sanitisePaste(message.from), SENDER_CHARACTERS).replace(/[[\]]/g, '');
  const body = sanitisePaste(message.body);
  const text = sender === '' ? body : `[message from ${sender}]\n${body}`;
  return `${prefixOf(text, input)}${text}${suffixOf(text, input)}`;
}

function prefixOf(text: string, input: InputProfile | undefined): string {
  const special = input?.special ?? null;
  return special !== null && compilePattern(special.pattern).test(cut(text, LINE_CHARACTERS)) ? special.prefix : '';
}

function suffixOf(text: string, input: InputProfile | undefined): string {
  const completes = input?.completes;
  if (completes === undefined) return '';
  const line = text.slice(text.lastIndexOf('\n') + 1).slice(-LINE_CHARACTERS);
  return compilePattern(completes.pattern).test(line) ? completes.suffix : '';
}

/** No ESC, no C0 but `\n` and `\t`, no C1, no DEL; line ends as `\n`. */
export function sanitisePaste(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(CONTROLS, '').replace(LONE_SURROGATE, '\ufffd');
}
