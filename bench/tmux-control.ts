/** tmux as a program drives it: one control mode client (`tmux -C`, tmux(1)) on a server of its own. */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanEnvironment, removeDirectory } from './peers.ts';

export class TmuxControl {
  readonly #directory = mkdtempSync(join(tmpdir(), 'hfb-'));
  readonly #socket = join(this.#directory, 't');
  readonly #env = cleanEnvironment(this.#directory);
  readonly #client: ChildProcessWithoutNullStreams;
  #rest = '';
  #answered: (error?: Error) => void = () => {};

  private constructor() {
    const args = ['-S', this.#socket, '-f', '/dev/null', '-C', 'new-session', 'exec cat'];
    this.#client = spawn('tmux', args, { env: this.#env });
    this.#client.stdout.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    this.#client.on('error', (error) => this.#answered(error));
  }

  static async start(): Promise<TmuxControl> {
    const tmux = new TmuxControl();
    // Opening the session is answered like a command.
    await tmux.#answer();
    return tmux;
  }

  /** One at a time. */
  command(line: string): Promise<void> {
    const answer = this.#answer();
    this.#client.stdin.write(`${line}\n`);
    return answer;
  }

  close(): void {
    execFileSync('tmux', ['-S', this.#socket, 'kill-server'], { env: this.#env });
    removeDirectory(this.#directory);
  }

  #answer(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#answered = (error) => (error === undefined ? resolve() : reject(error));
    });
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('%end ')) this.#answered();
      if (line.startsWith('%error ')) this.#answered(new Error(`tmux: ${line}`));
    }
  }
}
