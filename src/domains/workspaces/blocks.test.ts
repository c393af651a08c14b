import { describe, expect, it } from 'vitest';
import type { BlockPlace } from '../../protocol/control/index.ts';
import { Editor, leaf } from './fixtures/editor.ts';

const blocks = (editor: Editor, tab = 't') => editor.state.tabs.get(tab)?.blocks.join('');
const placed = (editor: Editor, tab = 't') => [...(editor.state.tabs.get(tab)?.leaf_of ?? [])].flat().join(' ');

describe('create_block', () => {
  it('[W3] [W7] appends a parked block', () => {
    const editor = new Editor().build({ t: 'a' });
    expect(editor.execute({ cmd: 'create_block', tab_id: 't', block_id: 'b', meta: { view: 'term' } })).toEqual([
      { event: 'block_created', tab_id: 't', block_id: 'b', meta: { view: 'term' }, session_id: null },
    ]);
    editor.execute({ cmd: 'create_block', tab_id: 't' });
    expect(editor.result).toEqual({ block_id: expect.stringMatching(/^[0-9A-Z]{26}$/) });
    expect(placed(editor)).toBe('a na');
    expect(editor.state.blocks.get('b')?.meta).toEqual({ view: 'term' });
  });

  it('[W8] with a place creates block and leaf at once, focused unless told not to', () => {
    const editor = new Editor().build({ t: '' });
    const command = { cmd: 'create_block', tab_id: 't' } as const;
    expect(editor.names({ ...command, block_id: 'a', place: {} })).toEqual([
      'block_created',
      'layout_node_inserted',
      'focused_node_changed',
    ]);
    const { node_id } = editor.result;
    expect(placed(editor)).toBe(`a ${String(node_id)}`);
    const beside = { target_id: String(node_id), direction: 'column', position: 'before', size: 2 } as const;
    expect(
      editor.execute({
        ...command,
        block_id: 'b',
        place: { ...beside, node_id: 'nb', magnify_after: true, group_id: 'g', correlation_id: 'c1' },
      }),
    ).toMatchObject([
      { event: 'block_created', block_id: 'b' },
      {
        event: 'layout_split_vertical_applied',
        target_id: node_id,
        new_node: { id: 'nb', size: 2, data: { blockId: 'b' } },
        correlation_id: 'c1',
        new_tree: { id: 'g', flexDirection: 'column', size: 10, children: [{ id: 'nb', size: 2 }, { size: 8 }] },
      },
      { event: 'focused_node_changed', node_id: 'nb' },
      { event: 'magnified_node_changed', node_id: 'nb' },
    ]);
    const quiet: BlockPlace = { node_id: 'nc', parent_id: 'g', index: 1, size: 5, focus_after: false };
    expect(editor.execute({ ...command, block_id: 'c', place: quiet })).toMatchObject([
      { event: 'block_created' },
      { event: 'layout_node_inserted', node: { id: 'nc', size: 5 }, parent_id: 'g', index: 1, correlation_id: '' },
    ]);
    expect(editor.state.tabs.get('t')).toMatchObject({ focused: 'nb', magnified: 'nb', blocks: ['a', 'b', 'c'] });
  });

  it.each<[BlockPlace, string]>([
    [{ node_id: 'na' }, 'conflict place.node_id'],
    [{ node_id: 'x\0' }, 'invalid_argument place.node_id'],
    [{ parent_id: 'x' }, 'not_found place.parent_id'],
    [{ parent_id: 'na' }, 'conflict place.parent_id'],
    [{ size: 101 }, 'invalid_argument place.size'],
    [{ target_id: 'x', direction: 'row', position: 'after' }, 'not_found place.target_id'],
    [{ target_id: 'na', direction: 'row', position: 'after', size: 50 }, 'invalid_argument place.size'],
    [{ target_id: 'na', direction: 'row', position: 'after', group_id: 'na' }, 'conflict place.group_id'],
  ])('[W8] whose place is %j creates nothing: %s', (place, refusal) => {
    const editor = new Editor().build({ t: 'a' });
    expect(editor.refusal({ cmd: 'create_block', tab_id: 't', place })).toBe(refusal);
  });

  it('[W2] is refused with the field at fault', () => {
    const editor = new Editor().build({ t: 'a' });
    expect(editor.refusal({ cmd: 'create_block', tab_id: 'w' })).toBe('not_found tab_id');
    expect(editor.refusal({ cmd: 'create_block', tab_id: 't', block_id: 'x\u007f' })).toBe('invalid_argument block_id');
  });
});

describe('delete_block', () => {
  it('[W7] takes its leaf out in the same commit', () => {
    const editor = new Editor().build({ t: 'ab' });
    editor.execute({ cmd: 'set_magnified_node', tab_id: 't', node_id: 'na' });
    expect(editor.execute({ cmd: 'delete_block', tab_id: 't', block_id: 'a' })).toEqual([
      {
        event: 'layout_node_deleted',
        tab_id: 't',
        node_id: 'na',
        new_tree: { ...leaf('nb', 'b', 10), flexDirection: 'row' },
        tree_cleared: false,
        was_focused: false,
        was_magnified: true,
        correlation_id: '',
      },
      { event: 'block_deleted', tab_id: 't', block_id: 'a' },
    ]);
    expect(editor.state.tabs.get('t')).toMatchObject({ magnified: '', blocks: ['b'] });
    expect(editor.execute({ cmd: 'delete_block', tab_id: 't', block_id: 'b' })).toMatchObject([
      { new_tree: null, tree_cleared: true },
      { event: 'block_deleted' },
    ]);
  });

  it('[W1] [W2] of a block that is gone succeeds, of one that is elsewhere does not', () => {
    const editor = new Editor().build({ t: 'a', u: 'b' });
    const command = { cmd: 'delete_block', tab_id: 't', block_id: 'b' } as const;
    expect(editor.refusal(command)).toBe('not_found block_id');
    expect(editor.refusal({ ...command, tab_id: 'x' })).toBe('not_found tab_id');
    expect(editor.names({ ...command, tab_id: 'u' })).toEqual(['layout_node_deleted', 'block_deleted']);
    expect(editor.names(command)).toEqual([]);
    expect(editor.result).toEqual({ deleted: false });
  });
});

describe('move_block', () => {
  const command = { cmd: 'move_block', block_id: 'a', src_tab_id: 't', dst_tab_id: 'u', dst_index: 0 } as const;

  it('[W3] [W7] to another tab takes its leaf out in the same commit and parks it there', () => {
    const editor = new Editor().build({ t: 'ab', u: 'cd' });
    editor.sessions.set('s', true);
    editor.execute({ cmd: 'bind_block', block_id: 'a', session_id: 's' });
    expect(editor.execute({ ...command, dst_index: 1 })).toMatchObject([
      { event: 'layout_node_deleted', tab_id: 't', node_id: 'na' },
      { event: 'block_moved', block_id: 'a', src_tab_id: 't', dst_tab_id: 'u', dst_index: 1 },
    ]);
    expect([blocks(editor), blocks(editor, 'u')]).toEqual(['b', 'cad']);
    expect(placed(editor, 'u')).toBe('c nc d nd');
    expect(editor.state.blocks.get('a')).toMatchObject({ tab_id: 'u', session: 's' });
    expect(editor.names({ ...command, block_id: 'b' })).toEqual(['layout_node_deleted', 'block_moved']);
    expect(editor.names({ ...command, src_tab_id: 'u', dst_tab_id: 't', dst_index: 7 })).toEqual(['block_moved']);
    expect(editor.result).toEqual({ dst_index: 0 });
  });

  it('[W1] [W7] within its tab changes its place in the order only, counted without it', () => {
    const editor = new Editor().build({ t: 'abc' });
    const before = editor.state.tabs.get('t')?.tree;
    const within = { ...command, dst_tab_id: 't' };
    expect(editor.execute({ ...within, dst_index: 1 })).toEqual([
      { event: 'block_moved', block_id: 'a', src_tab_id: 't', dst_tab_id: 't', dst_index: 1 },
    ]);
    expect(blocks(editor)).toBe('bac');
    expect(editor.names({ ...within, dst_index: 1 })).toEqual([]);
    expect(editor.names({ ...within, dst_index: 9 })).toEqual(['block_moved']);
    expect(blocks(editor)).toBe('bca');
    expect(editor.state.tabs.get('t')?.tree).toBe(before);
  });

  it('[W2] is refused with the field at fault', () => {
    const editor = new Editor().build({ t: 'a', u: '' });
    expect(editor.refusal({ ...command, src_tab_id: 'x' })).toBe('not_found src_tab_id');
    expect(editor.refusal({ ...command, dst_tab_id: 'w' })).toBe('not_found dst_tab_id');
    expect(editor.refusal({ ...command, block_id: 'x' })).toBe('not_found block_id');
    expect(editor.refusal({ ...command, src_tab_id: 'u' })).toBe('not_found block_id');
  });
});

describe('sessions', () => {
  function bound(): Editor {
    const editor = new Editor().build({ t: 'ab', u: 'c' });
    for (const [session, live] of [
      ['s1', true],
      ['s2', true],
      ['old', false],
    ] as const)
      editor.sessions.set(session, live);
    editor.execute({ cmd: 'bind_block', block_id: 'a', session_id: 's1' });
    return editor;
  }

  it('[W10] are shown by one block each, which shows one', () => {
    const editor = bound();
    const bind = (block_id: string, session_id: string | null) =>
      ({ cmd: 'bind_block', block_id, session_id }) as const;
    expect(editor.execute(bind('b', 's2'))).toEqual([{ event: 'block_bound', block_id: 'b', session_id: 's2' }]);
    expect(editor.names(bind('b', 's2'))).toEqual([]);
    expect(editor.refusal(bind('b', 's1'))).toBe('conflict session_id');
    expect(editor.refusal(bind('b', 'x'))).toBe('not_found session_id');
    expect(editor.refusal(bind('x', 's2'))).toBe('not_found block_id');
    expect(editor.refusal({ cmd: 'create_block', tab_id: 't', session_id: 's1' })).toBe('conflict session_id');
    expect(editor.refusal({ cmd: 'create_block', tab_id: 't', session_id: 'x' })).toBe('not_found session_id');
    expect(editor.names(bind('a', 'old'))).toEqual(['block_bound']);
    expect([...editor.state.bound]).toEqual([
      ['s2', 'b'],
      ['old', 'a'],
    ]);
    expect(editor.names(bind('a', null))).toEqual(['block_bound']);
    expect(editor.names(bind('a', null))).toEqual([]);
    expect(editor.execute({ cmd: 'create_block', tab_id: 't', block_id: 'd', session_id: 's1' })).toMatchObject([
      { event: 'block_created', session_id: 's1' },
    ]);
    expect(editor.state.bound.get('s1')).toBe('d');
  });

  it('[W10] that are removed leave their block without one', () => {
    const editor = bound();
    editor.apply({ event: 'session_removed', session_id: 's1', reason: 'command' });
    editor.apply({ event: 'session_removed', session_id: 's2', reason: 'command' });
    expect([editor.state.blocks.get('a')?.session, editor.state.bound.size]).toEqual([null, 0]);
  });

  it.each([
    { cmd: 'delete_block', tab_id: 't', block_id: 'a' },
    { cmd: 'delete_tab', workspace_id: 'w', tab_id: 't' },
    { cmd: 'delete_workspace', workspace_id: 'w', force: true },
  ] as const)('[W11] $cmd says what becomes of a live one', (command) => {
    const editor = bound();
    expect(editor.refusal(command)).toBe('conflict session');
    editor.execute({ ...command, session: 'detach' });
    expect([editor.result, editor.terminated]).toEqual([{ deleted: true, detached: ['s1'], terminated: [] }, []]);
    expect(editor.state.bound.size).toBe(0);

    const other = bound();
    other.execute({ ...command, session: 'terminate' });
    expect(other.result).toEqual({ deleted: true, detached: [], terminated: ['s1'] });
    expect(other.terminated).toEqual(['s1']);

    const over = bound();
    over.sessions.set('s1', false);
    expect(over.refusal(command)).toBe('accepted');
    expect(over.result).toEqual({ deleted: true, detached: [], terminated: [] });
  });

  it('[W11] the refusal names them and what to say', () => {
    const editor = bound();
    editor.execute({ cmd: 'bind_block', block_id: 'c', session_id: 's2' });
    expect(() => editor.execute({ cmd: 'delete_workspace', workspace_id: 'w' })).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(/2 live sessions \(s1, s2\): say session "detach".*or "terminate"/),
        details: { sessions: ['s1', 's2'], count: 2 },
      }),
    );
  });
});
