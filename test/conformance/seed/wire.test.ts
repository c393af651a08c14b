/** What is said on the wire whatever the command: fields, defaults, the unknown, privacy, order. */
import { describe, expect, it } from 'vitest';
import { CHANGING, COMMANDS, type FieldType, REFUSED, setScene } from './commands.ts';
import { createWorkspace, INVALID, SeedSuite, workspaceWith } from './suite.ts';
import { isCommitted, type Message } from './tables.ts';

const seed = SeedSuite.use();

const WRONG: Readonly<Record<string, readonly unknown[]>> = {
  str: [5, true, {}, ['x']],
  u32: ['1', -1, 0.5, 2 ** 32, true, {}],
  u64: ['1', -1, 0.5, true, {}],
  usize: ['1', -1, 0.5, true, {}],
  bool: ['true', 1, {}],
  json: [],
  node: ['node', 5, [], {}],
  list: ['a', 5, {}],
  position: ['beside', 5, ''],
  kind: ['boss', 5],
};

const isOptional = (type: FieldType) => type.endsWith('?');
const valuesAgainst = (type: FieldType) => WRONG[type.replace('?', '')]!;

function without(command: Message, field: string): Message {
  return Object.fromEntries(Object.entries(command).filter(([name]) => name !== field));
}

const ASKED = ['ping', 'get_srv_snapshot', 'get_events', ...CHANGING];

describe('fields: error', () => {
  it.each(ASKED)('[C9] `%s` is refused without a mandatory field, with null or another type', async (cmd) => {
    const client = await seed.client();
    const scene = await setScene(client);
    const { fields, of, causes } = COMMANDS[cmd]!;
    const command = { cmd, ...of(scene) };
    const before = await client.answer({ cmd: 'get_srv_snapshot' });
    for (const [field, type] of Object.entries(fields)) {
      if (!isOptional(type)) {
        expect(await client.refusal(without(command, field)), `no ${field}`).toEqual(INVALID);
        expect(await client.refusal({ ...command, [field]: null }), `${field}: null`).toEqual(INVALID);
      }
      for (const value of valuesAgainst(type)) {
        const what = `${field}: ${JSON.stringify(value)}`;
        expect(await client.refusal({ ...command, [field]: value }), what).toEqual(INVALID);
      }
    }
    expect(await client.answer({ cmd: 'get_srv_snapshot' })).toEqual(before);
    // The command was valid all the time.
    expect((await client.commit(command)).map(({ event }) => event)).toEqual(causes);
  });
});

describe('fields: success', () => {
  it.each(ASKED)('[C14] `%s` ignores unknown fields, whatever they say', async (cmd) => {
    const client = await seed.client();
    const scene = await setScene(client);
    const { of, causes } = COMMANDS[cmd]!;
    const unknown = { extra: { deep: [null, 1] }, request_id: 5, idempotency_key: 'no', expected_version: -1 };
    const answers = await client.commit({ cmd, ...unknown, ...of(scene) });
    expect(answers.map(({ event }) => event)).toEqual(causes);
  });

  it.each(
    ASKED.flatMap((cmd) =>
      Object.entries(COMMANDS[cmd]!.fields).flatMap(([field, type]) => (isOptional(type) ? [[cmd, field]] : [])),
    ),
  )('[C14] `%s` may be without its %s', async (cmd, field) => {
    const client = await seed.client();
    const command = { cmd, ...COMMANDS[cmd]!.of(await setScene(client)) };
    const events = await client.commit(without(command, field));
    expect(events[0]!['event']).toBe(COMMANDS[cmd]!.causes[0]);
  });

  it.each([
    ['layout_insert_node', ['parent_id', 'index']],
    ['layout_set_tree', ['new_tree']],
    ['create_block', ['meta']],
  ])('[C14] `%s` takes null for what may be missing', async (cmd, fields) => {
    const client = await seed.client();
    const nulls = Object.fromEntries(fields.map((field) => [field, null]));
    const command = { cmd, ...COMMANDS[cmd]!.of(await setScene(client)), ...nulls };
    expect((await client.commit(command))[0]!['event']).toBe(COMMANDS[cmd]!.causes[0]);
  });

  it('[C14] names of things that only others know have no effect', async () => {
    const client = await seed.client();
    const [workspace, tab] = (await workspaceWith(client, 1)) as [string, string];
    const [created] = await client.commit({ cmd: 'create_workspace', name: 'n', workspace_id: workspace });
    expect(created!['workspace_id']).not.toBe(workspace);
    const [second] = await client.commit({ cmd: 'create_tab', workspace_id: workspace, name: 'n', tab_id: tab });
    expect(second!['tab_id']).not.toBe(tab);
    const move = { cmd: 'move_tab', src_workspace_id: created!['workspace_id'], dst_workspace_id: workspace };
    const [only] = await client.commit({ cmd: 'create_tab', workspace_id: created!['workspace_id'], name: '' });
    const last = { ...move, tab_id: only!['tab_id'], dst_index: 0, fallback: 'allow_empty' };
    expect(await client.refusal(last)).toEqual(INVALID);
    const [block] = await client.commit({
      cmd: 'create_block',
      tab_id: tab,
      meta: null,
      block_id: 5,
      session_id: 'none',
      place: 'x',
    });
    expect(block).toMatchObject({ event: 'block_created' });
  });
});

describe('lines', () => {
  it.each(['', ' ', '\t', '\r', ' \r'])('[C14] skips the blank line %j', async (blank) => {
    const client = await seed.client();
    expect(await client.ask(blank)).toEqual([]);
  });

  it('[C14] takes a line however its bytes arrive, and several at once', async () => {
    const client = await seed.client();
    const line = Buffer.from(`${JSON.stringify({ cmd: 'create_workspace', name: 'größer' })}\r\n`);
    for (const byte of line) client.write(Buffer.of(byte));
    expect(await client.event('workspace_created')).toMatchObject({ name: 'größer' });
    client.write(Buffer.concat([line, line, line]));
    for (let count = 0; count < 3; count++) await client.event('workspace_created');
  });

  it.each([
    'nonsense',
    '{"cmd":"ping","nonce":1',
    '[]',
    'null',
    '5',
    '"ping"',
    '{}',
    '{"cmd":null}',
    '{"cmd":5}',
    '{"cmd":["ping"]}',
    '{"cmd":"nope"}',
    '{"cmd":"Ping","nonce":1}',
    '{"cmd":"constructor"}',
    '{"cmd":"__proto__"}',
    '{"event":"pong","nonce":1}',
    '{"cmd":"ping","nonce":1,"nonce":2}',
  ])('[C14] answers %s with an error that is not fatal', async (line) => {
    const client = await seed.client();
    expect(await client.refusal(line)).toEqual(INVALID);
  });

  it.each([
    { cmd: 'subscribe' },
    { cmd: 'unsubscribe' },
    { cmd: 'get_status' },
    { cmd: 'list_sessions' },
    { cmd: 'create_session', argv: ['true'], cwd: '/', env: [] },
    { cmd: 'bind_block', block_id: 'b', session_id: null },
    { cmd: 'shutdown', sessions: true },
    { cmd: 'connections_reset' },
    { cmd: 'observe_started' },
  ])('[C8] knows no $cmd', async (command) => {
    const client = await seed.client();
    expect(await client.refusal(command)).toEqual(INVALID);
  });
});

describe('commands of the launcher and the host: error', () => {
  it('[C13] there are 23 of them beside the 38', () => {
    expect([Object.keys(COMMANDS).length, new Set(REFUSED.map(({ cmd }) => cmd)).size]).toEqual([38, 23]);
  });

  it.each(REFUSED)('[C13] `$cmd` is an invalid_command that changes nothing and is not fatal', async (command) => {
    const client = await seed.client();
    const before = await client.answer({ cmd: 'get_srv_snapshot' });
    expect(await client.refusal(command)).toEqual(INVALID);
    expect(await client.refusal({ cmd: command.cmd })).toEqual(INVALID);
    expect(await client.answer({ cmd: 'get_srv_snapshot' })).toEqual(before);
  });
});

describe('privacy', () => {
  it('[C6] errors, pongs, registrations, snapshots and lists are told to nobody else', async () => {
    const watcher = await seed.client();
    const client = await seed.client();
    const from = watcher.received.length;
    await client.refusal({ cmd: 'nope' });
    await client.refusal({ cmd: 'rename_tab', tab_id: 'no such', name: 'x' });
    await client.refusal({ cmd: 'get_snapshot' });
    await client.answer({ cmd: 'get_srv_snapshot' });
    await client.answer({ cmd: 'get_events', since: 0 });
    await seed.client();
    await createWorkspace(client, 'the end');
    const seen = (await watcher.upTo(({ name }) => name === 'the end')).concat(watcher.received.slice(from));
    expect(seen.filter((message) => !isCommitted(message))).toEqual([]);
  });
});

describe('order', () => {
  it.each(CHANGING)('[C10] `%s`: every connection and get_events tell its events alike, in order', async (cmd) => {
    const watcher = await seed.client();
    const client = await seed.client();
    const scene = await setScene(client);
    const { version } = await client.answer({ cmd: 'get_srv_snapshot' });
    const events = await client.commit({ cmd, ...COMMANDS[cmd]!.of(scene) });
    expect(events.map(({ event }) => event)).toEqual(COMMANDS[cmd]!.causes);
    const versions = events.map((one) => Number(one['version']));
    // A command's events are one commit: nothing comes between them.
    expect(versions).toEqual(versions.map((_one, index) => versions[0]! + index));
    const mine = ({ version: own }: Message) => versions.includes(Number(own));
    const last = versions.at(-1)!;
    await watcher.upTo((message) => isCommitted(message) && Number(message['version']) >= last);
    expect(watcher.received.filter((message) => isCommitted(message) && mine(message))).toEqual(events);
    const list = await watcher.answer({ cmd: 'get_events', since: version });
    expect((list['events'] as Message[]).filter(mine)).toEqual(events);
  });

  it('[C10] answers come in the order of the commands, after the events of those before', async () => {
    const client = await seed.client();
    const lines: string[] = [];
    for (let round = 0; round < 50; round++) {
      lines.push(
        JSON.stringify({ cmd: 'create_workspace', name: `round ${round}` }),
        JSON.stringify({ cmd: 'ping', nonce: round }),
        JSON.stringify({ cmd: 'rename_tab', tab_id: `tab ${round}`, name: 'x' }),
        JSON.stringify({ cmd: 'get_srv_snapshot' }),
      );
    }
    client.write(`${lines.join('\n')}\n`);
    let snapshots = 0;
    const all = await client.upTo(({ event }) => event === 'srv_snapshot' && ++snapshots === 50);
    const answers = all.filter((message) => !isCommitted(message)).map(({ event }) => event);
    expect(answers).toEqual(Array.from({ length: 50 }, () => ['pong', 'error', 'srv_snapshot']).flat());
    let created = 0;
    let asked = 0;
    for (const one of all) {
      if (one['event'] === 'workspace_created') expect(one['name']).toBe(`round ${created++}`);
      if (one['event'] === 'pong') expect(one['nonce']).toBe(asked++);
      expect(created, `${String(one['event'])} of round ${asked}`).toBeGreaterThanOrEqual(asked);
      if (one['event'] !== 'srv_snapshot') continue;
      const names = (one['workspaces'] as string[][]).map(([, name]) => name);
      expect(names).toContain(`round ${asked - 1}`);
    }
  });

  it('[C10] two that command at once are told one order by everybody', async () => {
    const clients = [await seed.client(), await seed.client(), await seed.client()] as const;
    const count = 100;
    for (let number = 0; number < count; number++) {
      for (const [index, client] of clients.entries()) {
        client.send({ cmd: 'create_workspace', name: `${index}/${number}` });
      }
    }
    const seen = await Promise.all(
      clients.map(async (client) => {
        let left = count * clients.length;
        const all = await client.upTo(({ event }) => event === 'workspace_created' && --left === 0);
        return all.filter(({ event }) => event === 'workspace_created');
      }),
    );
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[2]).toEqual(seen[0]);
  });
});

describe('a lagging connection', () => {
  it('[K11] [C10] costs the others nothing, and afterwards is told everything in order', {
    timeout: 60_000,
  }, async () => {
    const lagging = await seed.client();
    const client = await seed.client();
    const workspace = await createWorkspace(client);
    await lagging.upTo(({ event }) => event === 'workspace_created');
    lagging.pause();
    // More than a socket and its queue take, then more than a server may care to remember.
    const [large, count] = [400, 12_000];
    const text = 'x'.repeat(32_000);
    for (let number = 0; number < count; number++) {
      const meta_patch = number < large ? { number, text } : { number };
      client.send({ cmd: 'update_workspace_meta', workspace_id: workspace, meta_patch });
    }
    const updated = (message: Message) => message['event'] === 'workspace_meta_updated';
    const numberOf = (message: Message) => (message['meta_patch'] as { number: number }).number;
    const isLast = (message: Message) => updated(message) && numberOf(message) === count - 1;
    const seen = (await client.upTo(isLast)).filter(updated).map(numberOf);
    // What it asks meanwhile is answered behind what it has not read yet.
    lagging.send({ cmd: 'ping', nonce: 1 });
    await client.ask({ cmd: 'ping', nonce: 2 });
    lagging.resume();
    const caughtUp = (await lagging.upTo(({ event }) => event === 'pong')).filter(updated).map(numberOf);
    expect(seen).toEqual(Array.from({ length: count }, (_one, index) => index));
    expect(caughtUp).toEqual(seen);
  });
});
