/** The archive socket: srv serves the logs of sessions that are over with the frames their shims would send. */
import { join } from 'node:path';
import { isLive, type Session, type SessionAgent } from '../domains/sessions/index.ts';
import { TRANSCRIPT_FILE } from '../protocol/agent/index.ts';
import { type HomePaths, sessionDirectory } from '../protocol/home/index.ts';
import { HoldfastError } from '../protocol/index.ts';
import { drawClosed, type Mirror } from '../screen/index.ts';
import { type ClosedScreens, type ClosedSession, ClosedSessionServer, openClosedLog } from '../session/index.ts';
import type { Clock } from '../runtime/index.ts';
import { listenUnix } from '../transport/index.ts';
import type { BrokerContext } from './broker-context.ts';
import { closedLogOf } from './dead-session.ts';

export interface Archive {
  /** The session's log is about to go: whoever reads it is told. */
  release(sessionId: string): void;
  close(): Promise<void>;
}

/** Serves on `run/archive.sock`; the home's lock is held. */
export async function startArchive(context: BrokerContext): Promise<Archive> {
  const { paths, clock, journal, token } = context;
  const server = new ClosedSessionServer({
    clock,
    token,
    find: (id) => findClosed(context, id),
    screen: closedScreens(clock),
  });
  const listener = await listenUnix(paths.archiveSocket, (stream) => server.accept(stream), {
    clock,
    replaceStale: true,
    onError: (error) => journal.write('error', `the archive socket takes no connection: ${error.message}`),
  });
  return {
    release: (id) => server.release(id),
    async close() {
      await listener.close();
      server.close();
    },
  };
}

function closedScreens(clock: Clock): ClosedScreens {
  const draw = async <T>({ log, child }: ClosedSession, read: (mirror: Mirror) => T): Promise<T> => {
    const mirror = await drawClosed(log, child.rows, child.cols, clock);
    const result = read(mirror);
    mirror.close();
    return result;
  };
  return {
    capture: (session, lastLines) =>
      draw(session, (mirror) => ({ event: 'ScreenCapture', ...mirror.text(lastLines), ...mirror.state })),
    serialize: (session) =>
      draw(session, (mirror) => ({ ...mirror.state, ...mirror.size, bytes: Buffer.from(mirror.serialize()) })),
  };
}

function findClosed(context: BrokerContext, id: string): ClosedSession {
  const { observer, paths, version, bootId } = context;
  const session = observer.session(id);
  if (session === undefined)
    throw new HoldfastError('not_found', `no session has the id "${id}"`, { field: 'session_id' });
  if (isLive(session)) {
    throw new HoldfastError('conflict', `session ${id} is live: its own socket serves it`, { field: 'session_id' });
  }
  const { cause, survivors, kind, started, closed_at, created_at, agent } = session;
  const log = openClosedLog({ ...closedLogOf(paths, session), lost: cause ?? 'shim_lost', survivors });
  return {
    session_id: id,
    kind,
    log,
    shim_pid: started?.shim_pid ?? 0,
    start_time: started?.shim_start_time ?? 0,
    boot_id: bootId,
    version,
    child: childFacts(session),
    ended_at_ms: closed_at ?? created_at,
    agent: agent === null || agent === undefined ? null : { transcript: transcriptOf(paths, id, agent) },
  };
}

function transcriptOf(paths: HomePaths, id: string, { mode }: SessionAgent): string | null {
  return mode === 'pty' ? null : join(sessionDirectory(paths, id), TRANSCRIPT_FILE);
}

function childFacts(session: Session): ClosedSession['child'] {
  const { started, exit, survivors, rows, cols, limits } = session;
  return {
    pid: started?.pid ?? 0,
    start_time: started?.start_time ?? 0,
    state: 'ended',
    exit,
    held_by: survivors,
    rows,
    cols,
    containment: started?.containment ?? 'marked',
    throttled: null,
    spill: limits.spill_bytes > 0 ? 'on' : 'off',
  };
}
