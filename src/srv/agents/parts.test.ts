// What a start of an agent is made of: versions, profiles, argv and environment, tokens, and the files it leaves.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { BUILT_IN_PROFILES } from '../../agents/index.ts';
import type { AgentStart } from '../../domains/agents/index.ts';
import type { AgentProfile } from '../../protocol/agent/index.ts';
import { homePaths } from '../../protocol/home/index.ts';
import { HoldfastError } from '../../protocol/index.ts';
import { createIds, systemClock } from '../../runtime/index.ts';
import { readContract, writeContract } from './contract-file.ts';
import { AgentLaunches } from './launch.ts';
import { lastOutcome } from './outcomes.ts';
import { Profiles, readProfiles } from './profiles.ts';
import { sessionOfToken, sessionToken } from './token.ts';
import { findVersion, isInRange } from './version-range.ts';
import { Versions } from './versions.ts';

const home = mkdtempSync(join(tmpdir(), 'hf-ap-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const SECRET = 'c'.repeat(32);
const SESSION = createIds(systemClock).ulid();
const claude = BUILT_IN_PROFILES.find(({ name }) => name === 'claude')!;

function refusal(act: () => unknown): string {
  try {
    act();
    return 'accepted';
  } catch (thrown) {
    const { code, field } = HoldfastError.from(thrown);
    return `${code} ${field ?? '-'}`;
  }
}

function launches(profiles = new Profiles([], BUILT_IN_PROFILES)): AgentLaunches {
  const versions = new Versions({ clock: systemClock, file: join(home, 'versions.json'), warn: () => undefined });
  const report = "'/n o/node' '/h/holdfast.cjs' report";
  return new AgentLaunches({ paths: homePaths('/h'), secret: SECRET, profiles, versions, report, worktrees: '/h/w' });
}

function plan(start: Partial<AgentStart>, conversation: string | null = null, of = launches()) {
  return of.plan({ profile: 'claude', mode: 'pty', ...start }, SESSION, conversation, {});
}

describe('a version', () => {
  it.each([
    ['2.1.0 (Claude Code)', '2.1.0'],
    ['codex-cli 0.169.0-alpha.1', '0.169.0-alpha.1'],
    ['v0.9', '0.9'],
    ['no number', null],
  ])('is found in %j', (text, version) => {
    expect(findVersion(text)).toBe(version);
  });

  it.each([
    ['2.1.0', '>=2.1.0 <3', true],
    ['3.0.0', '>=2.1.0 <3', false],
    ['2.0.9', '>=2.1', false],
    ['2.10.0', '>2.9', true],
    ['0.169.0-alpha.1', '0.169.0', true],
    ['1.2.3', '<=1.2.3', true],
    ['1.2.3', '~1.2', false],
    ['1.2.3', '', false],
  ])('%s is in %j: %s', (version, range, held) => {
    expect(isInRange(version, range)).toBe(held);
  });
});

describe('versions', () => {
  it('are asked of the program once for each state of its file, and kept over restarts', async () => {
    const directory = join(home, 'bin');
    const program = join(directory, 'toy-agent');
    const asked = join(home, 'asked');
    mkdirSync(directory);
    const write = (version: string) => {
      writeFileSync(program, `#!/bin/sh\necho once >> ${asked}\necho "toy ${version} $SECRET"\nsleep 60 &\n`);
      chmodSync(program, 0o755);
    };
    const file = join(home, 'versions.json');
    const open = () => new Versions({ clock: systemClock, file, warn: (message) => expect.fail(message) });
    const env: [string, string][] = [['PATH', `${directory}:/usr/bin:/bin`]];
    write('1.2.3');
    const versions = open();
    const both = [versions.of(['toy-agent', '-v'], env, '/'), versions.of(['toy-agent', '-v'], env, '/')];
    expect(await Promise.all(both)).toEqual(['1.2.3', '1.2.3']);
    expect(await open().of([program, '-v'], env, '/')).toBe('1.2.3');
    expect(readFileSync(asked, 'utf8')).toBe('once\n');
    const { mtimeMs } = statSync(program);
    do write('2.0.0');
    while (statSync(program).mtimeMs === mtimeMs);
    expect(await open().of(['toy-agent', '-v'], env, '/')).toBe('2.0.0');
    expect(await versions.of(['no-such-program'], env, '/')).toBeNull();
  });
});

describe('profiles', () => {
  const other: AgentProfile = { ...claude, revision: 9, cli_versions: '>=9' };

  it('[M12] are chosen by the version of the CLI, config.toml before what is built in', () => {
    const profiles = new Profiles([], [claude, other]);
    expect(profiles.choose('claude', '9.1.0', 'profile').revision).toBe(9);
    expect(profiles.choose('claude', null, 'profile')).toBe(claude);
    expect(new Profiles([other], BUILT_IN_PROFILES).choose('claude', '2.1.0', 'profile')).toBe(other);
    expect(refusal(() => profiles.choose('nobody', null, 'agent.profile'))).toBe('not_found agent.profile');
    expect(new Profiles([other], BUILT_IN_PROFILES).list().filter(({ name }) => name === 'claude')).toMatchObject([
      { source: 'config', revision: 9 },
    ]);
  });

  it('of config.toml change what they name of a built-in one', () => {
    const [own] = readProfiles({ mine: { extends: 'claude', launch: { set: { A: '1' } } } }, BUILT_IN_PROFILES);
    expect(own).toMatchObject({
      name: 'mine',
      launch: { argv: claude.launch.argv, set: { A: '1' } },
      rules: claude.rules,
    });
    expect(refusal(() => readProfiles({ mine: { extends: 'nobody' } }, BUILT_IN_PROFILES))).toBe(
      'invalid_argument agents.mine.extends',
    );
    expect(refusal(() => readProfiles({ mine: { extends: 'claude', rules: 5 } }, BUILT_IN_PROFILES))).toBe(
      'invalid_argument agents.mine.rules',
    );
    expect(refusal(() => readProfiles({ mine: 5 }, BUILT_IN_PROFILES))).toBe('invalid_argument agents.mine');
    expect(readProfiles(undefined, BUILT_IN_PROFILES)).toEqual([]);
    expect(refusal(() => readProfiles('x', BUILT_IN_PROFILES))).toBe('invalid_argument agents');
  });
});

describe('a plan', () => {
  it('[M12] has a conversation of its own, and the files of its session', () => {
    const { argv, conversation_id, resumed } = plan({ args: ['--model', '{settings}'] });
    expect(conversation_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
    const settings = `/h/sessions/${SESSION}/settings.json`;
    expect(argv).toEqual(['claude', '--session-id', conversation_id, '--settings', settings, '--model', '{settings}']);
    expect(resumed).toBe(false);
    expect(plan({}).conversation_id).toBe(conversation_id);
  });

  it('resumes, also with another program in place of the profile', () => {
    expect(plan({}, 'conv').argv.slice(0, 3)).toEqual(['claude', '--resume', 'conv']);
    expect(plan({ argv: ['node', '/my/claude'] }, 'conv').argv.slice(0, 4)).toEqual([
      'node',
      '/my/claude',
      '--resume',
      'conv',
    ]);
    expect(plan({ argv: ['/my/agent', '{conversation}'] }, 'conv').argv).toEqual(['/my/agent', 'conv']);
    expect(plan({ argv: ['/my/agent'] })).toMatchObject({ argv: ['/my/agent'], conversation_id: null });
  });

  it('refuses what the profile cannot', () => {
    expect(refusal(() => plan({ profile: 'nobody' }))).toBe('not_found agent.profile');
    expect(refusal(() => plan({ profile: 'shell', argv: ['sh'] }, 'conv'))).toBe('invalid_argument agent.conversation');
    expect(refusal(() => plan({ profile: 'shell', mode: 'acp' }))).toBe('invalid_argument agent.mode');
    expect(refusal(() => plan({ profile: 'generic' }))).toBe('invalid_argument argv');
  });
});

describe('the environment of a start', () => {
  const own: AgentProfile = {
    ...claude,
    launch: {
      ...claude.launch,
      scrub: ['SECRET_*'],
      set: { HOOKS: '{settings}', TELEMETRY: 'off' },
      merge: { CONFIG: { plugin: ['file://{plugin}'], theme: 'dark', keys: { a: 1 } } },
    },
    hooks: { settings: { run: '{report} x' }, plugin: 'export const p = "{report}";', events: [] },
  };
  const agent = { profile: 'claude', mode: 'pty', agent_id: SESSION, conversation_id: 'c', resumed: false };
  const started = (env: [string, string][]) => {
    const session = { id: SESSION, agent } as unknown as Parameters<AgentLaunches['launchOf']>[0];
    const { env: made, agent: launch } = launches(new Profiles([own], [])).launchOf(session, '1.2.3', env);
    return { env: Object.fromEntries(made), launch, files: launch.files };
  };

  it('[M12] has what the profile sets, with the places of its files, each once', () => {
    const { env, launch, files } = started([
      ['SECRET_KEY', 'k'],
      ['TELEMETRY', 'on'],
      ['HOME', '/u'],
    ]);
    const directory = `/h/sessions/${SESSION}`;
    expect(launch.cli_version).toBe('1.2.3');
    expect(env).toEqual({
      HOME: '/u',
      TELEMETRY: 'off',
      HOOKS: `${directory}/settings.json`,
      CONFIG: JSON.stringify({ plugin: [`file://${directory}/plugin.js`], theme: 'dark', keys: { a: 1 } }),
    });
    expect(JSON.parse(files['settings.json']!)).toEqual({ run: "'/n o/node' '/h/holdfast.cjs' report x" });
    expect(files['plugin.js']).toBe('export const p = "{report}";');
  });

  it.each([
    ['', { plugin: [1], theme: 'dark', keys: { a: 1 } }],
    ['{"plugin":[0],"theme":"light","keys":{"b":2}}', { plugin: [0, 1], theme: 'light', keys: { a: 1, b: 2 } }],
    ['{"plugin":"mine","__proto__":{"x":1}}', { plugin: 'mine', theme: 'dark', keys: { a: 1 } }],
  ])('[M12] adds to the caller’s JSON %j', (theirs, merged) => {
    const text = started([['CONFIG', theirs]]).env['CONFIG']!;
    expect(JSON.parse(text.replace(/"file:[^"]*"/, '1'))).toMatchObject(merged);
  });

  it.each(['{ // a comment', '[]', '7'])('[M12] leaves the caller’s %j alone', (theirs) => {
    expect(started([['CONFIG', theirs]]).env['CONFIG']).toBe(theirs);
  });
});

describe('the files of a session', () => {
  it('[M4] tell the last that was begun about a message, whatever was torn', async () => {
    const directory = mkdtempSync(join(home, 's-'));
    expect(await lastOutcome(directory, 'A')).toBeNull();
    const line = (message_id: string, phase: string) => `${JSON.stringify({ outcome: 1, message_id, phase, at: 1 })}\n`;
    const text = line('A', 'taken') + line('B', 'taken') + line('A', 'pasting') + line('B', 'answered');
    writeFileSync(join(directory, 'outcomes'), `${text}{"outcome":1,"message_id":"A","pha`);
    expect(await lastOutcome(directory, 'A')).toMatchObject({ phase: 'pasting' });
    expect(await lastOutcome(directory, 'B')).toMatchObject({ phase: 'answered' });
    expect(await lastOutcome(directory, 'C')).toBeNull();
  });

  it('hold what starts it again, for the owner alone', () => {
    const directory = mkdtempSync(join(home, 'c-'));
    const start: AgentStart = { profile: 'claude', mode: 'pty' };
    const contract = { agent: 1, start, cwd: '/src', env: [['A', 'b']] as const, conversation_id: null } as const;
    writeContract(directory, contract);
    expect(readContract(directory)).toEqual(contract);
    expect(statSync(join(directory, 'agent.json')).mode & 0o777).toBe(0o600);
    writeFileSync(join(directory, 'agent.json'), '{"agent":1');
    expect(refusal(() => readContract(directory))).toBe('storage_error -');
  });
});

it('[M9] a token is of its session and of this home only', () => {
  const token = sessionToken(SECRET, SESSION);
  expect(sessionOfToken(SECRET, token)).toBe(SESSION);
  const other = createIds(systemClock).ulid();
  for (const forged of [
    '',
    '.',
    SESSION,
    `${SESSION}.`,
    `${other}${token.slice(26)}`,
    `${token}0`,
    SECRET,
    'é'.repeat(59),
  ])
    expect(sessionOfToken(SECRET, forged), forged).toBeNull();
  expect(sessionOfToken('d'.repeat(32), token)).toBeNull();
});
