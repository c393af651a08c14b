/** Lines and text on a grid of terminal cells. */
import { widthOf } from '../../screen/index.ts';
import { fit } from '../columns.ts';
import type { Rectangle } from './rectangles.ts';

const NORTH = 1;
const EAST = 2;
const SOUTH = 4;
const WEST = 8;
/** By which of the four directions a line goes. */
const LINES = ' ╵╶└╷│┌├╴┘─┴┐┤┬┼';

export class Canvas {
  readonly #width: number;
  readonly #lines: Uint8Array;
  /** Characters with what joins them; '' behind a wide one. */
  readonly #text = new Map<number, string>();

  constructor(width: number, height: number) {
    this.#width = width;
    this.#lines = new Uint8Array(width * height);
  }

  /** A frame; where it meets another one the lines join. */
  frame({ left, top, right, bottom }: Rectangle): void {
    for (let x = left; x < right; x++) for (const y of [top, bottom]) this.#join(x, y, EAST, x + 1, y, WEST);
    for (let y = top; y < bottom; y++) for (const x of [left, right]) this.#join(x, y, SOUTH, x, y + 1, NORTH);
  }

  /** Writes what has room in `room` columns; what has none is cut with an ellipsis. */
  write(x: number, y: number, text: string, room: number): void {
    let at = y * this.#width + x;
    for (const character of fit(text, room)) {
      const width = widthOf(character.codePointAt(0)!);
      if (width === 0) {
        this.#text.set(at - 1, `${this.#text.get(at - 1) ?? ''}${character}`);
        continue;
      }
      this.#text.set(at++, character);
      if (width === 2) this.#text.set(at++, '');
    }
  }

  rows(): string[] {
    const rows: string[] = [];
    for (let from = 0; from < this.#lines.length; from += this.#width) {
      let row = '';
      for (let at = from; at < from + this.#width; at++) row += this.#text.get(at) ?? LINES[this.#lines[at]!]!;
      rows.push(row.trimEnd());
    }
    return rows;
  }

  #join(x: number, y: number, direction: number, nextX: number, nextY: number, back: number): void {
    this.#lines[y * this.#width + x]! |= direction;
    this.#lines[nextY * this.#width + nextX]! |= back;
  }
}
