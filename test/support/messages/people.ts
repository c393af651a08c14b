/** People beside the messages: one answers what agents ask, one sits down at their terminals and types. */
import { type Attachment, type EventStream, type Holdfast, HoldfastError } from '../../../src/client/index.ts';
import { dawdle } from '../oracle-reader.ts';
import type { Random } from '../random.ts';
import { soon } from '../runtime.ts';
import { NOBODY } from './asks.ts';

/** What may have become of the question, the agent or its srv meanwhile. */
const OVERTAKEN = new Set([
  'not_found',
  'conflict',
  'session_exited',
  'timeout',
  'shim_lost',
  'unreachable',
  'busy',
  'lease_lost',
  'stdin_closed',
]);

/** Answers requests after a while, as they come. */
export class Approver {
  readonly #abort = new AbortController();
  readonly #answers: Promise<void>[] = [];
  readonly #holdfast: Holdfast;
  readonly #random: Random;
  answered = 0;

  constructor(holdfast: Holdfast, random: Random) {
    this.#holdfast = holdfast;
    this.#random = random;
  }

  /** The requests, for `run`. */
  hear(): Promise<EventStream> {
    return this.#holdfast.events({ topics: ['agent_requested'], since: 0, signal: this.#abort.signal });
  }

  async run(events: EventStream): Promise<void> {
    try {
      for await (const item of events) {
        if (item.type !== 'event') continue;
        const { session_id, request } = item.event as unknown as {
          session_id: string;
          request: { request_id: string; text: string };
        };
        if (!request.text.includes(NOBODY)) this.#answers.push(this.#answer(session_id, request.request_id));
      }
    } catch (error) {
      if (!this.#abort.signal.aborted) throw error;
    }
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await Promise.all(this.#answers);
  }

  async #answer(session: string, request: string): Promise<void> {
    await dawdle(this.#random(400));
    const choice = ['allow', 'deny', 'allow_always'][this.#random(3)]!;
    try {
      await this.#holdfast.agents.answer(session, choice, { request });
      this.answered++;
    } catch (error) {
      if (!OVERTAKEN.has(HoldfastError.from(error).code)) throw error;
    }
  }
}

/** More than any of these agents writes. */
const CREDIT = 2 ** 40;
/** Keys wait while a message is typed and its start is looked for. */
const KEYS_MS = 15_000;

/** What he types, or what is left of it when a dialog took some of the words. */
export const HUMAN_TEXT = /^(?=.)(human)? ?(\d+)? ?(thinks)? ?(aloud)?$/;

/** Types drafts at one terminal after the other; leaves each box as he found it. */
export class Typist {
  readonly #holdfast: Holdfast;
  readonly #random: Random;
  readonly #names: readonly string[];
  #stopped = false;
  drafts = 0;

  constructor(holdfast: Holdfast, random: Random, names: readonly string[]) {
    this.#holdfast = holdfast;
    this.#random = random;
    this.#names = names;
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      await dawdle(300 + this.#random(700));
      try {
        await this.#visit(this.#names[this.#random(this.#names.length)]!);
      } catch (error) {
        // The agent died under his hands.
        if (!OVERTAKEN.has(HoldfastError.from(error).code)) throw error;
      }
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  async #visit(name: string): Promise<void> {
    const { session_id } = await this.#holdfast.agents.get(name);
    const { session } = await this.#holdfast.get(session_id);
    const attachment = await soon(session.attach({ credit: CREDIT, onItem: () => undefined }), 'a person to sit down');
    try {
      this.drafts++;
      for (const word of `human ${this.drafts} thinks aloud`.split(/(?= )/)) {
        await this.#type(attachment, word);
        await dawdle(20 + this.#random(80));
      }
      await dawdle(this.#random(800));
      if (this.#random(2) === 0) await this.#type(attachment, '\r');
      // What was not taken stays in the box otherwise, and nobody would dare to write there.
      await dawdle(100);
      await this.#type(attachment, '\x15');
    } finally {
      attachment.close();
    }
  }

  #type(attachment: Attachment, keys: string): Promise<void> {
    const gone = attachment.done.then(() => {
      throw new HoldfastError('session_exited', 'the agent is gone');
    });
    return soon(Promise.race([attachment.write(Buffer.from(keys)), gone]), 'keys to be taken', KEYS_MS);
  }
}
