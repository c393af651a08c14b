/** Every way in which a well-formed command is refused in a `Scene`, by command. */
import type { Message } from './client.ts';
import type { Scene } from './scene.ts';
import { leaf } from './suite.ts';

const NOWHERE = 'nowhere';

type Fields = (scene: Scene) => Message;
/** What is wrong, the code, the field, and the command's fields. */
type Refusal = readonly [what: string, code: string, field: string, fields: Fields];

const layout = (scene: Scene, tab = 't'): Message => ({ tab_id: scene.id(tab), correlation_id: '' });
const noTab = (fields: Message = {}): Refusal => [
  'of an unknown tab',
  'not_found',
  'tab_id',
  () => ({ tab_id: NOWHERE, correlation_id: '', ...fields }),
];
const UNSEEN = leaf('new', NOWHERE);

/** What may be wrong with a node, wherever it is given. */
function badNodes(field: string, wrap: (scene: Scene, node: Message) => Message, intoTree = true): Refusal[] {
  const refused = (what: string, code: string, path: string, node: (scene: Scene) => Message): Refusal => [
    what,
    code,
    `${field}${path}`,
    (scene) => wrap(scene, node(scene)),
  ];
  const pair = (one: Message, other: Message): Message => ({ id: 'new', children: [one, other] });
  const taken: Refusal[] = [
    refused('with a node that is there already', 'conflict', '.id', ({ id }) => leaf('d', id('spare'))),
    refused('with a block that is in a leaf already', 'conflict', '.data.blockId', ({ id }) => leaf('new', id('d'))),
  ];
  return [
    ...(intoTree ? taken : []),
    refused('with an unknown block', 'not_found', '.data.blockId', () => UNSEEN),
    refused('with a block of another tab', 'not_found', '.data.blockId', ({ id }) => leaf('new', id('ob'))),
    refused('with a node that is neither leaf nor branch', 'invalid_argument', '', () => ({ id: 'new' })),
    refused('with a node that is leaf and branch', 'invalid_argument', '.data', (scene) => ({
      ...leaf('new', scene.id('spare')),
      children: [scene.leaf('spare')],
    })),
    refused('with one id twice', 'invalid_argument', '.children[1].id', ({ id }) =>
      pair(leaf('x', id('spare')), leaf('x', id('spare'))),
    ),
    refused('with one block twice', 'invalid_argument', '.children[1].data.blockId', ({ id }) =>
      pair(leaf('x', id('spare')), leaf('y', id('spare'))),
    ),
  ];
}

const tabIn: Refusal[] = [
  [
    'in an unknown workspace',
    'not_found',
    'workspace_id',
    ({ id }) => ({ workspace_id: NOWHERE, tab_id: id('t'), new_index: 0 }),
  ],
  ['of an unknown tab', 'not_found', 'tab_id', ({ id }) => ({ workspace_id: id('w'), tab_id: NOWHERE, new_index: 0 })],
  [
    'of a tab that is elsewhere',
    'not_found',
    'tab_id',
    ({ id }) => ({ workspace_id: id('w'), tab_id: id('ot'), new_index: 0 }),
  ],
];

const patch = (kind: string): Refusal => [
  `of an unknown ${kind}`,
  'not_found',
  `${kind}_id`,
  () => ({ [`${kind}_id`]: NOWHERE, meta_patch: { a: 1 } }),
];

const rename = (kind: string, known: string): Refusal[] => [
  [`of an unknown ${kind}`, 'not_found', `${kind}_id`, () => ({ [`${kind}_id`]: NOWHERE, name: 'x' })],
  ['to no name', 'invalid_argument', 'name', ({ id }) => ({ [`${kind}_id`]: id(known), name: '' })],
];

const focus: Refusal[] = [
  noTab({ node_id: '' }),
  ['on an unknown node', 'not_found', 'node_id', (scene) => ({ ...layout(scene), node_id: NOWHERE })],
  ['on a group', 'conflict', 'node_id', (scene) => ({ ...layout(scene), node_id: 'g' })],
];

const moveTab = ({ id }: Scene, fields: Message): Message => ({
  tab_id: id('u'),
  src_workspace_id: id('w'),
  dst_workspace_id: id('o'),
  dst_index: 0,
  ...fields,
});

const moveBlock = ({ id }: Scene, fields: Message): Message => ({
  block_id: id('spare'),
  src_tab_id: id('t'),
  dst_tab_id: id('u'),
  dst_index: 0,
  ...fields,
});

const placed = (what: string, code: string, field: string, place: Message, tab = 't'): Refusal => [
  what,
  code,
  `place.${field}`,
  ({ id }) => ({ tab_id: id(tab), place }),
];

const insert = (scene: Scene, fields: Message, tab = 't'): Message => ({
  ...layout(scene, tab),
  node: leaf('new', scene.id(tab === 't' ? 'spare' : 'ub')),
  focus_after: false,
  magnify_after: false,
  ...fields,
});

const move = (scene: Scene, fields: Message): Message => ({
  ...layout(scene),
  node_id: 'a',
  new_parent_id: 'g',
  index: 0,
  ...fields,
});

const swap = (scene: Scene, node1_id: string, node2_id: string): Message => ({ ...layout(scene), node1_id, node2_id });

const replace = (scene: Scene, fields: Message): Message => ({
  ...layout(scene),
  target_id: 'a',
  new_node: leaf('new', scene.id('spare')),
  focus_after: false,
  ...fields,
});

const split = (scene: Scene, fields: Message): Message => ({ ...replace(scene, fields), position: 'after' });
/** `across`: a leaf whose split in that direction makes a group. */
const splits = (across: string): Refusal[] => [
  noTab({ target_id: 'a', new_node: UNSEEN, position: 'after', focus_after: false }),
  ...badNodes('new_node', (scene, new_node) => split(scene, { new_node })),
  ['of an unknown node', 'not_found', 'target_id', (scene) => split(scene, { target_id: NOWHERE })],
  ['for the whole of a slot', 'invalid_argument', 'size', (scene) => split(scene, { size: 10 })],
  ['into a group that is there', 'conflict', 'group_id', (scene) => split(scene, { target_id: across, group_id: 'r' })],
];

export const REFUSALS: Readonly<Record<string, readonly Refusal[]>> = {
  get_events: [
    ['from the future', 'offset_ahead', 'since', () => ({ since: 2 ** 40 })],
    ['of an unknown epoch', 'epoch_unknown', 'epoch', () => ({ since: 0, epoch: NOWHERE })],
  ],
  create_workspace: [
    ['with an id that is taken', 'conflict', 'workspace_id', ({ id }) => ({ name: 'x', workspace_id: id('w') })],
  ],
  create_tab: [
    ['in an unknown workspace', 'not_found', 'workspace_id', () => ({ workspace_id: NOWHERE, name: 'x' })],
    [
      'with an id that is taken',
      'conflict',
      'tab_id',
      ({ id }) => ({ workspace_id: id('w'), name: 'x', tab_id: id('ot') }),
    ],
  ],
  delete_tab: [
    ['in an unknown workspace', 'not_found', 'workspace_id', ({ id }) => ({ workspace_id: NOWHERE, tab_id: id('t') })],
    ['of a tab that is elsewhere', 'not_found', 'tab_id', ({ id }) => ({ workspace_id: id('w'), tab_id: id('ot') })],
    ['of the last tab', 'conflict', 'force', ({ id }) => ({ workspace_id: id('o'), tab_id: id('ot') })],
  ],
  set_active_tab: tabIn,
  reorder_tab: tabIn,
  reorder_tabs_bulk: [
    ['of an unknown workspace', 'not_found', 'workspace_id', () => ({ workspace_id: NOWHERE, tab_ids: [] })],
    [
      'with a tab twice',
      'invalid_argument',
      'tab_ids[1]',
      ({ id }) => ({ workspace_id: id('w'), tab_ids: [id('t'), id('t')] }),
    ],
    [
      'with a tab of another',
      'not_found',
      'tab_ids[1]',
      ({ id }) => ({ workspace_id: id('w'), tab_ids: [id('t'), id('ot')] }),
    ],
    ['without one of its tabs', 'conflict', 'tab_ids', ({ id }) => ({ workspace_id: id('w'), tab_ids: [id('t')] })],
  ],
  create_window: [
    [
      'on an unknown workspace',
      'not_found',
      'workspace_id',
      ({ id }) => ({ window_id: id('new'), workspace_id: NOWHERE }),
    ],
  ],
  switch_workspace: [
    ['of an unknown window', 'not_found', 'window_id', ({ id }) => ({ window_id: NOWHERE, workspace_id: id('w') })],
    [
      'to an unknown workspace',
      'not_found',
      'workspace_id',
      ({ id }) => ({ window_id: id('win'), workspace_id: NOWHERE }),
    ],
  ],
  rename_workspace: rename('workspace', 'w'),
  rename_tab: rename('tab', 't'),
  update_workspace_meta: [patch('workspace')],
  update_tab_meta: [patch('tab')],
  update_block_meta: [patch('block')],
  update_window_meta: [patch('window')],
  move_tab: [
    [
      'within a workspace',
      'invalid_argument',
      'dst_workspace_id',
      (scene) => moveTab(scene, { dst_workspace_id: scene.id('w') }),
    ],
    [
      'from an unknown workspace',
      'not_found',
      'src_workspace_id',
      (scene) => moveTab(scene, { src_workspace_id: NOWHERE }),
    ],
    [
      'to an unknown workspace',
      'not_found',
      'dst_workspace_id',
      (scene) => moveTab(scene, { dst_workspace_id: NOWHERE }),
    ],
    ['of an unknown tab', 'not_found', 'tab_id', (scene) => moveTab(scene, { tab_id: NOWHERE })],
    ['of a tab that is elsewhere', 'not_found', 'tab_id', (scene) => moveTab(scene, { tab_id: scene.id('ot') })],
    [
      'of the last tab',
      'conflict',
      'fallback',
      ({ id }) => ({ tab_id: id('ot'), src_workspace_id: id('o'), dst_workspace_id: id('w'), dst_index: 0 }),
    ],
  ],
  move_block: [
    ['from an unknown tab', 'not_found', 'src_tab_id', (scene) => moveBlock(scene, { src_tab_id: NOWHERE })],
    ['to an unknown tab', 'not_found', 'dst_tab_id', (scene) => moveBlock(scene, { dst_tab_id: NOWHERE })],
    ['of an unknown block', 'not_found', 'block_id', (scene) => moveBlock(scene, { block_id: NOWHERE })],
    [
      'of a block that is elsewhere',
      'not_found',
      'block_id',
      (scene) => moveBlock(scene, { block_id: scene.id('ob') }),
    ],
  ],
  create_block: [
    ['in an unknown tab', 'not_found', 'tab_id', () => ({ tab_id: NOWHERE })],
    ['with an id that is taken', 'conflict', 'block_id', ({ id }) => ({ tab_id: id('t'), block_id: id('ob') })],
    ['for an unknown session', 'not_found', 'session_id', ({ id }) => ({ tab_id: id('t'), session_id: NOWHERE })],
    placed('with a node that is there already', 'conflict', 'node_id', { node_id: 'a' }),
    placed('in an unknown parent', 'not_found', 'parent_id', { parent_id: NOWHERE }),
    placed('in a leaf', 'conflict', 'parent_id', { parent_id: 'a' }),
    placed('in a parent where there is no layout', 'not_found', 'parent_id', { parent_id: 'r' }, 'u'),
    placed('at an index where there is no layout', 'invalid_argument', 'index', { index: 0 }, 'u'),
    placed('beside an unknown node', 'not_found', 'target_id', {
      target_id: NOWHERE,
      direction: 'row',
      position: 'after',
    }),
    placed('for the whole of a slot', 'invalid_argument', 'size', {
      target_id: 'a',
      direction: 'row',
      position: 'after',
      size: 10,
    }),
    placed('into a group that is there', 'conflict', 'group_id', {
      target_id: 'a',
      direction: 'column',
      position: 'after',
      group_id: 'r',
    }),
  ],
  delete_block: [
    ['in an unknown tab', 'not_found', 'tab_id', ({ id }) => ({ tab_id: NOWHERE, block_id: id('a') })],
    ['of a block that is elsewhere', 'not_found', 'block_id', ({ id }) => ({ tab_id: id('t'), block_id: id('ob') })],
  ],
  set_focused_node: focus,
  set_magnified_node: focus,
  layout_insert_node: [
    noTab({ node: UNSEEN, focus_after: false, magnify_after: false }),
    ...badNodes('node', (scene, node) => insert(scene, { node })),
    ['into an unknown parent', 'not_found', 'parent_id', (scene) => insert(scene, { parent_id: NOWHERE })],
    ['into a leaf', 'conflict', 'parent_id', (scene) => insert(scene, { parent_id: 'a' })],
    [
      'into a parent where there is no layout',
      'not_found',
      'parent_id',
      (scene) => insert(scene, { parent_id: 'r' }, 'u'),
    ],
    ['at an index where there is no layout', 'invalid_argument', 'index', (scene) => insert(scene, { index: 0 }, 'u')],
  ],
  layout_insert_node_at_index: [
    noTab({ node: UNSEEN, index_arr: [0], focus_after: false, magnify_after: false }),
    ...badNodes('node', (scene, node) => insert(scene, { node, index_arr: [0] })),
    ['at no index', 'invalid_argument', 'index_arr', (scene) => insert(scene, { index_arr: [] })],
    [
      'into a group that is there',
      'conflict',
      'group_id',
      (scene) => insert(scene, { index_arr: [0, 0], group_id: 'r' }),
    ],
  ],
  layout_delete_node: [
    noTab({ node_id: 'a' }),
    ['of an unknown node', 'not_found', 'node_id', (scene) => ({ ...layout(scene), node_id: NOWHERE })],
  ],
  layout_move_node: [
    noTab({ node_id: 'a', new_parent_id: 'g', index: 0 }),
    ['of an unknown node', 'not_found', 'node_id', (scene) => move(scene, { node_id: NOWHERE })],
    ['to an unknown node', 'not_found', 'new_parent_id', (scene) => move(scene, { new_parent_id: NOWHERE })],
    ['of the root', 'conflict', 'node_id', (scene) => move(scene, { node_id: 'r' })],
    ['into itself', 'conflict', 'new_parent_id', (scene) => move(scene, { node_id: 'g' })],
    ['to below itself', 'conflict', 'new_parent_id', (scene) => move(scene, { node_id: 'g', new_parent_id: 'c' })],
    [
      'into a group that is there',
      'conflict',
      'group_id',
      (scene) => move(scene, { new_parent_id: 'b', group_id: 'r' }),
    ],
  ],
  layout_swap_nodes: [
    noTab({ node1_id: 'a', node2_id: 'b' }),
    ['of an unknown node', 'not_found', 'node1_id', (scene) => swap(scene, NOWHERE, 'b')],
    ['with an unknown node', 'not_found', 'node2_id', (scene) => swap(scene, 'a', NOWHERE)],
    ['with itself', 'invalid_argument', 'node2_id', (scene) => swap(scene, 'a', 'a')],
    ['of the root', 'conflict', 'node1_id', (scene) => swap(scene, 'r', 'a')],
    ['with the root', 'conflict', 'node2_id', (scene) => swap(scene, 'a', 'r')],
    ['with what is within it', 'conflict', 'node2_id', (scene) => swap(scene, 'g', 'c')],
  ],
  layout_resize_nodes: [
    noTab({ ops: [{ node_id: 'a', size: 1 }] }),
    [
      'of an unknown node',
      'not_found',
      'ops[1].node_id',
      (scene) => ({
        ...layout(scene),
        ops: [
          { node_id: 'a', size: 11 },
          { node_id: NOWHERE, size: 11 },
        ],
      }),
    ],
  ],
  layout_replace_node: [
    noTab({ target_id: 'a', new_node: UNSEEN, focus_after: false }),
    ...badNodes('new_node', (scene, new_node) => replace(scene, { new_node })),
    ['of an unknown node', 'not_found', 'target_id', (scene) => replace(scene, { target_id: NOWHERE })],
  ],
  layout_split_horizontal: splits('c'),
  layout_split_vertical: splits('a'),
  layout_clear: [noTab()],
  layout_set_tree: [
    noTab({ new_tree: null }),
    ...badNodes('new_tree', (scene, new_tree) => ({ ...layout(scene), new_tree }), false),
  ],
};
