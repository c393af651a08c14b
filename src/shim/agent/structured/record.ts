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

  say(role: Role, text: string, whole = false): void {
    if (this.#role !== role || whole) this.flush();
    this.#role = role;
    this.#text += text;
    while (this.#text.length > TEXT_CHARACTERS) {
      const piece = cut(this.#text, TEXT_CHARACTERS);
      const rest = this.#text.slice(piece.length);
      this.#text = piece;
      this.flush();
      this.#role = role;
      this.#text = rest;
    }
    if (whole) this.flush();
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
