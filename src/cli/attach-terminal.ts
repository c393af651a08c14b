/** A session on the user's terminal: `attach`, `run` and the bare command. */
import { isatty } from 'node:tty';
import type { Attachment, AttachmentOutcome, OutputItem, ScreenPart, Session } from '../client/index.ts';
import { HoldfastError, limits } from '../protocol/index.ts';
import type { AttachFrom, ExitFact } from '../protocol/session/index.ts';
import { DetachKey } from './terminal/detach-key.ts';
import { QueryStripper } from '../session/index.ts';
import { Terminal, terminalSize, type TerminalSize } from './terminal/terminal.ts';

export interface ShowOptions {
  detachKey: string;
  readOnly: boolean;
  steal: boolean;
  /** `screen`: clear and redraw; `start`: every byte, in place, as for a session that was just started. */
  from: AttachFrom;
  /** The caller prints a line when the child has exited. */
  tellsExit: boolean;
}

export interface ShowOutcome {
  why: 'detached' | 'exited' | 'stolen' | 'ended';
  exit: ExitFact | null;
  by?: string;
}

/** Input that may wait for the child before the keyboard is no longer read. */
const INPUT_HIGH_WATER_BYTES = limits.INPUT_QUEUE_BYTES / 4;

export function isInteractive(): boolean {
  return isatty(0) && isatty(1);
}

/** Shows a session until it exits, is detached or stolen. The terminal is restored whatever happens. */
export async function showSession(session: Session, options: ShowOptions): Promise<ShowOutcome> {
  const size = terminalSize(1) ?? { rows: limits.DEFAULT_ROWS, cols: limits.DEFAULT_COLS };
  const keys = new DetachKey(options.detachKey);
  const view = new SessionView(session, options, size, keys);
  return view.show();
}

class SessionView {
  readonly #session: Session;
  readonly #options: ShowOptions;
  readonly #keys: DetachKey;
  readonly #terminal: Terminal;
  #size: TerminalSize;
  #attachment: Attachment | undefined;
  #stripper = new QueryStripper();
  /** The one query the session's shim answers whoever is attached; null: it is of a release that leaves it to terminals. */
  #answered: QueryStripper | null = null;
  /** Bytes before it were answered when they were live. */
  #liveFrom = 0;
  #drawn = false;
  #connected = false;
  /** The user was told that the connection has gone, and not yet that it is back. */
  #lost = false;
  #replacing = false;
  #exit: ExitFact | null = null;
  #openStreams = 1;
  #detached = false;
  #settle: (() => void) | undefined;

  constructor(session: Session, options: ShowOptions, size: TerminalSize, keys: DetachKey) {
    this.#session = session;
    this.#options = options;
    this.#size = size;
    this.#keys = keys;
    this.#terminal = new Terminal();
  }

  async show(): Promise<ShowOutcome> {
    try {
      await this.#terminal.ready();
      const exited = new Promise<void>((resolve) => {
        this.#settle = resolve;
      });
      const attachment = await this.#attach();
      this.#listen(attachment);
      const outcome = await Promise.race([attachment.done, exited]);
      attachment.close();
      const shown = this.#outcome(outcome ?? undefined);
      this.#terminal.leave(shown.why !== 'exited' ? 'clear' : this.#options.tellsExit ? 'fresh' : 'none');
      return shown;
    } finally {
      this.#terminal.leave();
    }
  }

  async #attach(): Promise<Attachment> {
    const { readOnly, steal, from } = this.#options;
    return this.#session.attach({
      mode: readOnly ? 'observe' : 'drive',
      from,
      steal,
      ...(readOnly ? {} : { terminal: true, ...this.#size }),
      onItem: (item) => this.#onItem(item),
      onScreen: (part) => this.#onScreen(part),
      onLost: () => this.#onLost(),
      onAttached: (info, capabilities) => {
        if (capabilities.includes('program_status')) this.#answered ??= new QueryStripper('program_status');
        this.#liveFrom = info.live_from;
        this.#openStreams = info.streams.length;
        if (this.#lost) this.#terminal.finishLine(' connected again]');
        this.#lost = false;
        this.#replacing = false;
        this.#connected = true;
      },
    });
  }

  #listen(attachment: Attachment): void {
    this.#attachment = attachment;
    // A window that is closed gives the input back at once, for the next one.
    this.#terminal.onEnding(() => attachment.close());
    this.#terminal.onInput((typed) => {
      const { forward, detach } = this.#keys.scan(typed);
      if (!this.#options.readOnly && forward.length > 0) this.#type(attachment, forward);
      if (detach) this.#detach(attachment);
    });
    this.#terminal.onInputEnd(() => this.#detach(attachment));
    this.#terminal.onResize((size) => {
      this.#size = size;
      if (!this.#options.readOnly) attachment.resize(size.rows, size.cols);
    });
  }

  #type(attachment: Attachment, bytes: Buffer): void {
    attachment.write(bytes).then(
      () => this.#terminal.resumeInput(),
      // The end of the attachment, if that is why, is told by `done`.
      () => this.#terminal.resumeInput(),
    );
    if (attachment.pendingInputBytes > INPUT_HIGH_WATER_BYTES) this.#terminal.pauseInput();
  }

  #detach(attachment: Attachment): void {
    this.#detached = true;
    attachment.close();
  }

  #onScreen(part: ScreenPart): void {
    if (!this.#drawn) this.#terminal.clear(this.#size, !this.#connected);
    this.#drawn = !part.last;
    this.#terminal.write(Buffer.from(part.data, 'base64'));
  }

  #onItem(item: OutputItem): void {
    if (item.type === 'data') {
      this.#show(item.offset, item.bytes);
      this.#attachment?.consumed(item.bytes.length);
    } else if (item.type === 'gap') {
      // What is missing is on no screen but the session's; its connection is replaced, not lost.
      this.#replacing = true;
      this.#attachment?.redraw();
    } else if (item.type === 'child_exit') {
      this.#exit = item.exit;
      this.#checkExited(0);
    } else if (item.type === 'eof') {
      this.#checkExited(1);
    } else if (item.type === 'held_by') {
      this.#openStreams = 0;
      this.#checkExited(0);
    }
  }

  #show(offset: number, bytes: Buffer): void {
    const live = this.#options.readOnly ? Number.POSITIVE_INFINITY : this.#liveFrom;
    if (offset > live) {
      this.#live(bytes);
      return;
    }
    const replayed = Math.min(bytes.length, live - offset);
    this.#terminal.write(this.#stripper.strip(bytes.subarray(0, replayed)));
    if (replayed === bytes.length) return;
    this.#live(Buffer.concat([this.#stripper.flush(), bytes.subarray(replayed)]));
  }

  #live(bytes: Buffer): void {
    this.#terminal.write(this.#answered?.strip(bytes) ?? bytes);
  }

  #onLost(): void {
    if (this.#replacing) return;
    if (!this.#lost) this.#terminal.say('[holdfast: connection lost, reconnecting …');
    this.#lost = true;
    // A full-screen program does not survive our lines on its screen: it gets a new one.
    if (this.#terminal.modes.alternateScreen) this.#attachment?.redraw();
  }

  #checkExited(closedStreams: number): void {
    this.#openStreams -= closedStreams;
    if (this.#exit !== null && this.#openStreams <= 0) this.#settle?.();
  }

  #outcome(outcome: AttachmentOutcome | undefined): ShowOutcome {
    if (this.#detached) return { why: 'detached', exit: null };
    if (outcome?.error !== undefined) throw HoldfastError.from(outcome.error);
    if (outcome?.reason === 'stolen')
      return { why: 'stolen', exit: null, ...(outcome.by === undefined ? {} : { by: outcome.by }) };
    if (outcome?.reason === 'detached' || outcome?.reason === 'cleared') return { why: 'detached', exit: null };
    return this.#exit === null ? { why: 'ended', exit: null } : { why: 'exited', exit: this.#exit };
  }
}
