/** For tests: a built shim on an inherited pipe, without srv, and clients that speak frames. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createIds, systemClock, withDeadline } from '../runtime/index.ts';
import type { LaunchReport, LaunchSpec } from '../protocol/launch/index.ts';
import {
  encodeInputHeader,
  encodeJson,
  type Frame,
  FrameDecoder,
  parseSessionEvent,
  type SessionCommand,
  type SessionEvent,
  type SessionEventName,
  type StreamId,
} from '../protocol/session/index.ts';

const BUNDLE = fileURLToPath(new URL('../../dist-faults/holdfast.cjs', import.meta.url));
export const TOKEN = '0123456789abcdef0123456789abcdef';
const WAIT_MS = 15_000;
const ids = createIds(systemClock);

export type EventOf<Name extends SessionEventName> = Extract<SessionEvent, { event: Name }>;

export async function eventually<T>(what: string, work: Promise<T>): Promise<T> {
  return withDeadline(systemClock, WAIT_MS, work, () => new Error(`no ${what} within ${WAIT_MS} ms`));
}

export function specFor(directory: string, argv: string[], extra: Partial<LaunchSpec> = {}): LaunchSpec {
  return {
    launch: 1,
    // Unique: a session's processes are found by it, whoever started them.
    session_id: ids.ulid(),
    session_dir: directory,
    socket_path: join(directory, 's.sock'),
    token: TOKEN,
    kind: 'pipe',
    argv,
    cwd: directory,
    env: [
      ['PATH', process.env['PATH'] ?? '/usr/bin:/bin'],
      ['TERM', 'xterm-256color'],
    ],
    merge_stderr: false,
    rows: 24,
    cols: 80,
    umask: null,
    limits: {
      memory_bytes: 1 << 20,
      spill_bytes: 64 << 20,
      segment_bytes: 4 << 20,
      stall_ms: 30_000,
      lease_ms: 30_000,
      linger_ms: null,
      allow_lossless: true,
    },
    originator: 'test',
    command: argv.join(' '),
    created_at_ms: 1,
    ...extra,
  };
}

/** Everything of one test: ended, by pid, and removed afterwards. */
export class ShimBench {
  readonly directory = mkdtempSync(join(tmpdir(), 'hf-'));
  readonly #shims: ShimUnderTest[] = [];
  readonly #clients: ShimClient[] = [];
  #count = 0;

  spare(nodeFlags: string[] = []): ShimUnderTest {
    const child = spawn(process.execPath, [...nodeFlags, BUNDLE, '--process=shim'], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      detached: true,
      env: { PATH: process.env['PATH'] },
    });
    const shim = new ShimUnderTest(child);
    this.#shims.push(shim);
    return shim;
  }

  sessionDirectory(): string {
    const directory = join(this.directory, `${++this.#count}`);
    mkdirSync(directory, { mode: 0o700 });
    return directory;
  }

  /** A running session; `extra` changes its spec. */
  async start(argv: string[], extra: Partial<LaunchSpec> = {}): Promise<{ shim: ShimUnderTest; spec: LaunchSpec }> {
    const spec = specFor(this.sessionDirectory(), argv, extra);
    const shim = this.spare();
    const report = await shim.launch(spec);
    if (report.report !== 'started') throw new Error(`not started: ${JSON.stringify(report)}\n${shim.output}`);
    return { shim, spec };
  }

  async client(spec: LaunchSpec, clientId = 'client', role: 'client' | 'broker' = 'client'): Promise<ShimClient> {
    const client = await this.connect(spec);
    client.send({ cmd: 'Hello', protocol: [1, 1], client_id: clientId, token: TOKEN, role });
    await client.next('Hello');
    return client;
  }

  /** A connection that has not said Hello. */
  async connect(spec: LaunchSpec): Promise<ShimClient> {
    const socket = connect(spec.socket_path);
    const client = new ShimClient(socket);
    this.#clients.push(client);
    await eventually(
      'connection',
      new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject)),
    );
    return client;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.socket.destroy();
    for (const shim of this.#shims) shim.kill();
    await Promise.all(this.#shims.map((shim) => shim.gone));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export class ShimUnderTest {
  readonly process: ChildProcess;
  readonly gone: Promise<number | null>;
  /** What it wrote to its log. */
  output = '';
  report: LaunchReport | null = null;
  readonly #pipe: Duplex;

  constructor(child: ChildProcess) {
    this.process = child;
    this.#pipe = child.stdio[3] as Duplex;
    this.gone = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.output += String(chunk)));
    this.#pipe.on('error', () => {});
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  launch(spec: LaunchSpec): Promise<LaunchReport> {
    const report = new Promise<LaunchReport>((resolve, reject) => {
      let text = '';
      this.#pipe.on('data', (chunk: Buffer) => {
        text += String(chunk);
        if (!text.includes('\n')) return;
        this.report = JSON.parse(text) as LaunchReport;
        resolve(this.report);
      });
      this.#pipe.once('close', () => reject(new Error(`no report; ${this.output}`)));
    });
    this.#pipe.write(`${JSON.stringify(spec)}\n`);
    return eventually('report', report);
  }

  /** srv dies: its end of the pipe closes. */
  abandon(): void {
    this.#pipe.destroy();
  }

  /** SIGKILL to the shim and what it started. */
  kill(): void {
    if (this.report?.report === 'started') signal(-this.report.pid);
    signal(this.pid);
  }
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

type Received = SessionEvent | Extract<Frame, { kind: 'data' | 'gap' }>;

export class ShimClient {
  readonly socket: Socket;
  readonly events: SessionEvent[] = [];
  readonly gaps: { stream: StreamId; from: number; to: number }[] = [];
  readonly closed: Promise<void>;
  isClosed = false;
  /** Everything in the order it came. */
  readonly received: Received[] = [];
  readonly #bytes = new Map<StreamId, Buffer[]>();
  readonly #watchers = new Set<() => void>();
  #ids = 0;
  #taken = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    const decoder = new FrameDecoder((frame) => this.#frame(frame));
    socket.on('data', (chunk: Buffer) => {
      decoder.push(chunk);
      this.#changed();
    });
    socket.on('error', () => {});
    this.closed = new Promise((resolve) =>
      socket.once('close', () => {
        this.isClosed = true;
        this.#changed();
        resolve();
      }),
    );
  }

  send(command: SessionCommand): void {
    this.socket.write(encodeJson(command));
  }

  raw(bytes: Buffer | string): void {
    this.socket.write(bytes);
  }

  input(epoch: number, seq: number, text: string): void {
    const bytes = Buffer.from(text);
    this.socket.write(Buffer.concat([encodeInputHeader(epoch, seq, bytes.length), bytes]));
  }

  /** The one event that echoes the command's id; an Error is an answer too. */
  async ask(command: SessionCommand): Promise<SessionEvent> {
    const id = ++this.#ids;
    this.send({ ...command, id });
    return this.until(`an answer to ${command.cmd}`, () => this.events.find((event) => event.id === id));
  }

  async askFor<Name extends SessionEventName>(command: SessionCommand, name: Name): Promise<EventOf<Name>> {
    const answer = await this.ask(command);
    if (answer.event !== name) throw new Error(`${command.cmd}: ${JSON.stringify(answer)}`);
    return answer as EventOf<Name>;
  }

  /** The next event of this name that no `next` returned yet. */
  async next<Name extends SessionEventName>(name: Name): Promise<EventOf<Name>> {
    const found = await this.until(`event ${name}`, () => {
      const at = this.events.findIndex((event, index) => index >= this.#taken && event.event === name);
      if (at === -1) return undefined;
      this.#taken = at + 1;
      return this.events[at];
    });
    return found as EventOf<Name>;
  }

  has(name: SessionEventName): boolean {
    return this.events.some(({ event }) => event === name);
  }

  bytes(stream: StreamId = 1): Buffer {
    return Buffer.concat(this.#bytes.get(stream) ?? []);
  }

  text(stream: StreamId = 1): string {
    return this.bytes(stream).toString('latin1');
  }

  untilText(text: string, stream: StreamId = 1): Promise<string> {
    return this.until(`output ${JSON.stringify(text)}; got ${JSON.stringify(this.text(stream).slice(-200))}`, () =>
      this.text(stream).includes(text) ? this.text(stream) : undefined,
    );
  }

  async until<T>(what: string, look: () => T | undefined): Promise<T> {
    return eventually(
      what,
      new Promise((resolve, reject) => {
        const check = (): void => {
          const found = look();
          if (found === undefined && !this.isClosed) return;
          this.#watchers.delete(check);
          if (found === undefined)
            reject(new Error(`closed while waiting for ${what}: ${JSON.stringify(this.events.at(-1))}`));
          else resolve(found);
        };
        this.#watchers.add(check);
        check();
      }),
    );
  }

  #frame(frame: Frame): void {
    if (frame.kind === 'data') {
      const list = this.#bytes.get(frame.stream) ?? [];
      list.push(frame.bytes);
      this.#bytes.set(frame.stream, list);
      this.received.push(frame);
    } else if (frame.kind === 'gap') {
      this.gaps.push({ stream: frame.stream, from: frame.from, to: frame.to });
      this.received.push(frame);
    } else if (frame.kind === 'json') {
      const event = parseSessionEvent(frame.json);
      if (event === null) return;
      this.events.push(event);
      this.received.push(event);
    }
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher();
  }
}
