/**
 * What a child has switched on in our terminal, so that leaving it can switch it off (xterm ctlseqs: DECSET, kitty
 * keyboard, modifyOtherKeys). Looks at control sequences only: plain output costs one native search per chunk.
 */
const ESC = 0x1b;
/** The longest sequence that is kept when a chunk ends inside it. */
const TAIL_BYTES = 64;

/** Modes that are on in a terminal at rest: auto-wrap and the cursor. */
const NORMALLY_ON: ReadonlySet<number> = new Set([7, 25]);
/** The alternate screens; left last, since that restores the cursor. */
const ALTERNATE: readonly number[] = [47, 1047, 1049];

export class TerminalModes {
  readonly #changed = new Map<number, boolean>();
  #tail: Buffer = Buffer.alloc(0);
  #kittyPushes = 0;
  #otherKeys = false;
  #used = false;

  get alternateScreen(): boolean {
    return ALTERNATE.some((mode) => this.#changed.get(mode) === true);
  }

  observe(bytes: Buffer): void {
    const data = this.#tail.length === 0 ? bytes : Buffer.concat([this.#tail, bytes]);
    if (this.#tail.length > 0) this.#tail = Buffer.alloc(0);
    for (let at = data.indexOf(ESC); at >= 0; at = data.indexOf(ESC, at + 1)) {
      this.#used = true;
      const end = this.#sequence(data, at);
      if (end > data.length) {
        if (data.length - at <= TAIL_BYTES) this.#tail = Buffer.from(data.subarray(at));
        return;
      }
      at = end - 1;
    }
  }

  /** Puts the terminal back as programs expect to find it. */
  restore(): Buffer {
    if (!this.#used) return Buffer.alloc(0);
    let text = '';
    for (const [mode, on] of this.#changed) {
      if (on !== NORMALLY_ON.has(mode) && !ALTERNATE.includes(mode)) text += `\x1b[?${mode}${on ? 'l' : 'h'}`;
    }
    if (this.#kittyPushes > 0) text += `\x1b[<${this.#kittyPushes}u`;
    if (this.#otherKeys) text += '\x1b[>4m';
    for (const mode of ALTERNATE) if (this.#changed.get(mode) === true) text += `\x1b[?${mode}l`;
    // Scroll region (which would move the cursor), keypad, insert mode, character set, cursor shape, attributes.
    text += '\x1b7\x1b[r\x1b8\x1b>\x1b[4l\x1b(B\x0f\x1b[0 q\x1b[0m';
    this.#changed.clear();
    this.#kittyPushes = 0;
    this.#otherKeys = false;
    this.#used = false;
    return Buffer.from(text);
  }

  /** One past the sequence that begins at `at`; beyond the data when it is cut off. */
  #sequence(data: Buffer, at: number): number {
    if (at + 1 >= data.length) return data.length + 1;
    if (data[at + 1] === 0x63) this.#reset();
    if (data[at + 1] !== 0x5b) return at + 1;
    let end = at + 2;
    while (end < data.length && data[end]! >= 0x20 && data[end]! < 0x40) end++;
    if (end >= data.length) return data.length + 1;
    const marker = data[at + 2]!;
    if (marker >= 0x3c && marker <= 0x3f) this.#private(marker, data.toString('latin1', at + 3, end), data[end]!);
    return end + 1;
  }

  #private(marker: number, parameters: string, final: number): void {
    if (marker === 0x3f && (final === 0x68 || final === 0x6c)) {
      for (const mode of parameters.split(';')) this.#changed.set(Number(mode), final === 0x68);
    } else if (final === 0x75) {
      if (marker === 0x3e) this.#kittyPushes++;
      else if (marker === 0x3c)
        this.#kittyPushes = Math.max(0, this.#kittyPushes - Math.max(1, Number(parameters) || 1));
      else if (marker === 0x3d) this.#kittyPushes = Math.max(1, this.#kittyPushes);
    } else if (marker === 0x3e && final === 0x6d) {
      this.#otherKeys = true;
    }
  }

  /** RIS, full reset. */
  #reset(): void {
    this.#changed.clear();
    this.#kittyPushes = 0;
    this.#otherKeys = false;
  }
}
