import { createConnection } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createConnectionsDomain,
  type ConnectionsEvent,
  type ConnectionsInput,
  type ConnectionsState,
} from '../domains/connections/index.ts';
import { MemoryLog, openKernel, type Domain, type Kernel } from '../kernel/index.ts';
import { HoldfastError, limits } from '../protocol/index.ts';
import type {
  EventEnvelope,
  PrivateEvent,
  SessionsCommand,
  SnapshotFacts,
  WorkspacesCommand,
} from '../protocol/control/index.ts';
import { parseSrvCommand } from '../protocol/control/schemas.ts';
import { createIds, systemClock, withDeadline } from '../runtime/index.ts';
import { connectUnix, listenUnix, type Listener } from '../transport/index.ts';
import { ControlClient, type ControlCommand, ControlServer, type ControlLimits, type ControlService } from './index.ts';

const TOKEN = 'a'.repeat(32);
const DEADLINE_MS = 5_000;
const directory = mkdtempSync(join(tmpdir(), 'hf-c-'));
let count = 0;
afterAll(() => rmSync(directory, { recursive: true, force: true }));

type Command = SessionsCommand | WorkspacesCommand;
type ToyInput = Command | ConnectionsInput;
type ToyEvent = { event: 'session_desired'; session_id: string; desired: string } | ConnectionsEvent;
type ToyState = { changes: number; connections: ConnectionsState };

const connections = createConnectionsDomain();

const domain: Domain<ToyState, ToyInput, ToyEvent> = {
  name: 'toy',
  initial: () => ({ changes: 0, connections: connections.initial() }),
  decide(state, command) {
    if (connections.decides(command)) return connections.decide(state.connections, command);
    if (command.cmd !== 'set_desired') throw new HoldfastError('not_found', 'no such session', { field: 'session' });
    return {
      events: [{ event: 'session_desired', session_id: command.session, desired: command.desired }],
      result: { session: command.session },
    };
  },
  evolve: ({ changes, connections: known }, event) =>
    connections.concerns(event)
      ? { changes, connections: connections.evolve(known, event) }
      : { changes: changes + 1, connections: known },
  serialise: (state) => ({ ...state, connections: connections.serialise(state.connections) }),
  restore: (json) => {
    const { changes, connections: known } = json as { changes: number; connections: unknown };
    return { changes, connections: connections.restore(known) };
  },
};

const EMPTY_SNAPSHOT: SnapshotFacts = {
  lifecycle: 'running',
  workspaces: [],
  tabs: [],
  active_tabs: [],
  blocks: [],
  state: {
    tab_order: [],
    block_order: [],
    layouts: [],
    focus: [],
    windows: [],
    meta: { workspaces: [], tabs: [], blocks: [], windows: [] },
    bindings: [],
    connections: [],
    sessions: [],
    agents: [],
    messages: [],
    sagas: [],
  },
};

/** Toy: `get_session` waits for `release`, `list_sessions` answers with as much as its originator says. */
class ToyService implements ControlService<Command> {
  readonly identity = { pid: 42, version: '1.2.3', capabilities: ['sessions'], limits: { line: 1 } };
  parse(fields: Record<string, unknown>): ControlCommand<Command> {
    return parseSrvCommand(fields) as ControlCommand<Command>;
  }
  readonly hooks: string[] = [];
  underWay = 0;
  release: () => void = () => {};
  readonly #held = new Promise<void>((resolve) => {
    this.release = resolve;
  });
  readonly kernel: Kernel<ToyState, ToyInput, ToyEvent>;

  constructor(kernel: Kernel<ToyState, ToyInput, ToyEvent>) {
    this.kernel = kernel;
  }

  current = () => ({ version: this.kernel.version, epoch: this.kernel.epoch });
  snapshot = () => ({ ...this.current(), ...EMPTY_SNAPSHOT });
  subscribe: ControlService<Command>['subscribe'] = (options) => this.kernel.subscribe(options);
  readEvents: ControlService<Command>['readEvents'] = (...query) => this.kernel.readEvents(...query);
  status = () => ({
    home: '/h',
    launcher: { pid: null, state: 'absent' as const },
    srv: { pid: 42, state: 'running' as const, version: '1.2.3', epoch: this.kernel.epoch },
    host: { pid: null, state: 'absent' as const },
    sessions: { live: 0, exited: 0 },
  });
  shutdown = (sessions: boolean) => {
    this.hooks.push(`shutdown ${sessions}`);
    return Promise.resolve();
  };
  /** Commits connections of the seed only, so that the others do not move the version. */
  connected: ControlService<Command>['connected'] = async ({ client_id, pid, kind, version, protocol }) => {
    this.hooks.push(`+${client_id}`);
    if (protocol !== null) return { version: this.kernel.version };
    const actor = { client_id, pid, kind };
    return this.kernel.execute(
      { cmd: 'connection_opened', client_id, pid, kind, version, exclusive_pid: true },
      { actor },
    );
  };
  disconnected: ControlService<Command>['disconnected'] = (peer, reason) => {
    const { client_id, pid, kind, protocol } = peer;
    this.hooks.push(`-${client_id} ${reason}`);
    this.wake();
    if (protocol !== null) return;
    void this.kernel.execute({ cmd: 'connection_lost', client_id, pid, reason }, { actor: { client_id, pid, kind } });
  };
  wake: () => void = () => {};

  async execute(...[command, options]: Parameters<ControlService<Command>['execute']>) {
    if (command.cmd === 'get_session') {
      this.underWay++;
      await this.#held;
      this.underWay--;
      return { version: this.kernel.version, result: {} };
    }
    if (command.cmd === 'list_sessions') {
      return { version: this.kernel.version, result: { filler: 'x'.repeat(Number(command.originator)) } };
    }
    return this.kernel.execute(command, options);
  }
}

type Message = Record<string, unknown> & { event?: string; reply?: string };

/** A bare client: sends text, reads lines. */
class Raw {
  readonly got: Message[] = [];
  readonly socket: Duplex;
  ended = false;
  #rest = '';
  #wake: () => void = () => {};

  constructor(path: string) {
    this.socket = createConnection(path);
    this.socket.on('data', (chunk: Buffer) => {
      const lines = (this.#rest + chunk.toString()).split('\n');
      this.#rest = lines.pop()!;
      for (const line of lines) this.got.push(JSON.parse(line) as Message);
      this.#wake();
    });
    this.socket.on('error', () => {
      // A refused client may be cut off while it still writes; `close` follows.
    });
    this.socket.on('close', () => {
      this.ended = true;
      this.#wake();
    });
  }

  send(...messages: (object | string)[]): this {
    for (const message of messages)
      this.socket.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`);
    return this;
  }

  async until(enough: () => boolean): Promise<Message[]> {
    while (!enough()) {
      const changed = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await withDeadline(
        systemClock,
        DEADLINE_MS,
        changed,
        () => new Error(`got only ${JSON.stringify(this.got.slice(-5))}`),
      );
    }
    return this.got;
  }

  count(messages: number): Promise<Message[]> {
    return this.until(() => this.got.length >= messages);
  }

  async reply(id: string): Promise<Message> {
    await this.until(() => this.got.some((message) => message.reply === id));
    return this.got.find((message) => message.reply === id)!;
  }
}

let service: ToyService;
let server: ControlServer<Command>;
let listener: Listener;
let path: string;
const raws: Raw[] = [];
/** A token that is a session's begins with its id. */
const sessionOf = (token: string): string | null => (token.startsWith('session-') ? token.split('.')[0]! : null);
const clients: ControlClient[] = [];

async function start(limitsOver: Partial<ControlLimits> = {}): Promise<void> {
  path = join(directory, `${count++}.sock`);
  const ids = createIds(systemClock);
  const kernel = await openKernel({ domain, log: new MemoryLog(), clock: systemClock, ids, warn() {} });
  service = new ToyService(kernel);
  server = new ControlServer<Command>({ clock: systemClock, service, token: TOKEN, sessionOf, limits: limitsOver });
  listener = await listenUnix(path, (stream) => server.accept(stream), { clock: systemClock });
}

async function stop(): Promise<void> {
  for (const connection of raws.splice(0)) connection.socket.destroy();
  for (const client of clients.splice(0)) client.destroy();
  service.release();
  await listener.close();
  await server.close();
  await service.kernel.close();
}

beforeEach(() => start());
afterEach(() => stop());

async function restart(limitsOver: Partial<ControlLimits>): Promise<void> {
  await stop();
  await start(limitsOver);
}

function raw(): Raw {
  const connection = new Raw(path);
  raws.push(connection);
  return connection;
}

const registration = (over: object = {}) => ({
  cmd: 'register',
  kind: 'tool',
  pid: process.pid,
  version: '0',
  protocol: [1, 1],
  client_id: 'one',
  token: TOKEN,
  ...over,
});

async function registered(over: object = {}): Promise<Raw> {
  const connection = raw().send(registration(over));
  await connection.count(1);
  connection.got.shift();
  return connection;
}

async function open(
  handlers: { event?(event: EventEnvelope | PrivateEvent): void; closed?(reason: string | undefined): void } = {},
  clientId = 'sdk',
) {
  const client = await ControlClient.open(
    () => connectUnix(path, { clock: systemClock }),
    { clock: systemClock, kind: 'tool', pid: process.pid, version: '0', client_id: clientId, token: TOKEN },
    handlers,
  );
  clients.push(client);
  return client;
}

const change = (session: string, request_id?: string) => ({
  cmd: 'set_desired',
  session,
  desired: 'stopped',
  ...(request_id ? { request_id } : {}),
});

describe('a program of a session', () => {
  it('[M9] may speak for its session and look around, nothing else', async () => {
    const inside = await registered({ client_id: 'inside', token: 'session-1.x' });
    inside.send({ cmd: 'list_sessions', originator: '1', request_id: 'a' });
    expect(await inside.reply('a')).toMatchObject({ ok: true });
    for (const cmd of ['subscribe', 'get_status', 'shutdown', 'purge_exited', 'get_events', 'list_profiles']) {
      inside.send({ cmd, request_id: cmd });
      expect(await inside.reply(cmd)).toMatchObject({ ok: false, error: { code: 'forbidden', field: 'cmd' } });
    }
    expect(service.hooks).not.toContain('shutdown false');
  });

  it("[M9] supersedes its own connection, no one else's", async () => {
    const owner = await registered({ client_id: 'owner' });
    const forged = raw().send(registration({ client_id: 'owner', token: 'session-1.x', request_id: 'f' }));
    expect(await forged.reply('f')).toMatchObject({ ok: false, error: { code: 'forbidden', field: 'client_id' } });
    owner.send({ cmd: 'get_status', request_id: 'still' });
    expect(await owner.reply('still')).toMatchObject({ ok: true });
    const first = await registered({ client_id: 'inside', token: 'session-1.x' });
    await registered({ client_id: 'inside', token: 'session-1.x' });
    await first.until(() => first.ended);
    expect(first.got).toContainEqual({ event: 'closed', reason: 'superseded' });
  });
});

describe('registration', () => {
  it('answers with who serves, the version, the epoch and the limits', async () => {
    const [answer] = await raw()
      .send(registration({ request_id: 'r' }))
      .count(2);
    expect(answer).toEqual({
      event: 'registered',
      client_id: 'one',
      launcher_pid: 42,
      launcher_version: '1.2.3',
      version: 0,
      protocol: 1,
      epoch: service.kernel.epoch,
      capabilities: ['sessions'],
      limits: { line: 1 },
    });
  });

  it('[C1] refuses what comes before it in the seed’s form, softly', async () => {
    const connection = raw().send({ cmd: 'ping' }, { cmd: 'no_such' }, { cmd: 'get_status', request_id: 'q' });
    const got = await connection.count(3);
    const refusal = { event: 'error', code: 'not_registered', message: expect.any(String), fatal: false, version: 0 };
    expect(got.slice(0, 2)).toEqual([refusal, { ...refusal, code: 'invalid_command' }]);
    expect(got[2]).toMatchObject({ reply: 'q', ok: false, error: { code: 'not_registered' } });
    connection.send(registration());
    await connection.count(4);
    expect(got[3]!.event).toBe('registered');
  });

  it('closes on goodbye before it', async () => {
    const connection = raw().send({ cmd: 'goodbye' });
    await connection.until(() => connection.ended);
    expect(connection.got).toEqual([
      { event: 'error', code: 'not_registered', message: expect.any(String), fatal: true, version: 0 },
    ]);
  });

  it('[C1] closes when it does not come', async () => {
    await restart({ registerMs: 50 });
    const connection = raw();
    await connection.until(() => connection.ended);
    expect(connection.got.map(({ event, reason }) => [event, reason])).toEqual([
      ['error', undefined],
      ['closed', 'register_timeout'],
    ]);
  });

  it('[C5] refuses a wrong or missing token and closes', async () => {
    for (const token of ['b'.repeat(32), '', null]) {
      const connection = raw().send(registration({ token, request_id: 'r' }));
      await connection.until(() => connection.ended);
      expect(connection.got).toMatchObject([
        { reply: 'r', ok: false, error: { code: 'bad_token', field: 'token' } },
        { event: 'closed', reason: 'bad_token' },
      ]);
    }
    expect(service.hooks).toEqual([]);
  });

  it('refuses a protocol it does not speak and closes', async () => {
    const connection = raw().send(registration({ protocol: [7, 9], request_id: 'r' }));
    await connection.until(() => connection.ended);
    expect(connection.got).toMatchObject([{ reply: 'r', ok: false, error: { code: 'unsupported_protocol' } }]);
  });

  it('happens once', async () => {
    const connection = await registered();
    connection.send(registration({ request_id: 'again' }));
    expect(await connection.reply('again')).toMatchObject({ ok: false, error: { code: 'already_registered' } });
  });

  it('[C4] supersedes the older connection of the same client', async () => {
    const first = await registered();
    const second = await registered();
    await first.until(() => first.ended);
    expect(first.got).toEqual([{ event: 'closed', reason: 'superseded' }]);
    second.send({ cmd: 'get_status', request_id: 's' });
    expect(await second.reply('s')).toMatchObject({ ok: true, status: { srv: { pid: 42 } } });
    expect(service.hooks).toEqual(['+one', '-one superseded', '+one']);
  });
});

describe('seed mode', () => {
  const seed = (pid: number) => ({ cmd: 'register', kind: 'host', pid, version: '9' });
  const invalid = { event: 'error', code: 'invalid_command', message: expect.any(String), fatal: false, version: 0 };
  const spawned = (pid: number, version: number) => ({
    event: 'process_spawned',
    pid,
    kind: 'host',
    client_version: '9',
    version,
  });
  const identity = { launcher_pid: 42, launcher_version: '1.2.3' };

  it('[C8] [C10] speaks the seed’s vocabulary and nothing else, in the seed’s order', async () => {
    const connection = raw().send(
      seed(7),
      { cmd: 'ping', nonce: 5, request_id: 'x' },
      { cmd: 'list_sessions' },
      { cmd: 'report_window_closed', label: 'l' },
      { cmd: 'get_events', since: 1 },
      { cmd: 'get_srv_snapshot' },
      'nonsense',
      seed(7),
      { cmd: 'ping', nonce: 6 },
    );
    const got = await connection.count(11);
    const { state: _ours, ...snapshot } = EMPTY_SNAPSHOT;
    const running = { event: 'lifecycle_phase_changed', from: 'starting', to: 'running', version: 2 };
    expect(got).toEqual([
      spawned(7, 1),
      running,
      { event: 'registered', client_id: 1, ...identity, version: 2 },
      { event: 'pong', nonce: 5, version: 2 },
      invalid,
      invalid,
      { event: 'event_list', events: [running], version: 2 },
      { event: 'srv_snapshot', ...snapshot, version: 2 },
      invalid,
      { ...invalid, code: 'already_registered' },
      { event: 'pong', nonce: 6, version: 2 },
    ]);
  });

  it('[C12] binds "a live pid is already_registered" to seed connections', async () => {
    await raw().send(seed(7)).count(3);
    const second = raw().send(seed(7));
    expect(await second.count(1)).toEqual([{ ...invalid, code: 'already_registered' }]);
    const ours = await registered({ pid: 7, kind: 'host' });
    ours.send({ cmd: 'ping', request_id: 'p' });
    expect(await ours.reply('p')).toMatchObject({ ok: true });
    raws[0]!.socket.destroy();
    await waitFor(() => service.hooks.includes('-1 eof'));
    second.send(seed(7));
    const got = await second.count(3);
    expect(got.slice(1)).toMatchObject([{ event: 'process_spawned' }, { event: 'registered', client_id: 3 }]);
  });

  it('[C10] tells what a connection causes in order, its own arrival first, and nothing of ours', async () => {
    const ours = await registered({ client_id: '1' });
    await ours.send(change('s', 'c')).reply('c');
    const first = raw().send(seed(7), { cmd: 'get_events', since: 0 });
    await first.count(4);
    await ours.send(change('t', 'd')).reply('d');
    const second = raw().send(seed(8));
    await second.count(2);
    second.send({ cmd: 'goodbye' }, { cmd: 'ping', nonce: 1 });
    await second.until(() => second.ended);
    first.send({ cmd: 'ping', nonce: 2 });
    await first.until(() => first.got.some(({ event }) => event === 'pong'));
    expect(first.got.slice(2)).toEqual([
      { event: 'registered', client_id: 2, ...identity, version: 3 },
      { event: 'event_list', events: first.got.slice(0, 2), version: 3 },
      spawned(8, 5),
      { event: 'process_exited', pid: 8, code: 0, version: 6 },
      { event: 'pong', nonce: 2, version: 6 },
    ]);
    expect(second.got).toEqual([spawned(8, 5), { event: 'registered', client_id: 3, ...identity, version: 5 }]);
    await waitFor(() => service.hooks.includes('-3 goodbye'));
  });

  it('[C11] ends the registration of a connection that left while it was being committed', async () => {
    const { connected } = service;
    let begun: () => void = () => {};
    const leaving = new Promise<void>((resolve) => (begun = resolve));
    service.connected = async (peer) => {
      begun();
      await untilEmpty();
      return connected(peer);
    };
    const connection = raw().send(seed(7));
    await leaving;
    connection.socket.destroy();
    await waitFor(() => service.hooks.includes('-1 eof'));
    service.connected = connected;
    await raw().send(seed(7)).count(2);
    expect(service.hooks).toEqual(['+1', '-1 eof', '+2']);
  });

  it('[C15] is closed with a reason when events it was to be told are not kept any more', async () => {
    service.subscribe = () => ({
      next: () => Promise.resolve([{ type: 'gap', from: 4, to: 9, reason: 'retention' }]),
      close() {},
    });
    const connection = raw().send(seed(7));
    await connection.until(() => connection.ended);
    expect(connection.got).toEqual([{ ...invalid, message: expect.stringContaining('4 to 9'), fatal: true }]);
  });

  it('[C7] [C15] says in the seed’s words why it closes a flooding client', async () => {
    await restart({ lines: { burst: 20, perSecond: 0.001 } });
    const connection = raw().send(seed(7));
    await connection.count(3);
    connection.send(...Array.from({ length: 50 }, () => ({ cmd: 'ping', nonce: 1 })));
    await connection.until(() => connection.ended);
    expect(connection.got.at(-1)).toEqual({ ...invalid, fatal: true });
  });
});

/** The server has seen every connection end. */
async function untilEmpty(): Promise<void> {
  const end = systemClock.monotonic() + DEADLINE_MS;
  while (server.size > 0) {
    if (systemClock.monotonic() > end) throw new Error(`${server.size} connections are left`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function waitFor(condition: () => boolean): Promise<void> {
  const changed = new Promise<void>((resolve) => {
    service.wake = () => condition() && resolve();
    service.wake();
  });
  return withDeadline(systemClock, DEADLINE_MS, changed, () => new Error(`hooks: ${service.hooks.join(', ')}`));
}

describe('requests', () => {
  it('[C2] answers each exactly once, with the version after its commit', async () => {
    const connection = await registered();
    for (let n = 1; n <= 100; n++) connection.send(change(`s${n}`, `r${n}`));
    await connection.count(100);
    const seen = connection.got.map(({ reply }) => reply);
    expect(new Set(seen).size).toBe(100);
    expect(connection.got.every(({ ok }) => ok === true)).toBe(true);
    expect(Math.max(...connection.got.map(({ version }) => version as number))).toBe(100);
  });

  it('gives the service’s refusal as the reply', async () => {
    const connection = await registered();
    connection.send({ cmd: 'purge_exited', request_id: 'r' });
    expect(await connection.reply('r')).toEqual({
      reply: 'r',
      ok: false,
      error: { code: 'not_found', message: 'no such session', field: 'session', retryable: false, details: {} },
    });
  });

  it('[C2] refuses a request id used before by a private error, not a second reply', async () => {
    const connection = await registered();
    connection.send({ cmd: 'get_session', session: 'x', request_id: 'a' }, { cmd: 'ping', request_id: 'a' });
    const [error] = await connection.count(1);
    expect(error).toMatchObject({ event: 'error', code: 'invalid_argument', field: 'request_id', version: 0 });
    service.release();
    await connection.reply('a');
    connection.send({ cmd: 'ping', request_id: 'a' }, { cmd: 'ping', request_id: 'b' });
    await connection.reply('b');
    expect(connection.got.filter(({ reply }) => reply === 'a')).toHaveLength(1);
  });

  it('answers a command without an id by an event or not at all', async () => {
    const connection = await registered();
    connection.send(
      { cmd: 'ping', nonce: 3 },
      { cmd: 'get_srv_snapshot' },
      { cmd: 'nope' },
      { cmd: 'ping', request_id: 'last' },
    );
    await connection.reply('last');
    expect(
      connection.got
        .map(({ event, code }) => code ?? event)
        .slice(0, 3)
        .sort(),
    ).toEqual(['pong', 'srv_snapshot', 'unknown_command']);
  });

  it('[K4] acts once for one idempotency key', async () => {
    const connection = await registered();
    const key = createIds(systemClock).ulid();
    connection.send({ ...change('s', 'a'), idempotency_key: key });
    const first = await connection.reply('a');
    connection.send({ ...change('s', 'b'), idempotency_key: key });
    const second = await connection.reply('b');
    expect({ ...second, reply: 'a' }).toEqual(first);
    expect(service.kernel.version).toBe(1);
    connection.send(
      { ...change('s', 'c'), idempotency_key: 'not a ulid' },
      { ...change('s', 'd'), expected_version: 'x' },
      { ...change('s', 'e'), expected_version: 0 },
    );
    expect(await connection.reply('c')).toMatchObject({
      error: { code: 'invalid_argument', field: 'idempotency_key' },
    });
    expect(await connection.reply('d')).toMatchObject({
      error: { code: 'invalid_argument', field: 'expected_version' },
    });
    expect(await connection.reply('e')).toMatchObject({ error: { code: 'conflict' } });
  });

  it('[C3] [C6] refuses each kind of bad line with a private error of version 0, and stays', async () => {
    const connection = await registered();
    const bad = [
      'garbage',
      '[]',
      '{"cmd":"ping","cmd":"ping"}',
      '{"cmd":"ping","nonce":9007199254740993}',
      '{"cmd":5}',
      '{"cmd":"ping","request_id":7}',
    ];
    connection.send(...bad);
    const got = await connection.count(bad.length);
    expect(got.map(({ event, code, version }) => [event, code, version])).toEqual(
      bad.map(() => ['error', 'invalid_argument', 0]),
    );
    connection.send({ cmd: 'ping', request_id: 'p' });
    expect(await connection.reply('p')).toMatchObject({ ok: true });
  });

  it('[C7] closes after too many bad lines', async () => {
    await restart({ errors: { burst: 10, perSecond: 0.001 } });
    const connection = await registered();
    connection.send(...Array.from({ length: 50 }, () => 'garbage'));
    await connection.until(() => connection.ended);
    expect(connection.got).toHaveLength(12);
    expect(connection.got.at(-1)).toEqual({ event: 'closed', reason: 'too_many_errors' });
    await waitFor(() => service.hooks.includes('-one closed'));
  });

  it('[C7] closes a flooding client', async () => {
    await restart({ lines: { burst: 20, perSecond: 0.001 } });
    const connection = await registered();
    connection.send(...Array.from({ length: 50 }, () => ({ cmd: 'ping' })));
    await connection.until(() => connection.ended);
    expect(connection.got.at(-1)).toEqual({ event: 'closed', reason: 'flood' });
  });

  it('[C3] closes after a line over 1 MiB', async () => {
    const connection = await registered();
    connection.send('x'.repeat(limits.CONTROL_LINE_IN_BYTES + 1));
    await connection.until(() => connection.ended);
    expect(connection.got).toMatchObject([
      { event: 'error', code: 'too_large', fatal: true },
      { event: 'closed', reason: 'line_too_long' },
    ]);
  });

  it('stops reading while too many commands are under way', async () => {
    await restart({ requests: 3 });
    const connection = await registered();
    for (let n = 0; n < 10; n++) connection.send({ cmd: 'get_session', session: 'x', request_id: `g${n}` });
    const other = await registered({ client_id: 'two' });
    await other.send({ cmd: 'ping', request_id: 'p' }).reply('p');
    expect(service.underWay).toBeLessThanOrEqual(3);
    service.release();
    await connection.count(10);
    expect(new Set(connection.got.map(({ reply }) => reply)).size).toBe(10);
  });

  it('answers too_large instead of a reply over 16 MiB', async () => {
    const connection = await registered();
    connection.send({ cmd: 'list_sessions', originator: String(limits.CONTROL_LINE_OUT_BYTES), request_id: 'big' });
    expect(await connection.reply('big')).toMatchObject({ ok: false, error: { code: 'too_large' } });
  });

  it('says goodbye', async () => {
    const connection = await registered();
    connection.send({ cmd: 'goodbye', request_id: 'bye' });
    await connection.until(() => connection.ended);
    expect(connection.got).toEqual([{ reply: 'bye', ok: true, version: 0 }]);
    await waitFor(() => service.hooks.includes('-one goodbye'));
  });
});

describe('events', () => {
  it('sends nothing before subscribe', async () => {
    const reader = await registered({ client_id: 'reader' });
    const writer = await registered();
    await writer.send(change('s', 'c')).reply('c');
    await reader.send({ cmd: 'ping', request_id: 'p' }).reply('p');
    expect(reader.got).toHaveLength(1);
  });

  it('[K6] sends a snapshot, then every event with the one before it', async () => {
    const writer = await registered();
    await writer.send(change('a', '1')).reply('1');
    const reader = await registered({ client_id: 'reader' });
    reader.send({ cmd: 'subscribe', snapshot: true, request_id: 's' });
    await reader.count(2);
    writer.send(change('b', '2'), change('c', '3'));
    const got = await reader.count(4);
    expect(got[0]).toEqual({ reply: 's', ok: true, subscribed: true, version: 1 });
    expect(got[1]).toEqual({
      event: 'srv_snapshot',
      version: 1,
      epoch: service.kernel.epoch,
      ...EMPTY_SNAPSHOT,
    });
    expect(got.slice(2).map(({ event, version, prev, session_id }) => ({ event, version, prev, session_id }))).toEqual([
      { event: 'session_desired', version: 2, prev: 1, session_id: 'b' },
      { event: 'session_desired', version: 3, prev: 2, session_id: 'c' },
    ]);
  });

  it('replays from a cursor, and names what is wrong with one', async () => {
    const connection = await registered();
    for (let n = 1; n <= 5; n++) connection.send(change(`s${n}`, `r${n}`));
    await connection.count(5);
    connection.send({ cmd: 'subscribe', since: 2, epoch: 'other', request_id: 'bad' });
    expect(await connection.reply('bad')).toMatchObject({ ok: false, error: { code: 'epoch_unknown' } });
    connection.got.length = 0;
    connection.send({ cmd: 'subscribe', since: 2, epoch: service.kernel.epoch, request_id: 'good' });
    const got = await connection.count(4);
    expect(got.map(({ version, prev }) => [version, prev])).toEqual([
      [2, undefined],
      [3, 2],
      [4, 3],
      [5, 4],
    ]);
    connection.send({ cmd: 'subscribe', request_id: 'twice' });
    expect(await connection.reply('twice')).toMatchObject({ ok: false, error: { code: 'conflict' } });
    connection.send({ cmd: 'unsubscribe', request_id: 'off' });
    await connection.reply('off');
    await connection.send(change('after', 'after')).reply('after');
    await connection.send({ cmd: 'ping', request_id: 'p' }).reply('p');
    expect(connection.got.some(({ event, version }) => event !== undefined && version === 6)).toBe(false);
  });

  it.each([{ epoch: 'other' }, {}])(
    '[K7] answers a cursor it does not know (%o) with a snapshot when one is wanted',
    async (epoch) => {
      const connection = await registered();
      connection.send({ cmd: 'subscribe', since: 2, ...epoch, snapshot: true, request_id: 's' });
      const got = await connection.count(2);
      expect(got.map(({ event, reply, version }) => [event ?? reply, version])).toEqual([
        ['s', 0],
        ['srv_snapshot', 0],
      ]);
    },
  );

  it('filters by topic without making a hole', async () => {
    const connection = await registered();
    connection.send({ cmd: 'subscribe', topics: ['other_*'], request_id: 's' }, change('a', '1'));
    await connection.reply('1');
    await connection.send({ cmd: 'ping', request_id: 'p' }).reply('p');
    expect(connection.got.every(({ event }) => event === undefined)).toBe(true);
  });

  it('lists events with where to go on', async () => {
    const connection = await registered();
    for (let n = 1; n <= 5; n++) connection.send(change(`s${n}`, `r${n}`));
    await connection.count(5);
    connection.send({ cmd: 'get_events', since: 1, max: 2, request_id: 'l' });
    const list = await connection.reply('l');
    expect(list).toMatchObject({ ok: true, version: 5, epoch: service.kernel.epoch, complete: false, next: 3 });
    expect((list['events'] as { version: number }[]).map(({ version }) => version)).toEqual([2, 3]);
  });

  it('[K6] gives a complete list the version it ends at, whatever is committed meanwhile', async () => {
    const connection = await registered();
    const other = await registered({ client_id: 'other' });
    await other.send(change('a', '1')).reply('1');
    const { readEvents } = service;
    service.readEvents = async (...query) => {
      const list = await readEvents(...query);
      await other.send(change('b', '2')).reply('2');
      return list;
    };
    connection.send({ cmd: 'get_events', since: 0, request_id: 'l' });
    expect(await connection.reply('l')).toMatchObject({ version: 1, complete: true, next: 1 });
    expect(service.kernel.version).toBe(2);
  });

  it('[K11] lets a reader that stops reading wait, costs the others nothing, and loses none', async () => {
    const slow = await registered({ client_id: 'slow' });
    slow.send({ cmd: 'subscribe', request_id: 's' });
    await slow.reply('s');
    slow.socket.pause();
    const client = await open();
    const total = 8_000;
    const filler = 'x'.repeat(100);
    await Promise.all(
      Array.from({ length: total }, (_, n) =>
        client
          .request({ cmd: 'set_desired', session: `${filler}${n}`, desired: 'stopped' } as { cmd: string })
          .catch((error: unknown) => {
            if (HoldfastError.from(error).code !== 'busy') throw error;
          }),
      ),
    );
    const committed = service.kernel.version;
    expect(committed).toBeGreaterThan(1_000);
    slow.socket.resume();
    await slow.count(1 + committed);
    expect(slow.got.slice(1).map(({ version }) => version)).toEqual(Array.from({ length: committed }, (_, n) => n + 1));
    expect(slow.got.slice(1).every(({ version, prev }) => prev === (version as number) - 1)).toBe(true);
  });
});

describe('client', () => {
  it('registers, asks, follows and closes', async () => {
    const events: (EventEnvelope | PrivateEvent)[] = [];
    const client = await open({ event: (event) => events.push(event) });
    expect(client.registered).toMatchObject({ client_id: 'sdk', protocol: 1 });
    await client.request({ cmd: 'subscribe' });
    expect(await client.request(change('s'))).toMatchObject({ ok: true, version: 1, session: 's' });
    await client.request({ cmd: 'ping' });
    expect(events).toMatchObject([{ event: 'session_desired', version: 1, prev: 0 }]);
    client.close();
    await client.closed;
    await waitFor(() => service.hooks.includes('-sdk eof'));
    await expect(client.request({ cmd: 'ping' })).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('rejects with the server’s refusal', async () => {
    const client = await open();
    await expect(client.request({ cmd: 'purge_exited' })).rejects.toMatchObject({
      code: 'not_found',
      field: 'session',
    });
    await expect(client.request({ cmd: 'no_such' })).rejects.toMatchObject({ code: 'unknown_command' });
  });

  it('rejects everything under way when the connection goes, and says why', async () => {
    let reason: string | undefined = 'none';
    const client = await open({ closed: (why) => (reason = why) });
    const waiting = expect(
      client.request({ cmd: 'get_session', session: 'x' } as { cmd: string }),
    ).rejects.toMatchObject({
      code: 'unreachable',
      retryable: true,
      details: { reason: 'shutdown' },
    });
    await client.request({ cmd: 'ping' });
    await server.close();
    await waiting;
    await client.closed;
    expect(reason).toBe('shutdown');
    expect(client.alive).toBe(false);
  });

  it('gives up at its deadline or when aborted, and drops the late reply', async () => {
    const client = await open();
    const command = { cmd: 'get_session', session: 'x' } as { cmd: string };
    await expect(client.request(command, { deadlineMs: 30 })).rejects.toMatchObject({ code: 'timeout' });
    const abort = new AbortController();
    const aborted = client.request(command, { signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    service.release();
    expect(await client.request({ cmd: 'ping' })).toMatchObject({ ok: true });
  });

  it('reports a refused registration by its code', async () => {
    const connect = () => connectUnix(path, { clock: systemClock });
    const options = { clock: systemClock, kind: 'tool' as const, pid: 1, version: '0', client_id: 'x' };
    await expect(ControlClient.open(connect, { ...options, token: 'wrong' })).rejects.toMatchObject({
      code: 'bad_token',
    });
    await expect(
      ControlClient.open(() => connectUnix(`${path}x`, { clock: systemClock }), { ...options, token: TOKEN }),
    ).rejects.toMatchObject({
      code: 'unreachable',
    });
  });

  it('does not wait for a server that accepts and says nothing', async () => {
    const silentPath = join(directory, `${count++}.sock`);
    const silent = await listenUnix(silentPath, () => {}, { clock: systemClock });
    await expect(
      ControlClient.open(() => connectUnix(silentPath, { clock: systemClock }), {
        clock: systemClock,
        kind: 'tool',
        pid: 1,
        version: '0',
        client_id: 'x',
        token: TOKEN,
        registerMs: 30,
      }),
    ).rejects.toMatchObject({ code: 'timeout' });
    await silent.close();
  });

  it('shuts the runtime down by request', async () => {
    const client = await open();
    await client.request({ cmd: 'shutdown', sessions: true } as { cmd: string });
    expect(service.hooks).toContain('shutdown true');
  });
});
