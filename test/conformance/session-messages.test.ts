import { describe, expect, it } from 'vitest';
import {
  SESSION_COMMANDS,
  SESSION_EVENTS,
  SESSION_PROTOCOL,
  SessionCommandError,
  parseSessionCommand,
  parseSessionEvent,
  type SessionCommandName,
} from '../../src/protocol/session/index.ts';
import { SESSION_COMMAND_FIXTURES, SESSION_EVENT_FIXTURES } from './fixtures/session-messages.ts';

type Json = Record<string, unknown>;

const ULID = '01JCFVQ5T80000000000000000';

const parse = (message: unknown) => parseSessionCommand(Buffer.from(JSON.stringify(message)));

function refusal(message: unknown): SessionCommandError {
  try {
    parse(message);
  } catch (error) {
    if (error instanceof SessionCommandError) return error;
    throw error;
  }
  throw new Error(`accepted ${JSON.stringify(message)}`);
}

/** Fields without which a command means nothing; all others are optional. */
const REQUIRED: { readonly [K in SessionCommandName]: readonly string[] } = {
  Hello: ['protocol', 'client_id', 'token', 'role'],
  Attach: ['from', 'mode', 'credit', 'rows', 'cols'],
  Detach: [],
  Credit: ['bytes'],
  Lease: ['action'],
  WriteStdin: [],
  Signal: ['signal'],
  Terminate: ['grace_ms'],
  Backlog: ['stream'],
  Tee: ['stream', 'sink'],
  TeeStatus: [],
  TeeSnapshot: ['tee'],
  Untee: ['tee'],
  SetProfile: ['profile'],
  ClearAttachment: ['stream'],
  NotifyAttached: ['stream', 'event'],
  StopReading: [],
  SendMessage: ['from', 'body'],
  CancelMessage: ['message_id'],
  Interrupt: [],
  AnswerRequest: ['request_id', 'choice'],
  Report: ['report'],
  Explain: [],
  GetAgent: [],
  GetTranscript: ['from', 'limit'],
  CaptureScreen: [],
  GetState: [],
  Resize: ['rows', 'cols'],
  Shutdown: ['timeout_secs'],
  Kill: [],
  Ping: [],
};

/** A value out of range, per field path: replaced in the fixture, refused by that name. */
const OUT_OF_RANGE: readonly [SessionCommandName, string, unknown][] = [
  ['Hello', 'protocol', [2, 1]],
  ['Hello', 'protocol', [1]],
  ['Hello', 'protocol[0]', [0, 1]],
  ['Hello', 'client_id', ''],
  ['Hello', 'client_id', 'x'.repeat(129)],
  ['Hello', 'role', 'owner'],
  ['Hello', 'id', 1.5],
  ['Hello', 'id', 'x'.repeat(200)],
  ['Attach', 'streams', []],
  ['Attach', 'streams', [1, 1]],
  ['Attach', 'streams[1]', [1, 3]],
  ['Attach', 'from', -1],
  ['Attach', 'from', 'middle'],
  ['Attach', 'from', {}],
  ['Attach', 'from.tail_bytes', { tail_bytes: -1 }],
  ['Attach', 'from.offsets', { offsets: { 7: 0 } }],
  ['Attach', 'from.offsets.1', { offsets: { 1: '0' } }],
  ['Attach', 'mode', 'steal'],
  ['Attach', 'policy', 'block'],
  ['Attach', 'credit', 2 ** 53],
  ['Attach', 'rows', 0],
  ['Attach', 'cols', 70_000],
  ['Attach', 'lease.epoch', { epoch: -1, secret: 'x' }],
  ['Attach', 'lease.secret', { epoch: 1, secret: '' }],
  ['Attach', 'stall_ms', 2 ** 31],
  ['Credit', 'bytes', -1],
  ['Lease', 'action', 'give'],
  ['WriteStdin', 'data', 'a'],
  ['WriteStdin', 'data', '!!!!'],
  ['Signal', 'signal', 'SIGNONE'],
  ['Signal', 'signal', '__proto__'],
  ['Terminate', 'grace_ms', -1],
  ['Backlog', 'stream', 3],
  ['Tee', 'sink.kind', { kind: 'pipe' }],
  ['Tee', 'sink.capacity', { kind: 'ring', capacity: 2 ** 40 }],
  ['Tee', 'sink.path', { kind: 'file', path: 'relative', mode: 'append' }],
  ['Tee', 'sink.path', { kind: 'file', path: '/a\0b', mode: 'append' }],
  ['Tee', 'sink.mode', { kind: 'file', path: '/a', mode: 'rw' }],
  ['Tee', 'options.backpressure', { backpressure: 'never' }],
  ['Tee', 'options.queue_bytes', { queue_bytes: -1 }],
  ['Tee', 'options.write_missed_markers', { write_missed_markers: 1 }],
  ['Tee', 'options.from', { from: 'middle' }],
  ['TeeSnapshot', 'tee', -1],
  ['NotifyAttached', 'event.event', { event: 'NoSuch' }],
  ['SendMessage', 'message_id', ''],
  ['CancelMessage', 'message_id', 'x'.repeat(129)],
  ['AnswerRequest', 'request_id', ''],
  ['AnswerRequest', 'choice', 'x'.repeat(1025)],
  ['Report', 'report.name', { name: '', payload: {}, at: 1, report_id: ULID }],
  ['Report', 'report.payload', { name: 'Stop', payload: [], at: 1, report_id: ULID }],
  ['Report', 'report.at', { name: 'Stop', payload: {}, at: -1, report_id: ULID }],
  ['Report', 'report.report_id', { name: 'Stop', payload: {}, at: 1, report_id: '../../x' }],
  ['GetTranscript', 'from', -1],
  ['GetTranscript', 'limit', 0],
  ['GetTranscript', 'limit', 1001],
  ['CaptureScreen', 'last_n_lines', -1],
  ['Resize', 'rows', 0],
  ['Resize', 'cols', 70_000],
  ['Shutdown', 'timeout_secs', 2 ** 32],
  ['Shutdown', 'reason', 'bored'],
];

describe('session commands', () => {
  it.each(Object.values(SESSION_COMMAND_FIXTURES))('$cmd survives its way over the wire', (command) => {
    expect(parse(command)).toEqual(command);
    expect(parse({ ...command, unknown_field: 1 })).toEqual(command);
  });

  it.each(Object.values(SESSION_COMMAND_FIXTURES))(
    '$cmd names each field that is missing, null or of the wrong type',
    (command) => {
      for (const field of Object.keys(command).filter((name) => name !== 'cmd')) {
        const others = Object.fromEntries(Object.entries(command).filter(([name]) => name !== field));
        for (const message of [others, { ...others, [field]: null }]) {
          if (REQUIRED[command.cmd].includes(field)) {
            expect(refusal(message), JSON.stringify(message)).toMatchObject({
              code: 'invalid_argument',
              field,
              command: command.cmd,
            });
          } else expect(parse(message).cmd).toBe(command.cmd);
        }
        const wrong = typeof (command as Json)[field] === 'boolean' ? 1 : true;
        expect(refusal({ ...others, [field]: wrong }), field).toMatchObject({ code: 'invalid_argument', field });
      }
    },
  );

  it.each(OUT_OF_RANGE)('[F5] %s refuses %s = %j', (name, path, value) => {
    const field = path.split(/[.[]/)[0]!;
    const error = refusal({ ...SESSION_COMMAND_FIXTURES[name], [field]: value });
    expect(error).toMatchObject({ code: 'invalid_argument', field: path });
  });

  it('bounds the area of a terminal', () => {
    expect(parse({ cmd: 'Resize', rows: 1000, cols: 1000 })).toEqual({ cmd: 'Resize', rows: 1000, cols: 1000 });
    expect(refusal({ cmd: 'Resize', rows: 1001, cols: 1000 })).toMatchObject({
      code: 'invalid_argument',
      field: 'rows',
    });
  });

  it('needs something to write', () => {
    expect(refusal({ cmd: 'WriteStdin', close: false })).toMatchObject({ code: 'invalid_argument', field: 'data' });
  });

  it('bounds what a report carries', () => {
    const report = { name: 'Stop', payload: { text: 'x'.repeat(256 * 1024) }, at: 1, report_id: ULID };
    expect(refusal({ cmd: 'Report', report })).toMatchObject({ code: 'too_large', field: 'report.payload' });
  });

  it('gives Shutdown the seed’s default reason', () => {
    expect(parse({ cmd: 'Shutdown', timeout_secs: 1 })).toEqual({
      cmd: 'Shutdown',
      timeout_secs: 1,
      reason: 'requested',
    });
  });

  it('keeps id and name of a refused command for the answer', () => {
    expect(refusal({ cmd: 'NoSuch', id: 5 })).toMatchObject({ code: 'unknown_command', id: 5, command: 'NoSuch' });
    expect(refusal({ cmd: 'toString', id: 5 })).toMatchObject({ code: 'unknown_command' });
    expect(refusal({ cmd: 'Resize', id: 'x' })).toMatchObject({ code: 'invalid_argument', id: 'x', field: 'rows' });
    expect(refusal({ id: 3 })).toMatchObject({ code: 'invalid_argument', id: 3, field: 'cmd' });
  });

  it('refuses what is no JSON object in UTF-8 without quoting it', () => {
    for (const bytes of [
      Buffer.from('{"token":"sesame'),
      Buffer.from('{}x'),
      Buffer.from('{"cmd":"\xff"}', 'latin1'),
    ]) {
      const act = () => parseSessionCommand(bytes);
      expect(act).toThrow(expect.objectContaining({ code: 'bad_frame' }));
      expect(act).not.toThrow(/sesame/);
    }
  });

  it('refuses a profile that could exhaust the stack', () => {
    const deep = `{"cmd":"SetProfile","profile":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`;
    expect(() => parseSessionCommand(Buffer.from(deep))).toThrow(
      expect.objectContaining({ code: 'invalid_argument', field: 'profile' }),
    );
  });
});

describe('session events', () => {
  it.each(Object.values(SESSION_EVENT_FIXTURES))('$event survives its way over the wire', (event) => {
    expect(parseSessionEvent(Buffer.from(JSON.stringify(event)))).toEqual(event);
  });

  it('passes over an event of a newer peer, and refuses what is none', () => {
    const event = (value: unknown) => parseSessionEvent(Buffer.from(JSON.stringify(value)));
    expect(event({ event: 'FromTheFuture', id: 1 })).toBeNull();
    expect(event({ event: 'toString' })).toBeNull();
    for (const bad of [{}, { event: 5 }, { event: 'Pong', id: {} }, { cmd: 'Ping' }]) {
      expect(() => event(bad)).toThrow(expect.objectContaining({ code: 'bad_frame' }));
    }
  });
});

describe('protocol numbers', () => {
  it('cover exactly the vocabulary, within what this build speaks', () => {
    expect(Object.keys(SESSION_COMMANDS).sort()).toEqual(Object.keys(SESSION_COMMAND_FIXTURES).sort());
    expect(Object.keys(SESSION_EVENTS).sort()).toEqual(Object.keys(SESSION_EVENT_FIXTURES).sort());
    for (const number of [...Object.values(SESSION_COMMANDS), ...Object.values(SESSION_EVENTS)]) {
      expect(number).toBeGreaterThanOrEqual(1);
      expect(number).toBeLessThanOrEqual(SESSION_PROTOCOL[1]);
    }
  });
});
