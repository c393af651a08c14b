/**
 * Schemas of every control command, checked at compile time against the hand-written types. Only srv imports this file:
 * a schema library costs every other process start-up time and memory.
 *
 * Unknown fields are dropped; an optional field that is null counts as missing.
 */
import { constants } from 'node:os';
import { z } from 'zod';
import { HoldfastError, invalid } from '../errors.ts';
import { ARGUMENT_BYTES, ARGUMENTS_BYTES, NAME_BYTES, TERMINAL_AREA_CELLS, TERMINAL_SIDE_CELLS } from '../limits.ts';
import type { SessionLimits } from '../launch/index.ts';
import type { ConnectionCommand, RegisterCommand } from './messages.ts';
import type { SessionsCommand } from './sessions.ts';

type AnyCommand = RegisterCommand | ConnectionCommand | SessionsCommand;
type CommandName = AnyCommand['cmd'];
type CommandOf<K extends CommandName> = Extract<AnyCommand, { cmd: K }>;
/** Every field has a schema: one forgotten would be dropped in silence. */
type FieldsOf<T> = { shape: Record<keyof T, unknown> };

/** setTimeout takes at most 2^31 - 1 ms. */
const DURATION_MS = 0x7fff_ffff;
/** path_resolution(7): PATH_MAX with its NUL is 4096. */
const PATH_BYTES = 4_095;
const TOPICS = 256;

const text = (least: number, most: number) =>
  z.string({ error: 'must be a string' }).refine((value) => value.length >= least && Buffer.byteLength(value) <= most, {
    error: `must have ${least} to ${most} bytes`,
  });
const whole = (low: number, high: number) => {
  const error = `must be a whole number from ${low} to ${high}`;
  return z.int({ error }).min(low, { error }).max(high, { error });
};
const flag = z.boolean({ error: 'must be true or false' });
const choice = <const T extends readonly [string, ...string[]]>(names: T) =>
  z.enum(names, { error: `must be one of ${names.join(', ')}` });
const list = <T extends z.ZodType>(item: T) => z.array(item, { error: 'must be a list' });

const withoutNul = (value: string): boolean => !value.includes('\0');
const NUL = { error: 'must not contain a NUL' };

const version = whole(0, Number.MAX_SAFE_INTEGER);
const duration = whole(0, DURATION_MS);
const identifier = text(1, NAME_BYTES);
const label = text(0, NAME_BYTES).refine(withoutNul, NUL);
const selector = text(1, NAME_BYTES);

const ULID_SHAPE = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i;
const name = text(1, NAME_BYTES)
  .refine((value) => !/\p{Cc}/u.test(value), { error: 'must not contain control characters' })
  .refine((value) => !ULID_SHAPE.test(value), { error: 'must not look like a session id' });

const tooLarge = (what: string, most: number) => ({
  error: `${what}; at most ${most} bytes are taken`,
  params: { code: 'too_large' },
});

const argument = z
  .string({ error: 'must be a string' })
  .refine(withoutNul, NUL)
  .refine((value) => Buffer.byteLength(value) <= ARGUMENT_BYTES, tooLarge('is too long', ARGUMENT_BYTES));
const argv = list(argument)
  .min(1, { error: 'must name a program' })
  .refine((values) => values[0] !== '', { error: 'must name a program' })
  .refine((values) => totalBytes(values) <= ARGUMENTS_BYTES, tooLarge('is too long', ARGUMENTS_BYTES));

const variable = z
  .tuple([z.string({ error: 'must be a string' }), z.string({ error: 'must be a string' })], {
    error: 'must be [name, value]',
  })
  .refine(([key]) => key !== '', { error: 'must have a name' })
  .refine(([key]) => !key.includes('='), { error: "must have a name without '='" })
  .refine(([key, value]) => withoutNul(key) && withoutNul(value), NUL)
  .refine((entry) => totalBytes(entry) - 1 <= ARGUMENT_BYTES, tooLarge('is too long', ARGUMENT_BYTES));
const env = list(variable).refine(
  (entries) => totalBytes(entries.flat()) <= ARGUMENTS_BYTES,
  tooLarge('is too long', ARGUMENTS_BYTES),
);

const cwd = text(1, PATH_BYTES)
  .refine((value) => value.startsWith('/'), { error: 'must be an absolute path' })
  .refine(withoutNul, NUL);

const side = whole(1, TERMINAL_SIDE_CELLS);

const sessionLimits = z.object({
  memory_bytes: version.exactOptional(),
  spill_bytes: version.exactOptional(),
  segment_bytes: version.exactOptional(),
  stall_ms: duration.exactOptional(),
  lease_ms: duration.exactOptional(),
  linger_ms: version.nullable().exactOptional(),
  allow_lossless: flag.exactOptional(),
}) satisfies FieldsOf<SessionLimits>;

const createSession = z
  .object({
    cmd: z.literal('create_session'),
    argv,
    cwd,
    env,
    kind: choice(['pty', 'pipe']).exactOptional(),
    name: name.exactOptional(),
    rows: side.exactOptional(),
    cols: side.exactOptional(),
    originator: label.exactOptional(),
    command: text(0, ARGUMENTS_BYTES).exactOptional(),
    merge_stderr: flag.exactOptional(),
    umask: whole(0, 0o777).exactOptional(),
    limits: sessionLimits.exactOptional(),
  })
  .refine(({ rows = 1, cols = 1 }) => rows * cols <= TERMINAL_AREA_CELLS, {
    path: ['rows'],
    error: `× cols must be at most ${TERMINAL_AREA_CELLS} cells`,
  });

const protocolNumber = whole(1, 0xffff_ffff);
const desired = choice(['running', 'stopped', 'removed']);

const SCHEMAS = {
  register: z.object({
    cmd: z.literal('register'),
    kind: choice(['launcher', 'srv', 'host', 'renderer', 'tool']),
    pid: whole(0, 0xffff_ffff),
    version: text(0, NAME_BYTES),
    protocol: z
      .tuple([protocolNumber, protocolNumber], { error: 'must be [lowest, highest]' })
      .refine(([low, high]) => low <= high, { error: 'must be [lowest, highest]' })
      .exactOptional(),
    client_id: identifier.exactOptional(),
    token: text(0, 256).exactOptional(),
    request_id: identifier.exactOptional(),
  }),
  subscribe: z.object({
    cmd: z.literal('subscribe'),
    topics: list(identifier)
      .max(TOPICS, { error: `must name at most ${TOPICS} topics` })
      .exactOptional(),
    since: version.exactOptional(),
    epoch: identifier.exactOptional(),
    snapshot: flag.exactOptional(),
  }),
  unsubscribe: z.object({ cmd: z.literal('unsubscribe') }),
  get_events: z.object({
    cmd: z.literal('get_events'),
    since: version.exactOptional(),
    epoch: identifier.exactOptional(),
    max: whole(1, Number.MAX_SAFE_INTEGER).exactOptional(),
  }),
  get_srv_snapshot: z.object({ cmd: z.literal('get_srv_snapshot') }),
  get_status: z.object({ cmd: z.literal('get_status') }),
  shutdown: z.object({ cmd: z.literal('shutdown'), sessions: flag.exactOptional() }),
  ping: z.object({ cmd: z.literal('ping'), nonce: version.exactOptional() }),
  goodbye: z.object({ cmd: z.literal('goodbye') }),
  create_session: createSession,
  get_session: z.object({ cmd: z.literal('get_session'), session: selector }),
  list_sessions: z.object({ cmd: z.literal('list_sessions'), originator: label.exactOptional() }),
  terminate_session: z.object({
    cmd: z.literal('terminate_session'),
    session: selector,
    grace_ms: duration.exactOptional(),
  }),
  signal_session: z.object({
    cmd: z.literal('signal_session'),
    session: selector,
    signal: z.string({ error: 'must be a string' }).refine((value) => Object.hasOwn(constants.signals, value), {
      error: 'must be a signal name of this system, such as SIGTERM',
    }),
  }),
  rename_session: z.object({
    cmd: z.literal('rename_session'),
    session: selector,
    name: name.nullable().exactOptional(),
  }),
  remove_session: z.object({ cmd: z.literal('remove_session'), session: selector, force: flag.exactOptional() }),
  purge_exited: z.object({ cmd: z.literal('purge_exited'), originator: label.exactOptional() }),
  set_desired: z.object({ cmd: z.literal('set_desired'), session: selector, desired }),
} satisfies { [K in CommandName]: z.ZodType<CommandOf<K>> & FieldsOf<CommandOf<K>> };

/**
 * Checks one command. Throws `unknown_command`; `invalid_argument` or `too_large` naming the path of the field
 * (`env[3]`).
 */
export function parseControlCommand(fields: Record<string, unknown>): AnyCommand {
  const cmd = fields['cmd'];
  if (typeof cmd !== 'string') throw invalid('cmd', 'cmd must be the name of a command');
  if (!Object.hasOwn(SCHEMAS, cmd)) {
    throw new HoldfastError('unknown_command', `${cmd.slice(0, NAME_BYTES)} is no command`, { field: 'cmd' });
  }
  const schema: z.ZodType<AnyCommand> = SCHEMAS[cmd as CommandName];
  const parsed = schema.safeParse(withoutNulls(fields));
  if (parsed.success) return parsed.data;
  throw refusal(parsed.error.issues[0], fields);
}

function refusal(issue: z.core.$ZodIssue | undefined, fields: Record<string, unknown>): HoldfastError {
  if (issue === undefined) return invalid('cmd', 'the command is not valid');
  const field = fieldPath(issue.path);
  const first = issue.path[0];
  const missing = issue.path.length === 1 && typeof first === 'string' && (fields[first] ?? null) === null;
  if (missing) return invalid(field, `${field} is missing`);
  const code = issue.code === 'custom' && issue.params?.['code'] === 'too_large' ? 'too_large' : 'invalid_argument';
  return new HoldfastError(code, `${field} ${issue.message}`, { field });
}

function fieldPath(path: readonly PropertyKey[]): string {
  let field = '';
  for (const step of path) {
    if (typeof step === 'number') field += `[${step}]`;
    else field += field === '' ? String(step) : `.${String(step)}`;
  }
  return field;
}

/** Only the command's own fields: `limits.linger_ms: null` has a meaning. */
function withoutNulls(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

/** As the kernel counts them: each string with its NUL. */
function totalBytes(strings: readonly string[]): number {
  let total = 0;
  for (const value of strings) total += Buffer.byteLength(value) + 1;
  return total;
}
