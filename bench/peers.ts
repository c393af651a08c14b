/**
 * The programs a person would use instead. Each opens `script` (sh) in a session of its own and shows it in a Terminal;
 * `close` ends what it started.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Terminal } from './terminal.ts';

export interface Shown {
  terminal: Terminal;
  close(): Promise<void>;
}

export interface Peer {
  name: string;
  show(script: string): Promise<Shown>;
  /** `count` sessions of the same server that nobody watches. */
  flood(script: string, count: number): Promise<() => Promise<void>>;
}

/** What a child of a benchmark sees of the environment: nothing of the caller's. */
export function cleanEnvironment(home: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: home,
    TERM: 'xterm-256color',
    LANG: 'C.UTF-8',
    SHELL: '/bin/sh',
  };
}

/** tmux and screen draw for a terminal; this setup leaves out their own decorations. */
const TMUX_CONFIG = ['set -g status off', 'set -g escape-time 0', 'set -g default-terminal xterm-256color'].join('\n');

export function bare(): Peer {
  const env = cleanEnvironment(tmpdir());
  return {
    name: 'bare PTY',
    async show(script) {
      const terminal = new Terminal('/bin/sh', ['-c', script], { env });
      return { terminal, close: async () => closeTerminal(terminal) };
    },
    async flood(script, count) {
      const shown = Array.from({ length: count }, () => new Terminal('/bin/sh', ['-c', script], { env }));
      return async () => shown.forEach(closeTerminal);
    },
  };
}

/** Its files are in a directory of `parent`, whose owner removes them. */
export function dtach(parent: string): Peer {
  const directory = mkdtempSync(join(parent, 'p-'));
  const env = cleanEnvironment(directory);
  let next = 0;
  const newSocket = () => join(directory, `d${next++}`);
  return {
    name: 'dtach',
    async show(script) {
      const socket = newSocket();
      const terminal = new Terminal('dtach', ['-A', socket, '-z', '-E', '-r', 'none', '/bin/sh', '-c', script], {
        env,
      });
      return {
        terminal,
        async close() {
          closeTerminal(terminal);
          endServers(socket);
        },
      };
    },
    async flood(script, count) {
      const sockets = Array.from({ length: count }, newSocket);
      for (const socket of sockets) execFileSync('dtach', ['-n', socket, '-z', '/bin/sh', '-c', script], { env });
      return async () => sockets.forEach(endServers);
    },
  };
}

/** Its files are in a directory of `parent`, whose owner removes them. */
export function tmux(parent: string): Peer {
  const directory = mkdtempSync(join(parent, 'p-'));
  const env = cleanEnvironment(directory);
  const config = join(directory, 'conf');
  execFileSync('/bin/sh', ['-c', `cat > ${config}`], { input: TMUX_CONFIG });
  const base = ['-S', join(directory, 't'), '-f', config];
  return {
    name: 'tmux',
    async show(script) {
      const terminal = new Terminal('tmux', [...base, 'new-session', script], { env });
      return {
        terminal,
        async close() {
          closeTerminal(terminal);
          runQuietly('tmux', [...base, 'kill-server'], env);
        },
      };
    },
    async flood(script, count) {
      for (let i = 0; i < count; i++) execFileSync('tmux', [...base, 'new-session', '-d', script], { env });
      return async () => runQuietly('tmux', [...base, 'kill-server'], env);
    },
  };
}

/** Its files are in a directory of `parent`, whose owner removes them. */
export function screen(parent: string): Peer {
  const directory = mkdtempSync(join(parent, 'p-'));
  const env = { ...cleanEnvironment(directory), SCREENDIR: directory };
  let next = 0;
  return {
    name: 'screen',
    async show(script) {
      const name = `s${next++}`;
      const terminal = new Terminal('screen', ['-S', name, '-c', '/dev/null', '/bin/sh', '-c', script], { env });
      return {
        terminal,
        async close() {
          runQuietly('screen', ['-S', name, '-X', 'quit'], env);
          closeTerminal(terminal);
        },
      };
    },
    async flood(script, count) {
      const names = Array.from({ length: count }, () => `s${next++}`);
      for (const name of names) execFileSync('screen', ['-dmS', name, '/bin/sh', '-c', script], { env });
      return async () => names.forEach((name) => runQuietly('screen', ['-S', name, '-X', 'quit'], env));
    },
  };
}

export function removeDirectory(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

function closeTerminal(terminal: Terminal): void {
  terminal.close();
  try {
    process.kill(terminal.pid, 'SIGKILL');
  } catch {
    // Already gone: closing its terminal hung it up.
  }
}

/** Ends the dtach master of `socket`, found by its command line, with its child. */
function endServers(socket: string): void {
  runQuietly('pkill', ['-KILL', '-f', `dtach .*${socket} `], {});
  rmSync(socket, { force: true });
}

function runQuietly(file: string, args: string[], env: Record<string, string>): void {
  try {
    execFileSync(file, args, { env: { PATH: process.env['PATH'] ?? '', ...env }, stdio: 'ignore' });
  } catch {
    // Nothing left to end.
  }
}
