/** Workspaces, tabs, blocks, layouts and windows on the real command line, and through the SDK. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Outline } from '../../src/client/index.ts';
import type { LayoutNode } from '../../src/protocol/control/index.ts';
import { collect } from '../support/collect.ts';
import { holdfast, type Ran } from '../support/holdfast-command.ts';
import { TestRuntime, testEnvironment, FAULTS_LOADER } from '../support/runtime.ts';
import { createIds, systemClock } from '../../src/runtime/index.ts';
import { hasProgram, needs, Tmux } from '../support/tmux.ts';

let runtime: TestRuntime;

beforeAll(async () => {
  runtime = await TestRuntime.start();
});
afterAll(() => runtime.close());

const hf = (...words: string[]): Promise<Ran> => holdfast(runtime.home, words, { cwd: runtime.home });

/** What it printed, when it succeeded. */
async function ok(...words: string[]): Promise<string> {
  const { status, stdout, stderr } = await hf(...words);
  expect({ words, status, stderr }).toEqual({ words, status: 0, stderr: '' });
  return stdout.trimEnd();
}

async function json(...words: string[]): Promise<Record<string, unknown>[]> {
  const text = await ok('--json', ...words);
  return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function refused(status: number, message: RegExp, ...words: string[]): Promise<void> {
  const before = await runtime.holdfast.outline();
  const ran = await hf(...words);
  expect({ words, status: ran.status, stdout: ran.stdout }).toEqual({ words, status, stdout: '' });
  expect(ran.stderr).toMatch(/^holdfast: /);
  expect(ran.stderr).toMatch(message);
  expect(ran.stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(still(await runtime.holdfast.outline())).toEqual(still(before));
}

/** What a refused command leaves alone: each is a connection, and that is a version. */
function still({ workspaces, tabs, blocks, windows, sessions }: Outline): unknown {
  return { workspaces, tabs, blocks, windows, sessions: sessions.map(({ id }) => id) };
}

/** `row[a, col[b, c]]`, blocks for leaves. */
function sketch(node: LayoutNode | null): string {
  if (node === null) return '-';
  if (node.children === undefined) return String(node.data?.blockId);
  return `${node.flexDirection === 'row' ? 'row' : 'col'}[${node.children.map(sketch).join(', ')}]`;
}

async function layoutOf(tab: string): Promise<string> {
  return sketch((await json('layout', 'show', tab))[0] as unknown as LayoutNode | null);
}

/** A workspace with one tab, both called as given. */
async function place(name: string): Promise<void> {
  await ok('workspace', 'create', name, '--id', name);
  await ok('tab', 'create', name, '--id', `${name}-tab`, '--workspace', name);
}

describe('workspaces and tabs', () => {
  it('[X10] [X6] are made, listed, renamed, ordered, moved and deleted', async () => {
    await ok('workspace', 'create', 'alpha', '--id', 'wa');
    const made = await ok('workspace', 'create');
    expect(made).toMatch(/^[0-9A-Z]{26}$/);
    await ok('workspace', 'rename', made.slice(0, -1), 'beta');
    expect(await json('workspace', 'create', 'gamma', '--id', 'wc')).toEqual([
      { id: 'wc', name: 'gamma', version: expect.any(Number) as number },
    ]);
    for (const [id, name] of [['t1'], ['t2', 'two'], ['t3', 'three']]) {
      expect(await ok('tab', 'create', ...(name === undefined ? [] : [name]), '-w', 'alpha', '--id', id!)).toBe(id);
    }
    expect(await json('tab', 'create', '--workspace', 'beta', '--id', 't4')).toMatchObject([
      { id: 't4', name: 'Tab 1', workspace_id: made },
    ]);
    await ok('tab', 'reorder', 'three', '--to', '0');
    expect(await json('tab', 'reorder', 'two', 'three', 'alpha/Tab 1')).toMatchObject([{ tabs: ['t2', 't3', 't1'] }]);
    expect(await json('tab', 'use', 'three')).toMatchObject([{ id: 't3', workspace_id: 'wa' }]);
    expect(await json('tab', 'ls', '--workspace', 'alpha')).toMatchObject([
      { id: 't2', name: 'two', workspace_id: 'wa', active: false, blocks: [], layout: null, focused: null },
      { id: 't3', active: true },
      { id: 't1', name: 'Tab 1', magnified: null, meta: {} },
    ]);
    expect(await ok('tab', 'ls')).toMatch(/^ID +NAME +WORKSPACE +BLOCKS\n[^]*\* three +alpha +0/);
    await refused(
      5,
      /"alpha\/Tab 1"|last tab of its workspace: add --delete-empty or --allow-empty/,
      'tab',
      'move',
      'beta/Tab 1',
      'alpha',
    );
    expect(await json('tab', 'move', 'beta/Tab 1', 'alpha', '--index', '1', '--delete-empty')).toMatchObject([
      { id: 't4', workspace_id: 'wa', index: 1, workspace_deleted: true },
    ]);
    await ok('tab', 'rename', 't4', 'four');
    expect(await json('workspace', 'ls')).toMatchObject([
      { id: 'wa', name: 'alpha', tabs: ['t2', 't4', 't3', 't1'], active_tab: 't4', windows: [], meta: {} },
      { id: 'wc', name: 'gamma', tabs: [], active_tab: null },
    ]);
    expect(await ok('workspace', 'ls')).toMatch(/^ID +NAME +TABS +ACTIVE +WINDOWS\nwa +alpha +4 +four +0\nwc +gamma/);
    expect(await ok('tab', 'rm', 'four', 'two')).toBe('t4\nt2');
    expect(await json('workspace', 'rm', 'gamma')).toMatchObject([
      { id: 'wc', deleted: true, detached: [], terminated: [] },
    ]);
    expect(await ok('workspace', 'rm', 'wa')).toBe('wa');
    expect(await runtime.holdfast.workspaces.list()).toEqual([]);
  });

  it('[X6] [X1] [X2] are refused with the status and the word at fault', async () => {
    await place('one');
    await ok('tab', 'create', 'twin', '--id', 'twin-1');
    await place('two');
    await ok('tab', 'create', 'twin', '--id', 'twin-2', '-w', 'two');
    await refused(2, /there is no command "workspace crate"; see: holdfast help workspace/, 'workspace', 'crate');
    await refused(2, /tab needs a verb: ls, create/, 'tab');
    await refused(2, /tab rename is missing an argument; usage: holdfast tab rename TAB NAME/, 'tab', 'rename', 'one');
    await refused(2, /Unknown option '--colour'; see: holdfast help tab ls/, 'tab', 'ls', '--colour');
    await refused(3, /there is no workspace "nope"; see: holdfast workspace ls/, 'workspace', 'rm', 'nope');
    await refused(3, /there is no tab "nope"/, 'tab', 'use', 'nope');
    await refused(2, /"twin" names 2 tabs: twin-1 \(one\/twin\), twin-2 \(two\/twin\)/, 'tab', 'use', 'twin');
    await refused(2, /there are 2 workspaces, say which with --workspace: one \(one\), two \(two\)/, 'tab', 'create');
    await refused(2, /say which tab with TAB: one-tab \(one\/one\), two-tab \(two\/two\)/, 'layout', 'show');
    await refused(5, /workspace_id/, 'workspace', 'create', '--id', 'one');
    await refused(2, /--to must be a whole number/, 'tab', 'reorder', 'one/twin', '--to', 'x');
    await refused(2, /--to is the place of one tab/, 'tab', 'reorder', 'one/twin', 'one/one', '--to', '1');
    await refused(5, /is not named: give every tab/, 'tab', 'reorder', 'one/twin');
    await refused(2, /in that workspace already/, 'tab', 'move', 'one/twin', 'one');
    await refused(2, /name/, 'workspace', 'rename', 'one', '');
    await refused(2, /name/, 'workspace', 'create', 'x'.repeat(129));
    await ok('tab', 'rm', 'one/twin');
    await refused(5, /"one\/one" is the last tab of its workspace: add --force/, 'tab', 'rm', 'one/one');
    expect(await ok('tab', 'rm', 'one/one', '--force')).toBe('one-tab');
    await ok('workspace', 'rm', 'one', 'two');
  });

  it('[X1] go on after one of several is refused, and say so with its status', async () => {
    for (const name of ['a', 'b']) await place(name);
    const { status, stdout, stderr } = await hf('workspace', 'rm', 'a', 'nope', 'b');
    expect({ status, stdout }).toEqual({ status: 3, stdout: 'a\nb\n' });
    expect(stderr).toContain('there is no workspace "nope"');
  });

  it('[X10] have free-form data, as have blocks and windows', async () => {
    await place('meta');
    await ok('block', 'create', '--tab', 'meta', '--id', 'meta-block', '--meta', '{"view":"term"}');
    await ok('window', 'open', 'meta', '--id', 'meta-window');
    for (const [noun, word, first] of [
      ['workspace', 'meta', {}],
      ['tab', 'meta', {}],
      ['block', 'meta-block', { view: 'term' }],
      ['window', 'meta-window', {}],
    ] as const) {
      expect(await json(noun, 'meta', word)).toEqual([first]);
      const patched = { ...first, colour: 'red', deep: { n: 1 } };
      expect(await json(noun, 'meta', word, '{"colour":"red","deep":{"n":1,"gone":null}}')).toEqual([patched]);
      expect(await json(noun, 'meta', word, '{"deep":null}')).toEqual([{ ...first, colour: 'red' }]);
      expect(JSON.parse(await ok(noun, 'meta', word))).toEqual({ ...first, colour: 'red' });
      await refused(2, /PATCH is not JSON/, noun, 'meta', word, '{');
      await refused(2, /PATCH must be a JSON object/, noun, 'meta', word, '[1]');
      await refused(2, /__proto__/, noun, 'meta', word, '{"__proto__":{"x":1}}');
    }
    await ok('workspace', 'rm', 'meta');
  });
});

describe('windows', () => {
  it('[X10] show workspaces', async () => {
    for (const name of ['left', 'right']) await place(name);
    expect(await ok('window', 'open', 'left', '--id', 'win')).toBe('win');
    const minted = await ok('window', 'open', 'right');
    expect(await json('window', 'switch', 'win', 'right')).toMatchObject([{ id: 'win', workspace_id: 'right' }]);
    expect((await json('window', 'ls')).map(({ id, workspace_id }) => [id, workspace_id])).toEqual([
      [minted, 'right'],
      ['win', 'right'],
    ]);
    expect(await ok('window', 'ls')).toMatch(/^ID +WORKSPACE +NAME\n/);
    await refused(3, /there is no window "nope"/, 'window', 'switch', 'nope', 'left');
    await refused(2, /say which with WORKSPACE/, 'window', 'open');
    expect(await json('window', 'close', 'win')).toMatchObject([{ id: 'win', closed: true }]);
    await ok('workspace', 'rm', 'left', 'right');
    expect(await json('window', 'ls')).toEqual([]);
  });
});

describe('blocks', () => {
  it('[X9] [X10] are made, placed and bound in one command', async () => {
    await place('build');
    const [made] = await json('block', 'create', '--id', 'b1', '--run', '--name', 'editor', '--', 'cat');
    expect(made).toEqual({
      id: 'b1',
      tab_id: 'build-tab',
      node_id: expect.any(String) as string,
      session_id: expect.stringMatching(/^[0-9A-Z]{26}$/) as string,
      version: expect.any(Number) as number,
    });
    const { record } = await runtime.holdfast.get('editor');
    expect(record).toMatchObject({ id: made!['session_id'], argv: ['cat'], state: 'running', cwd: runtime.home });
    await ok(
      'block',
      'create',
      '--split',
      'editor',
      '--right',
      '--size',
      '30%',
      '--id',
      'b2',
      '--run',
      '-e',
      'A=1',
      '--',
      'cat',
    );
    await ok('block', 'create', '--below', '--id', 'b3', '--no-focus');
    await ok('block', 'create', '--parked', '--id', 'b4', '--tab', 'build');
    expect(await layoutOf('build')).toBe('row[b1, col[b2, b3]]');
    const [tab] = await runtime.holdfast.tabs.list();
    expect(tab!.layout!.children!.map(({ size }) => size)).toEqual([7, 3]);
    const blocks = await runtime.holdfast.blocks.list();
    expect(tab!.focused).toBe(blocks[1]!.node_id);
    expect(await json('block', 'ls', '--tab', 'build')).toEqual(blocks);
    expect(blocks.map(({ id, node_id, session_id }) => [id, node_id !== null, session_id !== null])).toEqual([
      ['b1', true, true],
      ['b2', true, true],
      ['b3', true, false],
      ['b4', false, false],
    ]);
    expect(await ok('block', 'ls')).toMatch(
      /^ID +TAB +NODE +SESSION +STATE +SHOWS\nb1 +build\/build +\S+ +\S+ +running +editor\n/,
    );
    expect(await ok('ls')).toMatch(/ TAB +COMMAND\n[^]*editor +running .*build\/build +cat/);
  });

  it('[X9] take their session with them when they cannot be', async () => {
    const before = (await runtime.holdfast.list()).length;
    await refused(5, /block_id/, 'block', 'create', '--id', 'b1', '--run', '--name', 'orphan', '--', 'cat');
    expect((await runtime.holdfast.list()).length).toBe(before);
    await refused(3, /there is no node "nope"/, 'block', 'create', '--split', 'nope', '--run', '--', 'cat');
    await refused(2, /takes a command only with --run/, 'block', 'create', 'cat');
    await refused(2, /--name goes with --run/, 'block', 'create', '--name', 'x');
    await refused(2, /--run starts one/, 'block', 'create', '--run', '--session', 'editor', '--', 'cat');
    const missing = await hf('block', 'create', '--run', '--', '/no/such/program');
    expect(missing).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('/no/such') as string });
    expect(await runtime.holdfast.blocks.list()).toHaveLength(4);
    await refused(
      5,
      /block "b1" shows that session; first: holdfast block unbind b1/,
      'block',
      'create',
      '--session',
      'editor',
    );
  });

  it('[X8] are deleted only when it is said what becomes of a live session', async () => {
    const session = (await runtime.holdfast.get('editor')).record.id;
    const complaint = new RegExp(
      `block "b1" shows a live session: ${session} \\(editor\\); add --detach to let it run on, or --terminate to end it`,
    );
    await refused(5, complaint, 'block', 'rm', 'editor');
    await refused(
      5,
      /tab "build\/build" shows 2 live sessions: .*add --detach to let them/,
      'tab',
      'rm',
      'build',
      '--force',
    );
    await refused(5, /workspace "build" shows 2 live sessions: /, 'workspace', 'rm', 'build');
    await refused(2, /--detach.*--terminate/, 'block', 'rm', 'b1', '--detach', '--terminate');
    expect(await json('block', 'rm', 'b1', '--detach')).toMatchObject([
      { id: 'b1', deleted: true, detached: [session], terminated: [] },
    ]);
    expect(await layoutOf('build')).toBe('col[b2, b3]');
    expect((await json('block', 'ls', '--unplaced')).map(({ id }) => id)).toEqual([session]);
    expect(await ok('block', 'ls', '--unplaced')).toMatch(/^ID +NAME +STATE +COMMAND\n\S+ +editor +running +cat$/);
    await ok('block', 'bind', 'b4', 'editor');
    await refused(5, /block "b4" shows that session/, 'block', 'bind', 'b3', 'editor');
    await refused(3, /there is no session "nope"; see: holdfast ls/, 'block', 'bind', 'b3', 'nope');
    await ok('block', 'unbind', 'editor');
    expect(await json('block', 'bind', 'b3', session)).toMatchObject([{ id: 'b3', session_id: session }]);
    expect(await json('block', 'rm', 'editor', '--terminate')).toMatchObject([{ id: 'b3', terminated: [session] }]);
    await runtime.holdfast.wait(session, { for: 'end', timeoutMs: 10_000 });
  });

  it('[X10] move to another tab, where they are parked', async () => {
    await ok('tab', 'create', 'second', '--id', 'second');
    await refused(3, /there is no tab "nope"/, 'block', 'move', 'b2', 'nope');
    expect(await json('block', 'move', 'b2', 'second', '--index', '5')).toMatchObject([
      { id: 'b2', tab_id: 'second', index: 0 },
    ]);
    expect(await layoutOf('build')).toBe('-');
    expect(await ok('layout', 'show', 'second')).toMatch(/nothing is placed here[^]*\nparked b2 cat running$/);
    expect(await ok('workspace', 'rm', 'build', '--terminate')).toBe('build');
  });
});

describe('a layout', () => {
  beforeAll(async () => {
    await place('panes');
    for (const id of ['p1', 'p2', 'p3', 'p4']) await ok('block', 'create', '--tab', 'panes', '--parked', '--id', id);
  });

  it('[X10] takes every operation', async () => {
    expect(await json('layout', 'insert', 'p1', '--id', 'n1')).toMatchObject([{ tab_id: 'panes-tab', node_id: 'n1' }]);
    await ok('layout', 'split', 'p1', 'p2', '--right', '--id', 'n2', '--size', '40%');
    await ok('layout', 'split', 'n2', 'p3', '--above', '--no-focus', '--id', 'n3');
    expect(await layoutOf('panes')).toBe('row[p1, col[p3, p2]]');
    await ok('layout', 'insert', 'p4', '--path', '1,0', '--magnify', '--id', 'n4');
    expect(await layoutOf('panes')).toBe('row[p1, col[p3, p4, p2]]');
    const state = async () => (await runtime.holdfast.tabs.list())[0]!;
    expect(await state()).toMatchObject({ focused: 'n4', magnified: 'n4' });
    expect(await json('layout', 'magnify', '--none')).toMatchObject([{ tab_id: 'panes-tab', magnified: null }]);
    await ok('layout', 'focus', 'p1');
    expect(await state()).toMatchObject({ focused: 'n1', magnified: null });
    await ok('layout', 'focus', '--none', '--tab', 'panes');
    await ok('layout', 'magnify', 'n2');
    expect(await state()).toMatchObject({ focused: null, magnified: 'n2' });
    expect(await json('layout', 'swap', 'p1', 'p2')).toMatchObject([{ node_ids: ['n1', 'n2'] }]);
    expect(await layoutOf('panes')).toBe('row[p2, col[p3, p4, p1]]');
    await ok('layout', 'move', 'p4', (await state()).layout!.id, '--index', '0');
    expect(await layoutOf('panes')).toBe('row[p4, p2, col[p3, p1]]');
    expect(await json('layout', 'resize', 'p4=50%', 'p3=3', 'p1=1')).toMatchObject([{ tab_id: 'panes-tab' }]);
    const tree = (await state()).layout!;
    const sizes = tree.children!.map(({ size }) => size!);
    expect(sizes[0]! / sizes.reduce((sum, size) => sum + size, 0)).toBeCloseTo(0.5, 9);
    expect(tree.children![2]!.children!.map(({ size }) => size)).toEqual([3, 1]);
    expect(await ok('layout', 'rm', 'p4', 'p3')).toBe('n4\nn3');
    await ok('layout', 'replace', 'p2', 'p3', '--id', 'n5');
    expect(await layoutOf('panes')).toBe('row[p3, p1]');
    const saved = await ok('layout', 'show', 'panes', '--json');
    await ok('layout', 'clear', 'panes');
    expect(await layoutOf('panes')).toBe('-');
    await ok('layout', 'set', 'panes', saved);
    expect(await ok('layout', 'show', 'panes', '--json')).toBe(saved);
    const fed = runtime.command(['layout', 'set', 'panes', '-'], saved.replace('"row"', '"column"'));
    expect({ status: fed.status, stderr: fed.stderr }).toEqual({ status: 0, stderr: '' });
    expect(await layoutOf('panes')).toBe('col[p3, p1]');
  });

  it('[X1] [X2] refuses what is wrong', async () => {
    await refused(2, /split needs a side/, 'layout', 'split', 'p1', 'p2');
    await refused(2, /--right and --left exclude each other/, 'layout', 'split', 'p1', 'p2', '--right', '--left');
    await refused(3, /there is no node "p2"/, 'layout', 'focus', 'p2');
    await refused(2, /name a NODE, or say --none/, 'layout', 'focus');
    await refused(2, /name a NODE, or say --none/, 'layout', 'magnify', 'p1', '--none');
    await refused(5, /block "p1" has its place: use layout move or swap with "n1"/, 'layout', 'insert', 'p1');
    await refused(5, /is a group/, 'layout', 'focus', (await runtime.holdfast.tabs.list())[0]!.layout!.id);
    await refused(2, /p1=0 must be a size/, 'layout', 'resize', 'p1=0');
    await refused(2, /TREE is not JSON/, 'layout', 'set', 'panes', '{');
    await refused(2, /TREE must be a JSON object/, 'layout', 'set', 'panes', '7');
    await refused(3, /new_tree\.data\.blockId/, 'layout', 'set', 'panes', '{"id":"x","data":{"blockId":"nope"}}');
    await refused(2, /new_tree/, 'layout', 'set', 'panes', '{"id":"x","data":{"blockId":"p1"},"size":101}');
    await refused(5, /n1/, 'layout', 'insert', 'p2', '--id', 'n1');
    await refused(2, /--path must be a whole number/, 'layout', 'insert', 'p2', '--path', '1,x');
  });

  it('[X7] is drawn', async () => {
    await ok('layout', 'focus', 'p1');
    await ok('layout', 'resize', 'p1=50%');
    expect(await ok('layout', 'show', 'panes')).toBe(
      [
        'panes/panes: 2 panes',
        `┌${'─'.repeat(98)}┐`,
        ...pane(['p3', 'no session'], 9),
        `├${'─'.repeat(98)}┤`,
        ...pane(['* p1', 'no session'], 8),
        `└${'─'.repeat(98)}┘`,
        'parked p2 no session',
        'parked p4 no session',
      ].join('\n'),
    );
    const tree = await ok('layout', 'show', 'panes', '--tree');
    expect(tree).toMatch(
      /^panes\/panes: 2 panes\ncolumn \S+\n├─ pane [\d.]+% n5 p3 no session\n└─ pane [\d.]+% n1 \* p1 no session\nparked/,
    );
  });
});

function pane(label: string[], rows: number): string[] {
  return Array.from({ length: rows }, (_, at) => `│ ${(label[at] ?? '').padEnd(96)} │`);
}

it('[X11] events leave out who connects, unless asked', async () => {
  const names = (events: Record<string, unknown>[]): Set<unknown> => new Set(events.map(({ event }) => event));
  const usual = names(await json('events'));
  expect(usual.has('block_created')).toBe(true);
  expect(usual.has('process_spawned') || usual.has('connection_closed')).toBe(false);
  const all = names(await json('events', '--all'));
  expect([all.has('process_spawned'), all.has('connection_closed')]).toEqual([true, true]);
  expect(names(await json('events', '--topics', 'process_*'))).toEqual(new Set(['process_spawned']));
  expect(await ok('events', '--topics', 'layout_*')).toMatch(
    /layout_split_horizontal_applied +panes-tab +n2 after n1$/m,
  );
});

describe('through the SDK', () => {
  it('[X12] what changed meanwhile is not overwritten, and a key acts once', async () => {
    const { workspaces, tabs, layout } = runtime.holdfast;
    const { id } = await workspaces.create('sdk');
    const tab = await tabs.create(id, 'one');
    const block = await runtime.holdfast.blocks.create(tab.id, { place: { node_id: 'only' } });
    await tabs.rename(tab.id, 'renamed');
    const stale = layout.set(tab.id, null, { expectedVersion: block.version });
    await expect(stale).rejects.toMatchObject({ code: 'conflict' });
    expect((await layout.get(tab.id))?.id).toBe('only');
    const { version } = await runtime.holdfast.snapshot();
    expect((await layout.set(tab.id, null, { expectedVersion: version })).version).toBeGreaterThan(version);
    const key = createIds(systemClock).ulid();
    const [first, again] = [await tabs.create(id, '', { key }), await tabs.create(id, '', { key })];
    expect(again).toEqual(first);
    expect(await tabs.list({ workspace: id })).toHaveLength(2);
    await workspaces.delete(id);
  });

  it('[X12] a snapshot item of the events holds the whole state', async () => {
    const events = await runtime.holdfast.events({ snapshot: true });
    const { value } = await events.next();
    await events.return();
    const whole = await runtime.holdfast.snapshot();
    expect(value).toMatchObject({ type: 'snapshot', snapshot: { workspaces: whole.workspaces, blocks: whole.blocks } });
  });
});

describe('the README', () => {
  it('[X9] [X8] says what is true of workspaces and layout', async () => {
    await using fresh = await TestRuntime.start();
    const text = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    const section = text.slice(text.indexOf('## Workspaces and layout'), text.indexOf('## What it does'));
    const lines = [...section.matchAll(/^```sh\n([^]*?)^```/gm)].flatMap(([, commands = '']) =>
      commands.trim().split('\n'),
    );
    expect(lines.length).toBeGreaterThan(10);
    // `attach` wants a terminal; `!` expects the refusal.
    const script = lines
      .filter((line) => !line.includes(' attach '))
      .map((line) => (line.includes('# refused') ? `! ${line}` : line));
    const child = spawn('sh', ['-ec', `holdfast() { "$NODE" "$LOADER" "$@"; }\n${script.join('\n')}`], {
      env: { ...fresh.env, NODE: process.execPath, LOADER: FAULTS_LOADER },
      cwd: fresh.home,
    });
    const { status, stdout, stderr } = await collect(child);
    expect({ status, stderr }).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/^[^\n]*--detach[^\n]*\n$/) as string,
    });
    expect(stdout.toString()).toMatch(/work\/agents: 3 panes\n┌[^]*┐[^]*\* [^]*top[^]*┘\n[^]*clock +running/);
  });
});

describe('in a terminal', () => {
  it(needs('tmux', '[X7] the picture has the terminal’s width'), async (ctx) => {
    if (!hasProgram('tmux')) return ctx.skip('no tmux here');
    await using tmux = await Tmux.start();
    const words = [process.execPath, FAULTS_LOADER, 'layout', 'show', 'panes'];
    const shown = await tmux.pane(words, testEnvironment(runtime.home), { rows: 12, cols: 60 }, runtime.home);
    const text = await shown.shows(/parked p4/);
    expect(
      text
        .split('\n')
        .filter((row) => /^[┌├└].*[┐┤┘]$/.test(row))
        .map((row) => row.length),
    ).toEqual([60, 60, 60]);
    expect(text.split('\n').filter((row) => row !== '').length).toBeLessThanOrEqual(11);
  });
});
