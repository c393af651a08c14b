/** Making a home ready: directories, permissions, the file system it lies on, the instance secret (DESIGN §8, §10). */
import {
  chmodSync,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  closeSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { checkHomeLength, type HomePaths, homePaths } from '../protocol/home/index.ts';
import { HoldfastError, invalid } from '../protocol/index.ts';

export interface HomeOptions {
  /** `f_type` of the file system that holds `path` (statfs(2)). */
  fileSystemType?: (path: string) => number;
  /** 32 hex digits. */
  newSecret: () => string;
}

export interface PreparedHome {
  paths: HomePaths;
  secret: string;
}

/** Magic numbers of file systems whose locks and sockets do not hold across machines (statfs(2), linux/magic.h). */
const NETWORK_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'nfs'],
  [0x517b, 'smb'],
  [0xfe534d42, 'smb2'],
  [0xff534d42, 'cifs'],
  [0x01021997, '9p'],
  [0x5346414f, 'afs'],
  [0x6b414653, 'afs'],
  [0x73757245, 'coda'],
  [0x564c, 'ncp'],
  [0x00c36400, 'ceph'],
  [0x0bd00bd0, 'lustre'],
  [0x47504653, 'gpfs'],
  [0x19830326, 'fhgfs'],
  [0x7461636f, 'ocfs2'],
  [0x01161970, 'gfs2'],
  [0x786f4256, 'vboxsf'],
  [0xbacbacbc, 'vmhgfs'],
]);

const OWNER_ONLY = 0o700;
const SECRET = /^[0-9a-f]{32}$/;

/**
 * Creates what is missing and checks what is there.
 * Throws `invalid_argument` (path), `home_not_local`, `forbidden` (owner, permissions), `storage_full`.
 */
export function prepareHome(home: string, options: HomeOptions): PreparedHome {
  if (!isAbsolute(home)) throw invalid('HOLDFAST_HOME', `the home must be an absolute path, got "${home}"`);
  checkHomeLength(home);
  checkLocal(home, options.fileSystemType ?? ((path) => statfsSync(path).type));
  const paths = homePaths(home);
  try {
    ownDirectory(home, false);
    for (const directory of [paths.run, paths.sessionSockets, paths.data, paths.sessions, paths.logs])
      ownDirectory(directory, true);
    return { paths, secret: instanceSecret(paths, options.newSecret) };
  } catch (error) {
    throw homeError(home, error);
  }
}

/** What a file system error means for the home it happened in. */
export function homeError(home: string, error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const field = 'HOLDFAST_HOME';
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new HoldfastError('storage_full', `no space is left in ${home}: ${message}; free some and try again`, {
      field,
      cause: error,
    });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new HoldfastError(
      'forbidden',
      `${home} cannot be written: ${message}; fix its permissions or choose another HOLDFAST_HOME`,
      {
        field,
        cause: error,
      },
    );
  }
  return new HoldfastError('invalid_argument', `${home} cannot be used as a home: ${message}`, { field, cause: error });
}

function checkLocal(home: string, fileSystemType: (path: string) => number): void {
  let existing = home;
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
  // Some kernels sign-extend the 32 bits.
  const type = Number(BigInt.asUintN(32, BigInt(fileSystemType(existing))));
  const name = NETWORK_FILE_SYSTEMS.get(type);
  if (name === undefined) return;
  throw new HoldfastError(
    'home_not_local',
    `${home} lies on a network file system (${name}), where locks and sockets cannot be trusted; set HOLDFAST_HOME to a local directory`,
    {
      field: 'HOLDFAST_HOME',
      details: { file_system: name },
    },
  );
}

function ownDirectory(path: string, ownerOnly: boolean): void {
  makeDirectory(path);
  const stat = lstatSync(path);
  if (stat.isSymbolicLink() && !ownerOnly) return;
  const uid = process.geteuid?.() ?? stat.uid;
  if (!stat.isDirectory()) throw invalid('HOLDFAST_HOME', `${path} is not a directory; choose another HOLDFAST_HOME`);
  if (stat.uid !== uid) {
    throw new HoldfastError('forbidden', `${path} does not belong to user ${uid}; choose another HOLDFAST_HOME`, {
      field: 'HOLDFAST_HOME',
    });
  }
  // The home itself may be a directory with other uses; nobody else may write to it all the same.
  const wanted = ownerOnly ? OWNER_ONLY : stat.mode & 0o7755;
  if ((stat.mode & 0o7777) !== wanted) chmodSync(path, wanted);
}

/** One by one: of a recursive mkdir(2) Node says ENOENT whatever kept it from making a parent. */
function makeDirectory(path: string): void {
  const missing: string[] = [];
  for (let at = path; !existsSync(at); at = dirname(at)) missing.unshift(at);
  for (const directory of missing) {
    try {
      mkdirSync(directory, { mode: OWNER_ONLY });
    } catch (error) {
      // Another starter was faster.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !existsSync(directory)) throw error;
    }
  }
}

/** Written whole before it has its name: two starters agree on one secret, and no crash leaves half of one. */
function instanceSecret(paths: HomePaths, newSecret: () => string): string {
  const known = readSecret(paths.secret);
  if (known !== undefined) return known;
  const temporary = join(paths.run, `.secret.${process.pid}`);
  rmSync(temporary, { force: true });
  const fd = openSync(temporary, 'wx', 0o600);
  try {
    writeSync(fd, `${newSecret()}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  try {
    linkSync(temporary, paths.secret);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
  const secret = readSecret(paths.secret);
  if (secret === undefined) throw new HoldfastError('internal', `${paths.secret} vanished while it was created`);
  return secret;
}

function readSecret(file: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'latin1').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  if (!SECRET.test(text)) {
    throw new HoldfastError(
      'storage_error',
      `${file} does not hold the instance secret (32 hex digits); remove it while no session runs`,
      {
        field: 'HOLDFAST_HOME',
        retryable: false,
      },
    );
  }
  chmodSync(file, 0o600);
  return text;
}
