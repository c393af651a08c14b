import { describe, expect, it } from 'vitest';
import { Editor } from './fixtures/editor.ts';

const IN_W = { workspace_id: 'w' };
const active = (editor: Editor, workspace = 'w') => editor.state.workspaces.get(workspace)?.active;
const order = (editor: Editor, workspace = 'w') => editor.state.workspaces.get(workspace)?.tabs.join('');

describe('tabs', () => {
  it('[W3] [W4] are appended; the first one becomes active', () => {
    const editor = new Editor().build({});
    expect(editor.execute({ cmd: 'create_tab', ...IN_W, tab_id: 't', name: 'one' })).toEqual([
      { event: 'tab_created', ...IN_W, tab_id: 't', name: 'one' },
      { event: 'active_tab_changed', ...IN_W, tab_id: 't' },
    ]);
    expect(editor.names({ cmd: 'create_tab', ...IN_W, name: '' })).toEqual(['tab_created']);
    expect(editor.result).toEqual({ tab_id: expect.stringMatching(/^[0-9A-Z]{26}$/), name: 'Tab 2' });
    expect(active(editor)).toBe('t');
  });

  it.each([
    ['a', 'b'],
    ['b', 'c'],
    ['c', 'b'],
  ])('[W4] when the active tab %s is deleted, %s becomes active', (deleted, next) => {
    const editor = new Editor().build({ a: '', b: '', c: '' });
    editor.execute({ cmd: 'set_active_tab', ...IN_W, tab_id: deleted });
    expect(editor.execute({ cmd: 'delete_tab', ...IN_W, tab_id: deleted })).toEqual([
      { event: 'tab_deleted', ...IN_W, tab_id: deleted, block_ids: [] },
      { event: 'active_tab_changed', ...IN_W, tab_id: next },
    ]);
    expect(active(editor)).toBe(next);
  });

  it('[W5] the last one is deleted with force only', () => {
    const editor = new Editor().build({ t: 'ab' });
    const command = { cmd: 'delete_tab', ...IN_W, tab_id: 't' } as const;
    expect(editor.refusal(command)).toBe('conflict force');
    expect(editor.execute({ ...command, force: true })).toEqual([
      { event: 'tab_deleted', ...IN_W, tab_id: 't', block_ids: ['a', 'b'] },
      { event: 'active_tab_changed', ...IN_W, tab_id: null },
    ]);
    expect(editor.state.blocks.size).toBe(0);
    expect(active(editor)).toBeNull();
    expect(editor.names(command)).toEqual([]);
  });

  it('[W1] are activated and renamed only when that changes something', () => {
    const editor = new Editor().build({ t: '', u: '' });
    expect(editor.names({ cmd: 'set_active_tab', ...IN_W, tab_id: 'u' })).toEqual(['active_tab_changed']);
    expect(editor.names({ cmd: 'set_active_tab', ...IN_W, tab_id: 'u' })).toEqual([]);
    expect(editor.names({ cmd: 'rename_tab', tab_id: 't', name: 'x' })).toEqual(['tab_renamed']);
    expect(editor.names({ cmd: 'rename_tab', tab_id: 't', name: 'x' })).toEqual([]);
  });

  it('[W3] go to the place they are given, at most the last', () => {
    const editor = new Editor().build({ a: '', b: '', c: '' });
    expect(editor.execute({ cmd: 'reorder_tab', ...IN_W, tab_id: 'a', new_index: 99 })).toEqual([
      { event: 'tab_reordered', ...IN_W, tab_id: 'a', new_index: 2 },
    ]);
    expect(order(editor)).toBe('bca');
    expect(editor.names({ cmd: 'reorder_tab', ...IN_W, tab_id: 'a', new_index: 7 })).toEqual([]);
    expect(editor.names({ cmd: 'reorder_tab', ...IN_W, tab_id: 'a', new_index: 1 })).toEqual(['tab_reordered']);
    expect(order(editor)).toBe('bac');
  });

  it('[W3] are all reordered at once by naming each exactly once', () => {
    const editor = new Editor().build({ a: '', b: '', c: '' }).build({ d: '' }, 'v');
    const to = (...tab_ids: string[]) => ({ cmd: 'reorder_tabs_bulk', ...IN_W, tab_ids }) as const;
    expect(editor.names(to('c', 'a', 'b'))).toEqual(['tabs_reordered_bulk']);
    expect(order(editor)).toBe('cab');
    expect(editor.names(to('c', 'a', 'b'))).toEqual([]);
    expect(editor.refusal(to('a', 'b', 'a'))).toBe('invalid_argument tab_ids[2]');
    expect(editor.refusal(to('a', 'd', 'b', 'c'))).toBe('not_found tab_ids[1]');
    expect(editor.refusal(to('a', 'b'))).toBe('conflict tab_ids');
    expect(editor.refusal({ ...to(), workspace_id: 'x' })).toBe('not_found workspace_id');
  });

  it('[W2] are refused with the field at fault', () => {
    const editor = new Editor().build({ t: '', u: '' }).build({ s: '' }, 'v');
    for (const cmd of ['set_active_tab', 'delete_tab'] as const) {
      expect(editor.refusal({ cmd, workspace_id: 'x', tab_id: 't' })).toBe('not_found workspace_id');
      expect(editor.refusal({ cmd, ...IN_W, tab_id: 's' })).toBe('not_found tab_id');
    }
    expect(editor.refusal({ cmd: 'set_active_tab', ...IN_W, tab_id: 'w' })).toBe('not_found tab_id');
    expect(editor.refusal({ cmd: 'reorder_tab', workspace_id: 'x', tab_id: 't', new_index: 0 })).toBe(
      'not_found workspace_id',
    );
    expect(editor.refusal({ cmd: 'reorder_tab', ...IN_W, tab_id: 's', new_index: 0 })).toBe('not_found tab_id');
    expect(editor.refusal({ cmd: 'rename_tab', tab_id: 'x', name: 'y' })).toBe('not_found tab_id');
    expect(editor.refusal({ cmd: 'rename_tab', tab_id: 't', name: '' })).toBe('invalid_argument name');
    expect(editor.refusal({ cmd: 'update_tab_meta', tab_id: 'w', meta_patch: {} })).toBe('not_found tab_id');
    expect(editor.refusal({ cmd: 'create_tab', workspace_id: 'x', name: '' })).toBe('not_found workspace_id');
    expect(editor.refusal({ cmd: 'create_tab', ...IN_W, name: 'a\tb' })).toBe('invalid_argument name');
  });
});

describe('move_tab', () => {
  const command = {
    cmd: 'move_tab',
    tab_id: 'a',
    src_workspace_id: 'w',
    dst_workspace_id: 'v',
    dst_index: 0,
  } as const;

  it('[W3] [W4] takes the tab along with its blocks and layout and makes it active there', () => {
    const editor = new Editor().build({ a: 'xy', b: '', c: '' }).build({ d: '' }, 'v');
    editor.execute({ cmd: 'set_focused_node', tab_id: 'a', node_id: 'nx' });
    const before = editor.state.tabs.get('a')!.tree;
    expect(editor.execute({ ...command, dst_index: 9 })).toEqual([
      {
        event: 'tab_moved',
        tab_id: 'a',
        src_workspace_id: 'w',
        dst_workspace_id: 'v',
        dst_index: 1,
        new_src_active_tab_id: 'b',
        new_dst_active_tab_id: 'a',
        workspace_deleted: false,
      },
    ]);
    expect([order(editor), order(editor, 'v')]).toEqual(['bc', 'da']);
    expect([active(editor), active(editor, 'v')]).toEqual(['b', 'a']);
    expect(editor.state.tabs.get('a')).toMatchObject({
      workspace_id: 'v',
      blocks: ['x', 'y'],
      focused: 'nx',
      tree: before,
    });
    expect(editor.execute({ ...command, tab_id: 'c' })).toMatchObject([{ new_src_active_tab_id: 'b', dst_index: 0 }]);
    expect(order(editor, 'v')).toBe('cda');
  });

  it('[W5] of the last tab is refused unless the command says what becomes of its workspace', () => {
    const editor = new Editor().build({ a: 'x' }).build({ d: '' }, 'v');
    editor.execute({ cmd: 'create_window', window_id: 'm', workspace_id: 'w' });
    expect(editor.refusal(command)).toBe('conflict fallback');
    editor.execute({ ...command, fallback: 'allow_empty' });
    expect([order(editor), active(editor), order(editor, 'v')]).toEqual(['', null, 'ad']);
    const back = { ...command, src_workspace_id: 'v', dst_workspace_id: 'w' };
    expect(editor.names(back)).toEqual(['tab_moved']);
    expect(editor.execute({ ...command, fallback: 'delete_workspace' })).toMatchObject([
      { event: 'tab_moved', new_src_active_tab_id: null, workspace_deleted: true },
      { event: 'workspace_deleted', workspace_id: 'w', block_ids: [] },
      { event: 'srv_window_closed', window_id: 'm' },
    ]);
    expect([...editor.state.workspaces.keys()]).toEqual(['v']);
    expect(editor.state.blocks.get('x')).toMatchObject({ tab_id: 'a' });
  });

  it('[W5] ignores the fallback where the source keeps a tab', () => {
    const editor = new Editor().build({ a: '', b: '' }).build({ d: '' }, 'v');
    expect(editor.names({ ...command, fallback: 'delete_workspace' })).toEqual(['tab_moved']);
    expect(editor.result).toEqual({ dst_index: 0, workspace_deleted: false });
  });

  it('[W2] is refused with the field at fault', () => {
    const editor = new Editor().build({ a: '', b: '' }).build({ d: '' }, 'v');
    expect(editor.refusal({ ...command, dst_workspace_id: 'w' })).toBe('invalid_argument dst_workspace_id');
    expect(editor.refusal({ ...command, dst_workspace_id: 'x' })).toBe('not_found dst_workspace_id');
    expect(editor.refusal({ ...command, src_workspace_id: 'x' })).toBe('not_found src_workspace_id');
    expect(editor.refusal({ ...command, tab_id: 'x' })).toBe('not_found tab_id');
    expect(editor.refusal({ ...command, tab_id: 'd' })).toBe('not_found tab_id');
    editor.execute(command);
    expect(editor.refusal(command)).toBe('not_found tab_id');
  });
});
