/** What `tmux capture-pane -e` prints, in a form in which equal screens are equal strings. */

/** DEC Special Graphics: tmux prints the letters between shift-out and shift-in. */
const LINE_DRAWING = new Map(
  Object.entries({
    j: '┘',
    k: '┐',
    l: '┌',
    m: '└',
    n: '┼',
    q: '─',
    t: '├',
    u: '┤',
    v: '┴',
    w: '┬',
    x: '│',
    '`': '◆',
    a: '▒',
    '~': '·',
  }),
);
const PIECES = /\x1b\[([\d;:]*)m|(\x0e)|(\x0f)|([^\x1b\x0e\x0f]+)/g;
/** Attributes that show on a blank: underline, blink, reverse, strikethrough, overline. */
const SEEN_ON_BLANK = new Set(['4', '5', '7', '9', '53']);
/** What turns each off again. */
const OFF = new Map([
  ['22', ['1', '2']],
  ['23', ['3']],
  ['24', ['4', '21']],
  ['25', ['5']],
  ['27', ['7']],
  ['28', ['8']],
  ['29', ['9']],
  ['55', ['53']],
]);

class Pen {
  #flags = new Set<string>();
  #foreground = '';
  #background = '';

  apply(parameters: string): void {
    const codes = parameters.split(';');
    for (let at = 0; at < codes.length; at++) {
      const code = (codes[at] ?? '').split(':')[0]!;
      if (code === '' || code === '0') this.#reset();
      else if (code === '38' || code === '48') {
        const length = codes[at + 1] === '2' ? 5 : 3;
        this.#color(code === '48', codes.slice(at, at + length).join(';'));
        at += length - 1;
      } else if (OFF.has(code)) for (const flag of OFF.get(code)!) this.#flags.delete(flag);
      else if (/^(?:3|9)\d$/.test(code)) this.#color(false, code === '39' ? '' : code);
      else if (/^(?:4\d|10\d)$/.test(code)) this.#color(true, code === '49' ? '' : code);
      else this.#flags.add(code);
    }
  }

  /** As it shows on `text`: a blank has no colour but that behind it. */
  look(blank: boolean): string {
    const seen = [...this.#flags].filter((flag) => !blank || SEEN_ON_BLANK.has(flag)).sort();
    const foreground = blank && !this.#flags.has('7') ? '' : this.#foreground;
    return [...seen, foreground, this.#background].filter((part) => part !== '').join(',');
  }

  #color(behind: boolean, code: string): void {
    if (behind) this.#background = code;
    else this.#foreground = code;
  }

  #reset(): void {
    this.#flags.clear();
    this.#color(false, '');
    this.#color(true, '');
  }
}

export function plainRows(lines: string[]): string[] {
  return rows(lines, () => '').map((row) => row.trimEnd());
}

/** Attributes in ‹› wherever they change. */
export function styledRows(lines: string[]): string[] {
  return rows(lines, (pen, blank) => pen.look(blank)).map((row) => row.trimEnd());
}

function rows(lines: string[], lookOf: (pen: Pen, blank: boolean) => string): string[] {
  const pen = new Pen();
  let isDrawing = false;
  return lines.map((line) => {
    let row = '';
    let look = '';
    for (const [, attributes, out, shiftIn, text] of line.matchAll(PIECES)) {
      if (attributes !== undefined) pen.apply(attributes);
      if (out !== undefined) isDrawing = true;
      if (shiftIn !== undefined) isDrawing = false;
      for (const character of text ?? '') {
        const drawn = isDrawing ? (LINE_DRAWING.get(character) ?? character) : character;
        const now = lookOf(pen, drawn === ' ');
        if (now !== look) row += `‹${now}›`;
        look = now;
        row += drawn;
      }
    }
    return look === '' ? row : `${row}‹›`;
  });
}
