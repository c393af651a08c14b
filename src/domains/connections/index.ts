/**
 * Who is connected to srv: facts on the same version line as what they do. A connection is not a process; seed 2 calls
 * its arrival `process_spawned`.
 */
import type {
  ConnectionEvent,
  ConnectionKind,
  DisconnectReason,
  LifecyclePhase,
} from '../../protocol/control/index.ts';
import { HoldfastError } from '../../protocol/index.ts';

/** srv ends no process: of a connection's process it knows no exit. */
export type ConnectionsEvent = Exclude<ConnectionEvent, { event: 'process_exited' }>;

/** Never accepted from a socket: what the control server saw. */
export type ConnectionsInput =
  /** Registered. `exclusive_pid`: the seed's rule, no other connection may have this pid (`already_registered`). */
  | {
      cmd: 'connection_opened';
      client_id: string;
      pid: number;
      kind: ConnectionKind;
      version: string;
      exclusive_pid?: boolean;
    }
  /** Nothing if that is known: a newer connection of its client may have superseded it. */
  | { cmd: 'connection_lost'; client_id: string; pid: number; reason: DisconnectReason }
  /** A new srv process: no connection of the last one is left. */
  | { cmd: 'connections_reset' };

interface Process {
  readonly pid: number;
  readonly kind: ConnectionKind;
  readonly version: string;
}

export interface ConnectionsState {
  /** `running` from the first registration after a start. */
  lifecycle: LifecyclePhase;
  /** By client id. */
  readonly processes: Map<string, Process>;
}

export interface ConnectionsDomain {
  readonly name: string;
  initial(): ConnectionsState;
  decides(command: { cmd: string }): command is ConnectionsInput;
  decide(state: ConnectionsState, command: ConnectionsInput): { events: ConnectionsEvent[] };
  concerns(event: { event: string }): event is ConnectionsEvent;
  evolve(state: ConnectionsState, event: ConnectionsEvent): ConnectionsState;
  serialise(state: ConnectionsState): unknown;
  restore(json: unknown): ConnectionsState;
}

const COMMANDS: Record<ConnectionsInput['cmd'], true> = {
  connection_opened: true,
  connection_lost: true,
  connections_reset: true,
};
const EVENTS: Record<ConnectionsEvent['event'], true> = {
  process_spawned: true,
  lifecycle_phase_changed: true,
  connection_closed: true,
};

export function createConnectionsDomain(): ConnectionsDomain {
  return {
    name: 'connections',
    initial: () => ({ lifecycle: 'starting', processes: new Map() }),
    decides: (command): command is ConnectionsInput => Object.hasOwn(COMMANDS, command.cmd),
    decide: (state, command) => ({ events: decide(state, command) }),
    concerns: (event): event is ConnectionsEvent => Object.hasOwn(EVENTS, event.event),
    evolve,
    serialise: ({ lifecycle, processes }) => ({ lifecycle, processes: [...processes] }),
    restore: (json) => {
      const { lifecycle, processes } = json as { lifecycle: LifecyclePhase; processes: [string, Process][] };
      return { lifecycle, processes: new Map(processes) };
    },
  };
}

function decide(state: ConnectionsState, command: ConnectionsInput): ConnectionsEvent[] {
  switch (command.cmd) {
    case 'connection_opened':
      return opened(state, command);
    case 'connection_lost':
      return state.processes.get(command.client_id)?.pid === command.pid
        ? [{ event: 'connection_closed', client_id: command.client_id, pid: command.pid, reason: command.reason }]
        : [];
    case 'connections_reset':
      return [
        ...Array.from(state.processes, ([client_id, { pid }]) => closed(client_id, pid, 'shutdown')),
        ...phase(state, 'starting'),
      ];
  }
}

function opened(
  state: ConnectionsState,
  command: Extract<ConnectionsInput, { cmd: 'connection_opened' }>,
): ConnectionsEvent[] {
  const { client_id, pid, kind, version } = command;
  if (command.exclusive_pid === true) checkPid(state, pid);
  const older = state.processes.get(client_id);
  return [
    ...(older === undefined ? [] : [closed(client_id, older.pid, 'superseded')]),
    { event: 'process_spawned', client_id, pid, kind, client_version: version },
    ...phase(state, 'running'),
  ];
}

function checkPid(state: ConnectionsState, pid: number): void {
  for (const [client_id, process] of state.processes) {
    if (process.pid !== pid) continue;
    throw new HoldfastError('already_registered', `process ${pid} is registered by another connection`, {
      field: 'pid',
      details: { client_id },
    });
  }
}

function phase({ lifecycle: from }: ConnectionsState, to: LifecyclePhase): ConnectionsEvent[] {
  return from === to ? [] : [{ event: 'lifecycle_phase_changed', from, to }];
}

function closed(client_id: string, pid: number, reason: DisconnectReason): ConnectionsEvent {
  return { event: 'connection_closed', client_id, pid, reason };
}

function evolve(state: ConnectionsState, event: ConnectionsEvent): ConnectionsState {
  switch (event.event) {
    case 'process_spawned':
      state.processes.set(event.client_id, { pid: event.pid, kind: event.kind, version: event.client_version });
      break;
    case 'connection_closed':
      state.processes.delete(event.client_id);
      break;
    case 'lifecycle_phase_changed':
      state.lifecycle = event.to;
      break;
  }
  return state;
}
