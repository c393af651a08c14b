// srv's whole domain in the kernel that runs it: what it is given, what it stores, and what it finds again.
import { expect, it } from 'vitest';
import { createDomain } from '../domains/srv/fixtures/runtime.ts';
import type { SrvEvent, SrvInput, SrvState } from '../domains/srv/index.ts';
import { createSessionsDomain, type SessionsInput, type SessionsState } from '../domains/sessions/index.ts';
import { type Domain, type Kernel, MemoryLog, openKernel } from '../kernel/index.ts';
import type { SessionRecord, SessionsEvent } from '../protocol/control/index.ts';
import { createIds, VirtualClock } from '../runtime/index.ts';

const actor = { client_id: 'test', pid: 1, kind: 'tool' };
const LIMITS = {
  memory_bytes: 1 << 20,
  spill_bytes: 1 << 26,
  segment_bytes: 1 << 22,
  stall_ms: 30_000,
  lease_ms: 30_000,
  linger_ms: null,
  allow_lossless: false,
};
const CREATE: SessionsInput = { cmd: 'create_session', argv: ['true'], cwd: '/', env: [] };

function open<S, C, E extends { event: string }>(
  domain: Domain<S, C, E>,
  log: MemoryLog,
  snapshot_events: number,
): Promise<Kernel<S, C, E>> {
  const clock = new VirtualClock();
  const warn = (error: Error): void => {
    throw error;
  };
  return openKernel<S, C, E>({ domain, log, clock, ids: createIds(clock), limits: { snapshot_events }, warn });
}

const json = (state: SrvState): string => JSON.stringify(createDomain().serialise(state));

it.each([2, 1_000])('[K3] [W15] is the same after a restart, with a snapshot every %i events', async (every) => {
  const domain: Domain<SrvState, SrvInput, SrvEvent> = createDomain();
  const log = new MemoryLog();
  const kernel = await open(domain, log, every);
  const session = (await kernel.execute(CREATE, { actor })).result['session'] as SessionRecord;
  const commands: SrvInput[] = [
    { cmd: 'connection_opened', client_id: 'c', pid: 7, kind: 'tool', version: '1' },
    { cmd: 'create_workspace', workspace_id: '__proto__', name: '' },
    { cmd: 'create_tab', workspace_id: '__proto__', tab_id: 't', name: '' },
    { cmd: 'create_block', tab_id: 't', block_id: 'a', place: {} },
    { cmd: 'create_block', tab_id: 't', block_id: 'b', session_id: session.id, place: {} },
    {
      cmd: 'update_block_meta',
      block_id: 'a',
      meta_patch: JSON.parse('{"__proto__":{"x":1}}') as Record<string, unknown>,
    },
  ];
  for (const command of commands) await kernel.execute(command, { actor });
  await expect(kernel.execute({ cmd: 'delete_block', tab_id: 't', block_id: 'b' }, { actor })).rejects.toMatchObject({
    code: 'conflict',
    field: 'session',
  });
  const parted = await kernel.execute(
    { cmd: 'delete_block', tab_id: 't', block_id: 'b', session: 'terminate' },
    { actor },
  );
  expect(parted).toMatchObject({ version: kernel.version, result: { terminated: [session.id] } });
  const [before, version] = [json(kernel.state), kernel.version];
  await kernel.close();

  const again = await open(domain, log, every);
  expect([json(again.state), again.version]).toEqual([before, version]);
  expect(again.state.workspaces.blocks.get('a')?.meta).toEqual(JSON.parse('{"__proto__":{"x":1}}'));
  await again.execute({ cmd: 'create_block', tab_id: 't', block_id: 'b', place: {} }, { actor });
  await again.close();
});

it.each([1, 1_000])(
  '[W15] goes on from the log of the first release, with a snapshot every %i events',
  async (every) => {
    const places = { live: (id: string) => `/s/${id}`, archive: '/a' };
    const first: Domain<SessionsState, SessionsInput, SessionsEvent> = createSessionsDomain({
      liveSessions: 9,
      sessionLimits: LIMITS,
      places,
    });
    const log = new MemoryLog();
    const old = await open(first, log, every);
    const session = (await old.execute(CREATE, { actor })).result['session'] as SessionRecord;
    await old.execute({ cmd: 'rename_session', session: session.id, name: 'x' }, { actor });
    const sessions = [...old.state.sessions.values()];
    await old.close();

    const kernel = await open(createDomain(), log, every);
    expect([...kernel.state.sessions.sessions.values()]).toEqual(sessions);
    await kernel.execute({ cmd: 'create_workspace', workspace_id: 'w', name: '' }, { actor });
    expect(kernel.version).toBe(3);
    const before = json(kernel.state);
    await kernel.close();
    expect(json((await open(createDomain(), log, every)).state)).toBe(before);
  },
);
