/**
 * Where the suite of our extensions runs: on the socket that HOLDFAST_CONFORMANCE_SOCKET names, with the secret beside
 * it, else on a srv of its own. After each test no request may have had more than one reply.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { TestRuntime } from '../../support/runtime.ts';
import { type Message, ulid, WireClient } from './client.ts';

export class OurSuite {
  #path = '';
  #runtime: TestRuntime | undefined;
  #clients: WireClient[] = [];
  /** On somebody's socket: the workspaces that it had. */
  #before: ReadonlySet<string> | undefined;

  /** To be called once per file, outside of any test. */
  static use(): OurSuite {
    const suite = new OurSuite();
    beforeAll(() => suite.#start());
    afterEach(() => suite.#settle());
    afterAll(() => suite.#stop());
    return suite;
  }

  /** The suite's own runtime; undefined on somebody else's socket. */
  get runtime(): TestRuntime | undefined {
    return this.#runtime;
  }

  /** Connected, not registered. */
  async open(): Promise<WireClient> {
    const client = await WireClient.open(this.#path);
    this.#clients.push(client);
    return client;
  }

  registration(fields: Message = {}): Message {
    const token = readFileSync(join(dirname(this.#path), 'secret'), 'utf8').trim();
    return {
      cmd: 'register',
      kind: 'tool',
      pid: process.pid,
      version: '1.0.0',
      protocol: [1, 1],
      client_id: ulid(),
      token,
      ...fields,
    };
  }

  /** Connected and registered; its `registered` is taken. */
  async client(fields: Message = {}): Promise<WireClient> {
    const client = await this.open();
    client.send(this.registration(fields));
    expect(await client.next()).toMatchObject({ event: 'registered' });
    return client;
  }

  /** Subscribed to everything from now on, and registered. */
  async watcher(fields: Message = {}): Promise<WireClient> {
    const client = await this.client();
    await client.ok({ cmd: 'subscribe', ...fields });
    return client;
  }

  /** A session whose child runs, by its id. */
  async session(): Promise<string> {
    const client = await this.watcher({ topics: ['session_started'] });
    const env = [['PATH', process.env['PATH'] ?? '/usr/bin:/bin']];
    const { session } = await client.ok({ cmd: 'create_session', argv: ['cat'], cwd: '/', env, kind: 'pipe' });
    const { id } = session as { id: string };
    await client.upTo(({ session_id }) => session_id === id);
    return id;
  }

  async #start(): Promise<void> {
    const given = process.env['HOLDFAST_CONFORMANCE_SOCKET'];
    if (given !== undefined) {
      this.#path = given;
      this.#before = new Set(await workspacesOf(await this.client()));
      return;
    }
    const { TestRuntime: Runtime } = await import('../../support/runtime.ts');
    this.#runtime = await Runtime.start();
    this.#path = join(this.#runtime.home, 'run', 'srv.sock');
  }

  async #stop(): Promise<void> {
    if (this.#before !== undefined) await this.#clear(this.#before);
    await this.#runtime?.close();
  }

  /** Somebody's socket keeps the workspaces it had and no others: there is a limit. */
  async #clear(before: ReadonlySet<string>): Promise<void> {
    const client = await this.client();
    for (const workspace_id of await workspacesOf(client)) {
      if (before.has(workspace_id)) continue;
      await client.ok({ cmd: 'delete_workspace', workspace_id, session: 'terminate' });
    }
    await this.#settle();
  }

  async #settle(): Promise<void> {
    const clients = this.#clients.splice(0);
    for (const client of clients) client.hangUp();
    await Promise.all(clients.map(({ closed }) => closed));
    expect(clients.flatMap(({ violations }) => violations)).toEqual([]);
  }
}

/**
 * Everything of a snapshot that commands change: not its moment, nor what happens by itself to connections and
 * processes of earlier tests.
 */
export async function stateOf(client: WireClient): Promise<Message> {
  const { version: _version, lifecycle: _lifecycle, state, ...facts } = await client.ok({ cmd: 'get_srv_snapshot' });
  const { connections: _connections, sessions, ...rest } = state as Message;
  const wanted = (sessions as Message[]).map(({ id, name, desired }) => ({ id, name, desired }));
  return { ...facts, state: { ...rest, sessions: wanted } };
}

export interface Place {
  workspace: string;
  tab: string;
}

export async function createPlace(client: WireClient): Promise<Place> {
  const { workspace_id } = await client.ok({ cmd: 'create_workspace', name: 'w' });
  const { tab_id } = await client.ok({ cmd: 'create_tab', workspace_id, name: 't' });
  return { workspace: String(workspace_id), tab: String(tab_id) };
}

export async function createBlock(client: WireClient, tab_id: string, fields: Message = {}): Promise<string> {
  return String((await client.ok({ cmd: 'create_block', tab_id, ...fields }))['block_id']);
}

async function workspacesOf(client: WireClient): Promise<string[]> {
  const { workspaces } = await client.ok({ cmd: 'get_srv_snapshot' });
  return (workspaces as [string, string][]).map(([id]) => id);
}

/** A tab whose tree is a row of `a` (10) and `b` (20) under `r`; `spare` is parked. */
export interface Pair extends Place {
  a: string;
  b: string;
  spare: string;
}

export async function createPair(client: WireClient): Promise<Pair> {
  const place = await createPlace(client);
  const [a, b, spare] = [
    await createBlock(client, place.tab),
    await createBlock(client, place.tab),
    await createBlock(client, place.tab),
  ];
  const children = [leaf('a', a, 10), leaf('b', b, 20)];
  const new_tree = { id: 'r', flexDirection: 'row', children };
  await client.ok({ cmd: 'layout_set_tree', tab_id: place.tab, new_tree, correlation_id: '' });
  return { ...place, a, b, spare };
}

export function leaf(id: string, blockId: string, size?: number): Message {
  return { id, ...(size === undefined ? {} : { size }), data: { blockId } };
}

/** The layout of a tab, from the snapshot. */
export async function treeOf(client: WireClient, tab: string): Promise<Message | null> {
  const { layouts } = (await stateOf(client))['state'] as { layouts: [string, Message | null][] };
  return new Map(layouts).get(tab) ?? null;
}

export async function sessionIn(client: WireClient, id: string): Promise<Message> {
  return (await client.ok({ cmd: 'get_session', session: id }))['session'] as Message;
}
