import { describe, expect, it } from 'vitest';
import { snapshotOf, type SrvEvent, type SrvInput } from './index.ts';
import { createDomain, ENDED, FACTS, PLACES, Runtime, stateBehind } from './fixtures/runtime.ts';
import release1 from './fixtures/snapshot-release-1.json' with { type: 'json' };

/** A block `b` in tab `t` of workspace `w`, bound to a session. */
function bound(): { srv: Runtime; session: string } {
  const srv = new Runtime();
  const session = srv.session();
  srv.execute({ cmd: 'create_workspace', workspace_id: 'w', name: '' });
  srv.execute({ cmd: 'create_tab', workspace_id: 'w', tab_id: 't', name: '' });
  srv.execute({ cmd: 'create_block', tab_id: 't', block_id: 'b', session_id: session, place: { node_id: 'n' } });
  return { srv, session };
}
const DELETE = { cmd: 'delete_block', tab_id: 't', block_id: 'b' } as const;

describe('sessions and the blocks that show them', () => {
  it('[W11] are parted in one commit: the block goes, its session is to stop', () => {
    const { srv, session } = bound();
    expect(srv.refusal(DELETE)).toBe('conflict session');
    expect(srv.execute({ ...DELETE, session: 'terminate' })).toEqual([
      expect.objectContaining({ event: 'layout_node_deleted', tree_cleared: true }),
      { event: 'block_deleted', tab_id: 't', block_id: 'b' },
      { event: 'session_desired', session_id: session, desired: 'stopped' },
    ]);
    expect(srv.result).toEqual({ deleted: true, terminated: [session], detached: [] });
    expect(srv.state.sessions.sessions.get(session)).toMatchObject({ desired: 'stopped', cause: null });
  });

  it('[W11] are parted without a word to the session that is detached, or is to stop already', () => {
    const { srv, session } = bound();
    expect(srv.names({ ...DELETE, session: 'detach' })).toEqual(['layout_node_deleted', 'block_deleted']);
    expect(srv.state.sessions.sessions.get(session)).toMatchObject({ desired: 'running' });
    const other = bound();
    other.srv.execute({ cmd: 'terminate_session', session: other.session });
    expect(other.srv.refusal(DELETE)).toBe('conflict session');
    expect(other.srv.names({ ...DELETE, session: 'terminate' })).toEqual(['layout_node_deleted', 'block_deleted']);
    expect(other.srv.result).toMatchObject({ terminated: [other.session] });
  });

  it('[W10] [W11] are parted by the end of the session, which needs no word, and by its removal', () => {
    const { srv, session } = bound();
    srv.execute({ cmd: 'observe_ended', session_id: session, ...ENDED });
    expect(srv.state.workspaces.blocks.get('b')?.session).toBe(session);
    srv.execute({ cmd: 'remove_session', session });
    expect(srv.state.workspaces.blocks.get('b')?.session).toBeNull();
    expect(srv.snapshot().state.bindings).toEqual([]);
    expect(srv.refusal({ cmd: 'bind_block', block_id: 'b', session_id: session })).toBe('not_found session_id');
    const ended = bound();
    ended.srv.execute({ cmd: 'observe_ended', session_id: ended.session, ...ENDED });
    expect(ended.srv.names(DELETE)).toEqual(['layout_node_deleted', 'block_deleted']);
  });
});

describe('the domain', () => {
  it('[W18] knows the version of what a command is about, if that is one thing', () => {
    const { srv, session } = bound();
    const about = (command: SrvInput) => srv.domain.changedAt(srv.state, command);
    expect(about(DELETE)).toBe(srv.log.length);
    expect(about({ cmd: 'set_active_tab', workspace_id: 'w', tab_id: 't' })).toBe(4);
    expect(about({ cmd: 'remove_session', session })).toBe(1);
    srv.execute({ cmd: 'rename_session', session, name: 'n' });
    for (const selector of [session, 'n', session.slice(0, 25)]) {
      expect(about({ cmd: 'terminate_session', session: selector })).toBe(srv.log.length);
    }
    srv.session();
    for (const selector of [session.slice(0, 20), 'gone', '']) {
      expect(about({ cmd: 'terminate_session', session: selector })).toBeUndefined();
    }
    expect(about({ cmd: 'purge_exited' })).toBeUndefined();
    expect(about({ cmd: 'connections_reset' })).toBeUndefined();
  });

  it('refuses an event that it does not know rather than losing it', () => {
    const { domain, state } = new Runtime();
    const unknown = { event: 'toString' } as unknown as SrvEvent;
    expect(() => domain.evolve(state, unknown, 1, 0)).toThrow(expect.objectContaining({ code: 'internal' }));
  });

  it('[W15] restores a snapshot of the first release, which knew sessions alone', () => {
    const domain = createDomain();
    const state = domain.restore(structuredClone(release1));
    const [session] = release1.sessions;
    expect([...state.sessions.sessions.values()]).toEqual([session]);
    expect([state.sessions.live, state.sessions.removed]).toEqual([1, release1.removed]);
    expect(domain.serialise(state)).toEqual({
      ...(domain.serialise(domain.initial()) as object),
      sessions: { ...release1, changed: [] },
    });
    expect(domain.restore(JSON.parse(JSON.stringify(domain.serialise(state))))).toEqual(state);
  });
});

describe('srv_snapshot', () => {
  it('[W16] tells the seed its tuples, sorted by id, and the rest beside them', () => {
    const { srv, session } = bound();
    srv.execute({ cmd: 'connection_opened', client_id: 'c', pid: 5, kind: 'tool', version: '1' });
    srv.execute({ cmd: 'create_tab', workspace_id: 'w', tab_id: 'a', name: 'first' });
    srv.execute({ cmd: 'create_block', tab_id: 't', block_id: 'a', meta: { x: 1 } });
    srv.execute({ cmd: 'create_workspace', workspace_id: 'empty', name: 'e' });
    srv.execute({ cmd: 'create_window', window_id: 'm', workspace_id: 'w' });
    expect(srv.snapshot()).toEqual({
      lifecycle: 'running',
      workspaces: [
        ['empty', 'e'],
        ['w', 'Workspace 1'],
      ],
      tabs: [
        ['a', 'w', 'first'],
        ['t', 'w', 'Tab 1'],
      ],
      active_tabs: [['w', 't']],
      blocks: [
        ['a', 't'],
        ['b', 't'],
      ],
      state: {
        tab_order: [
          ['empty', []],
          ['w', ['t', 'a']],
        ],
        block_order: [
          ['a', []],
          ['t', ['b', 'a']],
        ],
        layouts: [
          ['a', null],
          ['t', { id: 'n', flexDirection: 'row', size: 10, data: { blockId: 'b' } }],
        ],
        focus: [
          ['a', { focused: '', magnified: '' }],
          ['t', { focused: 'n', magnified: '' }],
        ],
        windows: [['m', 'w']],
        meta: {
          workspaces: [
            ['empty', {}],
            ['w', {}],
          ],
          tabs: [
            ['a', {}],
            ['t', {}],
          ],
          blocks: [
            ['a', { x: 1 }],
            ['b', {}],
          ],
          windows: [['m', {}]],
        },
        bindings: [['b', session]],
        connections: [['c', { pid: 5, kind: 'tool', version: '1' }]],
        sessions: [expect.objectContaining({ id: session, state: 'starting', socket: `/s/${session}` })],
        agents: [],
        messages: [],
        sagas: [],
      },
    });
  });

  it('[W16] gives, with the events after it, the state they lead to', () => {
    const { srv, session } = bound();
    const at = srv.log.length;
    let mirror = stateBehind(JSON.parse(JSON.stringify(srv.snapshot())));
    srv.execute({ cmd: 'observe_started', session_id: session, ...FACTS });
    srv.execute({ cmd: 'create_block', tab_id: 't', block_id: 'c', place: { node_id: 'm' } });
    srv.execute({ cmd: 'update_tab_meta', tab_id: 't', meta_patch: { a: 1 } });
    srv.execute({ ...DELETE, session: 'detach' });
    for (const [index, event] of srv.log.slice(at).entries()) {
      mirror = srv.domain.evolve(mirror, event, at + index + 1, srv.now);
    }
    expect(snapshotOf(mirror, PLACES)).toEqual(srv.snapshot());
  });
});
