import type { SessionCommand, SessionCommandName } from '../../protocol/session/index.ts';
import type { Session } from '../session.ts';
import type { Peer } from './peer.ts';

/** Does what one command asks; what it throws is the answer. */
export type Handler<Name extends SessionCommandName> = (
  session: Session,
  peer: Peer,
  command: Extract<SessionCommand, { cmd: Name }>,
) => void | Promise<void>;
