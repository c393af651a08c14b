/** A tmux server of its own: a second terminal emulator to compare with, and a terminal for people's programs. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PATIENCE_MS, soon, until } from './runtime.ts';
import { plainRows, styledRows } from './styled-rows.ts';

const CONFIGURATION = [
  'set -g status off',
  'set -g default-terminal xterm-256color',
  'set -g escape-time 0',
  'set -g remain-on-exit on',
];
/** What a program may have switched on in its terminal. */
const FLAGS = [
  'alternate_on',
  'cursor_flag',
  'insert_flag',
  'keypad_cursor_flag',
  'keypad_flag',
  'mouse_standard_flag',
  'mouse_button_flag',
  'mouse_all_flag',
  'mouse_sgr_flag',
  'mouse_utf8_flag',
  'origin_flag',
  'wrap_flag',
  'scroll_region_upper',
  'scroll_region_lower',
  'pane_tabs',
];

export interface Look {
  /** Without blanks at the end. */
  rows: string[];
  row: number;
  col: number;
}

export interface Size {
  rows: number;
  cols: number;
}

/** A title that says why its tests are skipped where `program` is missing. */
export function needs(program: string, title: string): string {
  return hasProgram(program) ? title : `${title} (skipped: ${program} is not installed)`;
}

/** Whether this machine has `program`. */
export function hasProgram(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export class Tmux implements AsyncDisposable {
  readonly #directory = mkdtempSync(join(tmpdir(), 'hftm-'));
  #panes = 0;

  static async start(): Promise<Tmux> {
    const tmux = new Tmux();
    const configuration = join(tmux.#directory, 'conf');
    writeFileSync(configuration, CONFIGURATION.join('\n'));
    // Holds the server while no other session is there.
    await tmux.run(['-f', configuration, 'new-session', '-d', '-s', 'keep', 'exec cat']);
    return tmux;
  }

  async pane(argv: string[], env: Record<string, string>, { rows, cols }: Size, cwd: string): Promise<Pane> {
    const name = `p${this.#panes++}`;
    // tmux puts its own variables into the environment: the program gets exactly `env`.
    const exact = ['env', '-i', ...Object.entries(env).map(([key, value]) => `${key}=${value}`), ...argv];
    await this.run(['new-session', '-d', '-s', name, '-x', `${cols}`, '-y', `${rows}`, '-c', cwd, ...exact]);
    return new Pane(this, name);
  }

  run(words: string[], input?: Buffer): Promise<string> {
    return soon(
      new Promise((resolve, reject) => {
        const child = execFile(
          'tmux',
          ['-S', join(this.#directory, 's'), ...words],
          { env: { PATH: process.env['PATH'], LANG: 'C.UTF-8' } },
          (error, out) => (error === null ? resolve(out) : reject(error)),
        );
        child.stdin?.end(input);
      }),
      `tmux ${words[0] ?? ''}`,
      PATIENCE_MS,
    );
  }

  async close(): Promise<void> {
    await this.run(['kill-server']);
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 5 });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

export class Pane {
  readonly #tmux: Tmux;
  readonly #name: string;

  constructor(tmux: Tmux, name: string) {
    this.#tmux = tmux;
    this.#name = name;
  }

  /** The bytes as they are, as if the terminal's keyboard had sent them. */
  async type(bytes: string | Buffer): Promise<void> {
    const buffer = `${this.#name}-in`;
    await this.#tmux.run(['load-buffer', '-b', buffer, '-'], Buffer.from(bytes));
    await this.#tmux.run(['paste-buffer', '-r', '-d', '-b', buffer, '-t', this.#name]);
  }

  async resize({ rows, cols }: Size): Promise<void> {
    await this.#tmux.run(['resize-window', '-t', this.#name, '-x', `${cols}`, '-y', `${rows}`]);
  }

  async look(): Promise<Look> {
    const [lines, position] = await this.#captured(['-e'], '#{cursor_x} #{cursor_y} #{pane_width}');
    const [x = 0, y = 0, width = 0] = position.split(' ').map(Number);
    return { rows: plainRows(lines), row: y, col: Math.min(x, width - 1) };
  }

  /** Cells with what is seen of their attributes, the cursor and the terminal's modes. */
  async styled(): Promise<{ rows: string[]; state: string }> {
    const format = ['cursor_x', 'cursor_y', ...FLAGS].map((flag) => `${flag}=#{${flag}}`).join(' ');
    const [lines, state] = await this.#captured(['-e', '-N'], format);
    return { rows: styledRows(lines), state };
  }

  async text(): Promise<string> {
    return (await this.look()).rows.join('\n');
  }

  /** Resolves with the text that matches; rejects with the text that never did. */
  async shows(pattern: RegExp, patienceMs = PATIENCE_MS): Promise<string> {
    let text = '';
    const look = async (): Promise<boolean> => {
      text = await this.text();
      return pattern.test(text);
    };
    await until(look, `the terminal to show ${String(pattern)}`, patienceMs).catch((error: Error) => {
      throw new Error(`${error.message}; it shows:\n${text}`);
    });
    return text;
  }

  async format(format: string): Promise<string> {
    return (await this.#tmux.run(['display-message', '-p', '-t', this.#name, format])).trimEnd();
  }

  async close(): Promise<void> {
    await this.#tmux.run(['kill-session', '-t', this.#name]);
  }

  /** Both of one moment. */
  async #captured(options: string[], format: string): Promise<[rows: string[], told: string]> {
    const show = ['display-message', '-p', '-t', this.#name, format];
    const lines = (await this.#tmux.run(['capture-pane', '-p', ...options, '-t', this.#name, ';', ...show])).split(
      '\n',
    );
    lines.pop();
    const told = lines.pop() ?? '';
    return [lines, told];
  }
}
