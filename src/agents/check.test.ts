import { describe, expect, it } from 'vitest';
import type { AgentProfile } from '../protocol/agent/index.ts';
import { checkProfile } from './check.ts';
import { BUILT_IN_PROFILES } from './profiles/index.ts';

const LEAST = { name: 'mine', title: 'My agent', launch: { argv: ['my-agent'] } };

/** The least profile with a value put at a dotted path. */
function having(path: string, value: unknown): unknown {
  const profile: Record<string, unknown> = structuredClone(LEAST);
  const keys = path.split('.');
  let place = profile;
  for (const key of keys.slice(0, -1)) place = (place[key] ??= {}) as Record<string, unknown>;
  place[keys.at(-1)!] = value;
  return profile;
}

const rule = (parts: object) => ({ id: 'r', region: { of: 'whole' }, match: { any: ['x'] }, ...parts });

const BAD: [what: string, profile: unknown, field: string][] = [
  ['no table', 'claude', 'agents.mine'],
  ['null', null, 'agents.mine'],
  ['no title', { name: 'mine', launch: { argv: ['x'] } }, 'agents.mine.title'],
  ['a name with a blank', having('name', 'my agent'), 'agents.mine.name'],
  ['an unknown key', having('colour', 'red'), 'agents.mine.colour'],
  ['an unknown key below', having('input.sumbit', '\r'), 'agents.mine.input.sumbit'],
  ['argv as one string', having('launch.argv', 'my-agent'), 'agents.mine.launch.argv'],
  ['a number in argv', having('launch.argv', ['x', 3]), 'agents.mine.launch.argv.1'],
  ['a resume without the conversation', having('launch.resume', ['x', '--resume']), 'agents.mine.launch.resume'],
  [
    'a conversation that argv does not name',
    having('launch.conversation', { from: 'argv' }),
    'agents.mine.launch.argv',
  ],
  [
    'a conversation from nowhere',
    having('launch.conversation', { from: 'sky' }),
    'agents.mine.launch.conversation.from',
  ],
  ['a variable with a blank', having('launch.set', { 'A B': 'x' }), 'agents.mine.launch.set.A B'],
  ['a prefix inside a name', having('launch.scrub', ['A*B']), 'agents.mine.launch.scrub.0'],
  ['no submit key', having('input.submit', ''), 'agents.mine.input.submit'],
  ['a confidence of 2', having('rules', [rule({ confidence: 2 })]), 'agents.mine.rules.0.confidence'],
  ['an unknown activity', having('rules', [rule({ activity: 'busy' })]), 'agents.mine.rules.0.activity'],
  [
    'a rule that says only what is missing',
    having('rules', [rule({ match: { none: ['x'] } })]),
    'agents.mine.rules.0.match',
  ],
  [
    'a rule that never ends',
    having('rules', [rule({ match: { all: ['(a+)+$'] } })]),
    'agents.mine.rules.0.match.all.0',
  ],
  ['a pattern that is none', having('titles', [{ id: 't', pattern: '(' }]), 'agents.mine.titles.0.pattern'],
  ['a region after nothing', having('rules', [rule({ region: { of: 'after' } })]), 'agents.mine.rules.0.region.mark'],
  [
    'a mark where none belongs',
    having('rules', [rule({ region: { of: 'whole', mark: 'x' } })]),
    'agents.mine.rules.0.region.mark',
  ],
  ['no last lines', having('rules', [rule({ region: { of: 'last', lines: 0 } })]), 'agents.mine.rules.0.region.lines'],
  ['two rules of one id', having('rules', [rule({}), rule({})]), 'agents.mine.rules.1.id'],
  [
    'a hostile mark',
    having('rules', [rule({ region: { of: 'after', mark: '(a|a)*$' } })]),
    'agents.mine.rules.0.region.mark',
  ],
  [
    'a hostile prompt',
    having('input.box', { region: { of: 'whole' }, prompt: '(.*)*x' }),
    'agents.mine.input.box.prompt',
  ],
  [
    'a hostile placeholder',
    having('input.box', { region: { of: 'whole' }, prompt: 'x', placeholders: ['.*.*.*'] }),
    'agents.mine.input.box.placeholders.0',
  ],
  [
    'a hostile choice',
    having('dialogs', [{ ...rule({}), kind: 'trust', choice: '(?=x)' }]),
    'agents.mine.dialogs.0.choice',
  ],
  [
    'a hostile noise',
    having('dialogs', [{ ...rule({}), kind: 'trust', noise: ['a\\1'] }]),
    'agents.mine.dialogs.0.noise.0',
  ],
  [
    'a hostile payload pattern',
    having('hooks.events', [{ event: 'Stop', matching: { a: '(b*)*' } }]),
    'agents.mine.hooks.events.0.matching.a',
  ],
  [
    '129 rules',
    having(
      'rules',
      Array.from({ length: 129 }, (_, at) => rule({ id: `r${at}` })),
    ),
    'agents.mine.rules',
  ],
];

describe('checkProfile', () => {
  it.each(BAD)('refuses %s and names the field', (_, profile, field) => {
    expect(() => checkProfile(profile, 'agents.mine')).toThrow(
      expect.objectContaining({ code: 'invalid_argument', field, message: expect.stringContaining(field) }),
    );
  });

  it('fills in what was left out', () => {
    const profile = checkProfile(LEAST, 'agents.mine');
    expect(profile).toMatchObject({ revision: 1, cli_versions: null, rules: [], program_status: true });
    expect(profile.input).toMatchObject({ paste: 'bracketed', submit: '\r', box: null });
    expect(profile.hooks).toEqual({ settings: null, events: [] });
    expect(profile.timings.echo_ms).toBeGreaterThan(0);
  });

  it('takes a name from a prototype for what it is', () => {
    expect(() => checkProfile(JSON.parse('{"__proto__": {"name": "mine"}}'), 'agents.mine')).toThrow(/agents\.mine/);
  });

  it.each(BUILT_IN_PROFILES.map((profile): [string, AgentProfile] => [profile.name, profile]))(
    'takes the built-in %s as it is',
    (_, profile) => {
      expect(checkProfile(profile, 'profile')).toEqual(profile);
      expect(JSON.parse(JSON.stringify(profile))).toEqual(profile);
    },
  );

  it('knows every name once', () => {
    const names = BUILT_IN_PROFILES.map((profile) => profile.name);
    expect(names).toEqual(['claude', 'codex', 'gemini', 'opencode', 'kiro', 'aider', 'generic', 'shell']);
  });
});
