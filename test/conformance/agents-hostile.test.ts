/**
 * What can be wrong about agents and their messages, on a real socket: profiles, messages, senders, tokens. It is refused
 * with a code that names the field, nothing is kept of it, and nobody learns what is not theirs.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUILT_IN_PROFILES, checkProfile, compileProfile, formatMessage } from '../../src/agents/index.ts';
import type { ScreenView } from '../../src/agents/index.ts';
import type { AgentProfile, Match } from '../../src/protocol/agent/index.ts';
import { limits } from '../../src/protocol/index.ts';
import { parseConfig } from '../../src/srv/config.ts';
import { agentHome, insideOf, scripted, truthOf } from '../support/agent-home.ts';
import { holdfast } from '../support/holdfast-command.ts';
import { recordedScreens, replay } from '../support/recorded-screens.ts';
import { TestRuntime, until } from '../support/runtime.ts';
import { type AgentScript, scriptedProfile } from '../support/scripted-profile.ts';
import { type Message, ulid, WireClient } from './ours/client.ts';
import { stateOf } from './ours/suite.ts';

const WIRE = (name: string): string =>
  readFileSync(new URL(`../fixtures/wire/${name}.ndjson`, import.meta.url), 'utf8').trimEnd();
const COMMANDS = WIRE('commands')
  .split('\n')
  .map((line) => JSON.parse(line) as Message & { cmd: string });

/** The code and field of what `act` throws. */
function refusal(act: () => unknown): { code: string; field: string; message: string } {
  try {
    act();
  } catch (thrown) {
    return thrown as { code: string; field: string; message: string };
  }
  throw new Error('it was taken');
}

const RULE = { id: 'r', region: { of: 'whole' }, match: { any: ['x'] } };
const with_ = (fields: object): unknown => ({ title: 't', launch: { argv: ['x'] }, ...fields });

describe('profiles: error', () => {
  it.each<[string, object, string]>([
    ['a name that is no name', { name: '../x' }, 'name'],
    ['a title that is a list', { title: [] }, 'title'],
    ['no title', { title: '' }, 'title'],
    ['a revision of 0', { revision: 0 }, 'revision'],
    ['a revision of a half', { revision: 1.5 }, 'revision'],
    ['a revision that is a text', { revision: '1' }, 'revision'],
    ['an unknown key', { color: 'red' }, 'color'],
    ['an unknown key within', { launch: { argv: ['x'], shell: true } }, 'launch.shell'],
    ['`constructor` as a key', { launch: { argv: ['x'], constructor: {} } }, 'launch.constructor'],
    ['an argv that is one text', { launch: { argv: 'rm -rf /' } }, 'launch.argv'],
    ['an empty word', { launch: { argv: [''] } }, 'launch.argv.0'],
    ['65 words', { launch: { argv: Array.from({ length: 65 }, () => 'x') } }, 'launch.argv'],
    ['a word of 4,097', { launch: { argv: ['x'.repeat(4_097)] } }, 'launch.argv.0'],
    ['a variable with `=`', { launch: { argv: ['x'], set: { 'A=B': 'c' } } }, 'launch.set.A=B'],
    ['a variable that is a number', { launch: { argv: ['x'], set: { A: 1 } } }, 'launch.set.A'],
    ['a scrub in the midst', { launch: { argv: ['x'], scrub: ['A*B'] } }, 'launch.scrub.0'],
    ['a resume without the conversation', { launch: { argv: ['x'], resume: ['x'] } }, 'launch.resume'],
    ['by_reference_bytes of 255', { input: { by_reference_bytes: 255 } }, 'input.by_reference_bytes'],
    ['by_reference_bytes over a message', { input: { by_reference_bytes: 262_145 } }, 'input.by_reference_bytes'],
    ['no submit key', { input: { submit: '' } }, 'input.submit'],
    ['a paste of another kind', { input: { paste: 'magic' } }, 'input.paste'],
    ['nine interrupts', { input: { interrupt: Array.from({ length: 9 }, () => 'x') } }, 'input.interrupt'],
    ['129 rules', { rules: Array.from({ length: 129 }, (_, at) => ({ ...RULE, id: `r${at}` })) }, 'rules'],
    ['two rules of one id', { rules: [RULE, RULE] }, 'rules.1.id'],
    [
      '33 patterns',
      { rules: [{ ...RULE, match: { any: Array.from({ length: 33 }, () => 'x') } }] },
      'rules.0.match.any',
    ],
    ['a rule that matches everything', { rules: [{ ...RULE, match: { none: ['x'] } }] }, 'rules.0.match'],
    ['a rule of no region', { rules: [{ ...RULE, region: { of: 'moon' } }] }, 'rules.0.region.of'],
    ['201 lines', { rules: [{ ...RULE, region: { of: 'last', lines: 201 } }] }, 'rules.0.region.lines'],
    ['no lines', { rules: [{ ...RULE, region: { of: 'last', lines: 0 } }] }, 'rules.0.region.lines'],
    ['a confidence over 1', { rules: [{ ...RULE, confidence: 1.01 }] }, 'rules.0.confidence'],
    ['a confidence that is no number', { rules: [{ ...RULE, confidence: Number.NaN }] }, 'rules.0.confidence'],
    ['a settling of 10,001 ms', { rules: [{ ...RULE, settle_ms: 10_001 }] }, 'rules.0.settle_ms'],
    ['an endless timing', { timings: { echo_ms: Number.POSITIVE_INFINITY } }, 'timings.echo_ms'],
    ['a negative timing', { timings: { echo_ms: -1 } }, 'timings.echo_ms'],
    ['an activity of its own', { rules: [{ ...RULE, activity: 'dreaming' }] }, 'rules.0.activity'],
    [
      '65 dialogs',
      { dialogs: Array.from({ length: 65 }, (_, at) => ({ ...RULE, id: `d${at}`, kind: 'trust' })) },
      'dialogs',
    ],
    ['three modes', { structured: Array.from({ length: 3 }, () => ({ mode: 'acp', argv: ['x'] })) }, 'structured'],
  ])('[H1] %s', (_what, fields, field) => {
    const name = (fields as { name?: string }).name ?? 'x';
    const error = refusal(() => checkProfile(with_({ name, ...fields }), 'agents.x'));
    expect(error).toMatchObject({ code: 'invalid_argument', field: `agents.x.${field}` });
    expect(error.message).toContain(`agents.x.${field}`);
  });

  it.each<[string, string]>([
    ['nested quantifiers', '(a+)+$'],
    ['repeated alternatives', '(?:a|aa)*$'],
    ['three open ends', '.*.*.*x'],
    ['a search of two open ends', 'a*a*b'],
    ['many ways and a long walk', `^${'(?:a|a)'.repeat(21)}a{480}b`],
    ['many ways and a long word', `^${'(?:a|a)'.repeat(20)}${'a'.repeat(60)}b`],
    ['look-ahead', '(?=a)a'],
    ['a back-reference', '(a)\\1'],
    ['no pattern at all', '('],
    ['257 characters', 'x'.repeat(257)],
  ])('[H2] a pattern of %s is refused wherever it stands', (_what, pattern) => {
    const dialog = { id: 'd', kind: 'trust', region: { of: 'whole' }, match: { any: ['x'] } };
    for (const [field, fields] of [
      ['rules.0.match.any.0', { rules: [{ ...RULE, match: { any: [pattern] } }] }],
      ['rules.0.match.none.0', { rules: [{ ...RULE, match: { any: ['x'], none: [pattern] } }] }],
      ['rules.0.region.mark', { rules: [{ ...RULE, region: { of: 'after', mark: pattern } }] }],
      ['dialogs.0.choice', { dialogs: [{ ...dialog, choice: pattern }] }],
      ['dialogs.0.noise.0', { dialogs: [{ ...dialog, noise: [pattern] }] }],
      ['titles.0.pattern', { titles: [{ id: 't', pattern }] }],
      ['input.box.prompt', { input: { box: { region: { of: 'whole' }, prompt: pattern } } }],
      ['input.special.pattern', { input: { special: { pattern, prefix: ' ' } } }],
      ['hooks.events.0.matching.a', { hooks: { events: [{ event: 'e', matching: { a: pattern } }] } }],
    ] as const) {
      expect(refusal(() => checkProfile(with_({ name: 'x', ...fields }), 'p'))).toMatchObject({
        code: 'invalid_argument',
        field: `p.${field}`,
      });
    }
  });

  it('[H2] the worst profile that is taken, on the worst screen, costs a bounded time, and says nothing then', () => {
    const worst = [
      '(?:a|a)(?:a|a)(?:a|a)(?:a|a)a*b',
      '^[^b]*[^b]*(?:a|a)(?:a|a)(?:a|a)(?:a|a)b',
      '(?:a?)(?:a?)(?:a?)a*b',
    ];
    const any = Array.from({ length: 32 }, (_, at) => worst[at % worst.length]!);
    const rules = Array.from({ length: 128 }, (_, at) => ({
      ...RULE,
      id: `r${at}`,
      match: { any, all: any } as Match,
    }));
    const last = { ...RULE, id: 'last', priority: -1, match: { any: ['a'] }, activity: 'idle' };
    const profile = checkProfile(with_({ name: 'x', rules: [...rules.slice(1), last] }), 'p');
    const view: ScreenView = {
      rows: 400,
      cols: 512,
      lines: Array.from({ length: 400 }, () => 'a'.repeat(512)),
      cursorRow: 0,
      cursorCol: 0,
      cursorVisible: true,
      title: '',
      isDim: () => false,
    };
    const reader = compileProfile(profile);
    const started = process.cpuUsage();
    const used = (): number => {
      const { user, system } = process.cpuUsage(started);
      return (user + system) / 1_000;
    };
    const reading = reader.screen(view, () => used() > 100);
    expect(used()).toBeLessThan(1_500);
    expect(reading).toMatchObject({ evidence: null, dialog: null, box: null, skipped: false });
    expect(reading.tried.at(-1)).toMatchObject({ matched: false, reason: 'its rules take too long' });
  });

  it.each<[string, string, string]>([
    ['one name twice', '[agents.x]\ntitle = "a"\n[agents.x]\ntitle = "b"', 'config.toml'],
    ['a text for a table', '[agents]\nx = "y"', 'agents.x'],
    ['a list of tables', '[[agents]]\nname = "x"', 'agents'],
    ['an unknown base', '[agents.x]\nextends = "nobody"', 'agents.x.extends'],
    ['`__proto__` as a name', '[agents.__proto__]\ntitle = "a"', 'agents.__proto__'],
    ['`__proto__` as a base', '[agents.x]\nextends = "__proto__"', 'agents.x.extends'],
    ['a date for a title', '[agents.x]\ntitle = 2026-01-01', 'agents.x.title'],
    ['a changed type below a base', '[agents.x]\nextends = "claude"\ninput = "none"', 'agents.x.input'],
    ['no TOML', '[agents.x', 'config.toml'],
  ])('[H1] config.toml with %s', (_what, text, field) => {
    const error = refusal(() => parseConfig(text));
    expect(error.code).toBe('invalid_argument');
    expect(error.field.startsWith(field), `${error.field}: ${error.message}`).toBe(true);
  });

  it('[H1] srv does not start on one, and says which key is wrong, without the values beside it', async () => {
    const home = agentHome(['scripted'], (profile) => ({
      ...profile,
      launch: { ...profile.launch, set: { KEY: 'canary-in-a-profile', BAD: 7 as unknown as string } },
    }));
    const { status, stderr } = await holdfast(home, ['up']);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/agents\.scripted\.launch\.set\.BAD/);
    expect(stderr).not.toContain('canary');
  });
});

const BODIES: [string, string][] = [
  ['the end of a paste', 'a\x1b[201~\rrm -rf /\r'],
  ['the end of a paste in C1', 'a\u009b201~\rb'],
  ['an escape sequence', '\x1b]0;x\x07\x1b[6n\x1bPq\x1b\\'],
  ['C0', Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)).join('x')],
  ['C1 and DEL', Array.from({ length: 33 }, (_, code) => String.fromCharCode(0x7f + code)).join('x')],
  ['half of a pair', 'a\ud800b\udc00'],
  ['returns', 'a\rb\r\nc'],
];
const TYPED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;

describe('what is typed', () => {
  it.each(BODIES)('[H4] of a message with %s is text', (_what, body) => {
    for (const { input } of BUILT_IN_PROFILES) {
      const text = formatMessage({ from: `x\x1b[201~\r${body}`, body }, input);
      expect(text).not.toMatch(TYPED);
      expect(text).not.toMatch(/\p{Surrogate}/u);
      expect(text).not.toContain('\x1b');
    }
  });

  it.each(
    BUILT_IN_PROFILES.filter(({ input }) => (input.special ?? null) !== null).map(
      (profile) => [profile.name, profile] as const,
    ),
  )('[H4] to %s is no command of the program, whatever stands before its mark', (_name, { input }) => {
    for (const mark of ['!', '/']) {
      for (const before of [
        '',
        '\x1b',
        '\u0000',
        '\u009b',
        '\x7f',
        ' ',
        '\n',
        '\t',
        '\r\n ',
        '\ufeff',
        '\u00a0',
        '\u2028',
        '\u200b',
      ]) {
        const text = formatMessage({ from: '', body: `${before}${mark}quit` }, input);
        // A program may trim what it is given before it looks for its mark.
        const shown = text.replace(/^[\s\ufeff\u200b]+/u, '');
        expect(shown.startsWith(mark) && text === shown, JSON.stringify([before, text])).toBe(false);
      }
    }
  });
});

describe('screens that lie', () => {
  const idle = recordedScreens().filter(({ phase, rows }) => phase === 'done' && rows <= 30);
  const asking = recordedScreens().filter(({ phase }) => phase === 'permission');
  const profileOf = (name: string): AgentProfile => BUILT_IN_PROFILES.find((profile) => profile.name === name)!;

  it('[H8] there are screens of several programs at rest and asking', () => {
    expect(new Set(idle.map(({ cli }) => cli)).size).toBeGreaterThan(1);
    expect(new Set(asking.map(({ cli }) => cli)).size).toBeGreaterThan(1);
  });

  it.each(idle)('[H8] $name: a permission dialog told above the box is no request', async (recorded) => {
    const profile = profileOf(recorded.cli);
    const own = asking.find(({ cli }) => cli === recorded.cli) ?? asking[0]!;
    for (const fake of [own, ...asking.filter(({ cli }) => cli !== recorded.cli)]) {
      const told = (await replay(fake, profile)).screen.split('\n').map((line) => line.slice(3));
      const lines = told.filter((line) => line.trim() !== '').slice(-12);
      const prose = lines.map((line, at) => `\x1b[${at + 1};1H\x1b[2K${line}`).join('');
      const { reading, screen } = await replay(
        { ...recorded, rows: 50, bytes: Buffer.concat([recorded.bytes, Buffer.from(`\x1b7${prose}\x1b8`)]) },
        { ...profile, program_status: false, titles: [] },
      );
      expect(reading.dialog, `${fake.name}\n${screen}`).toBeNull();
    }
  });
});

let runtime: TestRuntime;
let owner: WireClient;
const clients: WireClient[] = [];

async function connected(token?: string): Promise<WireClient> {
  const client = await WireClient.open(join(runtime.home, 'run', 'srv.sock'));
  clients.push(client);
  client.send({
    cmd: 'register',
    kind: 'tool',
    pid: process.pid,
    version: '1.0.0',
    protocol: [1, 1],
    client_id: ulid(),
    token: token ?? readFileSync(join(runtime.home, 'run', 'secret'), 'utf8').trim(),
  });
  return client;
}

async function registered(token?: string): Promise<WireClient> {
  const client = await connected(token);
  expect(await client.next()).toMatchObject({ event: 'registered' });
  return client;
}

async function start(name: string, script: AgentScript = {}): Promise<string> {
  const [, word = ''] = scripted(runtime.home, name, script);
  const at = word.indexOf('=');
  const env = [
    ['PATH', process.env['PATH'] ?? ''],
    [word.slice(0, at), word.slice(at + 1)],
  ];
  const { session } = await owner.ok({
    cmd: 'create_session',
    cwd: runtime.home,
    env,
    name,
    agent: { profile: 'scripted', share_directory: true },
  });
  return (session as { id: string }).id;
}

async function agentOf(session: string): Promise<Message> {
  return (await owner.ok({ cmd: 'get_agent', session }))['agent'] as Message;
}

async function ready(name: string, script?: AgentScript): Promise<{ id: string; token: string }> {
  const id = await start(name, script);
  await until(async () => ((await agentOf(id))['status'] as Message)['activity'] === 'idle', `${name} to be idle`);
  const { pid } = (await owner.ok({ cmd: 'get_session', session: id }))['session'] as { pid: number };
  return { id, token: insideOf(pid)['HOLDFAST_TOKEN']! };
}

const messages = async (session: string): Promise<Message[]> =>
  (await owner.ok({ cmd: 'list_messages', session, limit: 1_000 }))['messages'] as Message[];

describe('on a real socket', () => {
  beforeAll(async () => {
    runtime = await TestRuntime.start({ home: agentHome() });
    owner = await registered();
  });
  afterAll(async () => {
    for (const client of clients) client.hangUp();
    expect(clients.flatMap(({ violations }) => violations)).toEqual([]);
    await runtime.close();
  });

  it('[H3] a message that cannot be sent is refused with its field, and nothing of it is kept', async () => {
    const { id } = await ready('taker', { turns: [{ never: true }] });
    const plain = (await runtime.run(['cat'], { name: 'plain' })).id;
    const dead = await start('dead');
    await owner.ok({ cmd: 'terminate_session', session: dead, grace_ms: 0 });
    await until(async () => ((await agentOf(dead))['status'] as Message)['activity'] === 'dead', 'it to be dead');
    const half = '\ud800';
    for (const [fields, expected] of [
      [{ body: 'x'.repeat(limits.MESSAGE_BYTES + 1) }, { code: 'too_large', field: 'body' }],
      [{ body: 'é'.repeat(limits.MESSAGE_BYTES / 2 + 1) }, { code: 'too_large', field: 'body' }],
      [{ body: '' }, { code: 'invalid_argument', field: 'body' }],
      [{ body: null }, { code: 'invalid_argument', field: 'body' }],
      [{ to: 'nobody' }, { code: 'not_found', field: 'to' }],
      [{ to: id.slice(0, 2) }, { code: 'ambiguous', field: 'to' }],
      [{ to: '' }, { code: 'invalid_argument', field: 'to' }],
      [{ to: '../../x' }, { code: 'not_found', field: 'to' }],
      [{ to: '__proto__' }, { code: 'not_found', field: 'to' }],
      [{ to: plain }, { code: 'conflict', field: 'to' }],
      [{ to: dead }, { code: 'session_exited', field: 'to' }],
      [{ message_id: '../../../../tmp/x' }, { code: 'invalid_argument', field: 'message_id' }],
      [{ message_id: ulid(Date.now() + 60 * 60 * 1000) }, { code: 'key_expired', field: 'message_id' }],
      [{ ttl_ms: 0 }, { code: 'invalid_argument', field: 'ttl_ms' }],
      [{ ttl_ms: 2 ** 31 }, { code: 'invalid_argument', field: 'ttl_ms' }],
      [{ priority: 'now' }, { code: 'invalid_argument', field: 'priority' }],
      [{ from: { kind: 'person', name: 'boss', session_id: null } }, { code: 'forbidden', field: 'from' }],
      [{ from: { kind: 'agent', name: 'taker', session_id: id } }, { code: 'forbidden', field: 'from' }],
    ] as const) {
      const error = await owner.fails({ cmd: 'send_message', to: id, body: 'x', ...fields });
      expect(error, JSON.stringify(fields).slice(0, 80)).toMatchObject(expected);
    }
    owner.write(
      `{"cmd":"send_message","request_id":"half","to":"${id}","body":"${JSON.stringify(half).slice(1, -1)}"}\n`,
    );
    await owner.upTo(({ event, code }) => event === 'error' && code === 'invalid_argument');
    expect(await messages(id)).toEqual([]);
    expect(await messages(dead)).toEqual([]);
  });

  it('[H3] a message_id is one message, and an inbox has an end', { timeout: 20_000 }, async () => {
    const { id } = await ready('full', { turns: [{ never: true }] });
    const message_id = ulid();
    await owner.ok({ cmd: 'send_message', to: id, body: 'one', message_id });
    expect(await owner.ok({ cmd: 'send_message', to: id, body: 'one', message_id })).toMatchObject({ message_id });
    for (const other of [{ body: 'two' }, { to: 'taker' }]) {
      const error = await owner.fails({ cmd: 'send_message', to: id, body: 'one', message_id, ...other });
      expect(error).toMatchObject({ code: 'key_reused', field: 'message_id' });
    }
    await until(() => truthOf(runtime.home, 'full', 'submitted').length === 1, 'the first to be taken');
    const rest = Array.from({ length: limits.INBOX_COUNT }, (_, at) => ({
      cmd: 'send_message',
      to: id,
      body: `${at}`,
    }));
    for (let at = 0; at < rest.length; at += 50) {
      await Promise.all(rest.slice(at, at + 50).map((command) => owner.ok(command)));
    }
    expect(await owner.fails({ cmd: 'send_message', to: id, body: 'one more' })).toMatchObject({
      code: 'busy',
      field: 'to',
      retryable: true,
    });
    const large = 'x'.repeat(limits.MESSAGE_BYTES);
    let refused: Message | undefined;
    for (let count = 0; refused === undefined && count < 30; count++) {
      const reply = await owner.request({ cmd: 'send_message', to: 'taker', body: large });
      if (reply['ok'] === false) refused = reply['error'] as Message;
    }
    expect(refused).toMatchObject({ code: 'busy', field: 'body' });
    await owner.ok({ cmd: 'remove_session', session: id, force: true });
    await owner.ok({ cmd: 'remove_session', session: 'taker', force: true });
  });

  it('[H5] a program of a session does what it may, and nothing else of the whole registry', async () => {
    const secret = `canary-${ulid()}`;
    const a = await ready('a', { turns: [{}] });
    const b = await ready('b', { turns: [{ never: true }] });
    const { message_id } = await owner.ok({ cmd: 'send_message', to: b.id, body: secret });
    // What follows from it by itself is not to be taken for somebody's doing.
    await until(async () => (await messages(b.id))[0]?.['state'] === 'delivered', 'it to be delivered');
    const before = await stateOf(owner);
    const inside = await registered(a.token);
    const allowed = new Set([
      'send_message',
      'cancel_message',
      'get_message',
      'list_messages',
      'list_agents',
      'get_session',
      'list_sessions',
      'ping',
      'goodbye',
    ]);
    expect(COMMANDS.length).toBeGreaterThan(70);
    let others: WireClient | undefined;
    let sent = 0;
    for (const command of COMMANDS) {
      if (allowed.has(command.cmd) || command.cmd === 'register') continue;
      if (sent++ % 200 === 0) others = await registered(a.token);
      const error = await others!.fails(command);
      // Of another process's vocabulary: not for anybody here.
      const codes = ['forbidden', 'wrong_direction', 'wrong_domain'];
      expect(codes, `${command.cmd}: ${JSON.stringify(error)}`).toContain(error.code);
      expect(error.field).toBe('cmd');
    }
    const own = { message: message_id };
    for (const [command, field] of [
      [{ cmd: 'get_message', ...own }, 'message'],
      [{ cmd: 'cancel_message', ...own }, 'message'],
      [{ cmd: 'list_messages', session: b.id }, 'session'],
      [{ cmd: 'list_messages', session: 'b', sent: true }, 'session'],
      [{ cmd: 'send_message', to: 'b', body: 'x', from: { kind: 'agent', name: 'b', session_id: b.id } }, 'from'],
      [{ cmd: 'send_message', to: 'b', body: 'x', from: { kind: 'tool', name: 'a', session_id: null } }, 'from'],
    ] as const) {
      expect(await inside.fails(command)).toMatchObject({ code: 'forbidden', field });
    }
    for (const to of [a.id, 'a', a.id.slice(0, 25)]) {
      expect(await inside.fails({ cmd: 'send_message', to, body: 'x' })).toMatchObject({
        code: 'invalid_argument',
        field: 'to',
      });
    }
    expect(await inside.fails({ cmd: 'send_message', to: 'b', body: secret, message_id })).toMatchObject({
      code: 'key_reused',
    });
    expect((await inside.ok({ cmd: 'list_messages' }))['messages']).toEqual([]);
    for (const cmd of ['list_agents', 'list_sessions']) await inside.ok({ cmd });
    const session = (await inside.ok({ cmd: 'get_session', session: b.id })) as Message;
    expect(session['token']).toBe('');
    const heard = [inside, others!].map(({ received }) => JSON.stringify(received)).join('');
    expect(heard).not.toContain(secret);
    expect(heard).not.toContain(b.token.slice(27));
    expect(heard).not.toContain(readFileSync(join(runtime.home, 'run', 'secret'), 'utf8').trim());
    expect(await stateOf(owner)).toEqual(before);
    expect(await messages(b.id)).toHaveLength(1);
  });

  it('[H5] a token of nobody, of another, of a session that was removed is bad', async () => {
    const a = await ready('token-a');
    const b = await ready('token-b');
    const [, proof = ''] = a.token.split('.');
    for (const token of [
      `${b.id}.${proof}`,
      `${a.id}.${proof.slice(0, -1)}`,
      `${a.id}.${proof}0`,
      `${a.id}.${'0'.repeat(32)}`,
      a.id,
      `${a.id}.`,
      `.${proof}`,
      `${a.id.toLowerCase()}.${proof}`,
      `${a.id}.${proof.toUpperCase()}`,
      ` ${a.token}`,
      proof,
      '',
      '.',
      '__proto__.x',
      'x'.repeat(10_000),
    ]) {
      const client = await connected(token);
      const error = await client.event('error');
      expect(['bad_token', 'invalid_argument'], token.slice(0, 60)).toContain(error['code']);
      expect(JSON.stringify(error)).not.toContain(proof);
    }
    await registered(a.token);
    const stays = await registered(b.token);
    await owner.ok({ cmd: 'remove_session', session: a.id, force: true });
    expect(await (await connected(a.token)).event('error')).toMatchObject({ code: 'bad_token' });
    await owner.ok({ cmd: 'remove_session', session: b.id, force: true });
    // It was let in while there was a session to speak for.
    for (const command of [{ cmd: 'send_message', to: 'a', body: 'from the grave' }, { cmd: 'list_agents' }]) {
      expect(await stays.fails(command)).toMatchObject({ code: 'forbidden' });
    }
  });

  it('[H9] what names a conversation is one word, no option, and nothing is run by a shell', async () => {
    const marks = ['$(touch pwned)', '`touch pwned`', '; touch pwned', "' && touch pwned #", '{report}', '{settings}'];
    for (const conversation of marks) {
      const { session } = await owner.ok({
        cmd: 'create_session',
        cwd: runtime.home,
        env: [['PATH', process.env['PATH'] ?? '']],
        agent: { profile: 'scripted', conversation, share_directory: true },
      });
      const { id, argv } = session as { id: string; argv: string[] };
      expect(argv.slice(-2)).toEqual(['--resume', conversation]);
      await owner.ok({ cmd: 'remove_session', session: id, force: true });
    }
    for (const conversation of ['-x', '--dangerously-skip-permissions', 'a\0b', 'a\nb', '', 'x'.repeat(129)]) {
      const error = await owner.fails({
        cmd: 'create_session',
        cwd: runtime.home,
        env: [],
        agent: { profile: 'scripted', conversation },
      });
      expect(error, conversation).toMatchObject({ code: 'invalid_argument', field: 'agent.conversation' });
    }
    expect(() => readFileSync(join(runtime.home, 'pwned'))).toThrow(/ENOENT/);
  });
});

it('[H2] the profile of the scripted agent itself is taken', () => {
  expect(checkProfile(scriptedProfile, 'p').name).toBe('scripted');
});
