/** The sessions vocabulary (WIRES §1): commands and the record `ls` prints. */
import { constants } from 'node:os';
import { z } from 'zod';
import { ARGUMENT_BYTES, ARGUMENTS_BYTES, NAME_BYTES, TERMINAL_AREA_CELLS, TERMINAL_SIDE_CELLS } from '../../limits.ts';
import type { SessionLimits } from '../../launch/index.ts';
import { containment, endCause, holderFact, leaseInfo, outcome, sessionKind, wireError } from './facts.ts';
import {
  choice,
  flag,
  list,
  NO_CONTROLS,
  NO_NUL,
  ours,
  text,
  u53,
  whole,
  withoutControls,
  withoutNul,
} from './fields.ts';
import { agentGiven } from './agents.ts';
import { argument, selector, tooLarge } from './terms.ts';
import { ourCommands } from './variants.ts';

/** setTimeout takes at most 2^31 - 1 ms. */
const DURATION_MS = 0x7fff_ffff;
/** path_resolution(7): PATH_MAX with its NUL is 4096. */
const PATH_BYTES = 4_095;

const duration = whole(0, DURATION_MS);
const label = text(0, NAME_BYTES).refine(withoutNul, NO_NUL);

const ULID_SHAPE = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i;
const name = text(1, NAME_BYTES)
  .refine(withoutControls, NO_CONTROLS)
  .refine((value) => !ULID_SHAPE.test(value), { error: 'must not look like a session id' });

/** As the kernel counts them: each string with its NUL. */
function totalBytes(strings: readonly string[]): number {
  let total = 0;
  for (const value of strings) total += Buffer.byteLength(value) + 1;
  return total;
}

const string = z.string({ error: 'must be a string' });
const argv = list(argument)
  .min(1, { error: 'must name a program' })
  .refine((values) => values[0] !== '', { error: 'must name a program' })
  .refine((values) => totalBytes(values) <= ARGUMENTS_BYTES, tooLarge(ARGUMENTS_BYTES));

const variable = z
  .tuple([string, string], { error: 'must be [name, value]' })
  .refine(([key]) => key !== '', { error: 'must have a name' })
  .refine(([key]) => !key.includes('='), { error: "must have a name without '='" })
  .refine(([key, value]) => withoutNul(key) && withoutNul(value), NO_NUL)
  .refine((entry) => totalBytes(entry) - 1 <= ARGUMENT_BYTES, tooLarge(ARGUMENT_BYTES));
const env = list(variable).refine(
  (entries) => totalBytes(entries.flat()) <= ARGUMENTS_BYTES,
  tooLarge(ARGUMENTS_BYTES),
);

const cwd = text(1, PATH_BYTES)
  .refine((value) => value.startsWith('/'), { error: 'must be an absolute path' })
  .refine(withoutNul, NO_NUL);

const side = whole(1, TERMINAL_SIDE_CELLS);
export const desired = choice(['running', 'stopped', 'removed']);

const limits = z.object({
  memory_bytes: u53.exactOptional(),
  spill_bytes: u53.exactOptional(),
  segment_bytes: u53.exactOptional(),
  stall_ms: duration.exactOptional(),
  lease_ms: duration.exactOptional(),
  linger_ms: u53.nullable().exactOptional(),
  allow_lossless: flag.exactOptional(),
}) satisfies { shape: Record<keyof SessionLimits, unknown> };

const byName = ourCommands({
  create_session: [
    'Starts a child under a shim of its own; answered at commit',
    {
      argv: argv.exactOptional().describe("May be left out with `agent`: then its profile's"),
      cwd,
      env: env.describe('Ordered; later entries win. HOLDFAST_* entries are dropped'),
      kind: sessionKind.exactOptional().describe('Default pty'),
      name: name.nullable().exactOptional(),
      rows: side.exactOptional(),
      cols: side.exactOptional(),
      originator: label.exactOptional(),
      command: text(0, ARGUMENTS_BYTES).exactOptional().describe('Shown instead of argv joined by blanks'),
      merge_stderr: flag.exactOptional(),
      umask: whole(0, 0o777).nullable().exactOptional(),
      limits: limits.exactOptional(),
      agent: agentGiven.exactOptional().describe('It runs an agent'),
    },
  ],
  get_session: ['One session, and the token its socket wants', { session: selector }],
  list_sessions: ['All sessions, or those of an originator', { originator: label.exactOptional() }],
  terminate_session: [
    'Ends the whole tree of a session: soft, then after the grace hard',
    { session: selector, grace_ms: duration.exactOptional().describe('Default 5,000') },
  ],
  signal_session: [
    'Signals the child',
    {
      session: selector,
      signal: string.refine((value) => Object.hasOwn(constants.signals, value), {
        error: 'must be a signal name of this system, such as SIGTERM',
      }),
    },
  ],
  rename_session: [
    'Names a session; without a name takes it away',
    { session: selector, name: name.nullable().exactOptional() },
  ],
  remove_session: [
    'Forgets a session that is over',
    { session: selector, force: flag.exactOptional().describe('Also a live one, which is ended first') },
  ],
  purge_exited: ['Forgets every session that is over', { originator: label.exactOptional() }],
  set_desired: ['Says what is wanted of a session', { session: selector, desired }],
});

export const SESSIONS_COMMANDS = {
  ...byName,
  create_session: byName.create_session.refine(({ rows = 1, cols = 1 }) => rows * cols <= TERMINAL_AREA_CELLS, {
    path: ['rows'],
    error: `× cols must be at most ${TERMINAL_AREA_CELLS} cells`,
  }),
};

const str = z.string();

/** One session as `ls` and `get_session` show it. */
export const sessionRecord = ours(
  z.object({
    id: str,
    name: str.nullable(),
    kind: sessionKind,
    agent: str.nullable().describe('Profile of the agent it runs'),
    state: choice(['starting', 'running', 'exited', 'ended', 'lost']),
    pid: z.int().nullable(),
    shim_pid: z.int().nullable(),
    argv: z.array(str),
    command: str,
    originator: str,
    cwd: str,
    created_at: u53.describe('Ms since the Unix epoch'),
    exit: z
      .object({
        code: z.int().nullable(),
        signal: str.nullable(),
        outcome: outcome.nullable(),
        cause: z.enum([...endCause.options, 'not_our_child']).nullable(),
        at: u53.nullable(),
      })
      .nullable(),
    desired,
    rows: z.int(),
    cols: z.int(),
    driver: leaseInfo.nullable(),
    held_by: z.array(holderFact),
    survivors: z.array(holderFact).describe('Processes of the tree that could not be ended'),
    merge_stderr: flag,
    containment: containment.nullable(),
    start_error: wireError.nullable(),
    socket: str.describe("Absolute path of the socket that serves this session now: its shim's, or srv's archive"),
  }),
);
