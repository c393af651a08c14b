/** A file of this folder as a real process: bundled, forked, asked over its channel. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { testEnvironment } from '../runtime.ts';

/** What a worker does for its parent, by name. */
export type Work = Record<string, (input: never) => unknown>;
type InputOf<W extends Work, N extends keyof W> = Parameters<W[N]>[0];
type OutputOf<W extends Work, N extends keyof W> = Awaited<ReturnType<W[N]>>;

export interface Question {
  id: number;
  name: string;
  input: unknown;
}
export type Answer = { id: number; output: unknown } | { id: number; error: string };

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Bundles of worker files, until `remove`. */
export class WorkerBundles {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async build(...names: string[]): Promise<WorkerBundles> {
    const cache = join(root, 'node_modules', '.cache');
    mkdirSync(cache, { recursive: true });
    const outdir = mkdtempSync(join(cache, 'load-'));
    await build({
      entryPoints: names.map((name) => join(root, 'test', 'support', 'load', `${name}.ts`)),
      outdir,
      outExtension: { '.js': '.cjs' },
      bundle: true,
      platform: 'node',
      format: 'cjs',
      target: 'node20',
      define: {
        __HOLDFAST_FAULTS__: 'false',
        __HOLDFAST_VERSION__: '"0.0.0-test"',
        'import.meta.dirname': '__dirname',
      },
      logLevel: 'error',
    });
    return new WorkerBundles(outdir);
  }

  path(name: string): string {
    return join(this.#directory, `${name}.cjs`);
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

export class WorkerProcess<W extends Work> {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve(output: unknown): void; reject(error: Error): void }>();
  #lastId = 0;
  #gone: Error | undefined;

  constructor(path: string, home: string) {
    this.#child = fork(path, [], {
      env: testEnvironment(home),
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child.on('message', (answer: Answer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ('error' in answer) waiting?.reject(new Error(answer.error));
      else waiting?.resolve(answer.output);
    });
    this.#child.once('exit', (code, signal) => {
      this.#gone = new Error(`a worker ended (code ${code}, signal ${signal})`);
      for (const { reject } of this.#waiting.values()) reject(this.#gone);
      this.#waiting.clear();
    });
  }

  /** Rejects with what the work throws, or when the process ends. */
  ask<N extends keyof W & string>(name: N, input: InputOf<W, N>): Promise<OutputOf<W, N>> {
    return new Promise((resolve, reject) => {
      if (this.#gone !== undefined) throw this.#gone;
      const id = ++this.#lastId;
      this.#waiting.set(id, { resolve: (output) => resolve(output as OutputOf<W, N>), reject });
      this.#child.send({ id, name, input } satisfies Question);
    });
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}
