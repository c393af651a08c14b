/** The command table: parsing and help come from here. Nothing is loaded before a command runs. */
import { AGENT_COMMANDS, RUN_AGENT_OPTIONS } from './agent-commands.ts';
import type { CommandSpec, NounSpec } from './command.ts';
import { LAYOUT_COMMANDS } from './layout-commands.ts';
import { WORKSPACE_COMMANDS } from './workspace-commands.ts';

const MANY = Number.POSITIVE_INFINITY;

const size = [
  { name: 'rows', value: 'N', about: 'terminal rows (default: this terminal’s, else 24)' },
  { name: 'cols', value: 'N', about: 'terminal columns (default: this terminal’s, else 80)' },
] as const;

const detachKey = {
  name: 'detach-key',
  value: 'KEYS',
  about: 'keys that leave the session, e.g. "ctrl-a d" (default "ctrl-\\ d"; "none": no key)',
} as const;

const start = [
  { name: 'name', value: 'NAME', about: 'a name to call the session by' },
  { name: 'cwd', value: 'DIR', about: 'working directory (default: here)' },
  { name: 'env', short: 'e', value: 'K=V', multiple: true, about: 'set an environment variable (repeatable)' },
  ...size,
] as const;

export const COMMANDS: readonly CommandSpec[] = [
  {
    name: 'run',
    usage: '[options] -- COMMAND [ARG…]',
    about: 'start a command, or an agent, in a session and attach to it',
    details:
      'On a terminal: attaches. Otherwise: writes the output bytes as they are and nothing else.\nExit status: the command’s own, 128+n for signal n; 125 when holdfast fails, 126 not executable, 127 not found.',
    options: [
      { name: 'detach', short: 'd', about: 'do not attach; print the session’s id' },
      { name: 'pipe', about: 'pipes instead of a terminal; stdout and stderr stay apart' },
      { name: 'merge-stderr', about: 'with --pipe: stderr into stdout, in write order' },
      ...start,
      { name: 'linger', value: 'TIME', about: 'how long the session stays open for leftovers that hold its output' },
      { name: 'originator', value: 'TEXT', about: 'who started it, for ls and rm filters' },
      ...RUN_AGENT_OPTIONS,
      detachKey,
    ],
    passthrough: true,
    positionals: [0, 0],
    load: () => import('./commands/run.ts'),
  },
  {
    name: 'ls',
    usage: '',
    about: 'list sessions',
    options: [{ name: 'originator', value: 'TEXT', about: 'only those it started' }],
    positionals: [0, 0],
    load: () => import('./commands/ls.ts'),
  },
  {
    name: 'attach',
    usage: 'ID',
    about: 'connect this terminal to a session',
    options: [
      { name: 'read-only', short: 'r', about: 'watch; keys do nothing but detach' },
      { name: 'steal', about: 'take over from whoever drives it' },
      detachKey,
    ],
    positionals: [1, 1],
    load: () => import('./commands/attach.ts'),
  },
  {
    name: 'logs',
    usage: 'ID',
    about: 'print a session’s output',
    details: 'Bytes go out as the child wrote them; what is no longer held is announced on stderr.',
    options: [
      { name: 'follow', short: 'f', about: 'go on until the session ends; resumes by itself' },
      { name: 'raw', about: 'keep terminal queries in the bytes even when printing to a terminal' },
      { name: 'tail', short: 'n', value: 'N', about: 'only the last N lines (of at most the last 1 MiB)' },
      { name: 'since-offset', value: 'N', about: 'start at this byte offset' },
      { name: 'stream', value: 'NAME', about: 'stdout, stderr or both (default; stderr goes to stderr)' },
    ],
    positionals: [1, 1],
    load: () => import('./commands/logs.ts'),
  },
  {
    name: 'screen',
    usage: 'ID',
    about: 'print what a session’s screen shows',
    options: [{ name: 'lines', value: 'N', about: 'only the last N lines' }],
    positionals: [1, 1],
    load: () => import('./commands/screen.ts'),
  },
  {
    name: 'write',
    usage: 'ID TEXT|-',
    about: 'type into a session, exactly once ("-": from stdin)',
    options: [
      { name: 'enter', about: 'press Enter after it' },
      { name: 'close', about: 'end of file after it' },
    ],
    positionals: [1, 2],
    load: () => import('./commands/write.ts'),
  },
  {
    name: 'wait',
    usage: 'ID',
    about: 'wait until a session has exited, or an agent is in a state',
    details:
      'A state that holds already returns at once. idle: would take a message; blocked: needs a person; done: told that\nits turn is finished.',
    options: [
      { name: 'state', value: 'STATE', about: 'of an agent: idle, blocked, done or exited' },
      { name: 'exit', about: 'return the command’s own exit status (125 when holdfast fails)' },
      { name: 'end', about: 'wait until nothing holds its output any more' },
      { name: 'timeout', value: 'TIME', about: 'give up after this long, with status 4 (125 with --exit)' },
    ],
    positionals: [1, 1],
    load: () => import('./commands/wait.ts'),
  },
  {
    name: 'resize',
    usage: 'ID ROWS COLS',
    about: 'change a session’s terminal size',
    options: [],
    positionals: [3, 3],
    load: () => import('./commands/resize.ts'),
  },
  {
    name: 'rename',
    usage: 'ID [NAME]',
    about: 'give a session another name, or none',
    options: [],
    positionals: [1, 2],
    load: () => import('./commands/rename.ts'),
  },
  {
    name: 'signal',
    usage: 'ID SIGNAL',
    about: 'send a signal to a session’s foreground processes',
    options: [],
    positionals: [2, 2],
    load: () => import('./commands/signal.ts'),
  },
  {
    name: 'stop',
    usage: 'ID…',
    about: 'end a session and everything in it, with 5 s grace',
    options: [{ name: 'grace', value: 'TIME', about: 'time between the soft and the hard signal (default 5s)' }],
    positionals: [1, MANY],
    load: () => import('./commands/stop.ts'),
  },
  {
    name: 'kill',
    usage: 'ID…',
    about: 'end a session and everything in it at once',
    options: [],
    positionals: [1, MANY],
    load: () => import('./commands/kill.ts'),
  },
  {
    name: 'rm',
    usage: 'ID…',
    about: 'forget sessions that have ended',
    options: [
      { name: 'force', short: 'f', about: 'end a live session first' },
      { name: 'exited', about: 'all that have ended, instead of naming them' },
      { name: 'originator', value: 'TEXT', about: 'with --exited: only those it started' },
    ],
    positionals: [0, MANY],
    load: () => import('./commands/rm.ts'),
  },
  {
    name: 'tee',
    usage: 'add|ls|rm|snapshot ID [FILE|NUMBER]',
    about: 'copy a session’s stream into a file or a ring',
    details: 'tee add ID FILE, tee add ID --ring BYTES, tee ls ID, tee rm ID NUMBER, tee snapshot ID NUMBER',
    options: [
      { name: 'stream', value: 'NAME', about: 'stdout (default), stderr or stdin' },
      { name: 'ring', value: 'BYTES', about: 'keep the newest bytes in memory instead of a file' },
      { name: 'truncate', about: 'empty the file first (default: append)' },
      { name: 'from-start', about: 'from the oldest byte held (default: from now)' },
      { name: 'block', about: 'hold the child up rather than miss bytes' },
      { name: 'no-markers', about: 'do not write a line in place of missing bytes' },
    ],
    positionals: [2, 3],
    load: () => import('./commands/tee.ts'),
  },
  {
    name: 'events',
    usage: '',
    about: 'print what happened, one event per line',
    options: [
      { name: 'follow', short: 'f', about: 'go on with what happens; resumes by itself' },
      {
        name: 'since',
        value: 'VERSION',
        about: 'after this version (default: from the oldest; with --follow: from now)',
      },
      { name: 'epoch', value: 'EPOCH', about: 'the epoch --since belongs to' },
      { name: 'topics', value: 'NAMES', about: 'only these events; names or prefixes*, separated by commas' },
      { name: 'all', short: 'a', about: 'also who connects and leaves' },
    ],
    positionals: [0, 0],
    load: () => import('./commands/events.ts'),
  },
  {
    name: 'status',
    usage: '',
    about: 'show the runtime',
    options: [],
    positionals: [0, 0],
    load: () => import('./commands/status.ts'),
  },
  {
    name: 'up',
    usage: '',
    about: 'start the runtime',
    options: [],
    positionals: [0, 0],
    load: () => import('./commands/up.ts'),
  },
  {
    name: 'down',
    usage: '',
    about: 'stop the runtime; sessions run on',
    options: [{ name: 'sessions', about: 'end all sessions too' }],
    positionals: [0, 0],
    load: () => import('./commands/down.ts'),
  },
  {
    name: 'doctor',
    usage: '',
    about: 'check the runtime’s directory',
    options: [{ name: 'repair', about: 'salvage a damaged database; lists what is lost' }],
    positionals: [0, 0],
    load: () => import('./commands/doctor.ts'),
  },
  ...AGENT_COMMANDS,
  ...WORKSPACE_COMMANDS,
  ...LAYOUT_COMMANDS,
];

/** The first words of commands that have two. */
export const NOUNS: readonly NounSpec[] = [
  { name: 'workspace', about: 'workspaces: named sets of tabs' },
  { name: 'tab', about: 'the tabs of workspaces, each with a layout' },
  { name: 'block', about: 'what tabs hold: views, each of one session at most' },
  { name: 'layout', about: 'what is where on a tab' },
  { name: 'window', about: 'which workspace each window shows' },
  { name: 'worktree', about: 'git worktrees of agents' },
];

/** The command without a name: the user's shell. */
export const SHELL: CommandSpec = {
  name: '',
  usage: '',
  about: 'open your shell in a session',
  options: [...start, detachKey],
  positionals: [0, 0],
  load: () => import('./commands/shell.ts'),
};
