/**
 * Where the suite runs: on the socket that HOLDFAST_CONFORMANCE_SOCKET names, which nobody else should use meanwhile,
 * else on a srv of its own. Every line that any of its connections received is held to the seed after each test.
 */
import { randomInt, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { SeedClient } from './client.ts';
import type { Message } from './tables.ts';

/** An event with exactly these fields. */
export function event(name: string, fields: Message): Message {
  return { event: name, ...fields, version: expect.any(Number) as number };
}

/** The seed's error for everything that is wrong with a command. */
export const INVALID: Message = {
  event: 'error',
  code: 'invalid_command',
  message: expect.any(String) as string,
  fatal: false,
  version: 0,
};

export class SeedSuite {
  #path = '';
  #stop: () => Promise<void> = () => Promise.resolve();
  #clients: SeedClient[] = [];
  /** Pids nobody has: registered ones are only numbers to the server. */
  readonly #firstPid = randomInt(3_000_000_000, 4_000_000_000);
  #pid = this.#firstPid;

  /** To be called once per file, outside of any test. */
  static use(): SeedSuite {
    const suite = new SeedSuite();
    beforeAll(() => suite.#start());
    afterEach(() => suite.#settle());
    afterAll(() => suite.#stop());
    return suite;
  }

  get path(): string {
    return this.#path;
  }

  pid(): number {
    return this.#pid++;
  }

  /** Whether `pid` gave this number. */
  used(pid: number): boolean {
    return pid >= this.#firstPid && pid < this.#pid;
  }

  /** Connected, not registered. */
  async open(): Promise<SeedClient> {
    const client = await SeedClient.open(this.#path);
    this.#clients.push(client);
    return client;
  }

  /** Connected and registered. */
  async client(kind = 'tool'): Promise<SeedClient> {
    const client = await this.open();
    expect(await client.register(this.pid(), kind)).toMatchObject({ event: 'registered' });
    return client;
  }

  async #start(): Promise<void> {
    const given = process.env['HOLDFAST_CONFORMANCE_SOCKET'];
    if (given !== undefined) {
      this.#path = given;
      const before = await workspacesOf(await this.client());
      this.#stop = () => this.#clear(new Set(before));
      return;
    }
    const { TestRuntime } = await import('../../support/runtime.ts');
    const runtime = await TestRuntime.start();
    this.#path = join(runtime.home, 'run', 'srv.sock');
    this.#stop = () => runtime.close();
  }

  /** Somebody's socket keeps the workspaces it had and no others: there is a limit. */
  async #clear(before: ReadonlySet<string>): Promise<void> {
    const client = await this.client();
    for (const workspace_id of await workspacesOf(client)) {
      if (!before.has(workspace_id)) await client.commit({ cmd: 'delete_workspace', workspace_id, force: true });
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

async function workspacesOf(client: SeedClient): Promise<string[]> {
  const { workspaces } = await client.answer({ cmd: 'get_srv_snapshot' });
  return (workspaces as [string, string][]).map(([id]) => id);
}

/** Every event there is, page after page. */
export async function history(client: SeedClient): Promise<Message[]> {
  const events: Message[] = [];
  for (;;) {
    const since = Number(events.at(-1)?.['version'] ?? 0);
    const page = (await client.answer({ cmd: 'get_events', since }))['events'] as Message[];
    if (page.length === 0) return events;
    events.push(...page);
  }
}

export function freshId(kind: string): string {
  return `${kind}-${randomUUID()}`;
}

export async function createWorkspace(client: SeedClient, name = 'workspace'): Promise<string> {
  const [created] = await client.commit({ cmd: 'create_workspace', name });
  return String(created!['workspace_id']);
}

export async function createTab(client: SeedClient, workspace_id: string, name = 'tab'): Promise<string> {
  const [created] = await client.commit({ cmd: 'create_tab', workspace_id, name });
  return String(created!['tab_id']);
}

export async function createBlock(client: SeedClient, tab_id: string): Promise<string> {
  const [created] = await client.commit({ cmd: 'create_block', tab_id, meta: null });
  return String(created!['block_id']);
}

/** A workspace with so many tabs. */
export async function workspaceWith(client: SeedClient, count: number): Promise<[string, ...string[]]> {
  const ids: [string, ...string[]] = [await createWorkspace(client)];
  for (let number = 1; number <= count; number++) ids.push(await createTab(client, ids[0], `tab ${number}`));
  return ids;
}

/** A tab of a workspace of its own, with so many parked blocks. */
export async function tabWith(client: SeedClient, count: number): Promise<{ tab: string; blocks: string[] }> {
  const [, tab] = await workspaceWith(client, 1);
  const blocks: string[] = [];
  for (let number = 0; number < count; number++) blocks.push(await createBlock(client, tab!));
  return { tab: tab!, blocks };
}

/** A node as a command gives it. */
export function leaf(id: string, blockId: string, size?: number): Message {
  return { id, ...(size === undefined ? {} : { size }), data: { blockId } };
}

export type Direction = 'row' | 'column';

/** A node as an event tells it. */
export function placedLeaf(id: string, blockId: string, size: number, flexDirection: Direction): Message {
  return { id, flexDirection, size, data: { blockId } };
}

export function placedBranch(id: string, flexDirection: Direction, size: number, children: Message[]): Message {
  return { id, flexDirection, size, children };
}

/** A tab whose tree is a row of three leaves `a`, `b`, `c` of sizes 10, 20 and 30 under `r`; `spare` is parked. */
export interface Row {
  tab: string;
  a: Message;
  b: Message;
  c: Message;
  spare: string;
  /** The root with these children. */
  root(...children: Message[]): Message;
}

export async function rowOfThree(client: SeedClient): Promise<Row> {
  const { tab, blocks } = await tabWith(client, 4);
  const [first, second, third, spare] = blocks as [string, string, string, string];
  await client.commit({
    cmd: 'layout_set_tree',
    tab_id: tab,
    new_tree: {
      id: 'r',
      flexDirection: 'row',
      children: [leaf('a', first, 10), leaf('b', second, 20), leaf('c', third, 30)],
    },
    correlation_id: '',
  });
  return {
    tab,
    a: placedLeaf('a', first, 10, 'column'),
    b: placedLeaf('b', second, 20, 'column'),
    c: placedLeaf('c', third, 30, 'column'),
    spare,
    root: (...children) => placedBranch('r', 'row', 10, children),
  };
}

/** The tree of a tab whose leaf `node_id` is then of size `size`: the seed tells a tree only when it changes. */
export async function treeAfterResize(
  client: SeedClient,
  tab_id: string,
  node_id: string,
  size: number,
): Promise<unknown> {
  const [resized] = await client.commit({
    cmd: 'layout_resize_nodes',
    tab_id,
    ops: [{ node_id, size }],
    correlation_id: '',
  });
  return resized!['new_tree'];
}
