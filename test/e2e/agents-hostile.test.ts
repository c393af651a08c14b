/** Hostile agents at real terminals: what they print, report and leave behind harms nobody, and nothing of theirs leaks. */
import { execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentRecord } from '../../src/client/index.ts';
import type { AgentProfile, Explanation } from '../../src/protocol/agent/index.ts';
import type { ControlClient } from '../../src/control/index.ts';
import { createIds, systemClock } from '../../src/runtime/index.ts';
import { agentHome, insideOf } from '../support/agent-home.ts';
import { collect } from '../support/collect.ts';
import { openControl } from '../support/control-client.ts';
import { holdfast, type Ran } from '../support/holdfast-command.ts';
import { FAULTS_LOADER, TestRuntime, testEnvironment, until } from '../support/runtime.ts';
import { dialog, IDLE, Stage, stageProfile, VIEWER, WORKING } from '../support/stage.ts';

type Reply = Record<string, unknown>;

/** Each of its patterns may be taken; all of them on one screen would take an hour. */
const SLOW: Partial<AgentProfile> = {
  name: 'slow',
  rules: Array.from({ length: 120 }, (_, at) => ({
    ...stageProfile.rules.at(-1)!,
    id: `slow-${at}`,
    region: { of: 'whole' },
    match: { any: Array.from({ length: 32 }, () => '(?:a|a)(?:a|a)(?:a|a)(?:a|a)a*b') },
  })),
};

let runtime: TestRuntime;
let control: ControlClient;
const ids = createIds(systemClock);

beforeAll(async () => {
  runtime = await TestRuntime.start({
    home: agentHome(['scripted', 'stage', 'slow'], (profile) =>
      profile.name === 'scripted' ? profile : { ...stageProfile, ...(profile.name === 'slow' ? SLOW : {}) },
    ),
  });
  control = await openControl(runtime);
});
afterAll(async () => {
  control.close();
  await runtime.close();
});

const ask = (command: { cmd: string } & Reply): Promise<Reply> => control.request(command);
const hf = (words: string[], env: Record<string, string> = {}): Promise<Ran> =>
  holdfast(runtime.home, words, { cwd: runtime.home, env });
const agent = async (id: string): Promise<AgentRecord> =>
  (await ask({ cmd: 'get_agent', session: id }))['agent'] as AgentRecord;
const directoryOf = (id: string): string => join(runtime.home, 'sessions', id);

interface Staged {
  id: string;
  stage: Stage;
  shim: number;
  inside: Record<string, string>;
}

/** A stage that shows an agent at rest. */
async function staged(name: string, env: [string, string][] = [], given: Reply = {}): Promise<Staged> {
  const stage = new Stage(runtime.home, name);
  const { session } = await ask({
    cmd: 'create_session',
    name,
    cwd: runtime.home,
    env: [['PATH', process.env['PATH'] ?? ''], stage.env, ...env],
    agent: { profile: 'stage', share_directory: true, ...given },
  });
  const { id } = session as { id: string };
  await stage.started();
  stage.show(IDLE);
  await becomes(id, ({ status }) => status.activity === 'idle', 'idle');
  const { record } = await runtime.holdfast.get(id);
  return { id, stage, shim: record.shim_pid!, inside: insideOf(record.pid!) };
}

const becomes = (id: string, holds: (record: AgentRecord) => boolean, what: string): Promise<void> =>
  until(async () => holds(await agent(id)), `${id} to be ${what}`);

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'done';
  } catch (thrown) {
    return (thrown as { code: string }).code;
  }
}

const requestOf = async (id: string): Promise<string> => (await agent(id)).requests[0]!.request_id;
const answer = (session: string, request: string, choice = 'allow'): Promise<string> =>
  codeOf(ask({ cmd: 'answer_request', session, request, choice }));

/** CPU of a process in ms (proc(5): fields 14 and 15, ticks of 10 ms). */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ');
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

/** Controls, and what shows text in another order or hides it. */
const UNSHOWN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;

function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, entry]) => [key, ...texts(entry)]);
}

const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64');
const status = (pairs: string, end = '\x1b\\'): string => `\x1b]7501;${pairs}${end}`;

const BROKEN = [
  '',
  ':::',
  'state',
  'state=',
  'state=on fire',
  'STATE=blocked',
  'state=blocked:id=/',
  `state=blocked:id=${'a/'.repeat(9)}a`,
  `state=blocked:id=${'a'.repeat(129)}`,
  'state=blocked:id=a b',
  `state=blocked:app=${'a'.repeat(33)}`,
  `state=blocked:${'k'.repeat(17)}=1`,
  'state=blocked:title=%%%',
  'state=blocked:title=YQ=',
  `state=blocked:title=${base64('\x1b]0;x\x07')}`,
  `state=blocked:msg=${base64('a\nb')}`,
  `state=blocked:msg=${base64(Buffer.from([0xff, 0xfe]))}`,
  `state=blocked:msg=${base64('x'.repeat(2_049))}`,
  `state=blocked:title=${base64('x'.repeat(193))}`,
  'state=clear:id=',
  '__proto__=1',
];

describe('what an agent prints', () => {
  it('[H7] broken, endless and countless reports change nothing but what they say', async () => {
    const { id, stage, shim } = await staged('liar');
    const nobody = (await agent(id)).status;
    for (const pairs of BROKEN) for (const end of ['\x1b\\', '\x07']) stage.show(status(pairs, end));
    stage.show(status(`state=blocked:msg=${'A'.repeat(5_000)}`));
    stage.show(`\x1b]7501;state=blocked\x18\x1b]7501;state=blocked\x1a\x1b]7501;state=blocked\x1b[m`);
    stage.show(`\x1bP7501;state=blocked\x1b\\\x1b_7501;state=blocked\x1b\\\x9d7501;state=blocked\x9c`);
    stage.show(Buffer.from('\x1b]7501;state=blocked:msg=\xff\xfe\x1b\\', 'latin1'));
    stage.show('\x1b]0;\u202egnp.exe\x01\x02\u0090title\u2066\x07\x1b]2;'.concat('t'.repeat(10_000), '\x07'));
    stage.show(`\x1b]9;4;9;900\x07\x1b]133;Z\x07\x1b]133;D;99999999999999999999\x07`);
    stage.show(`\x1b]52;c;${base64('stolen')}\x07\x1b]8;;file:///etc/passwd\x1b\\x\x1b]8;;\x1b\\`);
    // Without an end: what follows is swallowed until one comes.
    stage.show(`\x1b]7501;state=blocked:msg=${'A'.repeat(100_000)}`);
    stage.show(`${IDLE}\x1b\\${IDLE}`);
    const mark = status(`state=idle:title=${base64('mark \u202e\u2066\u200bhere')}`);
    stage.show(mark);
    const explain = async (): Promise<string> =>
      JSON.stringify((await ask({ cmd: 'explain_agent', session: id }))['explanation']);
    await until(async () => (await explain()).includes('mark here'), 'the last report to be read');
    const calm = await agent(id);
    expect(calm.status).toMatchObject({ activity: 'idle', attention: 'none' });
    expect(calm.status.since).toBeLessThanOrEqual(Date.now());
    expect(nobody.attention).toBe('none');
    expect(await explain()).not.toContain('blocked');
    const records = Array.from({ length: 10_000 }, (_, at) =>
      status(`state=working:id=t/${at}:title=${base64(`\u202e${at}`)}`),
    );
    stage.show(records.join(''));
    await becomes(id, ({ status: { tasks } }) => tasks.some(({ path }) => path === 't/9999'), 'told of the last task');
    const { tasks } = (await agent(id)).status;
    expect(tasks.length).toBeLessThanOrEqual(128);
    for (const command of ['get_agent', 'explain_agent']) {
      const said = await ask({ cmd: command, session: id });
      for (const text of texts(said)) expect(text).not.toMatch(UNSHOWN);
      expect(JSON.stringify(said).length).toBeLessThan(200_000);
    }
    for (const words of [['agents'], ['explain', 'liar'], ['events', '--topics', 'agent_*']]) {
      const ran = await hf(words);
      expect([ran.status, ran.stderr]).toEqual([0, '']);
      for (const line of ran.stdout.split('\n')) expect(line).not.toMatch(UNSHOWN);
    }
    stage.show(WORKING + status('state=clear'));
    await becomes(id, ({ status: { activity } }) => activity === 'working', 'working');
    expect(stage.keys).toBe('');
    expect(cpuOf(shim)).toBeLessThan(8_000);
    await ask({ cmd: 'remove_session', session: id, force: true });
  });

  it('[H2] rules that take for ever cost a part of a core, say nothing, and hold nobody up', async () => {
    const stage = new Stage(runtime.home, 'slow');
    const { session } = await ask({
      cmd: 'create_session',
      name: 'slow',
      cwd: runtime.home,
      rows: 100,
      cols: 600,
      env: [['PATH', process.env['PATH'] ?? ''], stage.env],
      agent: { profile: 'slow', share_directory: true },
    });
    const { id } = session as { id: string };
    await stage.started();
    const { record } = await runtime.holdfast.get(id);
    const [before, began] = [cpuOf(record.shim_pid!), systemClock.monotonic()];
    const ended = (): boolean => systemClock.monotonic() > began + 3_500;
    let frame = 0;
    await until(() => {
      stage.show(`\x1b[H${`${'a'.repeat(598)}\r\n`.repeat(98)}${frame++}`);
      return ended();
    }, 'some frames');
    const share = (cpuOf(record.shim_pid!) - before) / (systemClock.monotonic() - began);
    console.log(`rules that never end: ${frame} frames, ${(100 * share).toFixed(0)} % of a core`);
    expect(share).toBeLessThan(0.6);
    expect((await agent(id)).status.activity).not.toBe('idle');
    const explanation = (await ask({ cmd: 'explain_agent', session: id }))['explanation'] as Explanation;
    expect(explanation.rules.at(-1)).toMatchObject({ matched: false, reason: 'its rules take too long' });
    expect(explanation.cost.slowest_ms).toBeLessThan(5_000);
    await ask({ cmd: 'remove_session', session: id, force: true });
  });

  it('[H7] [Q5] the query is answered, and a program that sends each answer back is not answered for ever', async () => {
    const { record } = await runtime.holdfast.get(
      (await runtime.run(['sh', '-c', 'stty raw -echo; exec cat'], { name: 'echo' })).id,
    );
    expect((await hf(['write', 'echo', '\x1b]7501;?\x1b\\'])).status).toBe(0);
    const before = cpuOf(record.shim_pid!);
    const echoed = (): number => runtime.command(['logs', 'echo', '--raw']).stdout.length / '\x1b]7501;?\x1b\\'.length;
    await until(() => echoed() >= 2, 'the answer to come back');
    const [first, began] = [echoed(), systemClock.monotonic()];
    await until(() => echoed() > first || systemClock.monotonic() > began + 1_500, 'it to go on');
    const seconds = 1 + (systemClock.monotonic() - began) / 1_000;
    expect(echoed() - first).toBeLessThan(33 * (seconds + 1));
    expect(cpuOf(record.shim_pid!) - before).toBeLessThan(1_000);
    await hf(['kill', 'echo']);
  });
});

describe('what an agent asks', () => {
  it('[H8] a dialog told as prose is no request, and no key is pressed for it', async () => {
    const { id, stage } = await staged('prose');
    const prose = dialog('Do you trust me with rm -rf?').replace('\x1b[H\x1b[2J', '');
    stage.show(`\x1b[H\x1b[2J${prose}\r\n> \r\n`);
    stage.show(`\x1b[H\x1b[2J${prose}\r\n────────\r\n> \r\n────────\r\n? for shortcuts`);
    await ask({ cmd: 'explain_agent', session: id });
    expect((await agent(id)).requests).toEqual([]);
    expect(await codeOf(ask({ cmd: 'answer_request', session: id, choice: 'allow' }))).toBe('not_found');
    expect(await answer(id, ids.ulid())).toBe('not_found');
    expect(stage.keys).toBe('');
    await ask({ cmd: 'remove_session', session: id, force: true });
  });

  it('[H8] an answer presses nothing when something else stands there by then', async () => {
    const { id, stage } = await staged('switch');
    for (const [what, instead] of [
      ['another question', dialog('Delete everything?')],
      ['its box', IDLE],
      ['a viewer', VIEWER],
      ['nothing', '\x1b[H\x1b[2J'],
    ] as const) {
      stage.show(dialog(`Run ls before ${what}?`));
      await becomes(id, ({ requests }) => requests[0]?.text.includes(what) === true, 'asking');
      const request = await requestOf(id);
      stage.show(instead);
      // Until the bytes are through the terminal the old dialog is what everybody sees.
      const shown = (): string => runtime.command(['logs', 'switch', '--raw']).stdout.toString().replaceAll('\r', '');
      await until(() => shown().endsWith(instead.replaceAll('\r', '')), 'it to be shown');
      expect(['not_found', 'conflict'], what).toContain(await answer(id, request));
      expect(stage.keys, what).toBe('');
    }
    await ask({ cmd: 'remove_session', session: id, force: true });
  });

  it('[H8] of two answers at once one presses its key, once', async () => {
    const { id, stage } = await staged('twice');
    stage.show(dialog('Run it?'));
    await becomes(id, ({ requests }) => requests.length === 1, 'asking');
    const request = await requestOf(id);
    const both = Promise.all([answer(id, request), answer(id, request, 'deny'), answer(id, request)]);
    await until(() => stage.keys !== '', 'a key');
    // It takes its time; a key more would answer what comes next.
    expect(await answer(id, request)).toBe('conflict');
    stage.show(IDLE);
    expect((await both).toSorted()).toEqual(['conflict', 'conflict', 'done']);
    expect(stage.keys).toMatch(/^[13]$/);
    await ask({ cmd: 'remove_session', session: id, force: true });
  });

  it('[H4] [H8] the text of an answer is one line', async () => {
    const { id, stage } = await staged('line');
    stage.show(dialog('Run it?'));
    await becomes(id, ({ requests }) => requests.length === 1, 'asking');
    const text = 'no\r\n\x1b[201~\t\x031\u009b2';
    const answered = codeOf(ask({ cmd: 'answer_request', session: id, choice: 'deny', text }));
    await until(() => stage.keys.endsWith('\r'), 'the text');
    stage.show(IDLE);
    expect(await answered).toBe('done');
    expect(stage.keys).toBe('3no [201~ 12\r');
    await ask({ cmd: 'remove_session', session: id, force: true });
  });
});

/** `report` as a hook calls it. */
async function report(
  words: string[],
  input: string,
  env: Record<string, string>,
): Promise<{ said: string; ms: number }> {
  const began = systemClock.monotonic();
  const child = spawn(process.execPath, [FAULTS_LOADER, 'report', ...words], {
    env: { ...testEnvironment(runtime.home), ...env },
    cwd: '/',
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => {}); // It may end before it has read everything.
  child.stdin.end(input);
  const { status: code, stdout, stderr } = await collect(child);
  expect([words[0]?.slice(0, 20), code]).toEqual([words[0]?.slice(0, 20), 0]);
  return { said: stdout.toString() + stderr, ms: systemClock.monotonic() - began };
}

describe('what an agent reports', () => {
  const deep = `${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`;
  const inputs: [string[], string][] = [
    [['Stop'], 'garbage \x00\xff'],
    [['Stop'], `{"a":"${'x'.repeat(1024 * 1024)}"}`],
    [['Stop'], deep],
    [['Stop'], '{"__proto__":{"polluted":1}}'],
    [['x'.repeat(5_000)], '{}'],
    [['../../x'], '{}'],
    [['\x1b]0;x\x07'], '{}'],
    [[], '{}'],
  ];

  it('[H6] garbage is dropped or taken as far as it is one: silent, 0, within two seconds', {
    timeout: 40_000,
  }, async () => {
    const { id, inside } = await staged('reporter');
    const elsewhere = { ...inside, HOLDFAST_SESSION: ids.ulid() };
    for (const [env, given] of [
      [inside, inputs],
      [elsewhere, inputs.slice(2, 4)],
      [{}, inputs.slice(2, 3)],
    ] as const) {
      const ran = await Promise.all(given.map(([words, input]) => report(words, input, env)));
      for (const { said, ms } of ran) {
        expect(said).toBe('');
        // Eight at once on a machine that is shared.
        expect(ms).toBeLessThan(8_000);
      }
    }
    const { ms } = await report(['Asked'], deep.replace('{"a":', '{"text":"deep","a":'), inside);
    expect(ms).toBeLessThan(2_000);
    await becomes(id, ({ status: { attention } }) => attention === 'permission', 'asking');
    await ask({ cmd: 'remove_session', session: id, force: true });
    // Nobody is left to hear it.
    expect((await report(['Stop'], '{}', inside)).said).toBe('');
    expect(existsSync(directoryOf(id))).toBe(false);
  });

  it('[H6] whatever lies in the queue, reports by socket count, and nothing else is touched', {
    timeout: 40_000,
  }, async () => {
    const { id, shim, inside } = await staged('queue');
    const queue = join(directoryOf(id), 'reports');
    const elsewhere = mkdtempSync(join(tmpdir(), 'hfe-'));
    const name = (): string => join(queue, `${ids.ulid()}.json`);
    const foreign = join(elsewhere, `${ids.ulid()}.json`);
    writeFileSync(foreign, '{"name":"TurnStarted","payload":{},"at":1,"report_id":"01HZZZZZZZZZZZZZZZZZZZZZZA"}');
    const ways: [string, () => void][] = [
      ['a pipe', () => void execFileSync('mkfifo', [name()])],
      ['a directory', () => mkdirSync(join(name(), 'deeper'), { recursive: true })],
      ['a link to a device', () => symlinkSync('/dev/zero', name())],
      ['a link to a file', () => symlinkSync(foreign, name())],
      [
        'a gigabyte',
        () => {
          const made = join(elsewhere, 'made');
          writeFileSync(made, '');
          truncateSync(made, 2 ** 30);
          renameSync(made, name());
        },
      ],
      ['garbage', () => writeFileSync(name(), '\x00\xff{')],
      ['nests', () => writeFileSync(name(), `${'['.repeat(100_000)}${']'.repeat(100_000)}`)],
      [
        'a thousand',
        () => {
          for (let at = 0; at < 1_200; at++) writeFileSync(name(), '{}');
        },
      ],
      ['a directory that is gone', () => rmSync(queue, { recursive: true })],
      ['a link in its place', () => symlinkSync(elsewhere, queue)],
      ['a file in its place', () => (rmSync(queue), writeFileSync(queue, ''))],
    ];
    /** A shim that is slow to answer has it queued, which what lies there may prevent: told again until it is heard. */
    const told = (word: string, attention: string, what: string): Promise<void> =>
      until(async () => {
        expect((await report([word], '{"text":"still here"}', inside)).said, what).toBe('');
        return (await agent(id)).status.attention === attention;
      }, `${word} to be heard, with ${what}`);
    for (const [what, way] of ways) {
      await told('TurnEnded', 'none', `what came before ${what}`);
      way();
      await told('Asked', 'permission', what);
    }
    // Without a shim that listens the command itself looks at the queue.
    process.kill(shim, 'SIGSTOP');
    try {
      expect((await report(['Asked'], '{}', inside)).said).toBe('');
      rmSync(queue);
      symlinkSync(elsewhere, queue);
      for (let at = 0; at < 1_000; at++) writeFileSync(join(elsewhere, `${String(at).padStart(4, '0')}.json`), '');
      expect((await report(['Asked'], '{}', inside)).said).toBe('');
    } finally {
      process.kill(shim, 'SIGCONT');
    }
    expect(readdirSync(elsewhere)).toHaveLength(1_001);
    expect(existsSync(foreign)).toBe(true);
    // Its end is told all the same.
    await ask({ cmd: 'terminate_session', session: id, grace_ms: 0 });
    await becomes(id, ({ status: { activity } }) => activity === 'dead', 'dead');
    rmSync(elsewhere, { recursive: true });
    await ask({ cmd: 'remove_session', session: id, force: true });
  });

  it('[H6] a transcript that is a pipe or a device is not waited for, and the future leases nothing', async () => {
    const { id, shim, inside } = await staged('future');
    const pipe = join(runtime.home, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const transcript of [
      pipe,
      '/dev/zero',
      '/dev/tty',
      '/proc/self/mem',
      '/',
      'x'.repeat(5_000),
      '../../etc/passwd',
    ])
      await report(['TurnEnded', JSON.stringify({ transcript, response: 'x' })], '', inside);
    expect(await agent(id)).toMatchObject({ usage: null });
    const queue = join(directoryOf(id), 'reports');
    for (const at of [Number.MAX_SAFE_INTEGER, 4e15, Date.now() + 1e12]) {
      const told = { name: 'Leased', payload: {}, at, report_id: ids.ulid() };
      writeFileSync(join(queue, `${told.report_id}.json`), JSON.stringify(told));
    }
    await report(['Nothing'], '{}', inside);
    const before = cpuOf(shim);
    await becomes(id, ({ status: { activity } }) => activity === 'working', 'working for its lease');
    await becomes(id, ({ status: { activity } }) => activity === 'idle', 'idle after its lease');
    expect(cpuOf(shim) - before).toBeLessThan(500);
    await ask({ cmd: 'remove_session', session: id, force: true });
  });
});

describe('what becomes of words', () => {
  it('[H9] a conversation that the agent names is one word of its next start, and no option', async () => {
    const { id, inside } = await staged('names');
    const hostile = '$(touch pwned); `touch pwned` \'"{report}';
    await report(['TurnStarted', JSON.stringify({ conversation: hostile })], '', inside);
    await becomes(id, ({ conversation_id }) => conversation_id === hostile, 'in that conversation');
    for (const conversation of ['--dangerously-skip-permissions', '-x', 'a\nb', '\x1b[m', ''])
      await report(['TurnStarted', JSON.stringify({ conversation })], '', inside);
    await report(['Asked'], '{}', inside);
    await becomes(id, ({ status: { attention } }) => attention === 'permission', 'told of the last report');
    expect((await agent(id)).conversation_id).toBe(hostile);
    await ask({ cmd: 'terminate_session', session: id, grace_ms: 0 });
    await becomes(id, ({ status: { activity } }) => activity === 'dead', 'dead');
    await runtime.holdfast.wait(id, { for: 'end', timeoutMs: 10_000 });
    rmSync(join(runtime.home, 'stage-names.argv'));
    await ask({ cmd: 'resume_agent', session: id });
    const file = join(runtime.home, 'stage-names.argv');
    await until(() => existsSync(file) && readFileSync(file).length > 0, 'it to run again');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(['--resume', hostile, `--id=${hostile}`]);
    expect(existsSync(join(runtime.home, 'pwned'))).toBe(false);
    await ask({ cmd: 'remove_session', session: id, force: true });
  });

  it('[H9] a branch is a name: an option, a path or a reference is refused, and nothing is left', async () => {
    const repository = join(runtime.home, 'repository');
    mkdirSync(repository);
    const git = (...words: string[]): string =>
      execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...words], {
        cwd: repository,
        env: { ...runtime.env, GIT_CONFIG_NOSYSTEM: '1' },
      }).toString();
    git('init', '-q', '-b', 'main');
    git('commit', '-q', '--allow-empty', '-m', 'first');
    for (const [worktree, what] of [
      [{ branch: '--upload-pack=touch pwned' }, /branch/],
      [{ branch: '-D' }, /branch/],
      [{ branch: '../../x' }, /branch/],
      [{ branch: 'a..b' }, /branch/],
      [{ branch: 'HEAD' }, /branch|exist/],
      [{ branch: '@{-1}' }, /branch/],
      [{ branch: 'a\nb' }, /branch/],
      [{ branch: 'main' }, /exist/],
      [{ base: '--output=pwned' }, /commit/],
      [{ base: ':/first; touch pwned' }, /commit/],
      [{ base: '$(touch pwned)' }, /commit/],
    ] as const) {
      const started = ask({
        cmd: 'create_session',
        cwd: repository,
        env: [['PATH', process.env['PATH'] ?? '']],
        agent: { profile: 'scripted', worktree },
      });
      const { session } = await started.catch((thrown: unknown) => ({ session: { start_error: thrown } }));
      const { id, start_error } = session as { id?: string; start_error: { message: string } | null };
      let refused = start_error;
      if (id !== undefined) {
        await until(
          async () => {
            refused = (await runtime.holdfast.get(id)).record.start_error;
            return refused !== null;
          },
          `${JSON.stringify(worktree)} to be refused`,
        );
        await ask({ cmd: 'remove_session', session: id, force: true });
      }
      expect(refused!.message, JSON.stringify(worktree)).toMatch(what);
    }
    expect(git('branch', '--format=%(refname:short)').trim()).toBe('main');
    expect(git('worktree', 'list').trim().split('\n')).toHaveLength(1);
    expect(readdirSync(repository)).toEqual(['.git']);
  });
});

describe('recordings', () => {
  it('[H7] explain reads garbage to its end, and says what is no recording', async () => {
    const file = join(runtime.home, 'garbage');
    const bytes = Buffer.alloc(60_000);
    let seed = 7;
    for (let at = 0; at < bytes.length; at++) bytes[at] = (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) >> 16;
    const explain = (...words: string[]): Promise<Ran> =>
      hf(['explain', '--recording', file, '--agent', 'scripted', ...words]);
    for (const content of [
      bytes,
      Buffer.from(BROKEN.map((pairs) => status(pairs)).join('')),
      Buffer.from('\x1b]7501;'),
      Buffer.alloc(0),
    ]) {
      writeFileSync(file, content);
      const ran = await explain();
      expect([ran.status, ran.stderr]).toEqual([0, '']);
      for (const line of ran.stdout.split('\n')) expect(line).not.toMatch(UNSHOWN);
    }
    for (const [words, code] of [
      [['--rows', '10000', '--cols', '10000'], 2],
      [['--rows', '0'], 2],
      [['--cols', 'x'], 2],
    ] as const) {
      const ran = await explain(...words);
      expect([ran.status, ran.stdout]).toEqual([code, '']);
      expect(ran.stderr).toMatch(/^holdfast: .*--(rows|cols)/);
    }
    const directory = await hf(['explain', '--recording', runtime.home, '--agent', 'scripted']);
    expect([directory.status, directory.stderr.split('\n').length]).toEqual([2, 2]);
  });
});

/** Every file of the home that has `text`, and the mode of each. */
function filesWith(text: string): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(runtime.home, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && contentOf(path).includes(text)) found.push(path.slice(runtime.home.length + 1));
  }
  return found.sort();
}

/** A file that was renamed or removed since it was listed has nothing. */
function contentOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return Buffer.alloc(0);
  }
}

it('[H10] a secret of the environment is in two files of its owner, and nowhere else', async () => {
  const secret = `canary-${ids.ulid()}`;
  const { id, stage, inside } = await staged('keeper', [['API_KEY', secret]]);
  stage.show(dialog('Run it?'));
  await becomes(id, ({ requests }) => requests.length === 1, 'asking');
  await report(['TurnStarted', '{"conversation":"c"}'], '', inside);
  for (const env of [
    [['API_KEY', secret, 'x']],
    [[`API KEY=${secret}`, 'x']],
    [['A', `${secret}\0`]],
    [['', secret]],
  ]) {
    const refused = await ask({ cmd: 'create_session', cwd: '/', env, agent: { profile: 'stage' } }).catch(
      (thrown: unknown) => thrown,
    );
    const { code, message, details } = refused as { code: string; message: string; details: unknown };
    expect(code).toBe('invalid_argument');
    if (env[0]![0] === 'API_KEY' || env[0]![0] === 'A' || env[0]![0] === '')
      expect(JSON.stringify([message, details])).not.toContain(secret);
  }
  await ask({ cmd: 'create_session', cwd: '/', env: [['API_KEY', secret]], argv: ['/nonexistent'] }).catch(
    () => undefined,
  );
  process.kill((await runtime.holdfast.get(id)).record.pid!, 'SIGKILL');
  await runtime.holdfast.wait(id, { for: 'end', timeoutMs: 10_000 });
  await ask({ cmd: 'resume_agent', session: id });
  const { session_id } = await agent(id);
  expect(session_id).not.toBe(id);
  await until(() => filesWith(secret).filter((path) => path.includes(session_id)).length === 2, 'it to run again');
  const kept = filesWith(secret);
  expect(kept.filter((path) => !/^sessions\/[0-9A-Z]{26}\/(manifest|agent)\.json$/.test(path))).toEqual([]);
  expect(kept.length).toBeGreaterThanOrEqual(4);
  for (const path of kept) expect(statSync(join(runtime.home, path)).mode & 0o777, path).toBe(0o600);
  for (const words of [
    ['events'],
    ['--json', 'ls'],
    ['--json', 'agents'],
    ['--json', 'explain', 'keeper'],
    ['profiles', 'stage'],
    ['doctor'],
    ['--json', 'status'],
    ['logs', 'keeper', '--raw'],
  ]) {
    const { stdout, stderr } = await hf(words);
    expect(stdout + stderr, words.join(' ')).not.toContain(secret);
  }
  // Session tokens are the child's alone, and the instance secret its file's.
  expect(filesWith(inside['HOLDFAST_TOKEN']!.split('.')[1]!)).toEqual([]);
  expect(filesWith(readFileSync(join(runtime.home, 'run', 'secret'), 'utf8').trim())).toEqual(['run/secret']);
  for (const directory of [
    '.',
    'run',
    'run/s',
    'data',
    'sessions',
    'logs',
    `sessions/${session_id}`,
    `sessions/${id}/reports`,
  ])
    expect(statSync(join(runtime.home, directory)).mode & 0o077, directory).toBe(0);
  for (const file of readdirSync(directoryOf(id), { recursive: true, withFileTypes: true }))
    if (file.isFile()) expect(statSync(join(file.parentPath, file.name)).mode & 0o077, file.name).toBe(0);
});
