/**
 * The layout of one HOLDFAST_HOME (DESIGN §8) and how a starter learns what became of the srv it started. Pure path
 * arithmetic: nothing here touches the file system.
 */
import { join } from 'node:path';
import { HoldfastError, type WireError } from '../errors.ts';
import { SOCKET_PATH_BYTES } from '../limits.ts';

export interface HomePaths {
  home: string;
  /** 0700; everything below it is 0600. */
  run: string;
  srvSocket: string;
  /** Where srv serves every closed log; its Hello names the session. */
  archiveSocket: string;
  lock: string;
  /** The instance secret: 32 hex digits, 0600. */
  secret: string;
  sessionSockets: string;
  data: string;
  database: string;
  sessions: string;
  logs: string;
  srvLog: string;
  config: string;
}

export function homePaths(home: string): HomePaths {
  const run = join(home, 'run');
  const data = join(home, 'data');
  const logs = join(home, 'logs');
  return {
    home,
    run,
    srvSocket: join(run, 'srv.sock'),
    archiveSocket: join(run, 'archive.sock'),
    lock: join(run, 'lock.db'),
    secret: join(run, 'secret'),
    sessionSockets: join(run, 's'),
    data,
    database: join(data, 'srv.db'),
    sessions: join(home, 'sessions'),
    logs,
    srvLog: join(logs, 'srv.log'),
    config: join(home, 'config.toml'),
  };
}

/** A session's socket: the last 8 characters of its ULID, all of them random. */
export function sessionSocket(paths: HomePaths, sessionId: string): string {
  return join(paths.sessionSockets, `${sessionId.slice(-8)}.sock`);
}

export function sessionDirectory(paths: HomePaths, sessionId: string): string {
  return join(paths.sessions, sessionId);
}

/** The home in force: `--home`, else HOLDFAST_HOME, else the platform's state directory (XDG Base Directory, Apple File System guide). */
export function resolveHome(flag: string | undefined, env: NodeJS.ProcessEnv, platform = process.platform): string {
  if (flag === '')
    throw new HoldfastError('invalid_argument', '--home is empty; name a directory', { field: '--home' });
  if (flag !== undefined) return flag;
  if (env['HOLDFAST_HOME']) return env['HOLDFAST_HOME'];
  const home = env['HOME'];
  if (!home) {
    throw new HoldfastError('invalid_argument', 'neither HOLDFAST_HOME nor HOME is set; set HOLDFAST_HOME', {
      field: 'HOLDFAST_HOME',
    });
  }
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'holdfast');
  return join(env['XDG_STATE_HOME'] || join(home, '.local', 'state'), 'holdfast');
}

/** Refuses a home whose longest socket path would not fit `sun_path`, naming both numbers. */
export function checkHomeLength(home: string): void {
  const longest = Buffer.byteLength(sessionSocket(homePaths(home), '00000000'));
  if (longest <= SOCKET_PATH_BYTES) return;
  throw new HoldfastError(
    'invalid_argument',
    `HOLDFAST_HOME is too long: its session sockets would need ${longest} bytes and a socket path holds ${SOCKET_PATH_BYTES}; choose a home at least ${longest - SOCKET_PATH_BYTES} bytes shorter`,
    { field: 'HOLDFAST_HOME', details: { needed: longest, limit: SOCKET_PATH_BYTES } },
  );
}

/** srv → its starter, one JSON line on the inherited descriptor 3. */
export type StartReport =
  | { report: 'ready'; pid: number }
  /** Another srv holds the home's lock; wait for its socket. */
  | { report: 'lock_held' }
  | { report: 'failed'; error: WireError };

/** The inherited descriptor of `StartReport` (srv) and of the launch line (shim). */
export const REPORT_FD = 3;
