/** Dialogs on the screen as requests to a person: opened when they show, answered by their keys, closed when they are gone. */
import type { FoundDialog } from '../../../agents/index.ts';
import { sanitisePaste } from '../../../agents/index.ts';
import { HoldfastError, invalid } from '../../../protocol/errors.ts';
import type { AgentRequest } from '../../../protocol/agent/index.ts';
import type { PtyHost } from './contract.ts';
import type { Evidence, Look } from './evidence.ts';
import { pressKeys } from './keys.ts';
import type { Waiting } from './waiting.ts';

/** A dialog that is missing on two looks this far apart is gone, and not only being redrawn. */
const GONE_MS = 150;
/** What an agent may take to put a dialog away. */
const ANSWER_MS = 5_000;
/** Between the key of a choice and the text that goes with it. */
const TEXT_MS = 150;

interface Open {
  request: AgentRequest;
  dialog: FoundDialog;
  /** When it was first missing, wall clock. */
  missing: number | null;
  answering: boolean;
}

export class Requests {
  readonly #host: PtyHost;
  readonly #evidence: Evidence;
  readonly #waiting: Waiting;
  #open: Open | null = null;
  #read: Look['reading'] | null = null;
  #readAt = 0;
  #cancelLook: () => void = () => {};

  constructor(host: PtyHost, evidence: Evidence, waiting: Waiting) {
    this.#host = host;
    this.#evidence = evidence;
    this.#waiting = waiting;
  }

  get list(): readonly AgentRequest[] {
    return this.#open === null ? [] : [this.#open.request];
  }

  observe({ reading, at }: Look): void {
    if (reading.skipped || (reading === this.#read && at === this.#readAt)) return;
    this.#read = reading;
    this.#readAt = at;
    const { dialog } = reading;
    const open = this.#open;
    if (dialog === null) {
      if (open !== null) this.#isMissing(open, at);
    } else if (open?.dialog.fingerprint === dialog.fingerprint) {
      open.dialog = dialog;
      open.missing = null;
    } else {
      this.#close();
      this.#opened(dialog);
    }
  }

  /**
   * Presses nothing unless the dialog stands on a screen that is as new as the call. Throws `not_found`, `conflict` (gone
   * meanwhile, or another answer is under way), `busy` (the screen is behind), `invalid_argument`, `timeout` (it stays
   * although its key was pressed).
   */
  async answer(requestId: string, choiceName: string, text: string | undefined): Promise<void> {
    this.#find(requestId);
    const asked = this.#host.clock.now();
    await this.#evidence.refresh();
    const open = this.#find(requestId);
    this.#checkShown(open, asked);
    const keys = keysOf(open, choiceName, text);
    open.answering = true;
    let closed: true | undefined;
    try {
      this.#evidence.board.input(this.#host.clock.now());
      await pressKeys(this.#host, this.#waiting, keys === '' ? [] : [keys]);
      if (text !== undefined) await this.#type(text, keys !== '');
      closed = await this.#waiting.until(
        () => (this.#open?.request.request_id === requestId ? undefined : true),
        ANSWER_MS,
      );
    } finally {
      open.answering = false;
    }
    if (closed !== true)
      throw new HoldfastError('timeout', 'the keys were pressed, yet the agent still asks; look at its screen', {
        details: { request_id: requestId },
      });
  }

  close(): void {
    this.#cancelLook();
    this.#close();
  }

  async #type(text: string, afterKeys: boolean): Promise<void> {
    const { submit } = this.#evidence.reader.profile.input;
    if (afterKeys) await this.#waiting.pause(TEXT_MS);
    // One line of text: a return in it would answer what is asked next, a tab choose something else.
    await pressKeys(this.#host, this.#waiting, [sanitisePaste(text).replaceAll(/[\n\t]/g, ' '), submit]);
  }

  /** A key for what is not there any more would be taken by what is there instead. */
  #checkShown({ request, dialog, missing, answering }: Open, asked: number): void {
    const { request_id } = request;
    if (answering)
      throw new HoldfastError('conflict', 'somebody is answering this already', {
        field: 'request_id',
        details: { request_id },
      });
    const { look } = this.#evidence;
    if (look === null || look.at < asked)
      throw new HoldfastError('busy', 'the agent writes faster than its screen can be read; try again', {
        details: { request_id },
      });
    const { reading } = look;
    if (missing !== null || reading.skipped || reading.dialog?.fingerprint !== dialog.fingerprint)
      throw gone(request_id);
  }

  #find(requestId: string): Open {
    if (this.#open?.request.request_id === requestId) return this.#open;
    throw new HoldfastError('not_found', `the agent asks nothing of the id ${requestId} any more`, {
      field: 'request_id',
    });
  }

  #opened(dialog: FoundDialog): void {
    const request: AgentRequest = {
      request_id: this.#host.ids.ulid(),
      kind: dialog.kind,
      text: dialog.text,
      choices: dialog.choices.map(({ id, label, meaning }) => ({ id, label, meaning })),
      since: this.#host.clock.now(),
      source: 'screen',
    };
    this.#open = { request, dialog, missing: null, answering: false };
    this.#host.emit({ event: 'Requested', request });
  }

  #isMissing(open: Open, at: number): void {
    open.missing ??= at;
    if (at - open.missing >= GONE_MS) {
      this.#close();
      return;
    }
    this.#cancelLook();
    // The look tells what it saw by itself.
    this.#cancelLook = this.#host.clock.after(GONE_MS, () => void this.#evidence.refresh());
  }

  #close(): void {
    const open = this.#open;
    if (open === null) return;
    this.#open = null;
    this.#cancelLook();
    this.#host.emit({
      event: 'RequestClosed',
      request_id: open.request.request_id,
      how: open.answering ? 'answered' : 'withdrawn',
    });
    this.#waiting.observe();
  }
}

/** A choice is named by its id, or by what it means when one choice alone means it. */
function keysOf({ dialog }: Open, name: string, text: string | undefined): string {
  const byMeaning = dialog.choices.filter(({ meaning }) => meaning === name);
  const choice = dialog.choices.find(({ id }) => id === name) ?? (byMeaning.length === 1 ? byMeaning[0] : undefined);
  if (choice !== undefined) return choice.keys;
  if (dialog.choices.length === 0 && text !== undefined) return '';
  const names = dialog.choices.map(({ id }) => id);
  if (names.length === 0) throw invalid('text', 'this request has no choices; give a text');
  throw invalid('choice', `choice must be one of ${names.join(', ')}`, { choices: names });
}

function gone(requestId: string): HoldfastError {
  return new HoldfastError('conflict', 'the agent has just put this question away', {
    field: 'request_id',
    details: { request_id: requestId },
  });
}
