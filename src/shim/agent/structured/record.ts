/** What goes into the transcript, in whole texts: pieces of one role in a row are joined. */
import { cut, shown } from './fields.ts';
import type { EntryBody } from './contract.ts';

type Role = 'user' | 'agent' | 'thought';

/** Longer texts are several entries. */
const TEXT_CHARACTERS = 32 * 1024;

export class Recorder {
  readonly #append: (entry: EntryBody) => void;
  #role: Role | null = null;
  #text = '';

  constructor(append: (entry: EntryBody) => void) {
    this.#append = append;
  }

  say(role: Role, text: string, piece: 'more' | 'first' | 'whole' = 'more'): void {
    if (this.#role !== role || piece !== 'more') this.flush();
    this.#role = role;
    this.#text += text;
    while (this.#text.length > TEXT_CHARACTERS) {
      const start = cut(this.#text, TEXT_CHARACTERS);
      const rest = this.#text.slice(start.length);
      this.#text = start;
      this.flush();
      this.#role = role;
      this.#text = rest;
    }
    if (piece === 'whole') this.flush();
  }

  add(entry: EntryBody): void {
    this.flush();
    this.#append(entry);
  }

  flush(): void {
    const role = this.#role;
    const text = shown(this.#text, TEXT_CHARACTERS);
    this.#role = null;
    this.#text = '';
    if (role !== null && text !== '') this.#append({ entry: 'message', role, text });
  }
}
