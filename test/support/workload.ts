/** Clients that change sessions while their server is killed, and the books of what they were told. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type EventEnvelope, type Holdfast, HoldfastError } from '../../src/client/index.ts';
import { createIds, systemClock } from '../../src/runtime/index.ts';
import type { Random } from './random.ts';
import { dawdle } from './oracle-reader.ts';
import type { TestRuntime } from './runtime.ts';

export type HistoryEvent = EventEnvelope & Record<string, unknown>;

/** One command and what its client knows of it. */
interface Entry {
  what: 'create' | 'rename' | 'terminate' | 'remove';
  /** Of a rename: the name, of a create: the originator, given only once; a name twice would be a conflict. */
  name: string;
  id?: string;
  /** Of a create: the child runs until it is ended. */
  lasts?: boolean;
  /** Its reply was here. */
  acknowledged: boolean;
  alreadyExited?: boolean;
}

/** A session that srv's death kept from its shim is aborted only after 10 s: nobody here waits for that. */
const PATIENT_MS = 4_000;

/** What srv's death, or a client that would not wait, makes of a command. */
const UNANSWERED = new Set(['unreachable', 'timeout', 'shim_lost']);
/** What became of the session meanwhile, or an earlier command of this client that was carried out unheard. */
const OVERTAKEN = new Set(['not_found', 'conflict', 'session_exited']);

export class Workload {
  readonly #runtime: TestRuntime;
  readonly #random: Random;
  readonly #starts: string;
  readonly #ids = createIds(systemClock);
  readonly #entries: Entry[] = [];
  readonly #work: Promise<void>[] = [];
  #stopped = false;
  #failure: unknown;

  constructor(runtime: TestRuntime, random: Random) {
    this.#runtime = runtime;
    this.#random = random;
    this.#starts = join(runtime.home, 'starts');
    mkdirSync(this.#starts);
  }

  get acknowledged(): number {
    return this.#entries.filter(({ acknowledged }) => acknowledged).length;
  }

  get unacknowledged(): number {
    return this.#entries.length - this.acknowledged;
  }

  async begin(clients = 2): Promise<void> {
    for (let client = 0; client < clients; client++) {
      const work = this.#run(client, await this.#runtime.client());
      work.catch((error: unknown) => (this.#failure ??= error));
      this.#work.push(work);
    }
  }

  /** Throws what a client was told and should never be. */
  expectWorking(): void {
    if (this.#failure !== undefined) throw this.#failure as Error;
  }

  /** Resolves when the commands under way are answered; rejects with what no client should ever be told. */
  async end(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#work);
  }

  /** The log against the books: acknowledged is exactly once, everything else at most once, nothing started twice. */
  check(history: readonly HistoryEvent[]): void {
    expect(history.map(({ version }) => version)).toEqual(history.map((_, at) => at + 1));
    for (const entry of this.#entries) {
      const ofSession = history.filter((event) => entry.id !== undefined && event['session_id'] === entry.id);
      const removedAtOnce = !ofSession.some((event) => event['desired'] === 'removed');
      const times = (entry.what === 'create' ? history : ofSession).filter((event) =>
        isOf(entry, event, removedAtOnce),
      ).length;
      expect({ entry, times }).toEqual({ entry, times: due(entry, times) });
    }
    for (const created of history.filter(({ event }) => event === 'session_created'))
      this.#checkStart(created, history);
  }

  #checkStart(created: HistoryEvent, history: readonly HistoryEvent[]): void {
    const id = created['session_id'];
    const mine = history.filter((event) => event['session_id'] === id).map(({ event }) => event);
    const started = mine.filter((event) => event === 'session_started').length;
    const failed = mine.filter((event) => event === 'session_start_failed').length;
    expect({ id, twice: started + failed > 1 }).toEqual({ id, twice: false });
    const file = join(this.#starts, String(created['originator']));
    const children = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').length : 0;
    // A child may be ended before its first line, never run after its start was said to have failed.
    expect({ id, children }).toEqual({ id, children: failed > 0 ? 0 : Math.min(children, 1) });
  }

  async #run(client: number, holdfast: Holdfast): Promise<void> {
    for (let turn = 0; !this.#stopped; turn++) {
      const name = `w${client}-${turn}`;
      const lasts = this.#random(2) === 0;
      const created: Entry = { what: 'create', name, lasts, acknowledged: false };
      await this.#issue(holdfast, created);
      const { id } = created;
      if (id === undefined) continue;
      await this.#issue(holdfast, { what: 'rename', name: `${name}-again`, id, acknowledged: false });
      if (this.#random(2) === 0) await this.#issue(holdfast, { what: 'terminate', name, id, acknowledged: false });
      if (lasts || this.#random(2) === 0)
        await this.#issue(holdfast, { what: 'remove', name, id, acknowledged: false });
      await dawdle(this.#random(20));
    }
  }

  /** Sends a command; some clients lose patience, and some of those ask again with the same key. */
  async #issue(holdfast: Holdfast, entry: Entry): Promise<void> {
    this.#entries.push(entry);
    const key = this.#ids.ulid();
    const attempts = 1 + this.#random(3);
    for (let attempt = 0; attempt < attempts && !entry.acknowledged; attempt++) {
      const impatient = this.#random(3) === 0;
      const options = { key, deadlineMs: impatient ? 1 + this.#random(30) : PATIENT_MS };
      try {
        await this.#send(holdfast, entry, options);
        entry.acknowledged = true;
      } catch (error) {
        const { code, message } = HoldfastError.from(error);
        if (OVERTAKEN.has(code)) return;
        if (code === 'timeout' && !impatient) return;
        if (!UNANSWERED.has(code)) throw new Error(`${entry.what} ${entry.name}: ${message}`, { cause: error });
      }
    }
  }

  async #send(holdfast: Holdfast, entry: Entry, options: { key: string; deadlineMs: number }): Promise<void> {
    const { what, name, id = '' } = entry;
    if (what === 'create') {
      const argv = [
        '/bin/sh',
        '-c',
        `echo $$ >> ${join(this.#starts, name)}; exec ${entry.lasts ? 'sleep 1000' : 'true'}`,
      ];
      const env = Object.entries(this.#runtime.env);
      const created = await holdfast.create(
        { argv, originator: name, cwd: this.#runtime.home, env, kind: 'pipe' },
        options,
      );
      entry.id = created.record.id;
    } else if (what === 'rename') await holdfast.rename(id, name, options);
    else if (what === 'terminate') entry.alreadyExited = (await holdfast.kill(id, options)).alreadyExited;
    else await holdfast.remove(id, { ...options, force: true });
  }
}

/** How often the entry's event must be there; `times` itself where zero and one are both right. */
function due({ acknowledged, alreadyExited }: Entry, times: number): number {
  return acknowledged && alreadyExited !== true ? 1 : Math.min(times, 1);
}

function isOf({ what, name }: Entry, event: HistoryEvent, removedAtOnce: boolean): boolean {
  if (what === 'create') return event.event === 'session_created' && event['originator'] === name;
  if (what === 'rename') return event.event === 'session_renamed' && event['name'] === name;
  if (what === 'terminate') return event['desired'] === 'stopped';
  // Of a live session the command is in the log before the removal.
  return removedAtOnce ? event.event === 'session_removed' : event['desired'] === 'removed';
}
