/**
 * Everything that can be wrong with every field of every published command, on a real socket: it is refused with a code
 * that names the field, the state stays what it was, and a bystander notices nothing.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isValid, mutations, type Schema, type SchemaDocument } from '../support/json-schema.ts';
import { type Random, seededRandom } from '../support/random.ts';
import { type Message, ulid, type WireClient } from './ours/client.ts';
import { factsOf, Replica } from './ours/replica.ts';
import { createPair, leaf, OurSuite, stateOf } from './ours/suite.ts';

const ours = OurSuite.use();

const document = JSON.parse(
  readFileSync(new URL('../../docs/schema/control.json', import.meta.url), 'utf8'),
) as SchemaDocument;
const COMMANDS = readFileSync(new URL('../fixtures/wire/commands.ndjson', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Message & { cmd: string });

const schemaOf = (cmd: string): Schema => document.$defs[`command.${cmd}`]!;
const isOfTheHost = (cmd: string): boolean => ['spawn_pool_window', 'reap_panes', 'drain_pool_if_last'].includes(cmd);
const isOfTheLauncher = (cmd: string): boolean => cmd === 'get_snapshot' || cmd.startsWith('report_');

/** The code for a command that srv does not serve, whatever is in it; null for one that it does. */
function misdirected(cmd: string): string | null {
  if (isOfTheHost(cmd)) return 'wrong_direction';
  return isOfTheLauncher(cmd) ? 'wrong_domain' : null;
}

/** Below the 500 lines against the rules that a connection may send at once. */
const ERRORS_PER_CONNECTION = 300;

/** Sends what is refused over as many connections as that takes; `register` before any registration. */
class Culprit {
  #client: WireClient | undefined;
  #sent = 0;
  readonly #registered: boolean;

  constructor(cmd: string) {
    this.#registered = cmd !== 'register';
  }

  async #next(): Promise<WireClient> {
    if (this.#client === undefined || this.#sent++ % ERRORS_PER_CONNECTION === ERRORS_PER_CONNECTION - 1) {
      this.#client = await (this.#registered ? ours.client() : ours.open());
    }
    return this.#client;
  }

  /** The error a request is answered with. */
  async request(command: Message): Promise<Message> {
    return { ...(await (await this.#next()).fails(command)) };
  }

  /** The private error that a line is answered with. */
  async line(text: string | Buffer): Promise<Message> {
    const client = await this.#next();
    client.write(text);
    client.write('\n');
    return client.event('error');
  }
}

const COMINGS_AND_GOINGS = new Set(['process_spawned', 'lifecycle_phase_changed', 'connection_closed']);

/** Runs `attack`; afterwards the state is what it was, and somebody else was told nothing. */
async function harmless(attack: () => Promise<void>): Promise<void> {
  const bystander = await ours.watcher();
  const before = await stateOf(bystander);
  await attack();
  expect(await stateOf(bystander)).toEqual(before);
  const name = ulid();
  const { version } = await bystander.ok({ cmd: 'create_workspace', name });
  const told = (await bystander.reached(version)).filter((event) => !COMINGS_AND_GOINGS.has(String(event['event'])));
  expect(told).toMatchObject([{ event: 'workspace_created', name }]);
}

const isObject = (value: unknown): value is Message =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A value within a command, and the command with another one in its place. */
interface Spot {
  path: string;
  value: unknown;
  put(value: unknown): unknown;
}

/** Every value within `value`, at every depth. */
function* spots(value: unknown, path = '', put: (value: unknown) => unknown = (one) => one): Generator<Spot> {
  if (path !== '') yield { path, value, put };
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      yield* spots(item, `${path}[${index}]`, (one) => put(value.with(index, one)));
    }
  } else if (isObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      if (path === '' && key === 'cmd') continue;
      yield* spots(item, path === '' ? key : `${path}.${key}`, (one) => put({ ...value, [key]: one }));
    }
  }
}

function nested(depth: number): object {
  return depth === 0 ? {} : { deeper: nested(depth - 1) };
}

/** No command's any field takes all of these, and what one takes is not sent. */
const HOSTILE: readonly unknown[] = [
  '',
  'x'.repeat(200_000),
  'é'.repeat(65),
  'a\u0000b',
  'constructor',
  -1,
  0,
  0.5,
  101,
  2 ** 32,
  2 ** 53 - 1,
  true,
  null,
  {},
  [],
  [[]],
  nested(40),
  JSON.parse('{"__proto__":{"polluted":true}}'),
  Array.from({ length: 1_100 }, () => 'x'),
];

describe('fields: error', () => {
  it.each(COMMANDS)('[C9] `$cmd`: each field, at any depth, missing, null or of another type', async (command) => {
    const { cmd } = command;
    await harmless(async () => {
      const culprit = new Culprit(cmd);
      for (const { name, path, value, valid } of mutations(document, schemaOf(cmd), command)) {
        if (valid || path === 'request_id') continue;
        const error = await culprit.request(value as Message);
        const wrong = misdirected(cmd);
        const expected = wrong === null ? { code: 'invalid_argument', field: path } : { code: wrong, field: 'cmd' };
        expect(error, name).toMatchObject({ ...expected, retryable: false });
        expect(String(error['message']).length).toBeGreaterThan(10);
      }
    });
  });

  it.each(COMMANDS)('[C9] `$cmd`: each field, at any depth, with hostile values', async (command) => {
    const { cmd } = command;
    const schema = schemaOf(cmd);
    await harmless(async () => {
      const culprit = new Culprit(cmd);
      for (const { path, put } of spots(command)) {
        if (path === 'request_id') continue;
        for (const hostile of HOSTILE) {
          const candidate = put(hostile) as Message;
          if (isValid(document, schema, candidate)) continue;
          const error = await culprit.request(candidate);
          const what = `${path}: ${JSON.stringify(hostile)?.slice(0, 80)}`;
          if (misdirected(cmd) !== null) {
            expect(error, what).toMatchObject({ code: misdirected(cmd), field: 'cmd' });
            continue;
          }
          expect(['invalid_argument', 'too_large'], what).toContain(error['code']);
          // The field, what it is in, or what is in it.
          const field = String(error['field']);
          expect(field.startsWith(path) || path.startsWith(field), `${what} – ${field}`).toBe(true);
        }
      }
    });
  });

  it.each(COMMANDS)('[C3] `$cmd`: each key twice, numbers beyond 2^53, half of a surrogate pair', async (command) => {
    const mark = 'the same key again';
    await harmless(async () => {
      const culprit = new Culprit(command.cmd);
      for (const { path, value, put } of spots(command)) {
        const key = /[^.]+$/.exec(path)![0];
        // Whose line cannot be read before a registration may be a client of the seed, which knows no fields.
        const named = { code: 'invalid_argument', field: path };
        const what = command.cmd === 'register' ? { code: 'invalid_command' } : named;
        const expected = { ...what, version: 0, fatal: false };
        for (const number of ['9007199254740992', '-9007199254740993', '1e39', '1e400']) {
          const text = JSON.stringify(put(mark)).replace(JSON.stringify(mark), number);
          expect(await culprit.line(text), text).toMatchObject(expected);
        }
        const text = JSON.stringify(put(`${mark}\ud800`));
        expect(await culprit.line(text), text).toMatchObject(expected);
        if (key.endsWith(']')) continue;
        const double = JSON.stringify(put(mark)).replace(
          JSON.stringify(mark),
          `${JSON.stringify(value)},${JSON.stringify(key)}:${JSON.stringify(value)}`,
        );
        expect(await culprit.line(double), double).toMatchObject(expected);
      }
    });
  });
});

describe('commands: error', () => {
  const CHANGING = COMMANDS.filter(
    ({ cmd }) =>
      misdirected(cmd) === null &&
      !/^(?:register|subscribe|unsubscribe|get_.*|list_.*|explain_agent|shutdown|ping|goodbye)$/.test(cmd),
  );

  it.each(CHANGING)('[K12] `$cmd` with a stale expected_version, or one of the future', async (command) => {
    await harmless(async () => {
      const client = await ours.client();
      for (const expected_version of [0, Number.MAX_SAFE_INTEGER]) {
        const error = await client.fails({ ...command, expected_version });
        expect(error).toMatchObject({ code: 'conflict', field: 'expected_version' });
      }
    });
  });

  it.each(COMMANDS.filter(({ cmd }) => cmd !== 'register'))('[C1] `$cmd` before registration', async (command) => {
    await harmless(async () => {
      const client = await ours.open();
      const { code, details } = await client.fails(command);
      expect([code, details]).toEqual(['not_registered', { fatal: command.cmd === 'goodbye' }]);
      if (command.cmd === 'goodbye') await client.closed;
      else expect(await client.request(ours.registration())).toMatchObject({ ok: true });
    });
  });

  it('[C12] `register` twice', async () => {
    await harmless(async () => {
      const client = await ours.client();
      expect(await client.fails(ours.registration())).toMatchObject({ code: 'already_registered' });
    });
  });

  it.each(CHANGING)('[C2] `$cmd` twice with one request_id is answered once', async (command) => {
    await harmless(async () => {
      const client = await ours.client();
      const twice = { ...command, expected_version: 0, request_id: 'twice' };
      client.send(twice);
      client.send(twice);
      expect(await client.event('error')).toMatchObject({ code: 'invalid_argument', field: 'request_id' });
      // Decided after it.
      await client.fails({ cmd: 'rename_tab', tab_id: 'none', name: 'x' });
      expect(client.received.filter(({ reply }) => reply === 'twice')).toHaveLength(1);
      client.violations.length = 0; // It was not asked through `request`.
    });
  });
});

describe('trees and meta: error', () => {
  const proto = (text: string): unknown => JSON.parse(text.replace('PROTO', '__proto__'));

  it('[Y4] [W12] `__proto__` is no key, wherever it stands', async () => {
    await harmless(async () => {
      const culprit = new Culprit('');
      for (const [field, command] of [
        ['meta_patch.__proto__', { cmd: 'update_tab_meta', tab_id: 't', meta_patch: proto('{"PROTO":{"a":1}}') }],
        [
          'meta_patch.a[0].__proto__',
          { cmd: 'update_tab_meta', tab_id: 't', meta_patch: proto('{"a":[{"PROTO":1}]}') },
        ],
        ['meta.a.__proto__', { cmd: 'create_block', tab_id: 't', meta: proto('{"a":{"PROTO":null}}') }],
        ...(
          [
            ['new_tree.__proto__', '{"id":"n","data":{"blockId":"b"},"PROTO":{}}'],
            ['new_tree.data.__proto__', '{"id":"n","data":{"blockId":"b","PROTO":{}}}'],
            ['new_tree.children[0].x.__proto__', '{"id":"n","children":[{"id":"m","x":{"PROTO":1}}]}'],
          ] as const
        ).map(
          ([path, text]) =>
            [path, { cmd: 'layout_set_tree', tab_id: 't', correlation_id: '', new_tree: proto(text) }] as const,
        ),
      ] as const) {
        expect(await culprit.request(command)).toMatchObject({ code: 'invalid_argument', field });
      }
    });
  });

  it('[Y5] [C3] trees over the limits are too_large, of the layout and of the line', async () => {
    const client = await ours.client();
    const { tab, a } = await createPair(client);
    const set = { cmd: 'layout_set_tree', tab_id: tab, correlation_id: '' };
    const chain = (levels: number): Message => {
      let node = leaf('n0', a);
      for (let level = 1; level < levels; level++) node = { id: `n${level}`, children: [node] };
      return node;
    };
    const wide = (count: number): Message => ({
      id: 'r',
      children: Array.from({ length: count }, (_one, index) => leaf(`n${index}`, `b${index}`)),
    });
    await harmless(async () => {
      const culprit = new Culprit('');
      // Blocks are looked up as the tree is read: the count is said only where they are all there.
      expect(['too_large', 'not_found']).toContain((await culprit.request({ ...set, new_tree: wide(1_024) }))['code']);
      expect(await culprit.request({ ...set, new_tree: chain(29) })).toMatchObject({ code: 'too_large' });
      // A line ends at 64 levels, each of the tree being two of them.
      for (const new_tree of [chain(33), chain(70), wide(2_600)]) {
        expect(await culprit.line(JSON.stringify({ ...set, new_tree }))).toMatchObject({ code: 'too_large' });
      }
    });
    await client.ok({ ...set, new_tree: chain(28) });
  });
});

describe('lines: error', () => {
  it.each<[string, Buffer]>([
    ['a byte that is no UTF-8', Buffer.from('{"cmd":"ping","x":"\xff"}', 'latin1')],
    ['half of a character', Buffer.from('{"cmd":"ping","x":"\xc3"}', 'latin1')],
    ['an overlong NUL', Buffer.from('{"cmd":"ping","x":"\xc0\x80"}', 'latin1')],
    ['a surrogate as UTF-8', Buffer.from('{"cmd":"ping","x":"\xed\xa0\x80"}', 'latin1')],
    ['a byte order mark', Buffer.from('\ufeff{"cmd":"ping"}')],
    ['a NUL', Buffer.from('\0')],
    ['a NUL in a string', Buffer.from('{"cmd":"ping","x":"\0"}')],
    ['two commands', Buffer.from('{"cmd":"ping"}{"cmd":"ping"}')],
    ['a comma too many', Buffer.from('{"cmd":"ping",}')],
    ['a number that is none', Buffer.from('{"cmd":"ping","nonce":NaN}')],
    ['a string', Buffer.from('"ping"')],
    ['a list', Buffer.from('[{"cmd":"ping"}]')],
    ['100,000 brackets', Buffer.from('['.repeat(100_000))],
    ['65 levels', Buffer.from(`{"cmd":"ping","x":${'['.repeat(64)}${']'.repeat(64)}}`)],
    ['5,001 objects', Buffer.from(`{"cmd":"ping","x":[${Array.from({ length: 5_000 }, () => '{}').join(',')}]}`)],
  ])('[C3] %s is refused, and the connection lives', async (_what, bytes) => {
    await harmless(async () => {
      const client = await ours.client();
      client.write(Buffer.concat([bytes, Buffer.from('\n')]));
      const error = await client.event('error');
      expect(['invalid_argument', 'too_large']).toContain(error['code']);
      expect(error).toMatchObject({ version: 0, fatal: false });
      await client.ok({ cmd: 'ping' });
    });
  });

  it('[C7] half a line, then nothing: it waits for nobody, and is no command when the connection goes', async () => {
    await harmless(async () => {
      const client = await ours.client();
      client.write('{"cmd":"create_workspace","name":"half"');
      client.hangUp();
      await client.closed;
    });
  });
});

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

/** Anything at all, mostly near what is right. */
function mutated(random: Random, command: Message): Message {
  const all = [...spots(command)];
  const spot = all[random(all.length)];
  const donor = COMMANDS[random(COMMANDS.length)]!;
  const gifts = [...spots(donor)];
  const gift = random(2) === 0 ? HOSTILE[random(HOSTILE.length)] : gifts[random(Math.max(1, gifts.length))]?.value;
  return (spot?.put(gift ?? null) ?? command) as Message;
}

describe('anything', () => {
  it('[K3] [C9] whatever is sent, each line has its answer, and who follows knows the state', {
    timeout: 90_000,
  }, async () => {
    const random = seededRandom('hostile');
    const follower = await ours.client();
    await follower.ok({ cmd: 'subscribe', snapshot: true });
    const replica = new Replica(await follower.next());
    const safe = COMMANDS.filter(({ cmd }) => !/^(?:register|shutdown|goodbye|create_session|subscribe)$/.test(cmd));
    const ids = ['w1', 't1', 'b1', 'n1', 'n2'];
    let client = await ours.client();
    for (let round = 0; round < 1_500; round++) {
      if (round % ERRORS_PER_CONNECTION === 0) client = await ours.client();
      let command: Message = safe[random(safe.length)]!;
      // Half of them are as they should be, so that there is something to spoil.
      for (let times = random(3); times > 0; times--) command = mutated(random, command);
      if (round % 50 === 0) {
        const workspace_id = ids[0]!;
        await client.request({ cmd: 'create_workspace', name: 'w', workspace_id });
        await client.request({ cmd: 'create_tab', name: 't', workspace_id, tab_id: ids[1] });
        const place = { node_id: ids[random(ids.length)] };
        await client.request({ cmd: 'create_block', tab_id: ids[1], block_id: `b${1 + random(3)}`, place });
      }
      if (typeof command['cmd'] !== 'string' || !safe.some(({ cmd }) => cmd === command['cmd'])) continue;
      // Deeper, a line is refused before anybody reads whose request it is.
      if (depthOf(command) > 64) continue;
      const text = JSON.stringify(command);
      const reply = await client.request(command);
      const error = reply['error'] as Message | undefined;
      expect(error?.['code'], text).not.toBe('internal');
      if (error !== undefined) expect(error['message'], text).toMatch(/./);
    }
    const snapshot = await client.ok({ cmd: 'get_srv_snapshot' });
    const mark = await client.ok({ cmd: 'create_workspace', name: 'the end' });
    const events = await follower.reached(mark.version);
    for (const event of events) if (Number(event['version']) <= snapshot.version) replica.apply(event);
    expect(replica.facts()).toEqual(factsOf(snapshot));
  });
});
