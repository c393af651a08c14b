/**
 * Which version of an agent's CLI is installed: asked of the program itself, once for each state of its file. An answer
 * that does not come means that the version is unknown; nothing waits for it longer than its deadline.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants, readFileSync, realpathSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import type { Clock } from '../../runtime/index.ts';
import { findVersion } from './version-range.ts';

interface Known {
  mtime_ms: number;
  version: string | null;
}

export interface VersionsOptions {
  clock: Clock;
  /** Where answers are kept over restarts. */
  file: string;
  warn(message: string): void;
}

const ANSWER_MS = 10_000;
const ANSWER_BYTES = 4_096;
const KNOWN_COUNT = 256;

export class Versions {
  readonly #options: VersionsOptions;
  readonly #known: Map<string, Known>;
  readonly #asking = new Map<string, Promise<string | null>>();

  constructor(options: VersionsOptions) {
    this.#options = options;
    this.#known = new Map(Object.entries(readKnown(options.file)));
  }

  /** Never rejects. `argv` prints the version; its program is looked up as the child's would be. */
  async of(argv: readonly string[], env: readonly (readonly [string, string])[], cwd: string): Promise<string | null> {
    const variables = new Map(env);
    const program = findProgram(argv[0] ?? '', variables.get('PATH') ?? '', cwd);
    if (program === null) return null;
    const known = this.#known.get(program.path);
    if (known !== undefined && known.mtime_ms === program.mtimeMs) return known.version;
    let asking = this.#asking.get(program.path);
    if (asking === undefined) {
      asking = this.#ask([program.path, ...argv.slice(1)], Object.fromEntries(variables))
        .then((version) => {
          this.#remember(program.path, { mtime_ms: program.mtimeMs, version });
          return version;
        })
        .finally(() => this.#asking.delete(program.path));
      this.#asking.set(program.path, asking);
    }
    return asking;
  }

  #ask([program = '', ...args]: string[], env: NodeJS.ProcessEnv): Promise<string | null> {
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const child = spawn(program, args, { cwd: '/', env, detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
      let text = '';
      const finish = () => {
        cancel();
        endGroup(child.pid);
        child.stdout.destroy();
        resolve(findVersion(text));
      };
      const cancel = clock.after(ANSWER_MS, finish);
      child.once('error', finish);
      // What it started besides holds the pipe.
      child.once('exit', () => endGroup(child.pid));
      child.once('close', finish);
      child.stdout.setEncoding('utf8');
      child.stdout.on('data', (chunk: string) => {
        text += chunk.slice(0, ANSWER_BYTES - text.length);
      });
      child.stdout.on('error', finish);
    });
  }

  #remember(path: string, known: Known): void {
    this.#known.delete(path);
    this.#known.set(path, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > KNOWN_COUNT && oldest !== undefined) this.#known.delete(oldest);
    const { file, warn } = this.#options;
    try {
      writeFileSync(`${file}.new`, `${JSON.stringify(Object.fromEntries(this.#known))}\n`, { mode: 0o600 });
      renameSync(`${file}.new`, file);
    } catch (error) {
      warn(`${file} was not written: ${(error as Error).message}`);
    }
  }
}

function findProgram(name: string, path: string, cwd: string): { path: string; mtimeMs: number } | null {
  const places = name.includes('/')
    ? [isAbsolute(name) ? name : join(cwd, name)]
    : path.split(delimiter).map((directory) => join(directory, name));
  for (const place of places) {
    try {
      accessSync(place, constants.X_OK);
      const resolved = realpathSync(place);
      const { mtimeMs } = statSync(resolved);
      return { path: resolved, mtimeMs };
    } catch {
      // Not there: the next directory may have it.
    }
  }
  return null;
}

/** A version that is printed by a launcher script may have left others behind. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left.
  }
}

function readKnown(file: string): Record<string, Known> {
  try {
    const json: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return typeof json === 'object' && json !== null ? (json as Record<string, Known>) : {};
  } catch {
    return {}; // Not there, or not whole: every program is asked again.
  }
}
