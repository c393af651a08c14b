/** A program that asks its terminal gets exactly one answer to each question, whoever is there to give it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Session } from '../../src/client/index.ts';
import { FakeTerminal, QUERY_NAMES } from '../support/fake-terminal.ts';
import { FAULTS_LOADER, killHard, TestRuntime, until } from '../support/runtime.ts';

const CHILD = fileURLToPath(new URL('../support/query-child.mjs', import.meta.url));
/** One answer to each query, whoever gives it. */
const FORMS = [
  /\x1b\[\?[\d;]+c/g,
  /\x1b\[\d+;\d+R/g,
  /\x1b\[\?2004;\d+\$y/g,
  /\x1b\]11;rgb:[\da-f/]+\x1b\\/g,
  /\x1bP>\|[^\x1b]+\x1b\\/g,
  /\x1b\[\?\d+u/g,
  /\x1b\[0n/g,
];

describe('terminal queries', () => {
  let runtime: TestRuntime;

  beforeAll(async () => {
    runtime = await TestRuntime.start();
  });
  afterAll(() => runtime.close());

  class Asker {
    readonly session: Session;
    readonly #file: string;

    private constructor(session: Session, file: string) {
      this.session = session;
      this.#file = file;
    }

    static async start(name: string): Promise<Asker> {
      const file = join(runtime.home, `${name}.in`);
      const asker = new Asker(await runtime.run([process.execPath, CHILD, file], { name }), file);
      await until(async () => (await asker.session.screen()).content.startsWith('ready'), 'the child to be ready');
      return asker;
    }

    get read(): string {
      return existsSync(this.#file) ? readFileSync(this.#file, 'latin1') : '';
    }

    /** How many answers of each form the child has had. */
    get answers(): number[] {
      return FORMS.map((form) => this.read.match(form)?.length ?? 0);
    }

    async answered(times: number): Promise<void> {
      await until(
        () => this.answers.every((count) => count >= times),
        `${times} answers to each query, not ${JSON.stringify(this.read)}`,
      );
    }

    /** Whatever was still on its way to the child when this was called has arrived. */
    async settled(type: () => Promise<void> | void): Promise<void> {
      await this.session.screen();
      await type();
      await until(() => this.read.includes('settled\r'), 'the child to read the last line');
    }
  }

  function attach(name: string, options: { words?: string[]; answers?: boolean } = {}): FakeTerminal {
    const { words = [], ...rest } = options;
    const argv = [process.execPath, FAULTS_LOADER, 'attach', ...words, name];
    return new FakeTerminal({ argv, env: runtime.env, cwd: runtime.home, ...rest });
  }

  it('[Q2] are answered once when nobody is attached, and again by nobody who attaches later', async () => {
    const asker = await Asker.start('alone');
    await asker.session.write('?\r');
    await asker.answered(1);
    await runtime.killSrv();
    const terminal = attach('alone');
    await terminal.shows('ready');
    const replay: string[] = [];
    const reader = await asker.session.attach({
      mode: 'observe',
      from: 'start',
      onItem: (item) => void (item.type === 'data' && replay.push(item.bytes.toString('latin1'))),
    });
    await until(() => replay.join('').includes('\x1b[5n'), 'the log to be replayed');
    reader.close();
    await asker.settled(() => terminal.type('settled\r'));
    expect(asker.answers).toEqual(FORMS.map(() => 1));
    expect(terminal.asked).toEqual([]);
    terminal.type('\x1cd');
    await terminal.exited();
  });

  it('[Q2] are answered once by the driver’s terminal, not by an observer’s, and never when they are shown again', async () => {
    const asker = await Asker.start('driven');
    const driver = attach('driven');
    await driver.shows('ready');
    const observer = attach('driven', { words: ['--read-only'] });
    await observer.shows('ready');
    driver.type('?\r');
    await asker.answered(1);
    await asker.settled(() => driver.type('settled\r'));
    expect(asker.answers).toEqual(FORMS.map(() => 1));
    expect(asker.read).toContain('seventy-seven');
    expect(driver.asked).toEqual(QUERY_NAMES);
    expect(observer.asked).toEqual([]);
    for (const terminal of [driver, observer]) terminal.type('\x1cd');
    await Promise.all([driver.exited(), observer.exited()]);
    const next = attach('driven');
    await next.shows('ready');
    next.type('?\r');
    await asker.answered(2);
    expect(next.asked).toEqual(QUERY_NAMES);
    expect(asker.answers).toEqual(FORMS.map(() => 2));
    next.type('\x1cd');
    await next.exited();
  });

  it('[Q2] that a driver took along when it was killed are not answered by the next one', async () => {
    const asker = await Asker.start('silent');
    const driver = attach('silent', { answers: false });
    await driver.shows('ready');
    driver.type('?\r');
    await until(() => driver.asked.length === QUERY_NAMES.length, 'the queries to reach the driver');
    await killHard(driver.pid);
    await driver.exited();
    const next = attach('silent', { words: ['--steal'] });
    await next.shows('ready');
    await asker.settled(() => next.type('settled\r'));
    expect(next.asked).toEqual([]);
    expect(asker.answers).toEqual(FORMS.map(() => 0));
    next.type('\x1cd');
    await next.exited();
  });
});
