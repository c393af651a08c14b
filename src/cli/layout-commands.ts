/** The part of the command table about what is where on a tab. */
import type { CommandSpec } from './command.ts';
import { SIDES } from './sides.ts';

export const splitSize = {
  name: 'size',
  value: 'N|N%',
  about: 'what it gets of the other’s room: N of its size, or percent (default 50%)',
} as const;

export const noFocus = { name: 'no-focus', about: 'leave the focus where it is' } as const;
export const magnify = { name: 'magnify', about: 'magnify it, too' } as const;

const tab = { name: 'tab', value: 'TAB', about: 'look for nodes only in this tab' } as const;
const newNode = { name: 'id', value: 'ID', about: 'id of the new node (default: a new one)' } as const;

const layout = () => import('./commands/layout.ts');

export const LAYOUT_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'layout show',
    usage: '[TAB]',
    about: 'draw the panes of a tab (default: the active one of the only workspace)',
    details: 'Each pane says its block, its session or command, and its state; * is focused, Z magnified.',
    options: [{ name: 'tree', about: 'as an indented tree, with node ids and shares' }],
    positionals: [0, 1],
    load: () => import('./commands/layout-show.ts'),
  },
  {
    name: 'layout split',
    usage: 'NODE BLOCK',
    about: 'put a parked block beside a node, which shares its room',
    options: [...SIDES, splitSize, noFocus, tab, newNode],
    positionals: [2, 2],
    load: async () => ({ run: (await layout()).split }),
  },
  {
    name: 'layout insert',
    usage: 'BLOCK',
    about: 'put a parked block where there is room, or where you say',
    options: [
      { name: 'into', value: 'NODE', about: 'the group it goes into' },
      { name: 'index', value: 'N', about: 'its place there, from 0 (default: the end)' },
      { name: 'path', value: 'N,N…', about: 'which child on each level instead; it goes after the last one named' },
      { name: 'size', value: 'N', about: 'its size beside its siblings (default: their mean)' },
      noFocus,
      magnify,
      newNode,
    ],
    positionals: [1, 1],
    load: async () => ({ run: (await layout()).insert }),
  },
  {
    name: 'layout move',
    usage: 'NODE PARENT',
    about: 'move a node into a group, or to a leaf, which becomes one',
    options: [{ name: 'index', value: 'N', about: 'its place there, from 0 (default: the end)' }, tab],
    positionals: [2, 2],
    load: async () => ({ run: (await layout()).move }),
  },
  {
    name: 'layout swap',
    usage: 'NODE NODE',
    about: 'exchange two nodes; each keeps its size',
    options: [tab],
    positionals: [2, 2],
    load: async () => ({ run: (await layout()).swap }),
  },
  {
    name: 'layout resize',
    usage: 'NODE=SIZE…',
    about: 'set sizes, all or none',
    details: 'SIZE is relative to the siblings’, as 20 beside 10; or the node’s share of their group, as 30%.',
    options: [tab],
    positionals: [1, Number.POSITIVE_INFINITY],
    load: async () => ({ run: (await layout()).resize }),
  },
  {
    name: 'layout replace',
    usage: 'NODE BLOCK',
    about: 'show a parked block in a node’s place; what was there is parked',
    options: [noFocus, tab, newNode],
    positionals: [2, 2],
    load: async () => ({ run: (await layout()).replace }),
  },
  {
    name: 'layout rm',
    usage: 'NODE…',
    about: 'take nodes out; their blocks are parked',
    options: [tab],
    positionals: [1, Number.POSITIVE_INFINITY],
    load: async () => ({ run: (await layout()).rm }),
  },
  {
    name: 'layout clear',
    usage: 'TAB',
    about: 'take everything out; the blocks are parked',
    options: [],
    positionals: [1, 1],
    load: async () => ({ run: (await layout()).clear }),
  },
  {
    name: 'layout set',
    usage: 'TAB TREE|-',
    about: 'replace the whole tree: JSON as "layout show --json" prints it ("-": from stdin)',
    options: [],
    positionals: [2, 2],
    load: async () => ({ run: (await layout()).set }),
  },
  {
    name: 'layout focus',
    usage: '[NODE]',
    about: 'focus a pane',
    options: [
      { name: 'none', about: 'none of the tab instead' },
      { ...tab, about: 'the tab (default: the active one of the only workspace)' },
    ],
    positionals: [0, 1],
    load: async () => ({ run: (await layout()).focus }),
  },
  {
    name: 'layout magnify',
    usage: '[NODE]',
    about: 'have a pane fill its tab',
    options: [
      { name: 'none', about: 'none any more' },
      { ...tab, about: 'the tab (default: the active one of the only workspace)' },
    ],
    positionals: [0, 1],
    load: async () => ({ run: (await layout()).magnify }),
  },
];
