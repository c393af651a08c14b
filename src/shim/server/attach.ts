/** Attach, detach, credit and the lease: who reads what, and who drives (DESIGN §6 "Attach modes"). */
import { HoldfastError, invalid } from '../../protocol/errors.ts';
import {
  type AttachCommand,
  type LeaseTicket,
  STDIN,
  STDOUT,
  type SessionCommand,
  type SessionEvent,
  type StreamId,
} from '../../protocol/session/index.ts';
import {
  attachedStreams,
  attachStreams,
  type CursorStart,
  type LogSource,
  ReaderPump,
  resolveStart,
} from '../../session/index.ts';
import type { LeaseGrant } from '../input/index.ts';
import type { Session } from '../session.ts';
import { Attachment } from './attachment.ts';
import type { CommandId, Peer } from './peer.ts';

type Command<Name extends SessionCommand['cmd']> = Extract<SessionCommand, { cmd: Name }>;

/** Base64 of one `Screen` event stays below 256 KiB. */
const SCREEN_PART_BYTES = 190 * 1024;

export async function attach(session: Session, peer: Peer, command: Command<'Attach'>): Promise<void> {
  if (peer.attachment !== null) {
    throw new HoldfastError(
      'already_attached',
      'this connection is attached already; send Detach first or use another connection',
    );
  }
  const source = sourceOf(session, command);
  const streams = attachStreams(source, command.streams);
  checkPolicy(session, command);
  // Refused before anything is changed: a lease or a stream must not be lost to a reader that then cannot read.
  const early = command.from === 'screen' ? null : resolveStart(source, streams, command.from);
  if (early !== null) source.cursor(streams, early).close();
  else if (session.spec.kind !== 'pty') throw invalid('from', 'a pipe session has no screen; attach from an offset');
  const grant = occupy(session, peer, command, streams);
  if (
    command.mode === 'drive' &&
    command.rows !== undefined &&
    command.cols !== undefined &&
    session.spec.kind === 'pty'
  ) {
    resizeAndTell(session, peer, command.rows, command.cols);
  }
  if (early !== null) {
    install(session, peer, command, streams, early, grant, []);
    return;
  }
  await attachFromScreen(session, peer, command, streams, grant);
}

async function attachFromScreen(
  session: Session,
  peer: Peer,
  command: Command<'Attach'>,
  streams: StreamId[],
  grant: LeaseGrant | null,
): Promise<void> {
  const mirror = await session.screen.current();
  if (!session.peers.has(peer)) return;
  if (peer.attachment !== null) throw new HoldfastError('already_attached', 'this connection was attached meanwhile');
  if (grant !== null && !session.lease.isHeldBy(peer))
    throw new HoldfastError('lease_lost', 'the input was taken by another client meanwhile');
  const { offset, exact } = mirror.state;
  const bytes = Buffer.from(mirror.serialize());
  const parts: SessionEvent[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += SCREEN_PART_BYTES) {
    const data = bytes.toString('base64', at, Math.min(bytes.length, at + SCREEN_PART_BYTES));
    parts.push({ event: 'Screen', offset, exact, ...mirror.size, data, last: at + SCREEN_PART_BYTES >= bytes.length });
  }
  install(session, peer, command, streams, { offsets: { [STDOUT]: offset } }, grant, parts);
}

/** The output's log; for an attach to stream 0 alone, what is written to the child (the SDK's tees of stdin). */
function sourceOf(session: Session, { streams, mode, policy, from }: AttachCommand): LogSource {
  if (streams?.length !== 1 || streams[0] !== STDIN) return session.log;
  if (mode !== 'observe') throw invalid('mode', 'stream 0 can only be observed');
  if (policy === 'lossless') throw invalid('policy', 'a reader of stream 0 cannot hold the writers up');
  if (from === 'screen') throw invalid('from', 'stream 0 has no screen');
  return session.tees.stdin;
}

/** Takes what the mode needs: the exclusive streams, or the lease. */
function occupy(session: Session, peer: Peer, command: AttachCommand, streams: StreamId[]): LeaseGrant | null {
  if (command.mode === 'exclusive') session.exclusive.check(streams, session.ending.exit, command.steal === true);
  if (command.mode !== 'drive') return null;
  return command.lease === undefined
    ? session.lease.take(peer, command.steal === true)
    : session.lease.resume(peer, command.lease);
}

function install(
  session: Session,
  peer: Peer,
  command: Command<'Attach'>,
  streams: StreamId[],
  start: CursorStart,
  grant: LeaseGrant | null,
  screen: SessionEvent[],
): void {
  const source = sourceOf(session, command);
  const attachment: Attachment = new Attachment({
    peer,
    mode: command.mode,
    terminal: command.mode === 'drive' && command.terminal === true && session.spec.kind === 'pty',
    pump: new ReaderPump({
      source,
      cursor: source.cursor(streams, start),
      sink: peer.connection,
      streams,
      credit: command.credit,
      finished: () => session.readerFinished(attachment),
    }),
    closed: (closing) => session.detached(closing),
  });
  if (command.mode === 'exclusive') session.exclusive.take(streams, attachment);
  if (command.policy === 'lossless') bindToFlow(session, attachment, command);
  session.attached(attachment);
  peer.reply(command.id, {
    event: 'Attached',
    mode: command.mode,
    streams: attachedStreams(source, start),
    lease: grant?.ticket ?? null,
    rows: session.rows,
    cols: session.cols,
    live_from: session.log.extents().find(({ id }) => id === STDOUT)?.end ?? 0,
  });
  // After a resume: everything up to here was taken, only the rest is to be sent again.
  if (grant !== null && grant.lastSeq > 0)
    peer.send({ event: 'InputAck', epoch: grant.ticket.epoch, seq: grant.lastSeq });
  for (const part of screen) peer.send(part);
  if (session.ending.state === 'exited' && session.ending.holders.length > 0) peer.send(session.heldBy());
  attachment.pump.start();
}

function bindToFlow(session: Session, attachment: Attachment, command: AttachCommand): void {
  const { pump } = attachment;
  const flow = session.flow.add({
    clientId: attachment.clientId,
    stallMs: command.stall_ms ?? session.spec.limits.stall_ms,
    lag: () => pump.lagBytes,
    degraded: () => session.warn(`${attachment.clientId} held the output up for too long and may now miss some`),
  });
  pump.throttles(flow);
}

function checkPolicy(session: Session, command: AttachCommand): void {
  if (command.policy !== 'lossless') return;
  if (command.mode !== 'drive' && !session.spec.limits.allow_lossless) {
    throw new HoldfastError(
      'forbidden',
      'only the driver may hold the child up in this session; attach with policy "never_block"',
      { field: 'policy' },
    );
  }
  if (command.stall_ms === 0 && command.mode !== 'drive')
    throw invalid('stall_ms', 'only the driver may hold the child up without a limit');
}

export function detach(session: Session, peer: Peer, id: CommandId): void {
  const { attachment } = peer;
  if (attachment === null) throw new HoldfastError('conflict', 'this connection is not attached');
  if (session.lease.isHeldBy(peer)) session.lease.release(peer);
  attachment.close();
  peer.reply(id, { event: 'Ended', reason: 'detached' });
}

export function credit(peer: Peer, bytes: number): void {
  if (peer.attachment === null) throw new HoldfastError('conflict', 'this connection is not attached');
  peer.attachment.pump.grant(bytes);
}

export function lease(
  session: Session,
  peer: Peer,
  action: 'take' | 'steal' | 'release',
  ticket: LeaseTicket | undefined,
  id: CommandId,
): void {
  if (action === 'release') {
    session.lease.release(peer);
    peer.reply(id, { event: 'Done', command: 'Lease' });
    return;
  }
  const grant =
    ticket === undefined ? session.lease.take(peer, action === 'steal') : session.lease.resume(peer, ticket);
  peer.reply(id, { event: 'LeaseGranted', lease: grant.ticket, last_seq: grant.lastSeq });
}

/** Everybody learns the new size: readers in the order of the log, the others at once. */
export function resizeAndTell(session: Session, peer: Peer, rows: number, cols: number): void {
  session.resize(rows, cols);
  for (const other of session.peers) {
    if (other !== peer && other.attachment === null) other.send(resized(session));
  }
}

export function resized(session: Session): SessionEvent {
  const offset = session.log.extents().find(({ id }) => id === STDOUT)?.end ?? 0;
  return { event: 'Resized', rows: session.rows, cols: session.cols, offset };
}

/** Seed 4 `clear_attachment`: whoever holds the stream loses it. */
export function clearAttachment(session: Session, peer: Peer, stream: StreamId): void {
  if (peer.role !== 'broker' && !session.lease.isHeldBy(peer)) {
    throw new HoldfastError('forbidden', 'only the broker or the driver may clear an attachment', { field: 'cmd' });
  }
  attachStreams(session.log, [stream]);
  session.exclusive.holder(stream)?.end('cleared', peer.clientId);
}

/** Seed 4 `notify_attached`: any event to the holder of a stream; nobody there is no error. */
export function notifyAttached(session: Session, peer: Peer, stream: StreamId, event: SessionEvent): void {
  requireBroker(peer);
  attachStreams(session.log, [stream]);
  session.exclusive.holder(stream)?.peer.send(event);
}

export function requireBroker(peer: Peer): void {
  if (peer.role !== 'broker') throw new HoldfastError('forbidden', 'only the broker may do this', { field: 'cmd' });
}
