/** One client of many: it sends mixed commands, waits for each, and keeps the books of what it was told. */
import { ControlCalls } from '../../../src/client/control-calls.ts';
import { ControlClient } from '../../../src/control/index.ts';
import { readFileSync } from 'node:fs';
import { homePaths } from '../../../src/protocol/home/index.ts';
import { HoldfastError } from '../../../src/protocol/index.ts';
import { createIds, systemClock } from '../../../src/runtime/index.ts';
import { connectUnix } from '../../../src/transport/index.ts';
import type { Random } from '../random.ts';
import { Desk, type Shared } from './desk.ts';
import type { Draft } from './draft.ts';

/** A command and what its client knows of it. */
export interface Entry extends Draft {
  key: string;
  /** Of its reply; null: none came. */
  version: number | null;
  /** The code it was refused with. */
  refused: string | null;
  /** Given up, and answered only when it was sent again in the end: by then it may change nothing. */
  late: boolean;
}

/** What the parent needs of an entry. */
export type Told = Pick<Entry, 'proof' | 'version' | 'refused' | 'late'> & { cmd: string };

export interface ClientOptions {
  home: string;
  name: string;
  random: Random;
  shared: Shared;
  /** Some commands are given up after some ms, and some of these sent again by their key. */
  impatient: boolean;
}

interface Attempt {
  entry: Entry;
  deadlineMs: number;
  refusals?: readonly string[];
}

/** What the state has become without a command can keep it from being carried out at all. */
const REFUSALS = ['not_found', 'conflict', 'invalid_argument'];

/** Longest a command may take, over any number of srv's deaths. */
const PATIENT_MS = 60_000;
/** What srv's death, or a client that would not wait, makes of a command. */
const UNANSWERED = new Set(['unreachable', 'timeout']);

export class LoadClient {
  readonly entries: Entry[] = [];
  readonly #options: ClientOptions;
  readonly #desk: Desk;
  readonly #ids = createIds(systemClock);
  readonly #calls: ControlCalls;
  #stopped = false;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#desk = new Desk(options.name, options.random, options.shared);
    this.#calls = controlCalls(options.home, this.#ids.ulid());
  }

  /** Connects; its own workspace is there afterwards. */
  async begin(): Promise<void> {
    for (const draft of this.#desk.first()) await this.#issue(draft, false);
  }

  /** `commands`, or until `stop`. Rejects with what no client should ever be told. */
  async run(commands: number): Promise<void> {
    for (let sent = 0; sent < commands && !this.#stopped; sent++) {
      await this.#issue(this.#desk.next(), this.#options.impatient);
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Sends what was sent again by its key; returns how often that was done. Rejects when an answer is another one. */
  async repeat(share: number): Promise<number> {
    let repeated = 0;
    for (const entry of this.entries) {
      if (entry.refused !== null || this.#options.random(100) >= share) continue;
      repeated++;
      const known = entry.version;
      // What was never carried out is decided now, on another state.
      entry.late = known === null;
      const refusals = known === null ? REFUSALS : entry.mayBeRefused;
      await this.#attempt({ entry, deadlineMs: PATIENT_MS, refusals });
      if (known !== null && entry.version !== known) {
        throw new Error(`${entry.command.cmd} was at ${known}; its key says ${entry.version} ${entry.refused}`);
      }
    }
    return repeated;
  }

  close(): void {
    this.#calls.close();
  }

  async #issue(draft: Draft, impatient: boolean): Promise<void> {
    const entry: Entry = { ...draft, key: this.#ids.ulid(), version: null, refused: null, late: false };
    this.entries.push(entry);
    const { random } = this.#options;
    const attempts = impatient && random(4) === 0 ? 1 + random(3) : 0;
    for (let attempt = 0; attempt < attempts && !isAnswered(entry); attempt++)
      await this.#attempt({ entry, deadlineMs: 1 + random(30) });
    // One of two that were not answered is given up; the others insist.
    const insists = attempts === 0 || random(2) === 0;
    if (insists && !isAnswered(entry)) await this.#attempt({ entry, deadlineMs: PATIENT_MS });
    if (insists && !isAnswered(entry)) throw new Error(`${draft.command.cmd} got no answer in ${PATIENT_MS} ms`);
    if (entry.version !== null) draft.done();
  }

  async #attempt({ entry, deadlineMs, refusals = entry.mayBeRefused }: Attempt): Promise<void> {
    try {
      const reply = await this.#calls.call(entry.command, true, { key: entry.key, deadlineMs });
      entry.version = reply.version;
    } catch (error) {
      const { code, message } = HoldfastError.from(error);
      if (UNANSWERED.has(code)) return;
      if (!refusals.includes(code)) {
        throw new Error(`${JSON.stringify(entry.command)}: ${code} ${message}`, { cause: error });
      }
      entry.refused = code;
    }
  }
}

function isAnswered({ version, refused }: Entry): boolean {
  return version !== null || refused !== null;
}

/** Waits for whoever starts srv. */
function controlCalls(home: string, clientId: string): ControlCalls {
  const paths = homePaths(home);
  return new ControlCalls({
    clock: systemClock,
    home,
    start: () => Promise.resolve(),
    open: async (handlers, signal) => {
      const stream = await connectUnix(paths.srvSocket, { clock: systemClock });
      const token = readFileSync(paths.secret, 'utf8').trim();
      const registration = {
        clock: systemClock,
        kind: 'tool' as const,
        pid: process.pid,
        version: 'load',
        client_id: clientId,
        token,
        ...(signal === undefined ? {} : { signal }),
      };
      return ControlClient.open(() => Promise.resolve(stream), registration, handlers);
    },
  });
}
