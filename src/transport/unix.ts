/** Unix domain sockets: owner-only, and a live one is never unlinked (DESIGN §8). */
import { lstat, unlink } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { HoldfastError, limits } from '../protocol/index.ts';
import type { Clock } from '../runtime/index.ts';
import type { Listener } from './contract.ts';
import { Slab } from './slab.ts';

export interface ListenOptions {
  clock: Clock;
  /** The caller holds the lock that owns this path, so a socket nobody answers on may be removed. Default false. */
  replaceStale?: boolean;
  /** More connections than this are closed at once. */
  maxConnections?: number;
  /** Accepting failed; the listener goes on. */
  onError?: (error: Error) => void;
}

export interface ConnectOptions {
  clock: Clock;
  /** Ms until the connection must stand. Default 2,000: a listening process accepts by its kernel. */
  timeoutMs?: number;
}

const CONNECT_MS = 2_000;
/** Node's own default; net.core.somaxconn bounds it further (listen(2)). */
const BACKLOG = 511;
/** Port and address family of what is no TCP address. */
const NOT_TCP = -1;

/**
 * Rejects with `conflict` when something answers on `path` already, or when something else lies there; with
 * `invalid_argument` for a path too long for `sun_path`.
 */
export async function listenUnix(
  path: string,
  accept: (stream: Socket) => void,
  options: ListenOptions,
): Promise<Listener> {
  checkPath(path);
  const server = createServer(accept);
  if (options.maxConnections !== undefined) server.maxConnections = options.maxConnections;
  try {
    await bind(server, path);
  } catch (error) {
    if (errno(error) !== 'EADDRINUSE') throw cannotListen(path, error);
    await removeStale(path, options);
    await bind(server, path).catch((again: unknown) => {
      throw cannotListen(path, again);
    });
  }
  server.on('error', (error) => options.onError?.(error));
  return {
    close: () =>
      new Promise((resolve) => {
        // The callback waits for open connections, which are their owners' business; the descriptor closes at once.
        server.close();
        resolve();
      }),
  };
}

/** Rejects with `unreachable`; `details.errno` says why. */
export function connectUnix(path: string, options: ConnectOptions): Promise<Socket> {
  checkPath(path);
  const { promise, resolve, reject } = defer<Socket>();
  const socket = createConnection({ path });
  const timeoutMs = options.timeoutMs ?? CONNECT_MS;
  const cancel = options.clock.after(timeoutMs, () => {
    socket.destroy(Object.assign(new Error(`no connection after ${timeoutMs} ms`), { code: 'ETIMEDOUT' }));
  });
  const failed = (error: Error): void => {
    cancel();
    reject(unreachable(path, error));
  };
  socket.once('error', failed);
  socket.once('connect', () => {
    cancel();
    socket.off('error', failed);
    resolve(socket);
  });
  return promise;
}

/** Most that one read takes: what a unix socket holds. */
const READ_BYTES = 256 * 1024;

/**
 * Connects to `path` for a `Connection`: what arrives is read into memory that consecutive reads share, and handed on
 * past the stream's own buffering, which costs more than the rest of a small message's way.
 */
export function openUnix(path: string): Socket {
  const slab = new Slab(READ_BYTES);
  const socket: Socket = createConnection({
    path,
    onread: {
      buffer: () => slab.room(),
      callback(count) {
        slab.fill(count);
        socket.emit('data', slab.take());
        return !socket.isPaused();
      },
    },
  });
  return socket;
}

function bind(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = defer<void>();
  const listening = (): void => {
    server.off('error', failed);
    resolve();
  };
  const failed = (error: Error): void => {
    server.off('listening', listening);
    reject(error);
  };
  server.once('error', failed);
  server.once('listening', listening);
  // bind(2) happens inside this call and creates the socket with the umask in force, so nobody else ever sees it open.
  const umask = process.umask(0o177);
  try {
    listenAlone(server, path);
  } finally {
    process.umask(umask);
  }
  return promise;
}

/**
 * `listen` loads Node's cluster, child process and datagram modules to find out that this is no cluster worker: 0.5 MiB
 * in every session. What it would then call has been reachable under this name since Node 0.x; without it `listen` will do.
 */
function listenAlone(server: Server, path: string): void {
  const { _listen2: listenHere } = server as Server & { _listen2?: unknown };
  if (typeof listenHere === 'function') listenHere.call(server, path, NOT_TCP, NOT_TCP, BACKLOG);
  else server.listen({ path, backlog: BACKLOG });
}

async function removeStale(path: string, options: ListenOptions): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found === null) return;
  // connect(2) to an ordinary file is refused just like one to a dead socket.
  if (!found.isSocket()) throw occupied(path, 'is no socket; move it away');
  try {
    const socket = await connectUnix(path, { clock: options.clock });
    socket.destroy();
  } catch (error) {
    const reason = HoldfastError.from(error).details['errno'];
    if (reason === 'ENOENT') return;
    if (reason !== 'ECONNREFUSED') throw error;
    if (options.replaceStale !== true) throw occupied(path, 'is left over from a dead process');
    await unlink(path);
    return;
  }
  throw occupied(path, 'is served by a live process');
}

function checkPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= limits.SOCKET_PATH_BYTES) return;
  throw new HoldfastError(
    'invalid_argument',
    `a socket path holds ${limits.SOCKET_PATH_BYTES} bytes, ${path} has ${bytes}`,
    {
      field: 'path',
      details: { needed: bytes, limit: limits.SOCKET_PATH_BYTES },
    },
  );
}

function occupied(path: string, state: string): HoldfastError {
  return new HoldfastError('conflict', `${path} ${state}`, { field: 'path' });
}

function cannotListen(path: string, error: unknown): HoldfastError {
  if (errno(error) === 'EADDRINUSE') return occupied(path, 'is served by a live process');
  return new HoldfastError('internal', `cannot listen on ${path}: ${errno(error)}`, {
    cause: error,
    details: { errno: errno(error) },
  });
}

function unreachable(path: string, error: unknown): HoldfastError {
  return new HoldfastError('unreachable', `nothing answers on ${path}: ${errno(error)}`, {
    cause: error,
    details: { errno: errno(error), path },
  });
}

function errno(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

function defer<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: Error) => void } {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}
