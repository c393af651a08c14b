/** How much room a text takes on a terminal. */
import { widthOf } from '../screen/index.ts';

/** Columns that a text takes. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += widthOf(character.codePointAt(0)!);
  return columns;
}

/** The text if it has room, else its beginning and an ellipsis. */
export function fit(text: string, room: number): string {
  if (columnsOf(text) <= room) return text;
  let kept = '';
  let left = room - 1;
  for (const character of text) {
    left -= widthOf(character.codePointAt(0)!);
    if (left < 0) break;
    kept += character;
  }
  return room > 0 ? `${kept}…` : '';
}
