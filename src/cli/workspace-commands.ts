/** The part of the command table about workspaces, tabs, blocks and windows. */
import type { CommandSpec, OptionSpec } from './command.ts';
import { magnify, noFocus, splitSize } from './layout-commands.ts';
import { SIDES } from './sides.ts';

const MANY = Number.POSITIVE_INFINITY;

const parting = [
  { name: 'detach', about: 'let the sessions it shows run on, without a block' },
  { name: 'terminate', about: 'end the sessions it shows' },
] as const;

const inWorkspace = {
  name: 'workspace',
  short: 'w',
  value: 'WORKSPACE',
  about: 'only those of this workspace',
} as const;
const newId = (noun: string): OptionSpec => ({
  name: 'id',
  value: 'ID',
  about: `id of the new ${noun} (default: a new one)`,
});

const META = 'PATCH is a JSON object that is merged in (RFC 7396): null takes a key away. Without one it is printed.';

const workspace = () => import('./commands/workspace.ts');
const tab = () => import('./commands/tab.ts');
const block = () => import('./commands/block.ts');
const window = () => import('./commands/window.ts');

const WORKSPACE: readonly CommandSpec[] = [
  {
    name: 'workspace ls',
    usage: '',
    about: 'list workspaces',
    options: [],
    positionals: [0, 0],
    load: async () => ({ run: (await workspace()).ls }),
  },
  {
    name: 'workspace create',
    usage: '[NAME]',
    about: 'make an empty workspace; print its id',
    options: [newId('workspace')],
    positionals: [0, 1],
    load: async () => ({ run: (await workspace()).create }),
  },
  {
    name: 'workspace rename',
    usage: 'WORKSPACE NAME',
    about: 'give a workspace another name',
    options: [],
    positionals: [2, 2],
    load: async () => ({ run: (await workspace()).rename }),
  },
  {
    name: 'workspace rm',
    usage: 'WORKSPACE…',
    about: 'delete workspaces with their tabs, blocks and windows',
    options: parting,
    positionals: [1, MANY],
    load: async () => ({ run: (await workspace()).rm }),
  },
  {
    name: 'workspace meta',
    usage: 'WORKSPACE [PATCH]',
    about: 'print or change a workspace’s free-form data',
    details: META,
    options: [],
    positionals: [1, 2],
    load: async () => ({ run: (await workspace()).meta }),
  },
];

const TAB: readonly CommandSpec[] = [
  {
    name: 'tab ls',
    usage: '',
    about: 'list tabs',
    options: [inWorkspace],
    positionals: [0, 0],
    load: async () => ({ run: (await tab()).ls }),
  },
  {
    name: 'tab create',
    usage: '[NAME]',
    about: 'add a tab to a workspace; print its id',
    options: [{ ...inWorkspace, about: 'whose tab it is (default: the only one)' }, newId('tab')],
    positionals: [0, 1],
    load: async () => ({ run: (await tab()).create }),
  },
  {
    name: 'tab rename',
    usage: 'TAB NAME',
    about: 'give a tab another name',
    options: [],
    positionals: [2, 2],
    load: async () => ({ run: (await tab()).rename }),
  },
  {
    name: 'tab rm',
    usage: 'TAB…',
    about: 'delete tabs with their blocks',
    options: [...parting, { name: 'force', short: 'f', about: 'also the last tab of a workspace' }],
    positionals: [1, MANY],
    load: async () => ({ run: (await tab()).rm }),
  },
  {
    name: 'tab move',
    usage: 'TAB WORKSPACE',
    about: 'move a tab to another workspace, where it becomes active',
    options: [
      { name: 'index', value: 'N', about: 'its place there, from 0 (default: the end)' },
      { name: 'delete-empty', about: 'delete the workspace it leaves if that has no other tab' },
      { name: 'allow-empty', about: 'leave that workspace without a tab' },
    ],
    positionals: [2, 2],
    load: async () => ({ run: (await tab()).move }),
  },
  {
    name: 'tab reorder',
    usage: 'TAB…',
    about: 'order the tabs of a workspace: one to a place, or all of them',
    options: [{ name: 'to', value: 'N', about: 'the place of the one tab, from 0; beyond the end means the end' }],
    positionals: [1, MANY],
    load: async () => ({ run: (await tab()).reorder }),
  },
  {
    name: 'tab use',
    usage: 'TAB',
    about: 'make a tab the active one of its workspace',
    options: [],
    positionals: [1, 1],
    load: async () => ({ run: (await tab()).use }),
  },
  {
    name: 'tab meta',
    usage: 'TAB [PATCH]',
    about: 'print or change a tab’s free-form data',
    details: META,
    options: [],
    positionals: [1, 2],
    load: async () => ({ run: (await tab()).meta }),
  },
];

const BLOCK: readonly CommandSpec[] = [
  {
    name: 'block ls',
    usage: '',
    about: 'list blocks',
    options: [
      { name: 'tab', value: 'TAB', about: 'only those of this tab' },
      inWorkspace,
      { name: 'unplaced', about: 'live sessions that no block shows, instead' },
    ],
    positionals: [0, 0],
    load: async () => ({ run: (await block()).ls }),
  },
  {
    name: 'block create',
    usage: '[options] [--run [-- COMMAND [ARG…]]]',
    about: 'add a block to a tab and place it; print its id',
    details:
      'Without --split it goes where there is room. A side without --split means beside the focused pane.\nWith --run it shows a new session of the command, or of your shell.',
    options: [
      { name: 'tab', value: 'TAB', about: 'whose block it is (default: the active one of the only workspace)' },
      { name: 'split', value: 'NODE', about: 'put it beside this pane, which shares its room (default side: right)' },
      ...SIDES,
      splitSize,
      { name: 'into', value: 'NODE', about: 'put it into this group instead' },
      { name: 'index', value: 'N', about: 'with --into: its place there, from 0 (default: the end)' },
      { name: 'parked', about: 'do not place it' },
      noFocus,
      magnify,
      newId('block'),
      { name: 'meta', value: 'JSON', about: 'its free-form data' },
      { name: 'session', value: 'ID', about: 'a session that it shows' },
      { name: 'run', about: 'start a session and show it' },
      { name: 'name', value: 'NAME', about: 'with --run: a name to call the session by' },
      { name: 'cwd', value: 'DIR', about: 'with --run: working directory (default: here)' },
      {
        name: 'env',
        short: 'e',
        value: 'K=V',
        multiple: true,
        about: 'with --run: set an environment variable (repeatable)',
      },
    ],
    passthrough: true,
    positionals: [0, 0],
    load: () => import('./commands/block-create.ts'),
  },
  {
    name: 'block rm',
    usage: 'BLOCK…',
    about: 'delete blocks and their panes',
    options: parting,
    positionals: [1, MANY],
    load: async () => ({ run: (await block()).rm }),
  },
  {
    name: 'block move',
    usage: 'BLOCK TAB',
    about: 'move a block to another tab, where it is parked',
    details: 'With its own tab and --index it changes its place in the order only.',
    options: [{ name: 'index', value: 'N', about: 'its place in the order there, from 0 (default: the end)' }],
    positionals: [2, 2],
    load: async () => ({ run: (await block()).move }),
  },
  {
    name: 'block bind',
    usage: 'BLOCK SESSION',
    about: 'have a block show a session',
    options: [],
    positionals: [2, 2],
    load: async () => ({ run: (await block()).bind }),
  },
  {
    name: 'block unbind',
    usage: 'BLOCK',
    about: 'have a block show no session; that runs on',
    options: [],
    positionals: [1, 1],
    load: async () => ({ run: (await block()).unbind }),
  },
  {
    name: 'block meta',
    usage: 'BLOCK [PATCH]',
    about: 'print or change a block’s free-form data',
    details: META,
    options: [],
    positionals: [1, 2],
    load: async () => ({ run: (await block()).meta }),
  },
];

const WINDOW: readonly CommandSpec[] = [
  {
    name: 'window ls',
    usage: '',
    about: 'list windows and the workspaces they show',
    options: [],
    positionals: [0, 0],
    load: async () => ({ run: (await window()).ls }),
  },
  {
    name: 'window open',
    usage: '[WORKSPACE]',
    about: 'record a window that shows a workspace (default: the only one); print its id',
    options: [newId('window')],
    positionals: [0, 1],
    load: async () => ({ run: (await window()).open }),
  },
  {
    name: 'window close',
    usage: 'WINDOW…',
    about: 'forget windows',
    options: [],
    positionals: [1, MANY],
    load: async () => ({ run: (await window()).close }),
  },
  {
    name: 'window switch',
    usage: 'WINDOW WORKSPACE',
    about: 'show another workspace in a window',
    options: [],
    positionals: [2, 2],
    load: async () => ({ run: (await window()).switchTo }),
  },
  {
    name: 'window meta',
    usage: 'WINDOW [PATCH]',
    about: 'print or change a window’s free-form data',
    details: META,
    options: [],
    positionals: [1, 2],
    load: async () => ({ run: (await window()).meta }),
  },
];

export const WORKSPACE_COMMANDS: readonly CommandSpec[] = [...WORKSPACE, ...TAB, ...BLOCK, ...WINDOW];
