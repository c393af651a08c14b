/** Seed 1's server rules: register first, identity, private answers, goodbye and the goodbye nobody says. */
import { describe, expect, it } from 'vitest';
import { COMMANDS, NO_SCENE, REFUSED } from './commands.ts';
import type { SeedClient } from './client.ts';
import { createWorkspace, event, history, INVALID, SeedSuite } from './suite.ts';
import type { Message } from './tables.ts';

const seed = SeedSuite.use();

const error = (code: string, fatal = false): Message => ({ ...INVALID, code, fatal });
const exited = (pid: number) => (message: Message) => message['event'] === 'process_exited' && message['pid'] === pid;

/** Everything about one process that a connection was told by now. */
async function told(watcher: SeedClient, pid: number): Promise<Message[]> {
  await watcher.ask({ cmd: 'ping', nonce: 0 });
  return watcher.received.filter((message) => message['pid'] === pid);
}

describe('`register`: success', () => {
  it('[C1] `register` is answered to the one who sent it, with who serves and the current version', async () => {
    const client = await seed.open();
    const registered = await client.register(seed.pid());
    expect(registered).toEqual(
      event('registered', {
        client_id: expect.any(Number),
        launcher_pid: expect.any(Number),
        launcher_version: expect.stringMatching(/./),
      }),
    );
    expect(registered['launcher_pid']).toBeGreaterThan(0);
    const { version } = await client.answer({ cmd: 'get_srv_snapshot' });
    expect(registered['version']).toBeGreaterThan(0);
    expect(version).toBeGreaterThanOrEqual(Number(registered['version']));
  });

  it.each(['host', 'renderer', 'srv', 'tool'])('[W17] `register` of a %s is told to the others', async (kind) => {
    const watcher = await seed.client();
    const client = await seed.open();
    const pid = seed.pid();
    await client.register(pid, kind, '2.3.4');
    const spawned = (await watcher.upTo((message) => message['pid'] === pid)).at(-1);
    expect(spawned).toEqual(event('process_spawned', { pid, kind, client_version: '2.3.4' }));
    expect(await told(watcher, pid)).toHaveLength(1);
  });

  it('[C14] `register` gives each connection a client_id of its own', async () => {
    const ids = new Set<unknown>();
    for (let count = 0; count < 5; count++) ids.add((await (await seed.open()).register(seed.pid()))['client_id']);
    expect(ids.size).toBe(5);
  });
});

/** A connection's own arrival, and its answer, are the first it is told: in the seed's order. */
function firstTold(client: SeedClient, pid: number): void {
  const first = client.received.filter(({ event: name }) => name !== 'lifecycle_phase_changed').slice(0, 2);
  expect(first).toEqual([
    expect.objectContaining({ event: 'process_spawned', pid }),
    expect.objectContaining({ event: 'registered' }),
  ]);
}

describe('`register`: order', () => {
  it('[W17] `register` logs the process before its answer, which names a version from which the events go on', async () => {
    const client = await seed.open();
    const pid = seed.pid();
    const registered = await client.register(pid);
    firstTold(client, pid);
    const events = await history(client);
    const spawned = events.find((one) => one['pid'] === pid);
    expect(spawned).toMatchObject({ event: 'process_spawned' });
    expect(Number(spawned!['version'])).toBeLessThanOrEqual(Number(registered['version']));
    const lifecycle = events.find((one) => one['event'] === 'lifecycle_phase_changed');
    expect(lifecycle).toMatchObject({ from: 'starting', to: 'running' });
    await createWorkspace(client);
    const streamed = client.received.filter((message) => message['event'] === 'workspace_created');
    expect(streamed).toHaveLength(1);
    for (const { version } of streamed) expect(version).toBeGreaterThan(Number(registered['version']));
  });

  it('[C1] a connection gets nothing before `register`', async () => {
    const stranger = await seed.open();
    await createWorkspace(await seed.client());
    const pid = seed.pid();
    await stranger.register(pid);
    firstTold(stranger, pid);
  });
});

describe('`register`: error', () => {
  it('[C12] a second `register` on a connection is refused and changes nothing', async () => {
    const client = await seed.client();
    const pid = seed.pid();
    expect(await client.refusal({ cmd: 'register', kind: 'host', pid, version: '1' })).toEqual(
      error('already_registered'),
    );
    expect(await client.commit({ cmd: 'create_workspace', name: 'still here' })).toHaveLength(1);
    expect(await told(client, pid)).toEqual([]);
  });

  it('[C12] a `register` with the pid of a live process is refused, and the connection may try another', async () => {
    const first = await seed.open();
    const pid = seed.pid();
    await first.register(pid);
    const second = await seed.open();
    expect(await second.register(pid)).toEqual(error('already_registered'));
    second.send({ cmd: 'get_srv_snapshot' });
    expect(await second.next()).toEqual(error('not_registered'));
    expect(await second.register(seed.pid())).toMatchObject({ event: 'registered' });
    expect(first.received.filter((message) => message['event'] === 'error')).toEqual([]);
    expect(await told(first, pid)).toEqual([expect.objectContaining({ event: 'process_spawned' })]);
  });

  it.each([
    ['no kind', { pid: 1, version: '1' }],
    ['a kind that is none', { kind: 'boss', pid: 1, version: '1' }],
    ['a kind that only others know', { kind: 'launcher', pid: 1, version: '1' }],
    ['no pid', { kind: 'tool', version: '1' }],
    ['a pid below 0', { kind: 'tool', pid: -1, version: '1' }],
    ['a pid over 32 bits', { kind: 'tool', pid: 2 ** 32, version: '1' }],
    ['a pid as text', { kind: 'tool', pid: '1', version: '1' }],
    ['no version', { kind: 'tool', pid: 1 }],
    ['a version that is null', { kind: 'tool', pid: 1, version: null }],
  ])('[C9] `register` with %s is refused, and the connection may try again', async (_what, fields) => {
    const client = await seed.open();
    client.send({ cmd: 'register', ...fields });
    expect(await client.next()).toEqual(INVALID);
    expect(await client.register(seed.pid())).toMatchObject({ event: 'registered' });
  });
});

describe('`register`: no-op and idempotency', () => {
  it('[C11] `register` with a pid is possible again after its goodbye', async () => {
    const first = await seed.open();
    const pid = seed.pid();
    await first.register(pid);
    first.send({ cmd: 'goodbye' });
    await first.closed;
    const watcher = await seed.client();
    await (await seed.open()).register(pid);
    expect(await told(watcher, pid)).toEqual([expect.objectContaining({ event: 'process_spawned' })]);
  });

  it.each([
    ['end of file', (client: SeedClient) => client.end()],
    ['hanging up', (client: SeedClient) => client.hangUp()],
  ])('[C11] `register` with a pid is possible again after its %s', async (_what, leave) => {
    const watcher = await seed.client();
    const first = await seed.open();
    const pid = seed.pid();
    await first.register(pid);
    leave(first);
    await watcher.upTo(exited(pid));
    expect(await (await seed.open()).register(pid)).toMatchObject({ event: 'registered' });
  });
});

describe('before registration: error', () => {
  it.each([
    ['ping', { nonce: 1 }],
    ['get_srv_snapshot', {}],
    ['get_events', { since: 0 }],
  ])('[C1] `%s` before registration is an error that is not fatal', async (cmd, fields) => {
    const client = await seed.open();
    client.send({ cmd, ...fields });
    expect(await client.next()).toEqual(error('not_registered'));
    expect(await client.register(seed.pid())).toMatchObject({ event: 'registered' });
  });

  it('[C1] `goodbye` before registration is a fatal error', async () => {
    const client = await seed.open();
    client.send({ cmd: 'goodbye' });
    expect(await client.next()).toEqual(error('not_registered', true));
    await client.closed;
  });

  it.each(Object.keys(COMMANDS).filter((cmd) => !['register', 'goodbye'].includes(cmd)))(
    '[C1] `%s` before registration: error, with nothing done',
    async (cmd) => {
      const client = await seed.open();
      client.send({ cmd, ...COMMANDS[cmd]!.of(NO_SCENE) });
      expect(await client.next()).toEqual(error('not_registered'));
    },
  );

  it.each(REFUSED)('[C1] `$cmd` of the launcher before registration is an error that is not fatal', async (command) => {
    const client = await seed.open();
    client.send(command);
    expect(await client.next()).toEqual(error('not_registered'));
  });

  it('[C14] what does not parse is answered as such', async () => {
    const client = await seed.open();
    for (const line of ['nonsense', '{"cmd":"nope"}', '[]', '{}']) {
      client.write(`${line}\n`);
      expect(await client.next()).toEqual(INVALID);
    }
    expect(await client.register(seed.pid())).toMatchObject({ event: 'registered' });
  });
});

describe('`goodbye`: success', () => {
  it('[C11] `goodbye` closes the connection; the others see one process_exited', async () => {
    const watcher = await seed.client();
    const client = await seed.open();
    const pid = seed.pid();
    await client.register(pid);
    client.send({ cmd: 'goodbye' });
    await client.closed;
    expect((await watcher.upTo(exited(pid))).at(-1)).toEqual(event('process_exited', { pid, code: 0 }));
    await (await seed.open()).register(pid);
    expect((await told(watcher, pid)).map((message) => message['event'])).toEqual([
      'process_spawned',
      'process_exited',
      'process_spawned',
    ]);
  });
});

describe('`goodbye`: order', () => {
  it('[C10] `goodbye` is done after the commands before it, and nothing after it is', async () => {
    const watcher = await seed.client();
    const client = await seed.open();
    const pid = seed.pid();
    await client.register(pid);
    const workspace = (name: string) => JSON.stringify({ cmd: 'create_workspace', name });
    client.write(`${workspace(`${pid} before`)}\n{"cmd":"goodbye"}\n${workspace(`${pid} after`)}\n`);
    const seen = await watcher.upTo(exited(pid));
    expect(seen.map((message) => message['name'] ?? message['event'])).toEqual([
      'process_spawned',
      `${pid} before`,
      'process_exited',
    ]);
    const { workspaces } = await watcher.answer({ cmd: 'get_srv_snapshot' });
    expect((workspaces as string[][]).map(([, name]) => name)).not.toContain(`${pid} after`);
  });
});

describe('`goodbye`: error', () => {
  it('[C11] a `goodbye` with unknown fields is one like any other', async () => {
    const client = await seed.client();
    client.send({ cmd: 'goodbye', reason: 5 });
    await client.closed;
    expect(client.received.filter((message) => message['event'] === 'error')).toEqual([]);
  });
});

describe('`goodbye`: no-op and idempotency', () => {
  it('[C11] `goodbye` twice in one breath is one', async () => {
    const watcher = await seed.client();
    const client = await seed.open();
    const pid = seed.pid();
    await client.register(pid);
    client.write('{"cmd":"goodbye"}\n{"cmd":"goodbye"}\n');
    await client.closed;
    await watcher.upTo(exited(pid));
    await createWorkspace(watcher);
    expect((await told(watcher, pid)).map((message) => message['event'])).toEqual([
      'process_spawned',
      'process_exited',
    ]);
  });
});

describe('the goodbye nobody says', () => {
  it.each([
    ['end of file', (client: SeedClient) => client.end()],
    ['a closed socket', (client: SeedClient) => client.hangUp()],
    [
      'a reset, with answers unread',
      (client: SeedClient) => {
        client.pause();
        for (let count = 0; count < 50; count++) client.send({ cmd: 'get_srv_snapshot' });
        client.hangUp();
      },
    ],
    [
      'half a line',
      (client: SeedClient) => {
        client.write('{"cmd":"create_worksp');
        client.end();
      },
    ],
  ])('[C11] is one process_exited after %s', async (_what, leave) => {
    const watcher = await seed.client();
    const client = await seed.open();
    const pid = seed.pid();
    await client.register(pid);
    leave(client);
    expect((await watcher.upTo(exited(pid))).at(-1)).toEqual(event('process_exited', { pid, code: 0 }));
    await createWorkspace(watcher);
    expect(await told(watcher, pid)).toHaveLength(2);
  });

  it('[C11] does not come from a connection that never registered', async () => {
    const watcher = await seed.client();
    (await seed.open()).hangUp();
    const before = watcher.received.length;
    await createWorkspace(watcher);
    const after = watcher.received.slice(before).filter((message) => message['event'] === 'process_exited');
    expect(after.filter(({ pid }) => !seed.used(Number(pid)))).toEqual([]);
  });
});
