/** What `doctor` looks at. Reads only; nothing here starts or changes anything. */
import { closeSync, lstatSync, openSync, readdirSync, readSync, type Stats } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Holdfast } from '../client/index.ts';
import { checkHomeLength, type HomePaths, homePaths } from '../protocol/home/index.ts';
import { HoldfastError, limits } from '../protocol/index.ts';

export interface Finding {
  level: 'ok' | 'note' | 'problem';
  check: string;
  message: string;
  hint?: string;
}

const CONNECT_MS = 2_000;
const SQLITE_MAGIC = 'SQLite format 3\0';

export async function examine(home: string, connectClient: () => Promise<Holdfast>): Promise<Finding[]> {
  const paths = homePaths(home);
  const findings: Finding[] = [checkPath(home)];
  if (stat(home) === undefined) {
    findings.push({
      level: 'note',
      check: 'home',
      message: `${home} does not exist yet`,
      hint: 'it is made by: holdfast up',
    });
    return findings;
  }
  findings.push(...checkPermissions(paths), checkDatabase(paths), ...(await checkRuntime(paths, connectClient)));
  findings.push(await checkSessionSockets(paths));
  return findings;
}

function checkPath(home: string): Finding {
  try {
    checkHomeLength(home);
    return { level: 'ok', check: 'home', message: `${home} (socket paths fit ${limits.SOCKET_PATH_BYTES} bytes)` };
  } catch (error) {
    return { level: 'problem', check: 'home', message: HoldfastError.from(error).message };
  }
}

/** Sockets and secrets are the owner's alone (DESIGN §8, §10). */
function checkPermissions(paths: HomePaths): Finding[] {
  const private_: [string, number][] = [
    [paths.run, 0o700],
    [paths.secret, 0o600],
    [paths.srvSocket, 0o600],
  ];
  const wrong = private_.flatMap(([path, wanted]): Finding[] => {
    const found = stat(path);
    if (found === undefined) return [];
    const mode = found.mode & 0o777;
    if (found.uid !== process.getuid?.()) {
      return [
        {
          level: 'problem',
          check: 'permissions',
          message: `${path} belongs to uid ${found.uid}`,
          hint: 'use a home of your own',
        },
      ];
    }
    if ((mode & ~wanted) === 0) return [];
    const hint = `run: chmod ${wanted.toString(8)} ${path}`;
    return [
      {
        level: 'problem',
        check: 'permissions',
        message: `${path} has mode ${mode.toString(8)}, wanted ${wanted.toString(8)}`,
        hint,
      },
    ];
  });
  return wrong.length > 0
    ? wrong
    : [{ level: 'ok', check: 'permissions', message: 'sockets and secrets are yours alone' }];
}

function checkDatabase(paths: HomePaths): Finding {
  const check = 'database';
  const found = stat(paths.database);
  if (found === undefined) return { level: 'note', check, message: 'none yet' };
  if (found.size === 0) return { level: 'note', check, message: 'empty' };
  const head = Buffer.alloc(SQLITE_MAGIC.length);
  const file = openSync(paths.database, 'r');
  try {
    readSync(file, head, 0, head.length, 0);
  } finally {
    closeSync(file);
  }
  if (head.toString('latin1') === SQLITE_MAGIC)
    return { level: 'ok', check, message: `${paths.database}, ${found.size} bytes` };
  return {
    level: 'problem',
    check,
    message: `${paths.database} is not a database`,
    hint: 'run: holdfast doctor --repair',
  };
}

async function checkRuntime(paths: HomePaths, connectClient: () => Promise<Holdfast>): Promise<Finding[]> {
  const check = 'runtime';
  if (stat(paths.srvSocket) === undefined) return [{ level: 'note', check, message: 'not running' }];
  if (!(await answers(paths.srvSocket))) {
    return [
      {
        level: 'note',
        check,
        message: `${paths.srvSocket} is stale: nobody listens`,
        hint: 'the next start replaces it',
      },
    ];
  }
  try {
    const holdfast = await connectClient();
    const { srv, problems = [] } = await holdfast.status();
    holdfast.close();
    const state: Finding = {
      level: srv.state === 'running' ? 'ok' : 'problem',
      check,
      message: `${srv.state}, pid ${srv.pid}, version ${srv.version}`,
    };
    return [state, ...problems.map((message): Finding => ({ level: 'problem', check, message }))];
  } catch (error) {
    return [{ level: 'problem', check, message: HoldfastError.from(error).message, hint: `see ${paths.srvLog}` }];
  }
}

async function checkSessionSockets(paths: HomePaths): Promise<Finding> {
  const check = 'session sockets';
  let names: string[];
  try {
    names = readdirSync(paths.sessionSockets).filter((name) => name.endsWith('.sock'));
  } catch {
    return { level: 'note', check, message: 'none yet' };
  }
  const live = await Promise.all(names.map((name) => answers(join(paths.sessionSockets, name))));
  const stale = live.filter((alive) => !alive).length;
  if (stale === 0) return { level: 'ok', check, message: `${names.length} live` };
  return {
    level: 'note',
    check,
    message: `${names.length - stale} live, ${stale} stale`,
    hint: 'stale ones go at the next start',
  };
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (alive: boolean): void => {
      socket.destroy();
      resolve(alive);
    };
    socket.setTimeout(CONNECT_MS, () => settle(false));
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}

function stat(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
