import { describe, expect, it } from 'vitest';
import { LineSplitter, isBlank, parseControlLine } from '../../src/protocol/control/index.ts';
import { parseControlCommand } from '../../src/protocol/control/schemas.ts';
import { HoldfastError } from '../../src/protocol/index.ts';
import { CONTROL_COMMAND_FIXTURES, CONTROL_EVENT_FIXTURES } from './fixtures/control-messages.ts';

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

const REQUIRED: { readonly [K in Name]: readonly string[] } = {
  register: ['kind', 'pid', 'version'],
  subscribe: [],
  unsubscribe: [],
  get_events: [],
  get_srv_snapshot: [],
  get_status: [],
  shutdown: [],
  ping: [],
  goodbye: [],
  create_session: ['argv', 'cwd', 'env'],
  get_session: ['session'],
  list_sessions: [],
  terminate_session: ['session'],
  signal_session: ['session', 'signal'],
  rename_session: ['session'],
  remove_session: ['session'],
  purge_exited: [],
  set_desired: ['session', 'desired'],
};

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
];

describe('control commands', () => {
  it.each(Object.values(CONTROL_COMMAND_FIXTURES))('$cmd survives its way over the wire', (command) => {
    const fields = line(JSON.stringify({ ...command, request_id: 'r', unknown_field: { deep: [1] } }));
    const parsed = parseControlCommand(fields);
    expect(parsed).toEqual(command.cmd === 'register' ? command : { ...command });
  });

  it.each(Object.values(CONTROL_COMMAND_FIXTURES))(
    '$cmd names each field that is missing, null or of the wrong type',
    (command) => {
      for (const field of Object.keys(command).filter((name) => name !== 'cmd')) {
        const others = Object.fromEntries(Object.entries(command).filter(([name]) => name !== field));
        for (const message of [others, { ...others, [field]: null }]) {
          if (REQUIRED[command.cmd].includes(field)) {
            const error = refusal(() => parseControlCommand(message));
            expect(error).toMatchObject({ code: 'invalid_argument', field, message: `${field} is missing` });
          } else expect(parseControlCommand(message)).toEqual(others);
        }
        const wrong = typeof (command as Record<string, unknown>)[field] === 'boolean' ? 1 : true;
        expect(refusal(() => parseControlCommand({ ...others, [field]: wrong }))).toMatchObject({
          code: 'invalid_argument',
          field,
        });
      }
    },
  );

  it.each(OUT_OF_RANGE)('%s refuses a bad %s (%#)', (name, path, value, code = 'invalid_argument') => {
    const field = path.split(/[.[]/)[0]!;
    const error = refusal(() => parseControlCommand({ ...CONTROL_COMMAND_FIXTURES[name], [field]: value }));
    expect(error).toMatchObject({ code, field: path });
    expect(error.message.startsWith(path)).toBe(true);
  });

  it('bounds the area of a terminal', () => {
    const create = { ...CONTROL_COMMAND_FIXTURES.create_session, rows: 10_000, cols: 101 };
    expect(refusal(() => parseControlCommand(create))).toMatchObject({ code: 'invalid_argument', field: 'rows' });
    expect(parseControlCommand({ ...create, cols: 100 })).toMatchObject({ rows: 10_000, cols: 100 });
  });

  it('[C3] knows no other command', () => {
    for (const cmd of ['nope', 'toString', '__proto__', 'create_workspace']) {
      expect(refusal(() => parseControlCommand({ cmd })).code).toBe('unknown_command');
    }
    expect(refusal(() => parseControlCommand({ cmd: 5 }))).toMatchObject({ code: 'invalid_argument', field: 'cmd' });
  });
});

describe('control events', () => {
  it.each(Object.values(CONTROL_EVENT_FIXTURES))('$event survives its way over the wire', (event) => {
    expect(line(JSON.stringify(event))).toEqual(event);
  });

  it.each(Object.values(CONTROL_EVENT_FIXTURES).filter(({ event }) => event.startsWith('session_')))(
    '$event leaves the names of the envelope to the envelope',
    (event) => {
      expect(Object.keys(event)).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(version|at|prev)$/)]));
    },
  );
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

  it('makes __proto__ a property like any other', () => {
    const value = line('{"__proto__":{"polluted":1},"cmd":"ping"}');
    expect(Object.keys(value)).toEqual(['__proto__', 'cmd']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(parseControlCommand(value)).toEqual({ cmd: 'ping' });
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
