import { expect, it } from 'vitest';
import { type ConnectionsEvent, type ConnectionsInput, createConnectionsDomain } from './index.ts';

class Connections {
  readonly domain = createConnectionsDomain();
  state = this.domain.initial();

  execute(command: ConnectionsInput): ConnectionsEvent[] {
    const { events } = this.domain.decide(this.state, command);
    for (const event of events) this.state = this.domain.evolve(this.state, event);
    return events;
  }
}

const open = (client_id: string, pid: number) =>
  ({ cmd: 'connection_opened', client_id, pid, kind: 'tool', version: '1.2' }) as const;
const lost = (client_id: string, pid: number) => ({ cmd: 'connection_lost', client_id, pid, reason: 'eof' }) as const;
const spawned = (client_id: string, pid: number) =>
  ({ event: 'process_spawned', client_id, pid, kind: 'tool', client_version: '1.2' }) as const;
const closed = (client_id: string, pid: number, reason: string) => ({
  event: 'connection_closed',
  client_id,
  pid,
  reason,
});

it('[W17] tells each registration, the first of them as the start of the runtime, and each end once', () => {
  const connections = new Connections();
  expect(connections.execute(open('a', 1))).toEqual([
    spawned('a', 1),
    { event: 'lifecycle_phase_changed', from: 'starting', to: 'running' },
  ]);
  expect(connections.execute(open('b', 1))).toEqual([spawned('b', 1)]);
  expect(connections.execute(lost('a', 1))).toEqual([closed('a', 1, 'eof')]);
  expect(connections.execute(lost('a', 1))).toEqual([]);
  expect(connections.execute(open('a', 1))).toEqual([spawned('a', 1)]);
});

it('[W17] ends the connection that a newer one of the same client supersedes', () => {
  const connections = new Connections();
  connections.execute(open('a', 1));
  expect(connections.execute(open('a', 2))).toEqual([closed('a', 1, 'superseded'), spawned('a', 2)]);
  expect(connections.execute(lost('a', 1))).toEqual([]);
  expect([...connections.state.processes]).toEqual([['a', { pid: 2, kind: 'tool', version: '1.2' }]]);
});

it('[W17] ends what the last srv left, once', () => {
  const connections = new Connections();
  expect(connections.execute({ cmd: 'connections_reset' })).toEqual([]);
  connections.execute(open('a', 1));
  connections.execute(open('b', 2));
  expect(connections.execute({ cmd: 'connections_reset' })).toEqual([
    closed('a', 1, 'shutdown'),
    closed('b', 2, 'shutdown'),
    { event: 'lifecycle_phase_changed', from: 'running', to: 'starting' },
  ]);
  expect(connections.execute({ cmd: 'connections_reset' })).toEqual([]);
  expect(connections.execute(open('a', 1)).map(({ event }) => event)).toContain('lifecycle_phase_changed');
});

it('[W17] lets a connection of the seed have a pid only while no other has it', () => {
  const connections = new Connections();
  connections.execute(open('a', 1));
  const seed = { ...open('b', 1), exclusive_pid: true };
  expect(() => connections.execute(seed)).toThrow(
    expect.objectContaining({ code: 'already_registered', field: 'pid' }),
  );
  connections.execute(lost('a', 1));
  expect(connections.execute(seed)).toEqual([spawned('b', 1)]);
});

it('[W15] is the same after it went through JSON, whatever the clients are called', () => {
  const connections = new Connections();
  for (const id of ['__proto__', 'constructor', 'a']) connections.execute(open(id, 1));
  const json = JSON.parse(JSON.stringify(connections.domain.serialise(connections.state))) as unknown;
  expect(connections.domain.restore(json)).toEqual(connections.state);
});
