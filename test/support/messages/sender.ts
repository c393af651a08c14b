/** Somebody who sends messages to the fleet, takes some back, and keeps the books of what it was told. */
import { type Holdfast, HoldfastError, type SendOptions } from '../../../src/client/index.ts';
import { createIds, systemClock } from '../../../src/runtime/index.ts';
import { dawdle } from '../oracle-reader.ts';
import type { Random } from '../random.ts';
import { type Ask, drawAsk, textOf } from './asks.ts';

/** A message and what its sender knows of it. */
export interface Entry {
  /** Of a broadcast: only when it was acknowledged. */
  id: string | null;
  /** Name of the agent it is for. */
  to: string;
  text: string;
  ask: Ask;
  /** Who sends: the name of the agent that does, or null. */
  agent: string | null;
  options: Pick<SendOptions, 'priority' | 'ttlMs' | 'answerMs'>;
  acknowledged: boolean;
  /** The code it was refused with. */
  refused: string | null;
  /** It was taken back, or that was tried. */
  cancelled: boolean;
}

export interface SenderOptions {
  name: string;
  random: Random;
  names: readonly string[];
  /** The agent that it sends as; null: nobody. */
  agent: string | null;
  /** Its connection; asked anew when that is refused. */
  connect: () => Promise<Holdfast>;
  /** Resolves when the fleet has not too much before it. */
  room: () => Promise<void>;
  /** Some are not waited for, and sent again by their id. */
  impatient: boolean;
}

/** Enough that only what is meant to run out of time does. */
const ANSWER_MS = 60_000;
const PATIENT_MS = 60_000;
const BROADCAST_MOST = 3;
const LARGE_BYTES = [6_000, 20_000, 60_000] as const;
const PRIORITIES = ['low', 'normal', 'normal', 'high', 'urgent'] as const;
const UNANSWERED = new Set(['unreachable', 'timeout']);
/** Of a program in a session: srv is dead, or its session is. */
const AWAY = new Set(['unreachable', 'bad_token', 'session_exited', 'forbidden']);

export class Sender {
  readonly entries: Entry[] = [];
  readonly #options: SenderOptions;
  readonly #ids = createIds(systemClock);
  readonly #cancels: Promise<void>[] = [];
  #holdfast: Promise<Holdfast> | undefined;
  #texts = 0;
  #stopped = false;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** `count` messages, or until `stop`. Rejects with what nobody should be told. */
  async run(count: number): Promise<void> {
    while (this.entries.length < count && !this.#stopped) {
      await this.#options.room();
      await this.#next();
    }
    await Promise.all(this.#cancels);
  }

  stop(): void {
    this.#stopped = true;
  }

  /** All that was acknowledged once more by its id: it is the message it was. */
  async repeat(): Promise<number> {
    const again = this.entries.filter(
      ({ id, acknowledged, refused }) => id !== null && acknowledged && refused === null,
    );
    for (const entry of again) if (this.#options.random(3) === 0) await this.#insist(entry);
    return again.length;
  }

  async #next(): Promise<void> {
    const { random } = this.#options;
    const draw = random(100);
    if (draw < 5 && this.#options.agent === null) return this.#broadcast();
    const entry = this.#entry(this.#draft());
    await this.#send(entry);
    if (draw < 15) {
      // Two of a kind are two.
      const twin = this.#entry(entry);
      await this.#send(twin);
    } else if (draw < 28) this.#takeBack(entry, random(1_500));
  }

  #draft(): Pick<Entry, 'to' | 'text' | 'ask' | 'options'> {
    const { random, names, agent, name } = this.#options;
    const others = names.filter((one) => one !== agent);
    const ask = drawAsk(random);
    const large = random(100) < 6 ? LARGE_BYTES[random(LARGE_BYTES.length)]! : 0;
    const filler = large === 0 ? '' : `\n${'So it goes on and on.\n'.repeat(large / 22)}`;
    return {
      to: others[random(others.length)]!,
      text: textOf(`${name}x${this.#texts++}`, ask, filler),
      ask,
      options: {
        priority: PRIORITIES[random(PRIORITIES.length)]!,
        answerMs: ask.answerMs ?? ANSWER_MS,
        ...(random(100) < 8 ? { ttlMs: 1 + random(2_500) } : {}),
      },
    };
  }

  #entry({ to, text, ask, options }: Pick<Entry, 'to' | 'text' | 'ask' | 'options'>): Entry {
    const { agent } = this.#options;
    const id = this.#ids.ulid();
    const entry = { id, to, text, ask, options, agent, acknowledged: false, refused: null, cancelled: false };
    this.entries.push(entry);
    return entry;
  }

  async #send(entry: Entry): Promise<void> {
    const { random, impatient } = this.#options;
    if (impatient && random(4) === 0) {
      await this.#attempt(entry, 1 + random(30));
      // Some are given up unheard.
      if (random(3) === 0) return;
    }
    await this.#insist(entry);
    if (random(10) === 0) await this.#insist(entry);
  }

  async #insist(entry: Entry): Promise<void> {
    await this.#attempt(entry, PATIENT_MS);
    if (!entry.acknowledged && entry.refused === null) throw new Error(`${entry.id} got no answer in ${PATIENT_MS} ms`);
  }

  async #attempt(entry: Entry, deadlineMs: number): Promise<void> {
    const id = entry.id!;
    await this.#ask(entry, async (holdfast) => {
      const told = await holdfast.messages.send(entry.to, entry.text, { ...entry.options, id, deadlineMs });
      if (told.id !== id) throw new Error(`${id} was taken as ${told.id}`);
      entry.acknowledged = true;
    });
  }

  async #broadcast(): Promise<void> {
    const { random, names, agent } = this.#options;
    const draft = this.#draft();
    const others = names.filter((one) => one !== agent);
    const from = random(others.length);
    const sessions = [...others, ...others].slice(from, from + 1 + random(BROADCAST_MOST));
    const entries = sessions.map((to) => this.#entry({ ...draft, to }));
    for (const entry of entries) entry.id = null;
    await this.#ask(entries[0], async (holdfast) => {
      const { priority, ttlMs, answerMs } = draft.options;
      const options = { priority, ttlMs, answerMs, deadlineMs: PATIENT_MS };
      const { messages, refused } = await holdfast.messages.broadcast({ sessions }, draft.text, options);
      if (messages.length + refused.length !== sessions.length)
        throw new Error(`a broadcast to ${sessions.length} lost some`);
      const free = new Map((await holdfast.agents.list()).flatMap((one) => one.sessions.map((id) => [id, one.name])));
      for (const { session_id, message_id } of messages) {
        const entry = entries.find(({ to }) => to === free.get(session_id));
        if (entry === undefined) throw new Error(`a broadcast went to ${session_id}`);
        entry.id = message_id;
        entry.acknowledged = true;
      }
      for (const entry of entries) if (entry.id === null) entry.refused = refused[0]!.error.code;
    });
  }

  #takeBack(entry: Entry, afterMs: number): void {
    const cancel = async (): Promise<void> => {
      await dawdle(afterMs);
      entry.cancelled = true;
      await this.#ask(undefined, (holdfast) => holdfast.messages.cancel(entry.id!, { deadlineMs: PATIENT_MS }));
    };
    this.#cancels.push(
      cancel().catch((error: unknown) => {
        // It never came to be.
        if (!entry.acknowledged && HoldfastError.from((error as Error).cause).code === 'not_found') return;
        throw error;
      }),
    );
  }

  /** With a connection that is taken for what it says; an agent's own that ended with its session is made anew. */
  async #ask(entry: Entry | undefined, act: (holdfast: Holdfast) => Promise<unknown>): Promise<void> {
    const until = Date.now() + PATIENT_MS;
    for (;;) {
      try {
        this.#holdfast ??= this.#options.connect();
        await act(await this.#holdfast);
        return;
      } catch (error) {
        const { code, message } = HoldfastError.from(error);
        if (this.#options.agent !== null && AWAY.has(code) && Date.now() < until) {
          // It starts no srv, and its session may be another one by now.
          if (code !== 'unreachable') this.#holdfast = undefined;
          await dawdle(250);
        } else if (entry !== undefined && UNANSWERED.has(code)) return;
        else throw new Error(`${entry?.to ?? 'a cancel'}: ${code} ${message}`, { cause: error });
      }
    }
  }
}
