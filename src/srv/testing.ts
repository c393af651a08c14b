/** For tests: real srv processes of the fault build on homes of their own, and a control connection by hand. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { isAlive, processIdentity } from '../process/index.ts';
import type { EventEnvelope, RuntimeStatus, SessionRecord, SessionsCommand } from '../protocol/control/index.ts';
import { type HomePaths, homePaths, type StartReport } from '../protocol/home/index.ts';
import { HoldfastError, type WireError } from '../protocol/index.ts';
import { encodeJson, type Frame, FrameDecoder, parseSessionEvent } from '../protocol/session/index.ts';
import { systemClock, withDeadline } from '../runtime/index.ts';

const LOADER = fileURLToPath(new URL('../../dist-faults/holdfast.cjs', import.meta.url));
const PATIENCE_MS = 15_000;

type Line = Record<string, unknown> & { event?: string; reply?: string };

/** A home with its srv; everything it started is gone after `clean`. */
export class TestHome {
  readonly path: string;
  readonly paths: HomePaths;
  readonly #srvs: ChildProcess[] = [];
  readonly #connections: TestConnection[] = [];

  constructor() {
    this.path = mkdtempSync(join(tmpdir(), 'hfs-'));
    this.paths = homePaths(this.path);
  }

  /** What starts its srv. */
  command(): string[] {
    return [process.execPath, LOADER, '--process=srv', '--home', this.path];
  }

  /** Starts one srv and resolves with its report. */
  async start(env: NodeJS.ProcessEnv = {}): Promise<{ report: StartReport; srv: ChildProcess }> {
    const srv = spawn(process.execPath, [LOADER, '--process=srv', '--home', this.path], {
      detached: true,
      cwd: '/',
      env: { ...process.env, HOLDFAST_RUNTIME: '1', ...env },
      stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    });
    this.#srvs.push(srv);
    return { report: await readReport(srv.stdio[3] as Readable), srv };
  }

  /** Starts one that is expected to serve. */
  async up(env: NodeJS.ProcessEnv = {}): Promise<TestConnection> {
    const { report } = await this.start(env);
    if (report.report !== 'ready') throw new Error(`srv is not ready: ${JSON.stringify(report)}`);
    return this.connect();
  }

  /** With the instance secret, or another token. */
  async connect(token?: string): Promise<TestConnection> {
    const connection = await TestConnection.open(this.paths, token);
    this.#connections.push(connection);
    return connection;
  }

  /** `kill -9` of the srv that serves now. */
  async kill(): Promise<void> {
    const connection = await this.connect();
    const { srv } = await connection.status();
    const identity = processIdentity(srv.pid ?? 0);
    if (identity === undefined) throw new Error('no srv to kill');
    process.kill(identity.pid, 'SIGKILL');
    await until(() => !isAlive(identity), 'srv to be gone');
  }

  /** `down`; resolves when the srv that serves now is gone. */
  async down(options: { sessions?: boolean } = {}): Promise<void> {
    const connection = await this.connect();
    const { srv } = await connection.status();
    const identity = processIdentity(srv.pid ?? 0);
    await connection.request({ cmd: 'shutdown', ...options });
    await until(() => identity === undefined || !isAlive(identity), 'srv to be gone');
  }

  /** `doctor --repair`. Throws with what it printed when it fails. */
  repair(): Record<string, unknown> {
    const { status, stdout } = spawnSync(process.execPath, [LOADER, '--process=srv', '--home', this.path, '--repair'], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(stdout);
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  async clean(): Promise<void> {
    for (const connection of this.#connections) connection.close();
    if (existsSync(this.paths.srvSocket)) await this.#endEverything();
    for (const srv of this.#srvs) srv.kill('SIGKILL');
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5 });
  }

  async #endEverything(): Promise<void> {
    try {
      const connection = await TestConnection.open(this.paths);
      for (const { id } of await connection.list())
        await connection.request({ cmd: 'remove_session', session: id, force: true }).catch(() => undefined);
      await connection.request({ cmd: 'shutdown' });
      connection.close();
    } catch {
      // The test ended srv itself; sessions it left are ended by the one that asked for them.
    }
  }
}

export class TestConnection {
  readonly lines: Line[] = [];
  readonly #socket: Socket;
  readonly #replies = new Map<string, (line: Line) => void>();
  #watchers: (() => void)[] = [];
  #lastId = 0;

  private constructor(socket: Socket) {
    this.#socket = socket.setMaxListeners(0);
  }

  static async open({ srvSocket, secret }: HomePaths, token?: string): Promise<TestConnection> {
    const socket = connect(srvSocket);
    const connection = new TestConnection(socket);
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        connection.#take(JSON.parse(text.slice(0, end)) as Line);
        text = text.slice(end + 1);
      }
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => connection.#take({ event: 'disconnected' }));
    socket.write(
      `${JSON.stringify({ cmd: 'register', kind: 'tool', pid: process.pid, version: '0', protocol: [1, 1], client_id: `t${Math.random()}`, token: token ?? readFileSync(secret, 'utf8').trim() })}\n`,
    );
    const refused = new Promise<never>((_, reject) =>
      socket.once('close', () => reject(new Error('srv closed the connection'))),
    );
    await Promise.race([connection.event('registered'), refused]);
    refused.catch(() => undefined); // The close that comes later is an event.
    return connection;
  }

  async request(
    command: SessionsCommand | { cmd: string; [field: string]: unknown },
    extra: Record<string, unknown> = {},
  ): Promise<Record<string, unknown>> {
    const id = String(++this.#lastId);
    const reply = new Promise<Line>((resolve, reject) => {
      this.#replies.set(id, resolve);
      this.#socket.once('close', () => reject(new Error(`disconnected before the reply to ${command.cmd}`)));
    });
    this.#socket.write(`${JSON.stringify({ ...command, ...extra, request_id: id })}\n`);
    const line = await withDeadline(systemClock, PATIENCE_MS, reply, () => new Error(`no reply to ${command.cmd}`));
    if (line['ok'] === true) return line;
    throw HoldfastError.fromWire(line['error'] as WireError);
  }

  async create(argv: string[], extra: Record<string, unknown> = {}): Promise<SessionRecord> {
    const reply = await this.request({
      cmd: 'create_session',
      argv,
      cwd: '/',
      env: [['PATH', process.env['PATH'] ?? '']],
      kind: 'pipe',
      ...extra,
    });
    return reply['session'] as SessionRecord;
  }

  async get(session: string): Promise<SessionRecord> {
    return (await this.request({ cmd: 'get_session', session }))['session'] as SessionRecord;
  }

  async list(): Promise<SessionRecord[]> {
    return (await this.request({ cmd: 'list_sessions' }))['sessions'] as SessionRecord[];
  }

  async status(): Promise<RuntimeStatus> {
    return (await this.request({ cmd: 'get_status' }))['status'] as RuntimeStatus;
  }

  /** The first event of that name, of that session if one is given, that came or comes. */
  event(name: string, sessionId?: string): Promise<EventEnvelope & Record<string, unknown>> {
    const find = () =>
      this.lines.find((line) => line.event === name && (sessionId === undefined || line['session_id'] === sessionId));
    const found = new Promise<Line>((resolve) => {
      const look = () => {
        const line = find();
        if (line === undefined) this.#watchers.push(look);
        else resolve(line);
      };
      look();
    });
    const seen = () => this.lines.map((line) => line.event ?? 'reply').join(' ');
    return withDeadline(systemClock, PATIENCE_MS, found, () => new Error(`no ${name} among: ${seen()}`)) as Promise<
      EventEnvelope & Record<string, unknown>
    >;
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(line: Line): void {
    this.lines.push(line);
    if (line.reply !== undefined) this.#replies.get(line.reply)?.(line);
    for (const look of this.#watchers.splice(0)) look();
  }
}

/** Everything the archive holds of a session's output, streams joined in their observed order. */
export async function readArchive({ archiveSocket, secret }: HomePaths, sessionId: string) {
  const token = readFileSync(secret, 'utf8').trim();
  const read = { bytes: '', gaps: [] as Frame[], exit: null as unknown, end: null as unknown };
  const socket = connect(archiveSocket);
  const done = new Promise<void>((resolve, reject) => {
    const decoder = new FrameDecoder((frame) => {
      if (frame.kind === 'data') read.bytes += frame.bytes.toString('latin1');
      if (frame.kind === 'gap') read.gaps.push(frame);
      if (frame.kind !== 'json') return;
      const event = parseSessionEvent(frame.json);
      if (event?.event === 'Hello')
        socket.write(encodeJson({ cmd: 'Attach', from: 0, mode: 'observe', credit: 1 << 30 }));
      if (event?.event === 'ChildExit') read.exit = event.exit;
      if (event?.event === 'End') read.end = event;
      if (event?.event === 'Ended') resolve();
      if (event?.event === 'Error') reject(new HoldfastError(event.code, event.reason));
    });
    socket.on('data', (chunk) => decoder.push(chunk));
    socket.on('close', () => reject(new Error('the archive closed the connection')));
  });
  socket.write(
    encodeJson({ cmd: 'Hello', protocol: [1, 1], client_id: 't', token, role: 'client', session_id: sessionId }),
  );
  try {
    await withDeadline(systemClock, PATIENCE_MS, done, () => new Error('the archive did not come to an end'));
  } finally {
    socket.destroy();
  }
  return read;
}

/** Waits for a condition nobody announces, such as the end of a process that is not ours. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const end = systemClock.monotonic() + PATIENCE_MS;
  while (!holds()) {
    if (systemClock.monotonic() > end) throw new Error(`waited ${PATIENCE_MS} ms for ${what}`);
    await new Promise<void>((resolve) => systemClock.after(5, resolve));
  }
}

/** As `until`, for a condition that must be asked for. */
export async function untilAsync(holds: () => Promise<boolean>, what: string): Promise<void> {
  let held = false;
  let failure: unknown;
  let busy = false;
  await until(() => {
    if (!busy && !held) {
      busy = true;
      holds().then(
        (value) => {
          held = value;
          busy = false;
        },
        (error: unknown) => {
          failure = error;
          held = true;
        },
      );
    }
    return held;
  }, what);
  if (failure !== undefined) throw failure;
}

async function readReport(pipe: Readable): Promise<StartReport> {
  const line = new Promise<string>((resolve, reject) => {
    let text = '';
    pipe.setEncoding('utf8');
    pipe.on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('\n')) resolve(text);
    });
    pipe.on('close', () => reject(new Error('srv ended without a report')));
  });
  return JSON.parse(
    await withDeadline(systemClock, PATIENCE_MS, line, () => new Error('srv sent no report')),
  ) as StartReport;
}
