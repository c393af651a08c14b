/** A real Holdfast of the fault build on a home of its own, driven through the SDK and the command line. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, type Holdfast, type Session, type SessionSpec } from '../../src/client/index.ts';
import { isAlive, processIdentity } from '../../src/process/index.ts';
import { signalIdentity } from '../../src/process/identity.ts';
import { systemClock, withDeadline } from '../../src/runtime/index.ts';

export const FAULTS_LOADER = fileURLToPath(new URL('../../dist-faults/holdfast.cjs', import.meta.url));
/** Longest a test waits for something that should happen at once. */
export const PATIENCE_MS = 20_000;
const FAULT_PLAN = 'HOLDFAST_FAULT_PLAN';

export interface CommandResult {
  status: number | null;
  stdout: Buffer;
  stderr: string;
}

export interface StartOptions {
  home?: string;
  faults?: string;
  env?: Record<string, string>;
}

/** Everything it started is gone after `close`; use with `await using`. */
export class TestRuntime implements AsyncDisposable {
  readonly home: string;
  readonly holdfast: Holdfast;
  readonly env: Record<string, string>;
  /** Read by the clients whenever they start srv. */
  readonly #sdkEnv: NodeJS.ProcessEnv;
  readonly #clients: Holdfast[] = [];

  private constructor(home: string, holdfast: Holdfast, sdkEnv: NodeJS.ProcessEnv) {
    this.home = home;
    this.holdfast = holdfast;
    this.#sdkEnv = sdkEnv;
    this.#clients.push(holdfast);
    this.env = testEnvironment(home);
  }

  /**
   * `home`: one that exists; default: a new one. `faults`: the plan of srv and of the shims it starts
   * (runtime/faults.ts); clients that restart srv pass none. `env`: added to theirs.
   */
  static async start(options: StartOptions = {}): Promise<TestRuntime> {
    const home = options.home ?? mkdtempSync(join(tmpdir(), 'hft-'));
    const env: NodeJS.ProcessEnv = { ...testEnvironment(home), ...options.env };
    if (options.faults !== undefined) env[FAULT_PLAN] = options.faults;
    const holdfast = await connect({ home, loader: FAULTS_LOADER, env });
    delete env[FAULT_PLAN];
    return new TestRuntime(home, holdfast, env);
  }

  /** The plan of every srv which this runtime's SDK clients start from now on; undefined: none. */
  planFaults(plan: string | undefined): void {
    if (plan === undefined) delete this.#sdkEnv[FAULT_PLAN];
    else this.#sdkEnv[FAULT_PLAN] = plan;
  }

  /** Another client with a connection of its own. */
  async client(): Promise<Holdfast> {
    const client = await connect({ home: this.home, loader: FAULTS_LOADER, env: this.#sdkEnv });
    this.#clients.push(client);
    return client;
  }

  /** Starts a session whose child runs. */
  async run(argv: string[], spec: Partial<SessionSpec> = {}): Promise<Session> {
    const { session } = await this.holdfast.run({ argv, cwd: this.home, env: Object.entries(this.env), ...spec });
    return session;
  }

  /** The command line to its end, with this home. */
  command(args: string[], input?: string | Buffer): CommandResult {
    const { status, stdout, stderr } = spawnSync(process.execPath, [FAULTS_LOADER, ...args], {
      env: this.env,
      cwd: this.home,
      timeout: PATIENCE_MS,
      maxBuffer: 1 << 30,
      ...(input === undefined ? {} : { input }),
    });
    return { status, stdout, stderr: stderr.toString() };
  }

  /** The command line in the background. */
  spawn(args: string[]): ChildProcess {
    return spawn(process.execPath, [FAULTS_LOADER, ...args], {
      env: this.env,
      cwd: this.home,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  async srvPid(): Promise<number> {
    const { srv } = await this.holdfast.status();
    if (srv.pid === null) throw new Error('srv does not run');
    return srv.pid;
  }

  /** `kill -9` of the srv that serves now; resolves when it is gone, not when another one serves. */
  async killSrv(): Promise<void> {
    await killHard(await this.srvPid());
  }

  async close(): Promise<void> {
    // A srv that is started only to be stopped must live that long.
    this.planFaults(undefined);
    const shims = (await this.holdfast.list()).map((record) => record.shim_pid);
    await this.holdfast.down({ sessions: true });
    for (const client of this.#clients) client.close();
    for (const pid of shims) if (pid !== null) await killHard(pid);
    rmSync(this.home, { recursive: true, force: true, maxRetries: 5 });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** What a session of a test sees: nothing of the caller's. */
export function testEnvironment(home: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: home,
    HOLDFAST_HOME: home,
    SHELL: '/bin/sh',
    TERM: 'xterm-256color',
    LANG: 'C.UTF-8',
  };
}

/** SIGKILL; resolves when the process is gone (a zombie counts as gone). */
export async function killHard(pid: number): Promise<void> {
  const identity = processIdentity(pid);
  if (identity === undefined) return;
  signalIdentity(identity, 'SIGKILL');
  await until(() => !isAlive(identity), `process ${pid} to be gone`);
}

/** Looks again and again until `holds`; for what sends no event. Rejects after `PATIENCE_MS`. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: string,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const deadline = systemClock.monotonic() + patienceMs;
  while (!(await holds())) {
    if (systemClock.monotonic() > deadline) throw new Error(`waited ${patienceMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** `work`, or a rejection that says what was waited for. */
export function soon<T>(work: Promise<T>, what: string, patienceMs = PATIENCE_MS): Promise<T> {
  return withDeadline(systemClock, patienceMs, work, () => new Error(`waited ${patienceMs} ms for ${what}`));
}
