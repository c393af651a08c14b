import { describe, expect, it } from 'vitest';
import { limits } from '../../protocol/index.ts';
import { Editor, leaf } from './fixtures/editor.ts';

describe('workspaces', () => {
  it('[W3] [W4] are created empty, named by the caller or by their number', () => {
    const editor = new Editor();
    expect(editor.execute({ cmd: 'create_workspace', name: 'work', workspace_id: 'w' })).toEqual([
      { event: 'workspace_created', workspace_id: 'w', name: 'work' },
    ]);
    editor.execute({ cmd: 'create_workspace', name: '' });
    expect(editor.result).toEqual({ workspace_id: expect.stringMatching(/^[0-9A-Z]{26}$/), name: 'Workspace 2' });
    expect([...editor.state.workspaces.values()].map(({ name, tabs }) => [name, tabs])).toEqual([
      ['work', []],
      ['Workspace 2', []],
    ]);
  });

  it('[W3] [W6] take their tabs, blocks and windows with them', () => {
    const editor = new Editor().build({ t: 'ab', u: 'c' });
    editor.execute({ cmd: 'create_window', window_id: 'main', workspace_id: 'w' });
    editor.build({ v: 'd' }, 'other');
    editor.execute({ cmd: 'create_window', window_id: 'second', workspace_id: 'other' });
    expect(editor.execute({ cmd: 'delete_workspace', workspace_id: 'w' })).toEqual([
      { event: 'workspace_deleted', workspace_id: 'w', block_ids: ['a', 'b', 'c'] },
      { event: 'srv_window_closed', window_id: 'main' },
    ]);
    const { workspaces, tabs, blocks, windows } = editor.state;
    expect([[...workspaces.keys()], [...tabs.keys()], [...blocks.keys()], [...windows.keys()]]).toEqual([
      ['other'],
      ['v'],
      ['d'],
      ['second'],
    ]);
  });

  it('[W1] are renamed only to another name, and deleted only once', () => {
    const editor = new Editor().build({});
    expect(editor.names({ cmd: 'rename_workspace', workspace_id: 'w', name: 'x' })).toEqual(['workspace_renamed']);
    expect(editor.names({ cmd: 'rename_workspace', workspace_id: 'w', name: 'x' })).toEqual([]);
    expect(editor.names({ cmd: 'delete_workspace', workspace_id: 'w', force: true })).toEqual(['workspace_deleted']);
    expect(editor.names({ cmd: 'delete_workspace', workspace_id: 'w' })).toEqual([]);
    expect(editor.result).toEqual({ deleted: false });
  });

  it('[W2] are refused with the field at fault', () => {
    const editor = new Editor().build({ t: 'a' });
    const long = 'x'.repeat(limits.NAME_BYTES + 1);
    expect(editor.refusal({ cmd: 'create_workspace', name: long })).toBe('invalid_argument name');
    expect(editor.refusal({ cmd: 'create_workspace', name: 'a\nb' })).toBe('invalid_argument name');
    expect(editor.refusal({ cmd: 'rename_workspace', workspace_id: 'w', name: '' })).toBe('invalid_argument name');
    expect(editor.refusal({ cmd: 'rename_workspace', workspace_id: 't', name: 'x' })).toBe('not_found workspace_id');
  });
});

describe('ids', () => {
  it('[W13] given by the client are unique among their kind and fit to be ids', () => {
    const editor = new Editor().build({ t: 'a' });
    const ids: [string, string][] = [
      ['w', 'conflict workspace_id'],
      ['t', 'accepted'],
      ['', 'invalid_argument workspace_id'],
      ['x'.repeat(129), 'invalid_argument workspace_id'],
      ['a\u0085', 'invalid_argument workspace_id'],
    ];
    for (const [workspace_id, answer] of ids) {
      expect(editor.refusal({ cmd: 'create_workspace', name: 'x', workspace_id })).toBe(answer);
    }
    expect(editor.refusal({ cmd: 'create_tab', workspace_id: 'w', name: '', tab_id: 't' })).toBe('conflict tab_id');
    expect(editor.refusal({ cmd: 'create_block', tab_id: 't', block_id: 'a' })).toBe('conflict block_id');
  });

  it.each(['__proto__', 'constructor', 'toString', '🙂', ' '])(
    '[W13] may be %j, which names nothing before it is taken',
    (id) => {
      const editor = new Editor();
      expect(editor.refusal({ cmd: 'create_tab', workspace_id: id, name: '' })).toBe('not_found workspace_id');
      expect(editor.refusal({ cmd: 'bind_block', block_id: id, session_id: id })).toBe('not_found block_id');
      editor.execute({ cmd: 'create_workspace', workspace_id: id, name: id });
      editor.execute({ cmd: 'create_tab', workspace_id: id, tab_id: id, name: id });
      editor.execute({ cmd: 'create_block', tab_id: id, block_id: id, place: { node_id: id } });
      editor.execute({ cmd: 'create_window', window_id: id, workspace_id: id });
      editor.sessions.set(id, true);
      editor.execute({ cmd: 'bind_block', block_id: id, session_id: id });
      editor.state = editor.domain.restore(JSON.parse(editor.hash()));
      expect(editor.state.tabs.get(id)).toMatchObject({
        blocks: [id],
        focused: id,
        tree: { ...leaf(id, id), size: 10 },
      });
      expect(editor.state.bound.get(id)).toBe(id);
      expect(editor.names({ cmd: 'delete_workspace', workspace_id: id, session: 'terminate' })).toEqual([
        'workspace_deleted',
        'srv_window_closed',
      ]);
      expect(editor.terminated).toEqual([id]);
      expect({}).not.toHaveProperty('id');
    },
  );
});

describe('windows', () => {
  it('[W3] show one workspace, and another when they are told so', () => {
    const editor = new Editor().build({}).build({}, 'v');
    const window_id = 'main';
    expect(editor.execute({ cmd: 'create_window', window_id, workspace_id: 'w' })).toEqual([
      { event: 'srv_window_opened', window_id, workspace_id: 'w' },
    ]);
    expect(editor.names({ cmd: 'create_window', window_id, workspace_id: 'w' })).toEqual([]);
    expect(editor.names({ cmd: 'create_window', window_id, workspace_id: 'v' })).toEqual(['srv_window_opened']);
    expect(editor.execute({ cmd: 'switch_workspace', window_id, workspace_id: 'w' })).toEqual([
      { event: 'srv_window_workspace_changed', window_id, workspace_id: 'w' },
    ]);
    expect(editor.names({ cmd: 'switch_workspace', window_id, workspace_id: 'w' })).toEqual([]);
    expect(editor.execute({ cmd: 'close_window_internal', window_id })).toEqual([
      { event: 'srv_window_closed', window_id },
    ]);
    expect(editor.names({ cmd: 'close_window_internal', window_id })).toEqual([]);
  });

  it('[W2] are refused with the field at fault', () => {
    const editor = new Editor().build({});
    expect(editor.refusal({ cmd: 'create_window', window_id: '', workspace_id: 'w' })).toBe(
      'invalid_argument window_id',
    );
    expect(editor.refusal({ cmd: 'create_window', window_id: 'm', workspace_id: 'x' })).toBe('not_found workspace_id');
    expect(editor.refusal({ cmd: 'switch_workspace', window_id: 'm', workspace_id: 'w' })).toBe('not_found window_id');
    editor.execute({ cmd: 'create_window', window_id: 'm', workspace_id: 'w' });
    expect(editor.refusal({ cmd: 'switch_workspace', window_id: 'm', workspace_id: 'x' })).toBe(
      'not_found workspace_id',
    );
    expect(editor.refusal({ cmd: 'update_window_meta', window_id: 'x', meta_patch: {} })).toBe('not_found window_id');
  });

  it('[W12] keep their meta when they are pointed at another workspace', () => {
    const editor = new Editor().build({}).build({}, 'v');
    editor.execute({ cmd: 'create_window', window_id: 'm', workspace_id: 'w' });
    editor.execute({ cmd: 'update_window_meta', window_id: 'm', meta_patch: { zoom: 2 } });
    editor.execute({ cmd: 'create_window', window_id: 'm', workspace_id: 'v' });
    expect(editor.state.windows.get('m')).toMatchObject({ workspace_id: 'v', meta: { zoom: 2 } });
  });
});

describe('[W14] there are at most', () => {
  it('1,000 workspaces', () => {
    const editor = new Editor();
    for (let count = 0; count < limits.WORKSPACES_COUNT; count++) editor.execute({ cmd: 'create_workspace', name: '' });
    expect(editor.refusal({ cmd: 'create_workspace', name: '' })).toBe('conflict workspace_id');
  });

  it('1,000 tabs in a workspace, however they come', () => {
    const editor = new Editor().build({}).build({ extra: '' }, 'v');
    for (let count = 0; count < limits.TABS_PER_WORKSPACE; count++) {
      editor.execute({ cmd: 'create_tab', workspace_id: 'w', name: '' });
    }
    expect(editor.refusal({ cmd: 'create_tab', workspace_id: 'w', name: '' })).toBe('conflict workspace_id');
    const move = { cmd: 'move_tab', tab_id: 'extra', src_workspace_id: 'v', dst_workspace_id: 'w' } as const;
    expect(editor.refusal({ ...move, dst_index: 0, fallback: 'allow_empty' })).toBe('conflict dst_workspace_id');
  });

  it('1,000 blocks in a tab, however they come', () => {
    const editor = new Editor().build({ t: '', u: 'x' });
    for (let count = 0; count < limits.BLOCKS_PER_TAB; count++) editor.execute({ cmd: 'create_block', tab_id: 't' });
    expect(editor.refusal({ cmd: 'create_block', tab_id: 't' })).toBe('conflict tab_id');
    const move = { cmd: 'move_block', block_id: 'x', src_tab_id: 'u', dst_tab_id: 't', dst_index: 0 } as const;
    expect(editor.refusal(move)).toBe('conflict dst_tab_id');
    const within = { ...move, block_id: editor.state.tabs.get('t')!.blocks[0]!, src_tab_id: 't', dst_index: 5 };
    expect(editor.refusal(within)).toBe('accepted');
  });

  it('1,000 windows', () => {
    const editor = new Editor().build({});
    for (let count = 0; count < limits.WINDOWS_COUNT; count++) {
      editor.execute({ cmd: 'create_window', window_id: `m${count}`, workspace_id: 'w' });
    }
    expect(editor.refusal({ cmd: 'create_window', window_id: 'm', workspace_id: 'w' })).toBe('conflict window_id');
  });
});

describe('[W18] what a command is about changed last at', () => {
  it('the last event about its tab, its workspace or its window', () => {
    const editor = new Editor().build({ t: 'a', u: '' });
    const at = (command: Parameters<typeof editor.execute>[0]) => editor.domain.changedAt(editor.state, command);
    const focus = { cmd: 'set_focused_node', tab_id: 't', node_id: 'na' } as const;
    const tabs = { cmd: 'set_active_tab', workspace_id: 'w', tab_id: 't' } as const;
    const before = { focus: at(focus)!, tabs: at(tabs)! };
    editor.execute({ cmd: 'create_window', window_id: 'm', workspace_id: 'w' });
    expect({ focus: at(focus), tabs: at(tabs) }).toEqual(before);
    expect(at({ cmd: 'update_window_meta', window_id: 'm', meta_patch: {} })).toBe(editor.log.length);
    editor.execute(focus);
    expect(at(focus)).toBe(editor.log.length);
    expect(at({ cmd: 'update_block_meta', block_id: 'a', meta_patch: {} })).toBe(editor.log.length);
    expect(at(tabs)).toBe(before.tabs);
    expect(at({ cmd: 'delete_workspace', workspace_id: 'w' })).toBe(editor.log.length);
    editor.execute({ cmd: 'rename_workspace', workspace_id: 'w', name: 'x' });
    expect(at(tabs)).toBe(editor.log.length);
    expect(at(focus)).toBe(editor.log.length - 1);
    expect(at({ cmd: 'move_block', block_id: 'a', src_tab_id: 'u', dst_tab_id: 't', dst_index: 0 })).toBe(at(focus));
    expect(at({ cmd: 'delete_tab', workspace_id: 'w', tab_id: 't' })).toBe(at(tabs));
    expect(at({ cmd: 'create_workspace', name: '' })).toBeUndefined();
    expect(at({ ...focus, tab_id: 'gone' })).toBeUndefined();
  });
});
