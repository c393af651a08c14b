/** Sessions under the shim of an earlier release, started as its srv would have, in a home whose srv does not run. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createIds, systemClock } from '../../src/runtime/index.ts';
import { soon } from './runtime.ts';

const CHECKSUMS = 'SHA256SUMS';
const repository = fileURLToPath(new URL('../..', import.meta.url));

/** One frozen build and a home for its sessions; `install` first. */
export class FrozenRelease {
  readonly version: string;
  readonly fixture: string;
  readonly home = mkdtempSync(join(tmpdir(), 'hft-'));
  readonly secret = '00112233445566778899aabbccddeeff';
  /** Where this release is installed until the upgrade. */
  readonly #installed = mkdtempSync(join(tmpdir(), 'hft-old-'));
  readonly #ids = createIds(systemClock);
  readonly #shims: ChildProcess[] = [];

  constructor(version: string) {
    this.version = version;
    this.fixture = fileURLToPath(new URL(`../fixtures/shim-${version}`, import.meta.url));
  }

  /** Files that differ from their checksums, are missing or new. */
  changes(): string[] {
    const expected = new Map(
      readFileSync(join(this.fixture, CHECKSUMS), 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.split('  ') as [string, string])
        .map(([sum, name]) => [name, sum]),
    );
    const names = new Set([...expected.keys(), ...readdirSync(this.fixture).filter((name) => name.endsWith('.cjs'))]);
    return [...names].filter((name) => {
      try {
        const content = readFileSync(join(this.fixture, name));
        return createHash('sha256').update(content).digest('hex') !== expected.get(name);
      } catch {
        return true; // Missing.
      }
    });
  }

  /** A copy, because the loader keeps its code caches beside it; native packages are those of the repository. */
  install(): void {
    cpSync(this.fixture, this.#installed, { recursive: true });
    symlinkSync(join(repository, 'node_modules'), join(this.#installed, 'node_modules'));
    for (const name of ['run', 'run/s', 'data', 'sessions', 'logs']) {
      mkdirSync(join(this.home, name), { mode: 0o700 });
    }
    writeFileSync(join(this.home, 'run', 'secret'), `${this.secret}\n`, { mode: 0o600 });
  }

  /** Its files go from where its shims know them, as when a package manager replaces them. */
  upgrade(): void {
    renameSync(this.#installed, `${this.#installed}.gone`);
  }

  /** Runs `argv`; resolves with the session's id. The launch line is the one of that release, field by field. */
  async start(kind: 'pty' | 'pipe', argv: string[]): Promise<string> {
    const session_id = this.#ids.ulid();
    const session_dir = join(this.home, 'sessions', session_id);
    mkdirSync(session_dir, { mode: 0o700 });
    const shim = spawn(process.execPath, [join(this.#installed, 'holdfast.cjs'), '--process=shim'], {
      detached: true,
      cwd: '/',
      env: { PATH: process.env['PATH'], HOLDFAST_RUNTIME: '1' },
      stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    });
    this.#shims.push(shim);
    const pipe = shim.stdio[3] as Duplex;
    const launch = {
      launch: 1,
      session_id,
      session_dir,
      socket_path: join(this.home, 'run', 's', `${session_id.slice(-8)}.sock`),
      token: this.secret,
      kind,
      argv,
      cwd: this.home,
      env: [
        ['PATH', process.env['PATH']],
        ['TERM', 'xterm-256color'],
      ],
      merge_stderr: false,
      rows: 24,
      cols: 80,
      umask: null,
      limits: {
        memory_bytes: 1_048_576,
        spill_bytes: 67_108_864,
        segment_bytes: 4_194_304,
        stall_ms: 30_000,
        lease_ms: 30_000,
        linger_ms: null,
        allow_lossless: true,
      },
      originator: 'an old srv',
      command: argv.join(' '),
      name: null,
      created_at_ms: Date.now(),
    };
    pipe.write(`${JSON.stringify(launch)}\n`);
    const report = JSON.parse(await soon(firstLine(pipe), 'the report of a frozen shim')) as { report: string };
    if (report.report !== 'started') throw new Error(`not started: ${JSON.stringify(report)}`);
    pipe.destroy();
    shim.unref();
    return session_id;
  }

  /** What a failed test left of it. */
  clean(): void {
    for (const shim of this.#shims) shim.kill('SIGKILL');
    for (const place of [this.#installed, `${this.#installed}.gone`]) {
      rmSync(place, { recursive: true, force: true, maxRetries: 5 });
    }
    rmSync(this.home, { recursive: true, force: true, maxRetries: 5 });
  }
}

function firstLine(pipe: Duplex): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    pipe.setEncoding('utf8');
    pipe.on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    });
    pipe.once('close', () => reject(new Error(`the pipe closed after ${JSON.stringify(text)}`)));
  });
}
