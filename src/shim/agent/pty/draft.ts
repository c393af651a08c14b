/**
 * Whether a person has begun to write into the agent's box: printable keys since his last submit. Holds as long as the
 * box does not prove the contrary; what the terminal itself sends (cursor keys, focus, answers to queries) is no text.
 */
const ESC = 0x1b;
const CONTROL_C = 0x03;
const CONTROL_U = 0x15;
const RETURN = 0x0d;
const LINE_FEED = 0x0a;

type State = 'ground' | 'escape' | 'csi' | 'string' | 'stringEscape' | 'single' | 'mouse';

/** What follows an old mouse report (xterm's `ESC [ M`). */
const MOUSE_BYTES = 3;

export class Draft {
  #state: State = 'ground';
  /** Inside a bracketed paste a return is text. */
  #pasting = false;
  #parameters = '';
  #held = false;
  #lastKey = -Infinity;
  #keyed = false;
  #mouseBytes = 0;

  /** Keys were typed that no submit followed. */
  get held(): boolean {
    return this.#held;
  }

  /** When the last of them was written, by the clock of `typed`. */
  get lastKey(): number {
    return this.#lastKey;
  }

  /** Whether there was a key of a person among it. */
  typed(bytes: Uint8Array, now: number): boolean {
    this.#keyed = false;
    for (const byte of bytes) this.#step(byte, now);
    // A sequence comes in one write; an Escape at its end was the key.
    if (this.#state === 'escape') this.#state = 'ground';
    return this.#keyed;
  }

  /** The box was seen empty after the last key had time to show. */
  cleared(): void {
    this.#held = false;
  }

  #step(byte: number, now: number): void {
    switch (this.#state) {
      case 'ground':
        if (byte === ESC) this.#state = 'escape';
        else this.#key(byte, now);
        return;
      case 'escape':
        this.#afterEscape(byte);
        return;
      case 'csi':
        if (byte >= 0x40 && byte <= 0x7e) this.#endCsi(byte, now);
        else this.#parameters = (this.#parameters + String.fromCharCode(byte)).slice(0, 16);
        return;
      case 'single':
        this.#state = 'ground';
        return;
      case 'mouse':
        if (--this.#mouseBytes === 0) this.#state = 'ground';
        return;
      case 'string':
        if (byte === ESC) this.#state = 'stringEscape';
        else if (byte === 0x07) this.#state = 'ground';
        return;
      case 'stringEscape':
        this.#state = byte === 0x5c ? 'ground' : 'string';
        return;
    }
  }

  #afterEscape(byte: number): void {
    this.#parameters = '';
    if (byte === 0x5b) this.#state = 'csi';
    else if (byte === 0x4f) this.#state = 'single';
    else if (byte === 0x5d || byte === 0x50 || byte === 0x5f || byte === 0x5e || byte === 0x58) this.#state = 'string';
    else this.#state = byte === ESC ? 'escape' : 'ground';
  }

  #endCsi(final: number, now: number): void {
    const parameters = this.#parameters;
    this.#state = 'ground';
    if (final === 0x4d && parameters === '') {
      this.#state = 'mouse';
      this.#mouseBytes = MOUSE_BYTES;
    } else if (final === 0x7e) {
      if (parameters === '200') this.#pasting = true;
      else if (parameters === '201') this.#pasting = false;
    } else if (final === 0x75 && !parameters.startsWith('?')) {
      // kitty's keyboard protocol: code ; modifiers (1 none, 2 shift).
      const [code = 0, modifiers = 1] = parameters.split(';').map((part) => Number.parseInt(part, 10));
      if (modifiers <= 2) this.#key(code, now);
    }
  }

  #key(byte: number, now: number): void {
    this.#keyed = true;
    const submits = byte === RETURN || byte === LINE_FEED;
    if (this.#pasting || (byte >= 0x20 && byte !== 0x7f)) {
      this.#held = true;
      this.#lastKey = now;
    } else if (submits || byte === CONTROL_C || byte === CONTROL_U) {
      this.#held = false;
    }
  }
}
