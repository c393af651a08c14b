/**
 * JSON frames of the session socket: commands are checked field by field, events of a shim are trusted beyond their
 * envelope. Written by hand because the shim must not pay for a schema library.
 *
 * An optional field that is null counts as missing; unknown fields are dropped.
 */
import { isUtf8 } from 'node:buffer';
import { constants } from 'node:os';
import { isAbsolute } from 'node:path';
import { HoldfastError, invalid } from '../errors.ts';
import {
  FRAME_BYTES,
  MESSAGE_BYTES,
  NAME_BYTES,
  REPORT_BYTES,
  TEE_RING_BYTES,
  TRANSCRIPT_PAGE_COUNT,
} from '../limits.ts';
import type { AgentReport } from '../agent/index.ts';
import * as is from './fields.ts';
import type {
  AttachCommand,
  AttachFrom,
  SessionCommand,
  SessionCommandName,
  SessionEvent,
  TeeOptions,
  TeeSink,
} from './messages.ts';
import { SESSION_COMMANDS, SESSION_EVENTS } from './variants.ts';

type Id = { id?: string | number };

/** A refused command, with what the `Error` event that answers it needs. */
export class SessionCommandError extends HoldfastError {
  /** The command's `id`, when it had a usable one. */
  readonly id: string | number | undefined;
  /** The command's name as sent; empty when it had none. */
  readonly command: string;

  constructor(cause: HoldfastError, command: string, id: string | number | undefined) {
    super(cause.code, cause.message, { field: cause.field, retryable: cause.retryable, details: cause.details });
    this.command = command;
    this.id = id;
  }
}

/**
 * Throws `SessionCommandError`: `bad_frame` when the payload is no JSON object in UTF-8, `unknown_command`, or
 * `invalid_argument` naming the field.
 */
export function parseSessionCommand(json: Buffer): SessionCommand {
  let name = '';
  let envelope: Id = {};
  try {
    const fields = parseObject(json);
    const cmd = fields['cmd'];
    if (typeof cmd === 'string') name = cmd.slice(0, NAME_BYTES);
    envelope = is.optional(fields, 'id', readId);
    if (typeof cmd !== 'string') throw invalid('cmd', 'cmd must be the name of a command');
    if (!isCommandName(cmd))
      throw new HoldfastError('unknown_command', `${name} is no command of a session`, { field: 'cmd' });
    const command: SessionCommand = COMMANDS[cmd](fields);
    return 'id' in envelope ? Object.assign(command, envelope) : command;
  } catch (error) {
    throw new SessionCommandError(HoldfastError.from(error), name, envelope.id);
  }
}

/**
 * An event of a shim or of srv's archive. Null for an event this build does not know: a newer peer may send it, and
 * everything else stays true without it. Throws `bad_frame`.
 */
export function parseSessionEvent(json: Buffer): SessionEvent | null {
  const fields = parseObject(json);
  const name = fields['event'];
  if (typeof name !== 'string') throw new HoldfastError('bad_frame', 'a JSON frame of a session names no event');
  if (!Object.hasOwn(SESSION_EVENTS, name)) return null;
  const id = fields['id'];
  if (id !== undefined && typeof id !== 'string' && typeof id !== 'number') {
    throw new HoldfastError('bad_frame', `the id of ${name} is neither a string nor a number`);
  }
  return fields as SessionEvent;
}

type Parsers = { readonly [K in SessionCommandName]: (fields: is.Fields) => Extract<SessionCommand, { cmd: K }> };

const count = is.integer(0, Number.MAX_SAFE_INTEGER);
const u32 = is.integer(0, is.U32);
const duration = is.integer(0, is.DURATION_MS);
const path = is.text(1, 4096);
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
/** A frame is the only bound of a message's text. */
const body = is.text(0, FRAME_BYTES);

const COMMANDS: Parsers = {
  Hello: (fields) => ({
    cmd: 'Hello',
    protocol: is.required(fields, 'protocol', is.protocolRange),
    client_id: is.required(fields, 'client_id', is.text(1, NAME_BYTES)),
    token: is.required(fields, 'token', is.text(0, 256)),
    role: is.required(fields, 'role', is.oneOf('client', 'broker', 'agent')),
    ...is.optional(fields, 'session_id', is.text(1, NAME_BYTES)),
  }),
  Attach: parseAttach,
  Detach: () => ({ cmd: 'Detach' }),
  Credit: (fields) => ({ cmd: 'Credit', bytes: is.required(fields, 'bytes', count) }),
  Lease: (fields) => ({
    cmd: 'Lease',
    action: is.required(fields, 'action', is.oneOf('take', 'steal', 'release')),
    ...is.optional(fields, 'lease', is.leaseTicket),
  }),
  WriteStdin: (fields) => {
    const write = { ...is.optional(fields, 'data', is.base64), ...is.optional(fields, 'close', is.flag) };
    if (write.data === undefined && write.close !== true) throw invalid('data', 'WriteStdin needs data, close or both');
    return { cmd: 'WriteStdin', ...write };
  },
  Signal: (fields) => ({ cmd: 'Signal', signal: is.required(fields, 'signal', readSignal) }),
  Terminate: (fields) => ({ cmd: 'Terminate', grace_ms: is.required(fields, 'grace_ms', duration) }),
  Backlog: (fields) => ({ cmd: 'Backlog', stream: is.required(fields, 'stream', is.stream) }),
  Tee: (fields) => ({
    cmd: 'Tee',
    stream: is.required(fields, 'stream', is.stream),
    sink: is.required(fields, 'sink', readSink),
    ...is.optional(fields, 'options', readTeeOptions),
  }),
  TeeStatus: (fields) => ({ cmd: 'TeeStatus', ...is.optional(fields, 'tee', u32) }),
  TeeSnapshot: (fields) => ({ cmd: 'TeeSnapshot', tee: is.required(fields, 'tee', u32) }),
  Untee: (fields) => ({ cmd: 'Untee', tee: is.required(fields, 'tee', u32) }),
  SetProfile: (fields) => ({ cmd: 'SetProfile', profile: is.required(fields, 'profile', is.shallowObject) }),
  ClearAttachment: (fields) => ({ cmd: 'ClearAttachment', stream: is.required(fields, 'stream', is.stream) }),
  NotifyAttached: (fields) => ({
    cmd: 'NotifyAttached',
    stream: is.required(fields, 'stream', is.stream),
    event: is.required(fields, 'event', readNestedEvent),
  }),
  StopReading: () => ({ cmd: 'StopReading' }),
  SendMessage: (fields) => ({
    cmd: 'SendMessage',
    from: is.required(fields, 'from', is.text(0, 1024)),
    body: is.required(fields, 'body', body),
    ...is.optional(fields, 'message_id', is.text(1, NAME_BYTES)),
  }),
  CancelMessage: (fields) => ({
    cmd: 'CancelMessage',
    message_id: is.required(fields, 'message_id', is.text(1, NAME_BYTES)),
  }),
  Interrupt: () => ({ cmd: 'Interrupt' }),
  AnswerRequest: (fields) => ({
    cmd: 'AnswerRequest',
    request_id: is.required(fields, 'request_id', is.text(1, NAME_BYTES)),
    choice: is.required(fields, 'choice', is.text(0, 1024)),
    ...is.optional(fields, 'text', is.text(0, MESSAGE_BYTES)),
  }),
  Report: (fields) => ({ cmd: 'Report', report: is.required(fields, 'report', readAgentReport) }),
  Explain: () => ({ cmd: 'Explain' }),
  GetAgent: () => ({ cmd: 'GetAgent' }),
  GetTranscript: (fields) => ({
    cmd: 'GetTranscript',
    from: is.required(fields, 'from', count),
    limit: is.required(fields, 'limit', is.integer(1, TRANSCRIPT_PAGE_COUNT)),
  }),
  CaptureScreen: (fields) => ({ cmd: 'CaptureScreen', ...is.optional(fields, 'last_n_lines', count) }),
  GetState: () => ({ cmd: 'GetState' }),
  Resize: (fields) => ({ cmd: 'Resize', ...is.terminalSize(fields['rows'], fields['cols']) }),
  Shutdown: (fields) => ({
    cmd: 'Shutdown',
    timeout_secs: is.required(fields, 'timeout_secs', u32),
    // Seed 3: `reason` has a default.
    reason: is.optional(fields, 'reason', readShutdownReason).reason ?? 'requested',
  }),
  Kill: () => ({ cmd: 'Kill' }),
  Ping: () => ({ cmd: 'Ping' }),
};

const readShutdownReason = is.oneOf(
  'requested',
  'restart_handoff',
  'context_exhausted',
  'topology_change',
  'daemon_stop',
);
const readFlowPolicy = is.oneOf('never_block', 'lossless');
const attachPlaces = ['start', 'end', 'screen'] as const;

function parseAttach(fields: is.Fields): AttachCommand {
  const sized = (fields['rows'] ?? null) !== null || (fields['cols'] ?? null) !== null;
  return {
    cmd: 'Attach',
    ...is.optional(fields, 'streams', is.streams),
    from: is.required(fields, 'from', readAttachFrom),
    mode: is.required(fields, 'mode', is.oneOf('exclusive', 'observe', 'drive')),
    ...is.optional(fields, 'policy', readFlowPolicy),
    ...is.optional(fields, 'steal', is.flag),
    credit: is.required(fields, 'credit', count),
    ...(sized ? is.terminalSize(fields['rows'], fields['cols']) : {}),
    ...is.optional(fields, 'terminal', is.flag),
    ...is.optional(fields, 'lease', is.leaseTicket),
    ...is.optional(fields, 'stall_ms', duration),
  };
}

function readAttachFrom(value: unknown, field: string): AttachFrom {
  if (typeof value === 'number') return count(value, field);
  const place = attachPlaces.find((name) => name === value);
  if (place !== undefined) return place;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const from = value as is.Fields;
    if (from['tail_bytes'] !== undefined) return { tail_bytes: count(from['tail_bytes'], `${field}.tail_bytes`) };
    if (from['offsets'] !== undefined) return { offsets: readOffsets(from['offsets'], `${field}.offsets`) };
  }
  throw invalid(field, `${field} must be an offset, ${attachPlaces.join(', ')}, {tail_bytes} or {offsets}`);
}

function readOffsets(value: unknown, field: string): Record<string, number> {
  const offsets: Record<string, number> = {};
  for (const [key, offset] of Object.entries(is.object(value, field))) {
    if (key !== '0' && key !== '1' && key !== '2') throw invalid(field, `${field} names a stream that does not exist`);
    offsets[key] = count(offset, `${field}.${key}`);
  }
  return offsets;
}

function readSink(value: unknown, field: string): TeeSink {
  const sink = is.object(value, field);
  const kind = is.required(sink, 'kind', is.oneOf('ring', 'file'), `${field}.kind`);
  if (kind === 'ring') {
    return { kind, capacity: is.required(sink, 'capacity', is.integer(0, TEE_RING_BYTES), `${field}.capacity`) };
  }
  return {
    kind,
    path: is.required(sink, 'path', readFilePath, `${field}.path`),
    mode: is.required(sink, 'mode', is.oneOf('append', 'truncate'), `${field}.mode`),
  };
}

function readFilePath(value: unknown, field: string): string {
  const file = path(value, field);
  if (isAbsolute(file) && !file.includes('\0')) return file;
  throw invalid(field, `${field} must be an absolute path without a NUL`);
}

function readTeeOptions(value: unknown, field: string): Partial<TeeOptions> {
  const options = is.object(value, field);
  return {
    ...is.optional(options, 'backpressure', is.oneOf('drop_oldest', 'block'), `${field}.backpressure`),
    ...is.optional(options, 'queue_bytes', is.integer(0, TEE_RING_BYTES), `${field}.queue_bytes`),
    ...is.optional(options, 'write_missed_markers', is.flag, `${field}.write_missed_markers`),
    ...is.optional(options, 'from', readTeeFrom, `${field}.from`),
  };
}

function readTeeFrom(value: unknown, field: string): 'start' | 'end' | number {
  if (value === 'start' || value === 'end') return value;
  if (typeof value === 'number') return count(value, field);
  throw invalid(field, `${field} must be an offset, start or end`);
}

/** What `AgentReport` says, field by field: a report also comes from a file that a program of the session wrote. */
export function readAgentReport(value: unknown, field: string): AgentReport {
  const report = is.shallowObject(value, field);
  const payload = is.required(report, 'payload', is.shallowObject, `${field}.payload`);
  if (Buffer.byteLength(JSON.stringify(payload)) > REPORT_BYTES) {
    throw new HoldfastError('too_large', `${field}.payload holds at most ${REPORT_BYTES} bytes`, {
      field: `${field}.payload`,
    });
  }
  return {
    name: is.required(report, 'name', is.text(1, NAME_BYTES), `${field}.name`),
    payload,
    at: is.required(report, 'at', count, `${field}.at`),
    report_id: is.required(report, 'report_id', readUlid, `${field}.report_id`),
  };
}

function readUlid(value: unknown, field: string): string {
  if (typeof value === 'string' && ULID.test(value)) return value;
  throw invalid(field, `${field} must be a ULID: 26 characters`);
}

function readSignal(value: unknown, field: string): string {
  if (typeof value === 'string' && Object.hasOwn(constants.signals, value)) return value;
  throw invalid(field, `${field} must be a signal name of this system, such as SIGTERM`);
}

function readNestedEvent(value: unknown, field: string): SessionEvent {
  const event = is.shallowObject(value, field);
  const name = event['event'];
  if (typeof name === 'string' && Object.hasOwn(SESSION_EVENTS, name)) return event as SessionEvent;
  throw invalid(`${field}.event`, `${field}.event must be the name of a session event`);
}

function readId(value: unknown, field: string): string | number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  if (typeof value === 'string' && Buffer.byteLength(value) <= NAME_BYTES) return value;
  throw invalid(field, `${field} must be a string of at most ${NAME_BYTES} bytes or a whole number`);
}

function isCommandName(name: string): name is SessionCommandName {
  return Object.hasOwn(SESSION_COMMANDS, name);
}

function parseObject(json: Buffer): is.Fields {
  if (!isUtf8(json)) throw badFrame('a JSON frame is not UTF-8');
  let value: unknown;
  try {
    value = JSON.parse(json.toString('utf8'));
  } catch {
    // The engine's message quotes the text, which may hold the token.
    throw badFrame('a JSON frame does not parse');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as is.Fields;
  throw badFrame('a JSON frame holds no object');
}

function badFrame(message: string): HoldfastError {
  return new HoldfastError('bad_frame', message);
}
