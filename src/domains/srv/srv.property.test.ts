// Sessions, workspaces and connections together: the laws that hold between them, and what a reader can rebuild.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { snapshotOf, type SrvInput, type SrvState } from './index.ts';
import { ENDED, FACTS, PLACES, Runtime, stateBehind } from './fixtures/runtime.ts';

const VERBS = [
  'create_session',
  'observe_started',
  'observe_ended',
  'observe_lost',
  'remove_session',
  'terminate_session',
  'create_tab',
  'create_block',
  'bind_block',
  'move_block',
  'update_block_meta',
  'delete_block',
  'delete_tab',
  'layout_clear',
  'connection_opened',
  'connection_lost',
  'connections_reset',
] as const;
const steps = fc.array(
  fc.record({ verb: fc.constantFrom(...VERBS), a: fc.nat(99), b: fc.nat(99), choice: fc.nat(3) }),
  { minLength: 10, maxLength: 60, size: 'max' },
);
type Step = typeof steps extends fc.Arbitrary<(infer T)[]> ? T : never;

function commandOf({ verb, a, b, choice }: Step, { sessions, workspaces }: SrvState): SrvInput {
  const pick = (map: ReadonlyMap<string, unknown>, at: number): string =>
    at % 12 === 0 ? 'gone' : ([...map.keys()][at % map.size] ?? 'gone');
  const session_id = pick(sessions.sessions, a);
  const tab_id = pick(workspaces.tabs, b);
  const block_id = pick(workspaces.blocks, b);
  const parting = choice < 2 ? { session: choice === 0 ? ('detach' as const) : ('terminate' as const) } : {};
  switch (verb) {
    case 'create_session':
      return { cmd: verb, argv: ['true'], cwd: '/', env: [] };
    case 'observe_started':
      return { cmd: verb, session_id, ...FACTS };
    case 'observe_ended':
      return { cmd: verb, session_id, ...ENDED };
    case 'observe_lost':
      return { cmd: verb, session_id, cause: 'shim_lost', survivors: [] };
    case 'remove_session':
      return { cmd: verb, session: session_id, force: choice === 0 };
    case 'terminate_session':
      return { cmd: verb, session: session_id };
    case 'create_tab':
      return { cmd: verb, workspace_id: 'w', name: '' };
    case 'create_block':
      return { cmd: verb, tab_id, ...(choice === 0 ? {} : { session_id }), ...(choice === 1 ? {} : { place: {} }) };
    case 'bind_block':
      return { cmd: verb, block_id, session_id: choice === 0 ? null : session_id };
    case 'move_block': {
      const src_tab_id = workspaces.blocks.get(block_id)?.tab_id ?? 'gone';
      return { cmd: verb, block_id, src_tab_id, dst_tab_id: pick(workspaces.tabs, a), dst_index: choice };
    }
    case 'update_block_meta':
      return { cmd: verb, block_id, meta_patch: { [`k${choice}`]: a } };
    case 'delete_block':
      return { cmd: verb, block_id, tab_id: workspaces.blocks.get(block_id)?.tab_id ?? 'gone', ...parting };
    case 'delete_tab':
      return { cmd: verb, workspace_id: 'w', tab_id, force: true, ...parting };
    case 'layout_clear':
      return { cmd: verb, tab_id, correlation_id: '' };
    case 'connection_opened':
      return { cmd: verb, client_id: `c${choice}`, pid: a % 3, kind: 'tool', version: '1', exclusive_pid: b % 2 === 0 };
    case 'connection_lost':
      return { cmd: verb, client_id: `c${choice}`, pid: a % 3, reason: 'eof' };
    case 'connections_reset':
      return { cmd: verb };
  }
}

it('[W10] [W11] [W15] [W16] parts what belongs together, replays, and can be followed from any snapshot', () => {
  let parted = 0;
  fc.assert(
    fc.property(steps, fc.nat(59), (sequence, at) => {
      const srv = new Runtime();
      srv.execute({ cmd: 'create_workspace', workspace_id: 'w', name: '' });
      for (const tab_id of ['t', 'u']) srv.execute({ cmd: 'create_tab', workspace_id: 'w', tab_id, name: '' });
      for (const tab_id of ['t', 't', 'u']) {
        srv.execute({ cmd: 'create_block', tab_id, session_id: srv.session(), place: {} });
      }
      let follower: { from: number; state: SrvState } | null = null;
      for (const [index, step] of sequence.entries()) {
        if (index === at)
          follower = { from: srv.log.length, state: stateBehind(JSON.parse(JSON.stringify(srv.snapshot()))) };
        srv.result = {};
        srv.refusal(commandOf(step, srv.state));
        parted += expectTogether(srv);
      }
      expectReplay(srv, at);
      if (follower === null) return;
      for (const [index, event] of srv.log.slice(follower.from).entries()) {
        srv.domain.evolve(follower.state, event, follower.from + index + 1, srv.now);
      }
      expect(snapshotOf(follower.state, PLACES)).toEqual(srv.snapshot());
      expect(undated(follower.state)).toEqual(undated(srv.state));
    }),
    { numRuns: 100 },
  );
  expect(parted).toBeGreaterThan(0);
});

/** All but the versions of things, which a snapshot does not tell, and what it tells of sessions as records. */
function undated({ workspaces, connections }: SrvState): unknown {
  const strip = <T extends object>(map: ReadonlyMap<string, T>): Map<string, T> =>
    new Map(Array.from(map, ([id, thing]) => [id, { ...thing, changed_at: 0 }]));
  const { blocks, bound } = workspaces;
  const [spaces, tabs, windows] = [strip(workspaces.workspaces), strip(workspaces.tabs), strip(workspaces.windows)];
  return { spaces, tabs, windows, blocks, bound, connections };
}

/** A block shows only a session there is; one that was to stop with its block is told so. Returns how many were. */
function expectTogether({ state, result }: Runtime): number {
  const { blocks, bound } = state.workspaces;
  for (const [session, block] of bound) {
    expect(state.sessions.sessions.has(session)).toBe(true);
    expect(blocks.get(block)?.session).toBe(session);
  }
  const terminated = (result['terminated'] as string[] | undefined) ?? [];
  for (const id of terminated) {
    expect(bound.has(id)).toBe(false);
    expect(state.sessions.sessions.get(id)?.desired).not.toBe('running');
  }
  return terminated.length;
}

function expectReplay({ domain, log, state, now }: Runtime, cut: number): void {
  let replayed = domain.initial();
  for (const [index, event] of log.entries()) {
    replayed = domain.evolve(replayed, event, index + 1, now);
    if (index === cut) replayed = domain.restore(JSON.parse(JSON.stringify(domain.serialise(replayed))));
  }
  expect(replayed).toEqual(state);
  expect(JSON.stringify(domain.serialise(replayed))).toBe(JSON.stringify(domain.serialise(state)));
}
