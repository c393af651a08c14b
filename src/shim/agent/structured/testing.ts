/** A driver with a real child on pipes and a host that keeps what it is told: for tests, here and of real agents. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentProfile, AgentRequest, AgentTimings, TranscriptEntry } from '../../../protocol/agent/index.ts';
import type { SessionEvent } from '../../../protocol/session/index.ts';
import { createIds, noFaults, systemClock } from '../../../runtime/index.ts';
import type { AgentDriver, AgentHost } from '../contract.ts';
import type { StructuredSpec } from './contract.ts';
import { createStructuredAgent } from './index.ts';

export interface DrivenOptions {
  mode: 'acp' | 'stream_json';
  argv: readonly string[];
  cwd?: string;
  env?: readonly (readonly [string, string])[];
  conversation?: string | null;
  resumed?: boolean;
  timings?: Partial<AgentTimings>;
}

/** What became of a message, phase by phase; the last one with its reason or response. */
export interface Told {
  message: string;
  phase: string;
  reason?: string;
  response?: string;
}

const WAIT_MS = 25_000;
const STDERR_CHARACTERS = 4_000;

export class Driven {
  readonly told: Told[] = [];
  readonly events: SessionEvent[] = [];
  readonly warnings: string[] = [];
  /** Each status of the driver that differs from the one before, as `activity attention`. */
  readonly statuses: string[] = [];
  readonly directory = mkdtempSync(join(tmpdir(), 'hf-st-'));
  driver!: AgentDriver;
  child!: ChildProcess;
  stderr = '';
  #messages = 0;
  #waiting: (() => void)[] = [];

  static async start(options: DrivenOptions): Promise<Driven> {
    const driven = new Driven();
    driven.driver = await createStructuredAgent(driven.#spec(options), driven.#host());
    const [program = '', ...args] = options.argv;
    const child = spawn(program, args, {
      cwd: options.cwd ?? driven.directory,
      env: Object.fromEntries(options.env ?? [['PATH', '/usr/local/bin:/usr/bin:/bin']]),
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    driven.child = child;
    // Each write learns its error itself.
    child.stdin.on('error', () => {});
    child.stdout.on('data', (bytes: Buffer) => {
      driven.driver.output(bytes);
      driven.#wake();
    });
    child.stderr.on('data', (bytes: Buffer) => {
      driven.stderr = (driven.stderr + bytes.toString()).slice(-STDERR_CHARACTERS);
    });
    child.once('exit', (code, signal) => driven.driver.exited({ code, signal }));
    driven.driver.started?.();
    return driven;
  }

  /** Hands a message over; returns its id. */
  send(body: string, from = ''): string {
    const id = `m${++this.#messages}`;
    this.driver.deliver({ message_id: id, from, body });
    return id;
  }

  /** `send`, and its outcome. */
  async exchange(body: string): Promise<Told> {
    return await this.outcome(this.send(body));
  }

  phases(message: string): string[] {
    return this.told.filter((line) => line.message === message).map(({ phase }) => phase);
  }

  get entries(): TranscriptEntry[] {
    return this.driver.transcript(0, 10_000).entries;
  }

  /** Of kind `Kind`. */
  entriesOf<Kind extends TranscriptEntry['entry']>(kind: Kind): Extract<TranscriptEntry, { entry: Kind }>[] {
    return this.entries.filter((entry): entry is Extract<TranscriptEntry, { entry: Kind }> => entry.entry === kind);
  }

  ready(): Promise<void> {
    return this.until('the agent is ready', () => this.driver.readiness.ready);
  }

  async request(): Promise<AgentRequest> {
    await this.until('a request is open', () => this.driver.requests.length > 0);
    return this.driver.requests[0]!;
  }

  async outcome(message: string): Promise<Told> {
    const isOutcome = (line: Told) => line.message === message && !['submitting', 'delivered'].includes(line.phase);
    await this.until(`message ${message} has its outcome`, () => this.told.some(isOutcome));
    return this.told.find(isOutcome)!;
  }

  async phase(message: string, phase: string): Promise<void> {
    await this.until(`message ${message} is ${phase}`, () => this.phases(message).includes(phase));
  }

  /** Asked again whenever something happened. */
  until(what: string, holds: () => boolean, ms = WAIT_MS): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = () => {
        if (!holds()) return;
        clearTimeout(timer);
        this.#waiting = this.#waiting.filter((waiter) => waiter !== check);
        resolve();
      };
      const timer = setTimeout(() => {
        const { status, readiness } = this.driver;
        reject(
          new Error(
            `waited ${ms} ms until ${what}: ${JSON.stringify({ status, readiness, told: this.told, warnings: this.warnings, stderr: this.stderr })}`,
          ),
        );
      }, ms);
      this.#waiting.push(check);
      check();
    });
  }

  async stop(): Promise<void> {
    const { child } = this;
    const exited =
      child.exitCode === null && child.signalCode === null
        ? new Promise((resolve) => child.once('exit', resolve))
        : undefined;
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // The last process of the group ended by itself.
    }
    await exited;
    this.driver.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #wake(): void {
    for (const check of this.#waiting) check();
  }

  #spec({ mode, argv, cwd, conversation = null, resumed = false, timings }: DrivenOptions): StructuredSpec {
    return {
      session_id: 's',
      session_dir: this.directory,
      cwd: cwd ?? this.directory,
      argv: [...argv],
      agent: {
        mode,
        conversation_id: conversation,
        resumed,
        profile: {
          name: 'scripted',
          revision: 1,
          input: {},
          timings: {
            ready_ms: 5_000,
            echo_ms: 1_000,
            start_ms: 5_000,
            settle_ms: 100,
            interrupt_ms: 5_000,
            ...timings,
          },
        } as AgentProfile,
      },
    } as StructuredSpec;
  }

  #host(): AgentHost {
    const clock = systemClock;
    const tell = (line: Told) => {
      this.told.push(line);
      this.#wake();
    };
    return {
      clock,
      ids: createIds(clock),
      faults: noFaults,
      changed: () => this.#changed(),
      emit: (event) => {
        this.events.push(event);
        this.#wake();
      },
      phase: (message, phase) => tell({ message, phase }),
      closed: (message, phase, said) => tell({ message, phase, ...said }),
      write: (bytes) =>
        new Promise((resolve) => {
          const { stdin } = this.child;
          if (stdin === null || stdin.destroyed || !stdin.writable) resolve('closed');
          else stdin.write(bytes, (error) => resolve(error ? 'closed' : 'written'));
        }),
      hold: () => {},
      lastLines: () => '',
      warn: (message) => this.warnings.push(message),
    };
  }

  #changed(): void {
    // Told while it is made.
    const driver = this.driver as AgentDriver | undefined;
    if (driver === undefined) return;
    const { activity, attention } = driver.status;
    const said = `${activity} ${attention}`;
    if (this.statuses.at(-1) !== said) this.statuses.push(said);
    this.#wake();
  }
}
