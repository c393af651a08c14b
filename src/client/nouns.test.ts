import { describe, expect, it } from 'vitest';
import { COMMAND_REGISTRY, type SuccessReply, type WorkspacesCommand } from '../protocol/control/index.ts';
import { parseCommand } from '../protocol/control/schemas.ts';
import { Blocks } from './blocks.ts';
import type { ChangeOptions } from './control-calls.ts';
import { Layout } from './layout.ts';
import { outlineOf, type Snapshot } from './outline.ts';
import { type NounContext, Tabs, Windows, Workspaces } from './places.ts';

interface Sent {
  command: WorkspacesCommand;
  options: ChangeOptions;
}

/** What each method sends, and what it makes of a reply. */
function recorder(result: Record<string, unknown> = {}): NounContext & { sent: Sent[] } {
  const sent: Sent[] = [];
  return {
    sent,
    change: (command, options) => {
      sent.push({ command, options });
      return Promise.resolve({ reply: 'r', ok: true, version: 9, ...result } satisfies SuccessReply);
    },
    outline: () => Promise.resolve(outlineOf(SNAPSHOT)),
    newId: () => 'minted',
  };
}

const leaf = (id: string) => ({ id: `n-${id}`, flexDirection: 'row' as const, size: 10, data: { blockId: id } });
const tree = { id: 'root', flexDirection: 'row' as const, size: 10, children: [leaf('b1'), leaf('b2')] };

const SNAPSHOT: Snapshot = {
  version: 41,
  epoch: 'e',
  lifecycle: 'running',
  workspaces: [
    ['w1', 'work'],
    ['w2', 'play'],
  ],
  tabs: [
    ['t1', 'w1', 'one'],
    ['t2', 'w1', 'two'],
  ],
  active_tabs: [['w1', 't1']],
  blocks: [
    ['b1', 't1'],
    ['b2', 't1'],
    ['b3', 't1'],
  ],
  state: {
    tab_order: [
      ['w1', ['t2', 't1']],
      ['w2', []],
    ],
    block_order: [
      ['t1', ['b3', 'b1', 'b2']],
      ['t2', []],
    ],
    layouts: [
      ['t1', tree],
      ['t2', null],
    ],
    focus: [
      ['t1', { focused: 'n-b1', magnified: '' }],
      ['t2', { focused: '', magnified: '' }],
    ],
    windows: [['win', 'w1']],
    meta: { workspaces: [['w1', { a: 1 }]], tabs: [], blocks: [['b1', { view: 'term' }]], windows: [] },
    bindings: [['b1', 's1']],
    connections: [],
    sessions: [],
    agents: [],
    messages: [],
    sagas: [],
  },
};

const CALLS: [string, (context: NounContext) => Promise<unknown>, Record<string, unknown>][] = [
  ['workspaces.create', (c) => new Workspaces(c).create('x', { id: 'w' }), { name: 'x', workspace_id: 'w' }],
  ['workspaces.create without anything', (c) => new Workspaces(c).create(), { name: '' }],
  ['workspaces.rename', (c) => new Workspaces(c).rename('w', 'x'), { workspace_id: 'w', name: 'x' }],
  [
    'workspaces.delete',
    (c) => new Workspaces(c).delete('w', { session: 'detach' }),
    { workspace_id: 'w', session: 'detach' },
  ],
  ['workspaces.meta', (c) => new Workspaces(c).meta('w', { a: null }), { workspace_id: 'w', meta_patch: { a: null } }],
  ['tabs.create', (c) => new Tabs(c).create('w', 'x', { id: 't' }), { workspace_id: 'w', name: 'x', tab_id: 't' }],
  ['tabs.rename', (c) => new Tabs(c).rename('t', 'x'), { tab_id: 't', name: 'x' }],
  [
    'tabs.delete',
    (c) => new Tabs(c).delete('w', 't', { force: true }),
    { workspace_id: 'w', tab_id: 't', force: true },
  ],
  [
    'tabs.move',
    (c) => new Tabs(c).move('t', { from: 'w', to: 'v', index: 2, fallback: 'allow_empty' }),
    { tab_id: 't', src_workspace_id: 'w', dst_workspace_id: 'v', dst_index: 2, fallback: 'allow_empty' },
  ],
  ['tabs.reorder', (c) => new Tabs(c).reorder('w', 't', 3), { workspace_id: 'w', tab_id: 't', new_index: 3 }],
  ['tabs.reorderAll', (c) => new Tabs(c).reorderAll('w', ['t', 'u']), { workspace_id: 'w', tab_ids: ['t', 'u'] }],
  ['tabs.use', (c) => new Tabs(c).use('w', 't'), { workspace_id: 'w', tab_id: 't' }],
  ['tabs.meta', (c) => new Tabs(c).meta('t'), { tab_id: 't', meta_patch: {} }],
  [
    'blocks.create',
    (c) => new Blocks(c).create('t', { id: 'b', meta: { a: 1 }, session: 's', place: { size: 5 } }),
    { tab_id: 't', block_id: 'b', meta: { a: 1 }, session_id: 's', place: { size: 5 } },
  ],
  ['blocks.delete', (c) => new Blocks(c).delete('t', 'b'), { tab_id: 't', block_id: 'b' }],
  [
    'blocks.move',
    (c) => new Blocks(c).move('b', { from: 't', to: 'u' }),
    { block_id: 'b', src_tab_id: 't', dst_tab_id: 'u', dst_index: 4294967295 },
  ],
  ['blocks.bind', (c) => new Blocks(c).bind('b', 's'), { block_id: 'b', session_id: 's' }],
  ['blocks.unbind', (c) => new Blocks(c).unbind('b'), { block_id: 'b', session_id: null }],
  ['blocks.meta', (c) => new Blocks(c).meta('b', { a: 1 }), { block_id: 'b', meta_patch: { a: 1 } }],
  ['windows.open', (c) => new Windows(c).open('w'), { window_id: 'minted', workspace_id: 'w' }],
  ['windows.close', (c) => new Windows(c).close('x'), { window_id: 'x' }],
  ['windows.switch', (c) => new Windows(c).switch('x', 'w'), { window_id: 'x', workspace_id: 'w' }],
  ['windows.meta', (c) => new Windows(c).meta('x', {}), { window_id: 'x', meta_patch: {} }],
  [
    'layout.insert',
    (c) => new Layout(c).insert('t', leaf('b'), { parent: 'p', index: 1 }, { magnifyAfter: true, groupId: 'g' }),
    {
      tab_id: 't',
      node: leaf('b'),
      parent_id: 'p',
      index: 1,
      focus_after: true,
      magnify_after: true,
      correlation_id: '',
      group_id: 'g',
    },
  ],
  [
    'layout.insertAt',
    (c) => new Layout(c).insertAt('t', leaf('b'), [0, 1], { focusAfter: false, correlationId: 'c' }),
    {
      tab_id: 't',
      node: leaf('b'),
      index_arr: [0, 1],
      focus_after: false,
      magnify_after: false,
      correlation_id: 'c',
    },
  ],
  [
    'layout.split side by side',
    (c) => new Layout(c).split('t', leaf('b'), { beside: 'n', direction: 'row', position: 'after', size: 3 }),
    {
      cmd: 'layout_split_horizontal',
      tab_id: 't',
      target_id: 'n',
      new_node: leaf('b'),
      position: 'after',
      size: 3,
      focus_after: true,
      correlation_id: '',
    },
  ],
  [
    'layout.split one above the other',
    (c) => new Layout(c).split('t', leaf('b'), { beside: 'n', direction: 'column', position: 'before' }),
    {
      cmd: 'layout_split_vertical',
      tab_id: 't',
      target_id: 'n',
      new_node: leaf('b'),
      position: 'before',
      focus_after: true,
      correlation_id: '',
    },
  ],
  ['layout.delete', (c) => new Layout(c).delete('t', 'n'), { tab_id: 't', node_id: 'n', correlation_id: '' }],
  [
    'layout.move',
    (c) => new Layout(c).move('t', 'n', { parent: 'p', index: 0 }, { correlationId: 'c' }),
    { tab_id: 't', node_id: 'n', new_parent_id: 'p', index: 0, correlation_id: 'c' },
  ],
  [
    'layout.swap',
    (c) => new Layout(c).swap('t', 'n', 'm'),
    { tab_id: 't', node1_id: 'n', node2_id: 'm', correlation_id: '' },
  ],
  [
    'layout.resize',
    (c) => new Layout(c).resize('t', [{ node_id: 'n', size: 5 }]),
    { tab_id: 't', ops: [{ node_id: 'n', size: 5 }], correlation_id: '' },
  ],
  [
    'layout.replace',
    (c) => new Layout(c).replace('t', 'n', leaf('b'), { focusAfter: false }),
    { tab_id: 't', target_id: 'n', new_node: leaf('b'), focus_after: false, correlation_id: '' },
  ],
  ['layout.clear', (c) => new Layout(c).clear('t'), { tab_id: 't', correlation_id: '' }],
  ['layout.set', (c) => new Layout(c).set('t', leaf('b')), { tab_id: 't', new_tree: leaf('b'), correlation_id: '' }],
  ['layout.set to nothing', (c) => new Layout(c).set('t', null), { tab_id: 't', new_tree: null, correlation_id: '' }],
  ['layout.focus', (c) => new Layout(c).focus('t', 'n'), { tab_id: 't', node_id: 'n' }],
  ['layout.magnify nothing', (c) => new Layout(c).magnify('t', null), { tab_id: 't', node_id: '' }],
];

describe('[X12] a method of the SDK', () => {
  it.each(CALLS)('%s sends a command that the schema takes', async (_, call, fields) => {
    const context = recorder();
    await call(context);
    const [{ command }] = context.sent as [Sent];
    const { cmd, ...sent } = command;
    const { cmd: expected = cmd, ...rest } = fields;
    expect({ cmd, ...sent }).toEqual({ cmd: expected, ...rest });
    expect(() => parseCommand({ ...command })).not.toThrow();
  });

  it('exists for each command on workspaces', async () => {
    const context = recorder();
    for (const [, call] of CALLS) await call(context);
    const ours = Object.entries(COMMAND_REGISTRY).flatMap(([name, { domain }]) =>
      domain === 'workspaces' ? [name] : [],
    );
    expect([...new Set(context.sent.map(({ command }) => command.cmd))].sort()).toEqual(ours.sort());
  });

  it('hands key, expected version, deadline and signal on, and nothing else of its options', async () => {
    const options = { key: 'k', expectedVersion: 7, deadlineMs: 5, signal: new AbortController().signal };
    const context = recorder();
    await new Workspaces(context).create('x', { ...options, id: 'w' });
    await new Tabs(context).delete('w', 't', { ...options, force: true, session: 'detach' });
    await new Blocks(context).create('t', {}, options);
    await new Layout(context).insert(
      't',
      leaf('b'),
      {},
      { ...options, focusAfter: false, groupId: 'g', correlationId: 'c' },
    );
    await new Layout(context).split(
      't',
      leaf('b'),
      { beside: 'n', direction: 'row', position: 'after' },
      { ...options, groupId: 'g' },
    );
    await new Layout(context).move('t', 'n', { parent: 'p', index: 0 }, { ...options, groupId: 'g' });
    await new Windows(context).open('w', { ...options, id: 'x' });
    expect(context.sent.map((sent) => sent.options)).toEqual(context.sent.map(() => options));
  });

  it('gives ids, indexes and what became of sessions', async () => {
    expect(await new Blocks(recorder({ block_id: 'b', node_id: 'n' })).create('t')).toEqual({
      id: 'b',
      node: 'n',
      version: 9,
    });
    expect(await new Blocks(recorder({ block_id: 'b' })).create('t')).toEqual({ id: 'b', node: null, version: 9 });
    expect(
      await new Tabs(recorder({ dst_index: 1, workspace_deleted: true })).move('t', { from: 'w', to: 'v' }),
    ).toEqual({
      index: 1,
      workspaceDeleted: true,
      version: 9,
    });
    expect(await new Tabs(recorder({ deleted: true, detached: ['s'], terminated: [] })).delete('w', 't')).toEqual({
      deleted: true,
      detached: ['s'],
      terminated: [],
      version: 9,
    });
    expect(await new Workspaces(recorder({ deleted: false })).delete('w')).toEqual({
      deleted: false,
      detached: [],
      terminated: [],
      version: 9,
    });
  });
});

describe('an outline', () => {
  it('has workspaces, tabs and blocks in their order', async () => {
    const context = recorder();
    expect(await new Workspaces(context).list()).toEqual([
      { id: 'w1', name: 'work', tabs: ['t2', 't1'], active_tab: 't1', windows: ['win'], meta: { a: 1 } },
      { id: 'w2', name: 'play', tabs: [], active_tab: null, windows: [], meta: {} },
    ]);
    expect(await new Tabs(context).list({ workspace: 'w1' })).toMatchObject([
      { id: 't2', active: false, blocks: [], layout: null, focused: null, magnified: null },
      { id: 't1', active: true, blocks: ['b3', 'b1', 'b2'], layout: tree, focused: 'n-b1', magnified: null },
    ]);
    expect(await new Tabs(context).list({ workspace: 'w2' })).toEqual([]);
    expect(await new Blocks(context).list({ tab: 't1' })).toEqual([
      { id: 'b3', tab_id: 't1', workspace_id: 'w1', node_id: null, session_id: null, meta: {} },
      { id: 'b1', tab_id: 't1', workspace_id: 'w1', node_id: 'n-b1', session_id: 's1', meta: { view: 'term' } },
      { id: 'b2', tab_id: 't1', workspace_id: 'w1', node_id: 'n-b2', session_id: null, meta: {} },
    ]);
    expect(await new Windows(context).list()).toEqual([{ id: 'win', workspace_id: 'w1', meta: {} }]);
    expect(await new Layout(context).get('t1')).toEqual(tree);
    await expect(new Layout(context).get('nope')).rejects.toMatchObject({ code: 'not_found', field: 'tab_id' });
  });
});
