/**
 * Speaks NDJSON with a real CLI in its structured mode and writes down what goes both ways, as fixtures for the
 * product's own side of the protocol: one object per line, `{"to":"agent"|"client","message":…}`.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Launch } from './cli/contract.ts';
import type { ModelEndpoint, Turn } from './endpoint/index.ts';

export type Message = Record<string, unknown>;

export interface StructuredScenario {
  name: string;
  turns: Turn[];
  /** `endpoint` has the turns already. */
  play(lines: Lines, endpoint: ModelEndpoint): Promise<void>;
}

export interface StructuredMode {
  launch: Launch;
  scenarios: StructuredScenario[];
}

const WAIT_MS = 20_000;
/** A list of a CLI's commands or models says nothing about the protocol. */
const KEPT_ITEMS = 2;
const KEPT_CHARACTERS = 300;

export class Lines {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #log: { to: 'agent' | 'client'; message: Message }[] = [];
  readonly #watchers = new Set<() => void>();
  readonly #exit: Promise<void>;
  /** Messages of the agent before this one were waited for already. */
  #next = 0;
  #errors = '';

  constructor({ argv, env }: Launch, cwd: string) {
    const [file = '', ...args] = argv;
    this.#child = spawn(file, args, { cwd, env: Object.fromEntries(env), stdio: 'pipe' });
    this.#exit = new Promise((resolve) => this.#child.once('close', () => resolve()));
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#log.push({ to: 'client', message: JSON.parse(line) as Message });
      for (const watcher of this.#watchers) watcher();
    });
  }

  send(message: Message): void {
    this.#log.push({ to: 'agent', message });
    this.#child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  /** The next message of the agent that fits, after the last one waited for. */
  async next(fits: (message: Message) => boolean, what: string): Promise<Message> {
    return await new Promise((resolve, reject) => {
      const check = (): void => {
        for (; this.#next < this.#log.length; this.#next++) {
          const { to, message } = this.#log[this.#next]!;
          if (to === 'agent' || !fits(message)) continue;
          this.#next++;
          this.#watchers.delete(check);
          clearTimeout(timer);
          resolve(message);
          return;
        }
      };
      const timer = setTimeout(() => {
        this.#watchers.delete(check);
        const last = JSON.stringify(this.#log.slice(-3)).slice(0, 1_000);
        reject(
          new Error(`no ${what} within ${WAIT_MS} ms; the last were ${last}; stderr: ${this.#errors.slice(-500)}`),
        );
      }, WAIT_MS);
      this.#watchers.add(check);
      check();
    });
  }

  /** Closes the agent's input, which ends it, and waits for that; an agent that stays is killed. */
  async end(): Promise<void> {
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), WAIT_MS);
    await this.#exit;
    clearTimeout(timer);
  }

  save(file: string): void {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, this.#log.map((entry) => `${JSON.stringify(shortened(entry))}\n`).join(''));
  }
}

function shortened(value: unknown): unknown {
  if (typeof value === 'string' && value.length > KEPT_CHARACTERS) return `${value.slice(0, KEPT_CHARACTERS)}…`;
  if (Array.isArray(value)) {
    const long = value.length > KEPT_ITEMS && value.every((item) => typeof item === typeof value[0]) && isBulk(value);
    return (long ? value.slice(0, KEPT_ITEMS) : value).map(shortened);
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shortened(item)]));
}

function isBulk(list: unknown[]): boolean {
  return JSON.stringify(list).length > KEPT_CHARACTERS;
}
