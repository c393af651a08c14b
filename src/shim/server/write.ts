/** What goes to the child: INPUT frames, WriteStdin, signals. */
import { HoldfastError } from '../../protocol/errors.ts';
import type { SessionCommand } from '../../protocol/session/index.ts';
import { stdinClosed } from '../input/index.ts';
import type { Session } from '../session.ts';
import type { Peer } from './peer.ts';

type Command<Name extends SessionCommand['cmd']> = Extract<SessionCommand, { cmd: Name }>;

/** One INPUT frame. Its only answers are InputAck, once the kernel took it, and Error. */
export function input(session: Session, peer: Peer, epoch: number, seq: number, bytes: Buffer): void {
  try {
    requireRunning(session);
    if (!session.lease.accept(peer, epoch, seq)) {
      // Accepted before; if the kernel has it too, its ack was lost.
      if (seq <= session.lease.writtenSeq) peer.acknowledge(epoch, seq);
      return;
    }
    session.agent?.typed(bytes);
    session.input.push({
      bytes,
      fromClient: true,
      isCurrent: () => session.lease.isCurrent(epoch),
      settled: (outcome) => inputSettled(session, peer, epoch, seq, bytes, outcome),
    });
  } catch (error) {
    refuseInput(peer, epoch, seq, HoldfastError.from(error));
  }
  if (session.input.isFull) peer.connection.pause();
}

function inputSettled(
  session: Session,
  peer: Peer,
  epoch: number,
  seq: number,
  bytes: Buffer,
  outcome: 'written' | 'closed' | 'dropped',
): void {
  if (outcome === 'written') {
    session.tees.stdin.append(bytes);
    const holder = epoch === 0 ? peer : session.lease.written(epoch, seq);
    holder?.acknowledge(epoch, seq);
  } else if (outcome === 'closed') {
    refuseInput(peer, epoch, seq, stdinClosed());
  }
}

function refuseInput(peer: Peer, epoch: number, seq: number, error: HoldfastError): void {
  peer.refuse(
    undefined,
    'INPUT',
    new HoldfastError(error.code, error.message, {
      field: error.field,
      details: { ...error.details, input: { epoch, seq } },
    }),
  );
}

/** Seed 4 `write_stdin`: the answer says how many bytes the kernel took; no bytes and `close` only closes. */
export async function writeStdin(session: Session, peer: Peer, command: Command<'WriteStdin'>): Promise<void> {
  requireRunning(session);
  session.lease.authorize(peer, 0);
  const bytes = Buffer.from(command.data ?? '', 'base64');
  if (session.input.isClosed) throw stdinClosed();
  if (session.input.isFull)
    throw new HoldfastError('busy', 'the child does not read its input; try again when it does', { field: 'data' });
  // An agent that speaks a protocol refuses bytes and the end of them alike.
  session.agent?.typed(bytes);
  const epoch = session.lease.isHeldBy(peer) ? session.lease.epoch : 0;
  const written = bytes.length === 0 ? 'written' : await pushed(session, bytes, epoch);
  if (written === 'closed') throw stdinClosed();
  if (written === 'dropped')
    throw new HoldfastError('lease_lost', 'the input was taken by another client before these bytes were written');
  if (command.close === true) await session.input.close();
  peer.reply(command.id, { event: 'Written', bytes: bytes.length });
}

function pushed(session: Session, bytes: Buffer, epoch: number): Promise<'written' | 'closed' | 'dropped'> {
  return new Promise((resolve) => {
    session.input.push({
      bytes,
      fromClient: true,
      isCurrent: () => session.lease.isCurrent(epoch),
      settled: (outcome) => {
        if (outcome === 'written') session.tees.stdin.append(bytes);
        resolve(outcome);
      },
    });
  });
}

export function signal(session: Session, peer: Peer, command: Command<'Signal'>): void {
  requireRunning(session);
  session.child.signal(command.signal as NodeJS.Signals);
  peer.reply(command.id, { event: 'Done', command: 'Signal' });
}

export function requireRunning(session: Session): void {
  const { exit } = session.ending;
  if (exit !== null) throw new HoldfastError('session_exited', 'the session has exited', { details: { exit } });
}
