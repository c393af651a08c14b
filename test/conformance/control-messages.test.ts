import { describe, expect, it } from 'vitest';
import { LineSplitter, isBlank, parseControlLine } from '../../src/protocol/control/index.ts';
import { parseCommand, parseSrvCommand } from '../../src/protocol/control/schemas.ts';
import { HoldfastError } from '../../src/protocol/index.ts';
import { LAYOUT_DEPTH, META_DEPTH, META_PATCH_BYTES } from '../../src/protocol/limits.ts';
import { CONTROL_COMMAND_FIXTURES } from './fixtures/control-messages.ts';
import { branch, leaf } from './fixtures/workspaces-commands.ts';

type Name = keyof typeof CONTROL_COMMAND_FIXTURES;

const line = (text: string | Buffer) => parseControlLine(Buffer.from(text));

function refusal(act: () => unknown): HoldfastError {
  try {
    act();
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
  throw new Error('accepted');
}

const OUT_OF_RANGE: readonly [Name, string, unknown, string?][] = [
  ['register', 'kind', 'boss'],
  ['register', 'pid', -1],
  ['register', 'protocol', [2, 1]],
  ['register', 'protocol[0]', [0, 1]],
  ['register', 'client_id', ''],
  ['subscribe', 'topics', Array.from({ length: 257 }, () => 'x')],
  ['subscribe', 'topics[1]', ['a', 5]],
  ['subscribe', 'since', -1],
  ['get_events', 'max', 0],
  ['create_session', 'argv', []],
  ['create_session', 'argv', ['']],
  ['create_session', 'argv[1]', ['sh', 'a\0b']],
  ['create_session', 'argv[1]', ['sh', 5]],
  ['create_session', 'argv[1]', ['sh', 'x'.repeat(131_072)], 'too_large'],
  ['create_session', 'argv', Array.from({ length: 10 }, () => 'x'.repeat(100_000)), 'too_large'],
  ['create_session', 'cwd', 'relative'],
  ['create_session', 'cwd', '/a\0b'],
  ['create_session', 'env[0]', [['A=B', 'x']]],
  ['create_session', 'env[0]', [['', 'x']]],
  ['create_session', 'env[0]', [['A', 'x\0']]],
  ['create_session', 'env[0]', [['A']]],
  ['create_session', 'env[0]', ['A=B']],
  ['create_session', 'env[0]', [['A', 'x'.repeat(131_072)]], 'too_large'],
  ['create_session', 'kind', 'serial'],
  ['create_session', 'name', ''],
  ['create_session', 'name', 'x'.repeat(129)],
  ['create_session', 'name', 'é'.repeat(65)],
  ['create_session', 'name', 'a\nb'],
  ['create_session', 'name', '01hzzzzzzzzzzzzzzzzzzzzzzz'],
  ['create_session', 'rows', 0],
  ['create_session', 'cols', 70_000],
  ['create_session', 'umask', 0o1000],
  ['create_session', 'limits.stall_ms', { stall_ms: -1 }],
  ['create_session', 'limits.spill_bytes', { spill_bytes: null }],
  ['create_session', 'limits.allow_lossless', { allow_lossless: 'yes' }],
  ['terminate_session', 'grace_ms', -1],
  ['signal_session', 'signal', 'SIGNONE'],
  ['signal_session', 'signal', 'constructor'],
  ['set_desired', 'desired', 'gone'],
  ['create_workspace', 'name', 'x'.repeat(129)],
  ['create_workspace', 'name', 'a\u0007b'],
  ['create_workspace', 'workspace_id', ''],
  ['create_workspace', 'workspace_id', 'é'.repeat(65)],
  ['delete_workspace', 'session', 'kill'],
  ['move_tab', 'fallback', 'create'],
  ['move_tab', 'dst_index', 2 ** 32],
  ['move_tab', 'dst_index', -1],
  ['move_tab', 'dst_index', 0.5],
  ['reorder_tabs_bulk', 'tab_ids', Array.from({ length: 1_001 }, (_, index) => `t${index}`)],
  ['reorder_tabs_bulk', 'tab_ids[1]', ['t1', '']],
  ['update_tab_meta', 'meta_patch', []],
  ['update_tab_meta', 'meta_patch.__proto__', JSON.parse('{"__proto__":{"polluted":1}}')],
  ['update_tab_meta', 'meta_patch.a[1].__proto__', JSON.parse('{"a":[0,{"__proto__":null}]}')],
  ['update_tab_meta', 'meta_patch', { text: 'x'.repeat(META_PATCH_BYTES) }, 'too_large'],
  ['update_tab_meta', 'meta_patch', nested(META_DEPTH + 1)],
  ['create_block', 'place.target_id', { parent_id: 'n1', target_id: 'n2' }],
  ['create_block', 'place.direction', { target_id: 'n2', direction: 'diagonal', position: 'after' }],
  ['create_block', 'place.index', { target_id: 'n2', direction: 'row', position: 'after', index: 1 }],
  ['create_block', 'place.position', { index: 1, position: 'after' }],
  ['set_focused_node', 'node_id', 'a\nb'],
  ['layout_insert_node', 'node.size', { ...leaf, size: 0 }],
  ['layout_insert_node', 'node.size', { ...leaf, size: 101 }],
  ['layout_insert_node', 'node.size', { ...leaf, size: 1e39 }],
  ['layout_insert_node', 'node.size', { ...leaf, size: Number.NaN }],
  ['layout_insert_node', 'node.id', { ...leaf, id: '' }],
  ['layout_insert_node', 'node.flexDirection', { ...leaf, flexDirection: 'diagonal' }],
  ['layout_insert_node', 'node.children[0].data.blockId', { ...branch, children: [{ ...leaf, data: { blockId: 5 } }] }],
  ['layout_insert_node', 'node.__proto__', JSON.parse('{"id":"n","__proto__":{"size":1}}')],
  ['layout_insert_node', 'node.data.x.__proto__', JSON.parse('{"id":"n","data":{"blockId":"b","x":{"__proto__":1}}}')],
  ['layout_insert_node_at_index', 'index_arr', Array.from({ length: LAYOUT_DEPTH + 1 }, () => 0)],
  ['layout_insert_node_at_index', 'index_arr[1]', [0, -1]],
  ['layout_resize_nodes', 'ops[0].size', [{ node_id: 'n2', size: 0 }]],
  [
    'layout_resize_nodes',
    'ops[1].size',
    [
      { node_id: 'n2', size: 1 },
      { node_id: 'n3', size: 100.5 },
    ],
  ],
  ['layout_split_vertical', 'position', 'beside'],
  ['layout_split_vertical', 'size', 0],
  ['layout_set_tree', 'new_tree', []],
  ['report_window_opened', 'kind', 'window'],
  ['report_hwnd_opened', 'hwnd', 2 ** 53],
  ['report_hwnd_position_changed', 'rect.left', { left: 2 ** 31, top: 0, right: 0, bottom: 0 }],
  ['report_pool_window_added', 'saga_id', -1],
];

function nested(depth: number): object {
  return depth === 0 ? {} : { deeper: nested(depth - 1) };
}

describe('control commands', () => {
  it.each(OUT_OF_RANGE)('%s refuses a bad %s (%#)', (name, path, value, code = 'invalid_argument') => {
    const field = path.split(/[.[]/)[0]!;
    const error = refusal(() => parseCommand({ ...CONTROL_COMMAND_FIXTURES[name], [field]: value }));
    expect(error).toMatchObject({ code, field: path });
    expect(error.message.startsWith(path)).toBe(true);
  });

  it('bounds the area of a terminal', () => {
    const create = { ...CONTROL_COMMAND_FIXTURES.create_session, rows: 10_000, cols: 101 };
    expect(refusal(() => parseCommand(create))).toMatchObject({ code: 'invalid_argument', field: 'rows' });
    expect(parseCommand({ ...create, cols: 100 })).toMatchObject({ rows: 10_000, cols: 100 });
  });

  it('keeps what the seed keeps of a layout node, and lets out what it lets out', () => {
    const command = { ...CONTROL_COMMAND_FIXTURES.layout_set_tree, new_tree: null };
    const given = { id: 'n', extra: { deep: [null] }, data: null, size: null, children: [{ ...leaf, children: [] }] };
    expect(parseCommand({ ...command, new_tree: given })).toMatchObject({
      new_tree: { id: 'n', flexDirection: 'row', extra: { deep: [null] }, children: [leaf] },
    });
    expect(Object.keys((parseCommand({ ...command, new_tree: given }) as typeof command)['new_tree']!)).toEqual(
      expect.not.arrayContaining(['data', 'size']),
    );
    expect(given.children[0]).toHaveProperty('children', []);
    expect(Object.hasOwn(parseCommand(command), 'new_tree')).toBe(false);
  });

  it('takes the largest of everything', () => {
    for (const [name, field, value] of [
      ['create_workspace', 'name', ''],
      ['create_workspace', 'workspace_id', 'é'.repeat(64)],
      ['update_tab_meta', 'meta_patch', { text: 'x'.repeat(META_PATCH_BYTES - 11) }],
      ['update_tab_meta', 'meta_patch', nested(META_DEPTH - 1)],
      ['reorder_tab', 'new_index', 2 ** 32 - 1],
      [
        'layout_resize_nodes',
        'ops',
        [
          { node_id: 'n', size: Number.MIN_VALUE },
          { node_id: 'n', size: 100 },
        ],
      ],
      ['bind_block', 'session_id', null],
      ['set_magnified_node', 'node_id', ''],
    ] as const) {
      expect(parseCommand({ ...CONTROL_COMMAND_FIXTURES[name], [field]: value })).toHaveProperty(field, value);
    }
  });

  it('[C3] knows no other command', () => {
    for (const cmd of ['nope', 'toString', '__proto__', 'observe_started']) {
      expect(refusal(() => parseCommand({ cmd })).code).toBe('unknown_command');
      expect(refusal(() => parseSrvCommand({ cmd })).code).toBe('unknown_command');
    }
    expect(parseSrvCommand({ cmd: 'get_session', session: 's' })).toEqual({ cmd: 'get_session', session: 's' });
    expect(refusal(() => parseSrvCommand({ cmd: 'report_window_opened' })).code).toBe('wrong_domain');
    expect(refusal(() => parseSrvCommand({ cmd: 'reap_panes' })).code).toBe('wrong_direction');
    expect(refusal(() => parseCommand({ cmd: 5 }))).toMatchObject({ code: 'invalid_argument', field: 'cmd' });
  });
});

describe('control lines', () => {
  it.each([
    ['invalid_argument', Buffer.from('{"a":"\xff"}', 'latin1')],
    ['invalid_argument', '{"a":1'],
    ['invalid_argument', '{"a":"unterminated'],
    ['invalid_argument', '[1]'],
    ['invalid_argument', 'null'],
    ['invalid_argument', '"text"'],
    ['invalid_argument', '{"a":1,"a":1}'],
    ['invalid_argument', '{"x":{"y":[{"a":1,"b":2,"\\u0061":3}]}}'],
    ['invalid_argument', '{"__proto__":1,"__proto__":2}'],
    ['invalid_argument', '{"a":9007199254740992}'],
    ['invalid_argument', '{"a":[1,{"b":-9007199254740993}]}'],
    ['invalid_argument', '{"a":1e400}'],
    ['too_large', `{"a":${'['.repeat(64)}${']'.repeat(64)}}`],
    ['too_large', `{"a":[${Array.from({ length: 5_000 }, () => '{}').join(',')}]}`],
  ])('refuses with %s: %.60s', (code, text) => {
    expect(refusal(() => line(text)).code).toBe(code);
  });

  it.each([
    '{"a":"x:y{[,\\":\\\\"}',
    '{"a":9007199254740991,"b":-0.5,"c":1e3}',
    `{"a":${'['.repeat(63)}${']'.repeat(63)}}`,
    `{"a":[${Array.from({ length: 4_998 }, () => '{}').join(',')}]}`,
    ' {"a" : {"a" : {"a":null}} }\r',
  ])('takes %.60s', (text) => {
    expect(line(text)).toEqual(JSON.parse(text));
  });

  it.each([
    ['a', '{"a":1,"a":1}'],
    ['x.y[1].\u00e4', '{"x":{"y":[{"\u00e4":1},{"b":"a:{[,","\u00e4":3,"\\u00e4":4}]},"z":{"y":[]}}'],
    ['x[2][0].a', '{"x":[1,[[],{"a":1}],[{"a":{"a":1},"a":2}]]}'],
    ['a[1].b', '{"a":[1,{"b":-9007199254740993}]}'],
    ['name', '{"cmd":"create_workspace","name":"\\ud83d"}'],
    ['meta_patch.a[1]', '{"meta_patch":{"a":["\\uD83D\\uDE00","\\uDE00\\uD83D"]}}'],
    ['a.\ufffd', '{"a":{"\\udfff":1}}'],
  ])('[C3] names %s, where it is wrong: %s', (field, text) => {
    expect(refusal(() => line(text))).toMatchObject({ code: 'invalid_argument', field });
  });

  it('[C3] takes whole pairs, escaped or not', () => {
    expect(line('{"a":"\\ud83d\\ude00 \\\\ud800 \u{1f600}"}')).toEqual({ a: '\u{1f600} \\ud800 \u{1f600}' });
  });

  it('makes __proto__ a property like any other', () => {
    const value = line('{"__proto__":{"polluted":1},"cmd":"ping"}');
    expect(Object.keys(value)).toEqual(['__proto__', 'cmd']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(parseCommand(value)).toEqual({ cmd: 'ping' });
  });

  it('does not quote a line that does not parse', () => {
    expect(refusal(() => line('{"token":"sesame')).message).not.toContain('sesame');
  });

  it('cuts lines at every byte alike', () => {
    const text = Buffer.from('{"a":1}\n\n {"b":"é"}\r\nlast\n');
    for (let cut = 0; cut <= text.length; cut++) {
      const splitter = new LineSplitter();
      const got: string[] = [];
      for (const chunk of [text.subarray(0, cut), text.subarray(cut)]) {
        splitter.push(chunk);
        for (let next = splitter.next(); next !== null; next = splitter.next())
          if (!isBlank(next)) got.push(next.toString());
      }
      expect(got).toEqual(['{"a":1}', ' {"b":"é"}\r', 'last']);
      expect(splitter.pending).toBe(0);
    }
  });

  it('[C3] bounds a line, whole or in pieces', () => {
    for (const piece of [1, 3, 11]) {
      const splitter = new LineSplitter(10);
      const act = () => {
        for (let sent = 0; sent < 11; sent += piece) {
          splitter.push(Buffer.alloc(Math.min(piece, 11 - sent), 0x61));
          splitter.next();
        }
      };
      expect(refusal(act).code).toBe('too_large');
    }
    const exact = new LineSplitter(10);
    exact.push(Buffer.from('0123456789\n'));
    expect(exact.next()?.toString()).toBe('0123456789');
  });
});
