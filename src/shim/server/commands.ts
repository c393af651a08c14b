/** Every command of the session socket and what it does. */
import { HoldfastError, invalid } from '../../protocol/errors.ts';
import { LOG_MEMORY_BYTES } from '../../protocol/limits.ts';
import { STDERR, type SessionCommand, type SessionCommandName, type StreamId } from '../../protocol/session/index.ts';
import { readBacklog } from '../../session/index.ts';
import type { Session } from '../session.ts';
import { AGENT_HANDLERS, AGENT_ROLE } from './agent-commands.ts';
import * as attaching from './attach.ts';
import type { Handler } from './handler.ts';
import type { CommandId, Peer } from './peer.ts';
import { requireRunning, signal, writeStdin } from './write.ts';

type Handlers = { readonly [Name in SessionCommandName]: Handler<Name> };

const HANDLERS: Handlers = {
  Hello: () => {
    throw new HoldfastError('conflict', 'this connection has said Hello already', { field: 'cmd' });
  },
  Attach: attaching.attach,
  Detach: (session, peer, { id }) => attaching.detach(session, peer, id),
  Credit: (_session, peer, { bytes }) => attaching.credit(peer, bytes),
  Lease: (session, peer, { action, lease, id }) => attaching.lease(session, peer, action, lease, id),
  WriteStdin: writeStdin,
  Signal: signal,
  Terminate: (session, peer, { grace_ms, id }) => terminate(session, peer, grace_ms, 'Terminate', id),
  Backlog: (session, peer, { stream, id }) => backlog(session, peer, stream, id),
  Tee: async (session, peer, { stream, sink, options, id }) => {
    peer.reply(id, { event: 'TeeOpened', ...(await session.tees.open(stream, sink, options)) });
  },
  TeeStatus: (session, peer, { tee, id }) => peer.reply(id, { event: 'TeeStatuses', tees: session.tees.states(tee) }),
  TeeSnapshot: (session, peer, { tee, id }) => {
    const { offset, bytes, missedBytes } = session.tees.snapshot(tee);
    peer.replyInParts(id, bytes, (data, at, last) => ({
      event: 'TeeSnapshot',
      tee,
      offset: offset + at,
      data,
      missed_bytes: missedBytes,
      last,
    }));
  },
  Untee: async (session, peer, { tee, id }) => {
    const state = await session.tees.close(tee);
    peer.reply(id, { event: 'TeeClosed', existed: state !== null, tee: state });
  },
  ClearAttachment: (session, peer, { stream, id }) => {
    attaching.clearAttachment(session, peer, stream);
    peer.reply(id, { event: 'Done', command: 'ClearAttachment' });
  },
  NotifyAttached: (session, peer, { stream, event, id }) => {
    attaching.notifyAttached(session, peer, stream, event);
    peer.reply(id, { event: 'Done', command: 'NotifyAttached' });
  },
  StopReading: (session, peer, { id }) => {
    attaching.requireBroker(peer);
    session.stopReading();
    peer.reply(id, { event: 'Done', command: 'StopReading' });
  },
  ...AGENT_HANDLERS,
  CaptureScreen: captureScreen,
  GetState: (session, peer, { id }) => peer.reply(id, { event: 'State', ...session.activity.state }),
  Resize: (session, peer, { rows, cols, id }) => {
    requireRunning(session);
    session.lease.authorize(peer, 0);
    attaching.resizeAndTell(session, peer, rows, cols);
    peer.reply(id, attaching.resized(session));
  },
  Shutdown: (session, peer, { timeout_secs, reason, id }) => terminate(session, peer, timeout_secs * 1000, reason, id),
  Kill: (session, peer, { id }) => terminate(session, peer, 0, 'Kill', id),
  Ping: (_session, peer, { id }) => peer.reply(id, { event: 'Pong' }),
};

/** Runs one command; whatever goes wrong is its one answer. */
export function dispatch(session: Session, peer: Peer, command: SessionCommand): void {
  const refuse = (error: unknown) => peer.refuse(command.id, command.cmd, HoldfastError.from(error));
  try {
    if (peer.role === 'agent') requireAllowed(command);
    const handler = HANDLERS[command.cmd] as (
      session: Session,
      peer: Peer,
      command: SessionCommand,
    ) => void | Promise<void>;
    handler(session, peer, command)?.catch(refuse);
  } catch (error) {
    refuse(error);
  }
}

/** With the session's own token: it may speak of itself, and touch nothing. */
function requireAllowed({ cmd }: SessionCommand): void {
  if (AGENT_ROLE.has(cmd)) return;
  throw new HoldfastError('forbidden', `a program of the session may not ask for ${cmd} with the session's token`, {
    field: 'cmd',
  });
}

function terminate(session: Session, peer: Peer, graceMs: number, reason: string, id: CommandId): void {
  peer.reply(id, { event: 'Terminating', grace_ms: graceMs, already_exited: session.ending.exit !== null });
  session.terminate(graceMs, reason, peer.clientId);
}

function backlog(session: Session, peer: Peer, stream: StreamId, id: CommandId): void {
  // Seed 4: the error stream of a merged session is empty, not missing.
  if (stream === STDERR && !session.streams.includes(STDERR)) {
    peer.reply(id, { event: 'BacklogSnapshot', stream, offset: 0, data: '', dropped_bytes: 0, last: true });
    return;
  }
  const { offset, bytes, droppedBytes } = readBacklog(
    session.log,
    stream,
    session.spec.limits.memory_bytes || LOG_MEMORY_BYTES,
  );
  peer.replyInParts(id, bytes, (data, at, last) => ({
    event: 'BacklogSnapshot',
    stream,
    offset: offset + at,
    data,
    dropped_bytes: droppedBytes,
    last,
  }));
}

async function captureScreen(
  session: Session,
  peer: Peer,
  { last_n_lines: lines, id }: Extract<SessionCommand, { cmd: 'CaptureScreen' }>,
): Promise<void> {
  if (session.spec.kind !== 'pty')
    throw new HoldfastError('stream_unavailable', 'a pipe session has no screen', { field: 'cmd' });
  if (lines !== undefined && lines < 1) throw invalid('last_n_lines', 'last_n_lines must be at least 1');
  const mirror = await session.screen.current();
  peer.reply(id, { event: 'ScreenCapture', ...mirror.text(lines), ...mirror.state });
}
