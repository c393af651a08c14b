import { describe, expect, it } from 'vitest';
import type { AgentReport } from '../protocol/agent/index.ts';
import { applySignal } from './apply-signal.ts';
import { createStatusBoard } from './board.ts';
import { compileProfile } from './reader.ts';
import { profileWith, view } from './testing.ts';

const rule = (id: string, parts: object) => ({
  id,
  region: { of: 'whole' },
  match: { any: [id] },
  activity: 'working',
  ...parts,
});

describe('compileProfile: rules', () => {
  it('take the first that matches, by priority and then in their order, and say why the others did not', () => {
    const reader = compileProfile(
      profileWith({
        rules: [
          rule('low', { match: { any: ['x'] }, activity: 'idle' }),
          rule('wrong', { priority: 9, match: { all: ['x', 'not there'] } }),
          rule('barred', { priority: 8, match: { all: ['x'], none: ['y'] } }),
          rule('high', { priority: 7, match: { all: ['x', 'y'] }, settle_ms: 40, confidence: 0.7 }),
          rule('same', { priority: 7, match: { all: ['x'] } }),
        ],
      }),
    );
    const reading = reader.screen(view('  x marks it', 'y'));
    expect(reading.evidence).toEqual({
      source: 'screen',
      rule: 'high',
      activity: 'working',
      attention: null,
      confidence: 0.7,
      detail: 'x marks it',
    });
    expect(reading.settleMs).toBe(40);
    expect(reading.tried).toEqual([
      { id: 'wrong', matched: false, reason: 'all.1 is on no line' },
      { id: 'barred', matched: false, reason: 'none.0 is on line 2' },
      { id: 'high', matched: true, reason: '' },
    ]);
  });

  it('leave a screen that none matches unknown', () => {
    const reading = compileProfile(profileWith({ rules: [rule('a', {})] })).screen(view('b', 'c'));
    expect(reading).toMatchObject({ evidence: null, dialog: null, box: null, skipped: false });
    expect(reading.settleMs).toBeGreaterThan(0);
  });

  it('change nothing while a rule says that the screen is covered', () => {
    const reader = compileProfile(profileWith({ rules: [rule('menu', { skip: true, priority: 9 }), rule('x', {})] }));
    expect(reader.screen(view('menu', 'x'))).toMatchObject({ evidence: null, skipped: true });
  });

  it.each([
    [{ of: 'last', lines: 2 }, true, false],
    [{ of: 'last', lines: 4 }, true, true],
    [{ of: 'cursor', lines: 0 }, false, false],
    [{ of: 'cursor', lines: 1 }, true, false],
    [{ of: 'after', mark: '^--' }, true, false],
    [{ of: 'after', mark: 'no such' }, false, false],
    [{ of: 'whole' }, true, true],
  ])('look at %j', (region, bottom, top) => {
    const screen = view('top', '', '--', '--', '', 'bottom', '|here', '');
    const matches = (text: string) =>
      compileProfile(profileWith({ rules: [rule('r', { region, match: { any: [`^${text}`] } })] })).screen(screen)
        .evidence !== null;
    expect(matches('bottom')).toBe(bottom);
    expect(matches('top')).toBe(top && region.of !== 'last');
  });

  it('cut lines before they match them', () => {
    const reader = compileProfile(profileWith({ rules: [rule('end', {})] }));
    expect(reader.screen(view(`${'x'.repeat(512)}end`)).evidence).toBeNull();
    expect(reader.screen(view(`${'x'.repeat(509)}end`)).evidence).not.toBeNull();
  });

  it('show nothing of a screen that a terminal would obey', () => {
    const reader = compileProfile(profileWith({ rules: [rule('x', {})] }));
    const { evidence } = reader.screen(view(`x \u202e\u0007${'y'.repeat(300)}`));
    expect(evidence?.detail).toMatch(/^x y+$/);
    expect(evidence?.detail).toHaveLength(200);
  });
});

const dialogs = [
  {
    id: 'permission',
    kind: 'permission',
    region: { of: 'after', mark: '^--' },
    match: { all: ['^Allow it\\?'] },
    choice: '^[> ]*(\\d)\\. (.+)$',
    choices: [
      { id: 'allow', label: '^Yes$', meaning: 'allow', keys: '{key}\r' },
      { id: 'deny', label: '^No', meaning: 'deny', keys: '\x1b' },
    ],
    noise: ['^tip'],
  },
];

describe('compileProfile: dialogs', () => {
  const reader = compileProfile(
    profileWith({
      dialogs,
      rules: [rule('idle', { activity: 'idle' }), rule('busy', { activity: 'working' })],
      input: { box: { region: { of: 'last', lines: 4 }, prompt: '^> (.*)$' } },
    }),
  );

  it('are found with what they ask, their choices and how each is taken', () => {
    const { dialog, evidence, box } = reader.screen(
      view(
        'said 1. before',
        '--',
        'tip: none',
        '│ rm -rf x │',
        'Allow it?',
        '> 1. Yes',
        '  2. Always',
        '  3. No, stop',
        'esc',
      ),
    );
    expect(dialog).toEqual({
      rule: 'permission',
      kind: 'permission',
      text: 'rm -rf x\nAllow it?',
      choices: [
        { id: 'allow', label: 'Yes', meaning: 'allow', keys: '1\r' },
        { id: '2', label: 'Always', meaning: null, keys: '2\r' },
        { id: 'deny', label: 'No, stop', meaning: 'deny', keys: '\x1b' },
      ],
      fingerprint: expect.stringMatching(/^permission-[0-9a-f]{14}$/),
    });
    expect(evidence).toMatchObject({ rule: 'dialog.permission', activity: 'working', attention: 'permission' });
    expect(box).toBeNull();
  });

  it('are the same on another place and at another width, and not with another text or choice', () => {
    const print = (...lines: string[]) => reader.screen(view(...lines)).dialog?.fingerprint;
    const first = print('--', 'a long command', 'Allow it?', '> 1. Yes', '  2. No');
    expect(first).toBeDefined();
    expect(print('above', 'above', '--', 'a long', 'command', 'Allow it?', '  1. Yes', '> 2. No')).toBe(first);
    expect(print('--', 'another command', 'Allow it?', '> 1. Yes', '  2. No')).not.toBe(first);
    expect(print('--', 'a long command', 'Allow it?', '> 1. Yes', '  2. Never')).not.toBe(first);
  });

  it('are not there before their choices are, nor in prose', () => {
    expect(reader.screen(view('--', 'Allow it?')).dialog).toBeNull();
    expect(reader.screen(view('Allow it?', '1. Yes', '--', 'done')).dialog).toBeNull();
  });

  it('are taken by cursor keys where there are no others', () => {
    const [permission] = dialogs;
    const moving = [{ ...permission, choices: [{ id: 'other', label: '^Other', keys: '{down}\r' }] }];
    const { dialog } = compileProfile(profileWith({ dialogs: moving })).screen(
      view('--', 'Allow it?', '1. Red', '2. Blue', '3. Other'),
    );
    expect(dialog?.choices.map(({ id, keys }) => [id, keys])).toEqual([
      ['1', '\r'],
      ['2', '\x1b[B\r'],
      ['other', '\x1b[B\x1b[B\r'],
    ]);
  });

  it('are never idle, whatever rule matches as well', () => {
    expect(reader.screen(view('idle', '--', 'Allow it?', '1. Yes')).evidence?.activity).toBe('working');
  });

  it('keep a request at 4 KiB', () => {
    const lines = Array.from({ length: 300 }, (_, at) => `${at} ${'é'.repeat(60)}`);
    const { dialog } = reader.screen(view('--', ...lines, 'Allow it?', '1. Yes'));
    expect(Buffer.byteLength(dialog!.text)).toBeLessThanOrEqual(4096);
  });
});

describe('compileProfile: the input box', () => {
  const box = {
    region: { of: 'last', lines: 20 },
    prompt: '^> ?(.*)$',
    continuation: '^  (.*)$',
    end: '^--',
    placeholders: ['^Type here'],
    dim_is_placeholder: true,
  };
  const reader = compileProfile(profileWith({ input: { box, collapsed: { pattern: '\\[pasted \\d+\\]' } } }));
  const found = (...lines: string[]) => reader.screen(view(...lines)).box;

  it.each([
    [['> |', '--'], ''],
    [['>', '--'], ''],
    [['> Type here now', '--'], ''],
    [['> ‹Ask for something›', '--'], ''],
    [['> A‹sk for something›', '--'], ''],
    [['> ‹Ask› for something', '--'], 'Ask for something'],
    [['> draft |', '--'], 'draft'],
    [['> first', '  second', '--', '  footer'], 'first\nsecond'],
    [['> first', '', '  third', '--'], 'first\n\nthird'],
    [['> earlier', 'answer', '> now', '--'], 'now'],
    [['> to the end', '  of the screen'], 'to the end\nof the screen'],
  ])('%j holds %j', (lines, text) => {
    expect(found(...lines)?.text).toBe(text);
  });

  it('is not there when no line is it', () => {
    expect(found('nothing')).toBeNull();
  });

  it('is told collapsed', () => {
    expect(found('> [pasted 12]', '--')).toMatchObject({ collapsed: true });
    expect(found('> a', '--')).toMatchObject({ collapsed: false });
  });

  it.each([
    ['hello', ['> hello', '--'], true],
    ['hello', ['> hell', '--'], false],
    ['hello', ['> ', '--'], false],
    ['hello', ['> ‹hello›', '--'], false],
    ['a wrapped line of words', ['> a wrapped li', '  ne of words', '--'], true],
    ['para one\n\npara two', ['> para one', '', '  para two', '--'], true],
    [`${'x'.repeat(500)} the end of a long one`, ['> of a long one', '--'], false],
    [
      `${'x '.repeat(500)}shown in part only, the end of it all`,
      ['> x x x x x x x x x x x x shown in part only, the end of it all', '--'],
      true,
    ],
    ['anything', ['> [pasted 3]', '--'], true],
    ['anything', ['no box'], false],
  ])('echoes %j in %j: %s', (body, lines, echoed) => {
    expect(reader.echoed(reader.screen(view(...lines)), body)).toBe(echoed);
  });
});

describe('compileProfile: titles, progress and prompt marks', () => {
  const titles = [
    { id: 'spin', pattern: '^[◐◑] ', activity: 'working' },
    { id: 'mute', pattern: '^mute' },
  ];
  const trusting = compileProfile(profileWith({ titles, progress: true, prompt_marks: true }));
  const wary = compileProfile(profileWith({ titles, program_status: false }));

  it('say what the profile maps, and withdraw it when they say no more', () => {
    const board = createStatusBoard();
    const activity = () => board.status(10).activity;
    applySignal(board, trusting, { signal: 'title', title: '◐ Work' }, 1);
    expect(board.status(2)).toMatchObject({ activity: 'working', rule: 'title.spin', summary: '◐ Work' });
    applySignal(board, trusting, { signal: 'title', title: 'mute' }, 2);
    expect(activity()).toBe('unknown');
    applySignal(board, trusting, { signal: 'progress', state: 3, percent: null }, 3);
    expect(activity()).toBe('working');
    applySignal(board, trusting, { signal: 'progress', state: 0, percent: null }, 4);
    expect(activity()).toBe('unknown');
    applySignal(board, trusting, { signal: 'mark', mark: 'C', status: null }, 5);
    expect(activity()).toBe('working');
    applySignal(board, trusting, { signal: 'mark', mark: 'D', status: 0 }, 6);
    expect(activity()).toBe('unknown');
    applySignal(board, trusting, { signal: 'mark', mark: 'A', status: null }, 7);
    expect(activity()).toBe('idle');
  });

  it('are not believed where the profile does not', () => {
    const board = createStatusBoard();
    applySignal(board, wary, { signal: 'progress', state: 1, percent: 5 }, 1);
    applySignal(board, wary, { signal: 'mark', mark: 'A', status: null }, 2);
    expect(applySignal(board, wary, { signal: 'program_status', pairs: 'state=idle' }, 3)).toBeNull();
    expect(board.status(4).activity).toBe('unknown');
  });

  it('tell of a bad report, and end the records of a program that left', () => {
    const board = createStatusBoard();
    expect(applySignal(board, trusting, { signal: 'program_status', pairs: 'state=working' }, 1)).toBeNull();
    expect(applySignal(board, trusting, { signal: 'program_status', pairs: 'nothing' }, 2)).toMatch(/state/);
    expect(board.status(3).activity).toBe('working');
    applySignal(board, trusting, { signal: 'mark', mark: 'A', status: null }, 4);
    expect(board.explain(5).evidence.map((one) => one.source)).toEqual(['osc']);
    applySignal(board, trusting, { signal: 'program_status', pairs: 'state=done' }, 6);
    applySignal(board, trusting, { signal: 'reset' }, 7);
    expect(board.explain(8).evidence.map((one) => one.source)).toEqual(['osc']);
  });
});

describe('compileProfile: hook reports', () => {
  const events = [
    { event: 'Note', when: { 'kind.name': 'permission' }, attention: 'permission', text: 'message', lease_ms: 500 },
    { event: 'Note', matching: { message: '^quota' }, attention: 'quota' },
    { event: 'Stop', activity: 'done', attention: 'none', response: 'said', turn: 'ended' },
    { event: 'Start', conversation: 'session.id', transcript: 'path' },
  ];
  const reader = compileProfile(profileWith({ hooks: { events } }));
  const report = (name: string, payload: Record<string, unknown>): AgentReport => ({
    name,
    payload,
    at: 1_000,
    report_id: 'x',
  });

  it('become evidence with a lease from when they happened', () => {
    expect(reader.report(report('Note', { kind: { name: 'permission' }, message: 'run\nit' }))).toEqual({
      evidence: {
        source: 'hook',
        rule: 'Note.permission',
        activity: null,
        attention: 'permission',
        confidence: 0.95,
        until: 1_500,
        detail: 'Note: run it',
      },
      turn: null,
      response: null,
      conversationId: null,
      transcriptPath: null,
      text: 'run\nit',
      usage: null,
    });
  });

  it('are told apart by what is in them', () => {
    expect(reader.report(report('Note', { message: 'quota is over' })).evidence).toMatchObject({ attention: 'quota' });
    expect(reader.report(report('Note', { message: 'hello' })).evidence).toBeNull();
    expect(reader.report(report('Unheard', {})).evidence).toBeNull();
  });

  it('carry the answer and the conversation', () => {
    expect(reader.report(report('Stop', { said: 'x'.repeat(70_000) }))).toMatchObject({
      turn: 'ended',
      response: 'x'.repeat(65_536),
      evidence: { activity: 'done', until: null },
    });
    expect(reader.report(report('Start', { session: { id: 'abc' }, path: '/a/b' }))).toMatchObject({
      evidence: null,
      conversationId: 'abc',
      transcriptPath: '/a/b',
    });
  });

  it.each([
    [{ session: { id: '' } }],
    [{ session: { id: 'a\nb' } }],
    [{ session: { id: 'x'.repeat(300) } }],
    [{ session: { id: { deep: 1 } } }],
    [{ session: null }],
    [{ session: ['id'] }],
  ])('name no conversation with %j', (payload) => {
    expect(reader.report(report('Start', payload)).conversationId).toBeNull();
  });

  it('do not reach for what is not theirs', () => {
    const hostile = compileProfile(
      profileWith({ hooks: { events: [{ event: 'Start', conversation: '__proto__.constructor.name' }] } }),
    );
    expect(hostile.report(report('Start', {})).conversationId).toBeNull();
  });
});
