// The algebra itself is tested in layout/; here: what the commands make of it, and what becomes of blocks and focus.
import { describe, expect, it } from 'vitest';
import type { LayoutNode, WorkspacesCommand } from '../../protocol/control/index.ts';
import { Editor, leaf } from './fixtures/editor.ts';

const T = { tab_id: 't', correlation_id: 'c1' };
const tab = (editor: Editor) => editor.state.tabs.get('t')!;
const shown = (editor: Editor) => [...tab(editor).leaf_of.keys()].join('');

/** A tab `t` with blocks a, b, c in a row, and x, y, z parked; `u` with p. */
function tree(): Editor {
  const editor = new Editor().build({ t: 'abc', u: 'p' });
  for (const block_id of 'xyz') editor.execute({ cmd: 'create_block', tab_id: 't', block_id });
  return editor;
}

function branch(id: string, ...children: LayoutNode[]): LayoutNode {
  return { id, flexDirection: 'column', size: 10, children };
}

describe('focus and magnification', () => {
  it('[W9] name a leaf or nothing', () => {
    const editor = tree();
    const focus = (node_id: string) => ({ cmd: 'set_focused_node', tab_id: 't', node_id }) as const;
    const magnify = (node_id: string) => ({ cmd: 'set_magnified_node', tab_id: 't', node_id }) as const;
    expect(editor.execute(focus('na'))).toEqual([{ event: 'focused_node_changed', tab_id: 't', node_id: 'na' }]);
    expect(editor.execute(magnify('nb'))).toEqual([{ event: 'magnified_node_changed', tab_id: 't', node_id: 'nb' }]);
    expect([editor.names(focus('na')), editor.names(magnify('nb'))]).toEqual([[], []]);
    expect([editor.refusal(focus('x')), editor.refusal(magnify('a'))]).toEqual([
      'not_found node_id',
      'not_found node_id',
    ]);
    expect(editor.refusal(focus(tab(editor).tree!.id))).toBe('conflict node_id');
    expect(editor.refusal({ ...focus('na'), tab_id: 'x' })).toBe('not_found tab_id');
    expect([editor.names(focus('')), editor.names(magnify(''))]).toEqual([
      ['focused_node_changed'],
      ['magnified_node_changed'],
    ]);
    expect([tab(editor).focused, tab(editor).magnified]).toEqual(['', '']);
  });

  it('[W9] go to what was placed when the command says so, to its first leaf if it is a group', () => {
    const editor = tree();
    const node = branch('g', leaf('nx', 'x'), leaf('ny', 'y'));
    const command = { cmd: 'layout_insert_node', ...T, node, focus_after: false, magnify_after: true } as const;
    expect(editor.execute(command)).toMatchObject([
      { event: 'layout_node_inserted', correlation_id: 'c1', parent_id: null, index: null },
      { event: 'focused_node_changed', node_id: 'nx' },
      { event: 'magnified_node_changed', node_id: 'nx' },
    ]);
  });

  it.each<[WorkspacesCommand, string]>([
    [{ cmd: 'layout_delete_node', ...T, node_id: 'na' }, 'bc'],
    [{ cmd: 'layout_replace_node', ...T, target_id: 'na', new_node: leaf('nx', 'x'), focus_after: false }, 'xbc'],
    [{ cmd: 'layout_clear', ...T }, ''],
    [{ cmd: 'layout_set_tree', ...T, new_tree: leaf('nb', 'b') }, 'b'],
  ])('[W7] [W9] are gone with their leaf, and its block is parked: %j', (command, left) => {
    const editor = tree();
    editor.execute({ cmd: 'set_focused_node', tab_id: 't', node_id: 'na' });
    editor.execute({ cmd: 'set_magnified_node', tab_id: 't', node_id: 'na' });
    expect(editor.names(command)).toHaveLength(1);
    expect([tab(editor).focused, tab(editor).magnified, shown(editor)]).toEqual(['', '', left]);
    expect(tab(editor).blocks.join('')).toBe('abcxyz');
    const again = {
      cmd: 'layout_insert_node',
      ...T,
      node: leaf('n', 'a'),
      focus_after: false,
      magnify_after: false,
    } as const;
    expect(editor.names(again)).toEqual(['layout_node_inserted']);
  });
});

describe('the eleven operations', () => {
  const after = { focus_after: false, magnify_after: false };

  it('[W3] commit their event with the whole tree and the correlation id', () => {
    const editor = tree();
    const root = tab(editor).tree!.id;
    const commands: WorkspacesCommand[] = [
      { cmd: 'layout_insert_node', ...T, node: leaf('nx', 'x', 20), parent_id: root, index: 0, ...after },
      { cmd: 'layout_insert_node_at_index', ...T, node: leaf('ny', 'y'), index_arr: [1], ...after },
      { cmd: 'layout_move_node', ...T, node_id: 'nx', new_parent_id: root, index: 9 },
      { cmd: 'layout_swap_nodes', ...T, node1_id: 'nx', node2_id: 'na' },
      { cmd: 'layout_resize_nodes', ...T, ops: [{ node_id: 'nx', size: 33 }] },
      {
        cmd: 'layout_split_vertical',
        ...T,
        target_id: 'nx',
        new_node: leaf('nz', 'z'),
        position: 'after',
        size: 3,
        focus_after: true,
      },
      { cmd: 'layout_delete_node', ...T, node_id: 'nz' },
      { cmd: 'layout_replace_node', ...T, target_id: 'nx', new_node: leaf('nz', 'z'), focus_after: false },
      {
        cmd: 'layout_split_horizontal',
        ...T,
        target_id: 'nz',
        new_node: leaf('nx', 'x'),
        position: 'before',
        focus_after: false,
      },
      { cmd: 'layout_set_tree', ...T, new_tree: branch('g', leaf('na', 'a'), leaf('nb', 'b')) },
      { cmd: 'layout_clear', ...T },
    ];
    const events = commands.map((command) => {
      const committed = editor.execute(command);
      expect(committed[0]).toMatchObject({ tab_id: 't', correlation_id: 'c1' });
      expect((committed[0] as { new_tree: unknown }).new_tree).toBe(tab(editor).tree);
      return committed;
    });
    expect(events.map(([event]) => event?.event)).toEqual([
      'layout_node_inserted',
      'layout_node_inserted_at_index',
      'layout_node_moved',
      'layout_nodes_swapped',
      'layout_nodes_resized',
      'layout_split_vertical_applied',
      'layout_node_deleted',
      'layout_node_replaced',
      'layout_split_horizontal_applied',
      'layout_tree_replaced',
      'layout_cleared',
    ]);
    expect(events.map(({ length }) => length)).toEqual([1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1]);
  });

  it('[W1] commit nothing when nothing changes', () => {
    const editor = tree();
    const root = tab(editor).tree!;
    const same: WorkspacesCommand[] = [
      { cmd: 'layout_move_node', ...T, node_id: 'na', new_parent_id: root.id, index: 0 },
      { cmd: 'layout_resize_nodes', ...T, ops: [{ node_id: 'na', size: root.children![0]!.size! }] },
      { cmd: 'layout_resize_nodes', ...T, ops: [] },
      { cmd: 'layout_set_tree', ...T, new_tree: JSON.parse(JSON.stringify(root)) as LayoutNode },
      { cmd: 'layout_replace_node', ...T, target_id: 'na', new_node: root.children![0]!, focus_after: false },
    ];
    for (const command of same) expect(editor.names(command)).toEqual([]);
    editor.execute({ cmd: 'layout_clear', ...T });
    expect(editor.names({ cmd: 'layout_clear', ...T })).toEqual([]);
    expect(editor.names({ cmd: 'layout_set_tree', ...T })).toEqual([]);
    expect(editor.names({ cmd: 'layout_delete_node', ...T, node_id: 'na' })).toEqual([]);
  });

  it('[W3] give a new group the id the command names, else one that replay and every editor derive', () => {
    const split = {
      cmd: 'layout_split_vertical',
      ...T,
      target_id: 'na',
      position: 'after',
      focus_after: false,
    } as const;
    const group = (editor: Editor) => tab(editor).tree!.children![0]!.id;
    const [named, one, other] = [tree(), tree(), tree()];
    named.execute({ ...split, new_node: leaf('nx', 'x'), group_id: 'mine' });
    one.execute({ ...split, new_node: leaf('nx', 'x') });
    other.execute({ ...split, new_node: leaf('nx', 'x') });
    expect(group(named)).toBe('mine');
    expect(group(one)).toBe(group(other));
    expect(group(one)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8/);
    expect(tree().refusal({ ...split, new_node: leaf('nx', 'x'), group_id: 'nb' })).toBe('conflict group_id');
    expect(tree().refusal({ ...split, new_node: leaf('nx', 'x'), group_id: 'nx' })).toBe('conflict group_id');
  });

  it.each<[LayoutNode, string]>([
    [leaf('n', 'nope'), 'not_found node.data.blockId'],
    [leaf('n', 'p'), 'not_found node.data.blockId'],
    [leaf('n', '__proto__'), 'not_found node.data.blockId'],
    [leaf('n', 'a'), 'conflict node.data.blockId'],
    [leaf('na', 'x'), 'conflict node.id'],
    [leaf('n', 'x', 0), 'invalid_argument node.size'],
    [leaf('n', 'x', 1e39), 'invalid_argument node.size'],
    [branch('g', leaf('n', 'x'), leaf('m', 'x')), 'invalid_argument node.children[1].data.blockId'],
    [branch('g', leaf('n', 'x'), leaf('n', 'y')), 'invalid_argument node.children[1].id'],
    [{ ...branch('g'), children: [] }, 'invalid_argument node.children'],
    [{ id: 'g', flexDirection: 'row' }, 'invalid_argument node'],
  ])('[W2] [W7] refuse the node %j: %s', (node, refusal) => {
    expect(tree().refusal({ cmd: 'layout_insert_node', ...T, node, ...after })).toBe(refusal);
  });

  it('[W7] take a block that the same operation frees', () => {
    const editor = tree();
    const replace = { cmd: 'layout_replace_node', ...T, target_id: 'na', focus_after: false } as const;
    expect(editor.refusal({ ...replace, new_node: leaf('n', 'b') })).toBe('conflict new_node.data.blockId');
    expect(editor.names({ ...replace, new_node: branch('g', leaf('n', 'a'), leaf('nx', 'x')) })).toEqual([
      'layout_node_replaced',
    ]);
    expect(shown(editor)).toBe('axbc');
    const all = { ...branch('r', leaf('1', 'a'), leaf('2', 'y')), flexDirection: 'row' as const };
    expect(editor.names({ cmd: 'layout_set_tree', ...T, new_tree: all })).toEqual(['layout_tree_replaced']);
    expect(shown(editor)).toBe('ay');
    expect(editor.refusal({ cmd: 'layout_set_tree', ...T, new_tree: leaf('1', 'p') })).toBe(
      'not_found new_tree.data.blockId',
    );
  });

  it('[W2] are refused with the field at fault', () => {
    const refusals: [WorkspacesCommand, string][] = [
      [{ cmd: 'layout_clear', ...T, tab_id: 'w' }, 'not_found tab_id'],
      [{ cmd: 'layout_insert_node', ...T, node: leaf('n', 'x'), parent_id: 'q', ...after }, 'not_found parent_id'],
      [
        { cmd: 'layout_insert_node_at_index', ...T, node: leaf('n', 'x'), index_arr: [], ...after },
        'invalid_argument index_arr',
      ],
      [{ cmd: 'layout_delete_node', ...T, node_id: 'q' }, 'not_found node_id'],
      [{ cmd: 'layout_move_node', ...T, node_id: 'na', new_parent_id: 'q', index: 0 }, 'not_found new_parent_id'],
      [{ cmd: 'layout_swap_nodes', ...T, node1_id: 'na', node2_id: 'na' }, 'invalid_argument node2_id'],
      [{ cmd: 'layout_swap_nodes', ...T, node1_id: 'q', node2_id: 'na' }, 'not_found node1_id'],
      [
        {
          cmd: 'layout_resize_nodes',
          ...T,
          ops: [
            { node_id: 'na', size: 5 },
            { node_id: 'nb', size: 101 },
          ],
        },
        'invalid_argument ops[1].size',
      ],
      [{ cmd: 'layout_resize_nodes', ...T, ops: [{ node_id: 'q', size: 5 }] }, 'not_found ops[0].node_id'],
      [
        { cmd: 'layout_replace_node', ...T, target_id: 'q', new_node: leaf('n', 'x'), focus_after: false },
        'not_found target_id',
      ],
      [
        {
          cmd: 'layout_split_horizontal',
          ...T,
          target_id: 'na',
          new_node: leaf('n', 'x'),
          position: 'after',
          focus_after: false,
          size: 100,
        },
        'invalid_argument size',
      ],
    ];
    for (const [command, refusal] of refusals) expect(tree().refusal(command)).toBe(refusal);
  });
});

describe('events that no decider of this version would write', () => {
  it.each<[string, LayoutNode]>([
    ['a leaf of no block', leaf('n', 'nope')],
    ["a leaf of another tab's block", leaf('n', 'p')],
    ['a block in two leaves', branch('g', leaf('n', 'a'), leaf('m', 'a'))],
  ])('[W7] are not applied: %s', (_what, new_tree) => {
    const editor = tree();
    expect(() => editor.apply({ event: 'layout_tree_replaced', tab_id: 't', new_tree, correlation_id: '' })).toThrow(
      expect.objectContaining({ code: 'internal' }),
    );
  });

  it('[W7] are not applied: a placed block that goes', () => {
    expect(() => tree().apply({ event: 'block_deleted', tab_id: 't', block_id: 'a' })).toThrow(
      expect.objectContaining({ code: 'internal' }),
    );
  });
});
