import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ControlClient } from '../control/index.ts';
import { checkHomeLength, type HomePaths, homePaths, resolveHome } from '../protocol/home/index.ts';
import { HoldfastError } from '../protocol/index.ts';
import { type Clock, createIds, type Ids, systemClock } from '../runtime/index.ts';
import { connectUnix } from '../transport/index.ts';
import { ControlCalls } from './control-calls.ts';
import type { OpenControl } from './control-link.ts';
import { Holdfast } from './holdfast.ts';
import { startRuntime } from './runtime-start.ts';
import { SessionConnector } from './socket-link.ts';
import { Watch } from './watch.ts';

export interface ConnectOptions {
  /** The runtime's directory; default: HOLDFAST_HOME, else the platform's state directory. */
  home?: string;
  /** Start the runtime when it does not run, and again when it dies. Default true. */
  start?: boolean;
  signal?: AbortSignal | undefined;
  /** Path of `holdfast.cjs`; default: beside this module. */
  loader?: string;
  /** Default: this process's. HOLDFAST_* never reaches the runtime. */
  env?: NodeJS.ProcessEnv;
  /** A session's token (`HOLDFAST_TOKEN`): acts as that session and may do little else. Default: the owner's. */
  token?: string | undefined;
  clock?: Clock;
  ids?: Ids;
}

const START_MS = 10_000;

/** A client of one home's runtime. Rejects with `unreachable` when there is none and `start` is false. */
export async function connect(options: ConnectOptions = {}): Promise<Holdfast> {
  const { env = process.env, clock = systemClock, start = true, signal } = options;
  const ids = options.ids ?? createIds(clock);
  const home = resolve(resolveHome(options.home, env));
  checkHomeLength(home);
  const paths = homePaths(home);
  const starter = (): Promise<unknown> => {
    const loader = options.loader ?? besideThisModule();
    return startRuntime({ home, loader, node: process.execPath, env, clock, deadlineMs: START_MS });
  };
  const clientId = ids.ulid();
  const calls = new ControlCalls({
    open: controlOpener(paths, clock, () => clientId, options.token),
    start: start ? starter : undefined,
    clock,
    home,
    watcher: {
      onEvent: (link, event) => watch.onEvent(link, event),
      onClosed: (link) => watch.onClosed(link),
    },
  });
  const watch = new Watch({ link: (abort) => calls.link('unless-shut-down', abort), clock });
  const connector = new SessionConnector({
    clientId,
    clock,
    find: async (session, abort) => {
      const reply = await calls.call(
        { cmd: 'get_session', session } as { cmd: string },
        true,
        { signal: abort },
        'unless-shut-down',
      );
      const { socket, state } = reply['session'] as { socket: string; state: string };
      if (state === 'starting') throw new HoldfastError('unreachable', `session ${session} has not started yet`);
      return { path: socket, token: reply['token'] as string };
    },
  });
  // Every subscription is a client of its own: one client id has one connection.
  const openEvents = controlOpener(paths, clock, () => ids.ulid(), options.token);
  const holdfast: Holdfast = new Holdfast({ home, calls, watch, connector, openEvents, clock, ids });
  await calls.link('always', signal);
  return holdfast;
}

function controlOpener(paths: HomePaths, clock: Clock, clientId: () => string, token: string | undefined): OpenControl {
  return async (handlers, signal) => {
    const stream = await connectUnix(paths.srvSocket, { clock });
    const registration = {
      clock,
      kind: 'tool' as const,
      pid: process.pid,
      version: __HOLDFAST_VERSION__,
      client_id: clientId(),
      token: token ?? readSecret(paths),
      ...(signal === undefined ? {} : { signal }),
    };
    return ControlClient.open(() => Promise.resolve(stream), registration, handlers);
  };
}

/** Only after somebody answered: srv writes it before it listens. */
function readSecret(paths: HomePaths): string {
  try {
    return readFileSync(paths.secret, 'utf8').trim();
  } catch (error) {
    throw new HoldfastError('bad_token', `the instance secret ${paths.secret} cannot be read; is this home yours?`, {
      cause: error,
    });
  }
}

function besideThisModule(): string {
  return resolve(import.meta.dirname, 'holdfast.cjs');
}
