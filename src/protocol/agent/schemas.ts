/**
 * The schema of a profile as a person may write it: what has a sensible default may be left out (TOML has no null). Only
 * srv and the documentation import it; types are `profile.ts`, and the compiler checks that both agree.
 */
import { z } from 'zod';
import type { AgentProfile } from './profile.ts';

const NAME = /^[a-z][a-z0-9_-]{0,31}$/;
const ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const ENVIRONMENT_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const SCRUB_NAME = /^[A-Za-z_][A-Za-z0-9_]*\*?$/;

const text = z.string().max(1_000);
const keys = z.string().max(256);
const pattern = z.string().min(1).max(256).describe('pattern');
const milliseconds = z.number().int().min(0).max(3_600_000);
const confidence = z.number().min(0).max(1);
const id = z.string().regex(ID, 'is 1 to 64 letters, digits and _ . -');
const fieldPath = z.string().min(1).max(128);
const words = z.array(z.string().min(1).max(4_096)).max(64);
const argv = words.min(1);

const activity = z.enum(['unknown', 'starting', 'idle', 'working', 'done', 'error', 'dead']).nullable().default(null);
const attention = z.enum(['none', 'permission', 'question', 'auth', 'exhausted', 'quota']).nullable().default(null);
const dialogKind = z.enum(['trust', 'auth', 'permission', 'question']);
const meaning = z.enum(['allow', 'allow_always', 'deny']).nullable().default(null);

const region = z
  .strictObject({
    of: z.enum(['last', 'whole', 'cursor', 'after']),
    lines: z.number().int().min(0).max(200).optional(),
    mark: pattern.optional(),
  })
  .refine(({ of, mark }) => (of === 'after') === (mark !== undefined), {
    path: ['mark'],
    message: 'belongs to a region of "after", and only there',
  })
  .refine(({ of, lines }) => of === 'cursor' || lines !== 0, { path: ['lines'], message: 'is 1 or more' });

const patterns = z.array(pattern).max(32);
const match = z
  .strictObject({ all: patterns.optional(), any: patterns.optional(), none: patterns.optional() })
  .refine(({ all, any }) => (all?.length ?? 0) + (any?.length ?? 0) > 0, {
    message: 'needs at least one pattern in all or any: a rule that says only what is missing matches everything',
  });

const launch = z.strictObject({
  argv: words.default([]),
  resume: argv.nullable().default(null),
  version: argv.nullable().default(null),
  scrub: z.array(z.string().regex(SCRUB_NAME, 'is a variable name, or a prefix that ends in *')).max(256).default([]),
  set: z.record(z.string().regex(ENVIRONMENT_NAME, 'is no variable name'), z.string().max(32_768)).default({}),
  merge: z
    .record(z.string().regex(ENVIRONMENT_NAME, 'is no variable name'), z.record(z.string(), z.unknown()))
    .optional(),
  conversation: z
    .discriminatedUnion('from', [
      z.strictObject({ from: z.literal('argv') }),
      z.strictObject({ from: z.literal('hook'), event: id, field: fieldPath }),
      z.strictObject({ from: z.literal('none') }),
    ])
    .default({ from: 'none' }),
});

const box = z.strictObject({
  region,
  prompt: pattern,
  continuation: pattern.nullable().default(null),
  end: pattern.optional(),
  upwards: z.boolean().optional(),
  placeholders: patterns.default([]),
  dim_is_placeholder: z.boolean().default(false),
});

const input = z.strictObject({
  paste: z.enum(['bracketed', 'plain']).default('bracketed'),
  newline: keys.default('\n'),
  submit: keys.min(1).default('\r'),
  interrupt: z.array(keys.min(1)).max(8).default(['\u0003']),
  clear: z.array(keys.min(1)).max(8).default(['\u0015']),
  exit: z.array(keys.min(1)).max(8).default(['\u0004']),
  box: box.nullable().default(null),
  collapsed: z.strictObject({ pattern }).nullable().default(null),
  by_reference_bytes: z.number().int().min(256).max(262_144).default(16_384),
  submit_after_ms: milliseconds.optional(),
  special: z
    .strictObject({ pattern, prefix: z.string().min(1).max(64) })
    .nullable()
    .optional(),
  completes: z.strictObject({ pattern, suffix: z.string().min(1).max(64) }).optional(),
  chrome: patterns.optional(),
  answer_mark: pattern.optional(),
  stopped_mark: pattern.optional(),
});

const choice = z.strictObject({ id, label: z.string().min(1).max(256), meaning, keys: keys.min(1) });

const dialog = z.strictObject({
  id,
  kind: dialogKind,
  region,
  match,
  choice: pattern.nullable().default(null),
  choices: z.array(choice).max(32).default([]),
  begin: pattern.optional(),
  noise: patterns.default([]),
});

const rule = z.strictObject({
  id,
  region,
  match,
  activity,
  attention,
  priority: z.number().int().min(-1_000).max(1_000).default(0),
  confidence: confidence.default(0.8),
  settle_ms: milliseconds.max(10_000).default(0),
  skip: z.boolean().optional(),
});

const title = z.strictObject({ id, pattern, activity, attention, confidence: confidence.default(0.8) });

const hook = z.strictObject({
  event: id,
  when: z.record(fieldPath, text).optional(),
  matching: z.record(fieldPath, pattern).optional(),
  activity,
  attention,
  lease_ms: milliseconds.max(86_400_000).nullable().default(null),
  response: fieldPath.optional(),
  conversation: fieldPath.optional(),
  transcript: fieldPath.optional(),
  text: fieldPath.optional(),
  usage: fieldPath.optional(),
  turn: z.enum(['started', 'ended', 'failed', 'stopped']).optional(),
});

const timings = z.strictObject({
  ready_ms: milliseconds.default(30_000),
  echo_ms: milliseconds.default(5_000),
  start_ms: milliseconds.default(10_000),
  settle_ms: milliseconds.default(500),
  interrupt_ms: milliseconds.default(10_000),
});

export const agentProfileSchema = z.strictObject({
  name: z.string().regex(NAME, 'is 1 to 32 lowercase letters, digits, _ and -, and begins with a letter'),
  title: text.min(1),
  revision: z.number().int().min(1).max(1_000_000).default(1),
  cli_versions: text.nullable().default(null),
  launch,
  input: input.prefault({}),
  dialogs: z.array(dialog).max(64).default([]),
  rules: z.array(rule).max(128).default([]),
  titles: z.array(title).max(32).default([]),
  progress: z.boolean().default(false),
  prompt_marks: z.boolean().default(false),
  program_status: z.boolean().default(true),
  hooks: z
    .strictObject({
      settings: z.record(z.string(), z.unknown()).nullable().default(null),
      plugin: z.string().min(1).max(65_536).optional(),
      events: z.array(hook).max(64).default([]),
    })
    .prefault({}),
  structured: z
    .array(z.strictObject({ mode: z.enum(['acp', 'stream_json']), argv, resume: argv.nullable().default(null) }))
    .max(2)
    .default([]),
  timings: timings.prefault({}),
});

/** What the schema makes is a profile, and a profile is what the schema takes: neither says more than the other. */
type Parsed = z.output<typeof agentProfileSchema>;
type Optional<T> = T extends readonly (infer Item)[]
  ? Optional<Item>[]
  : T extends object
    ? {
        [Key in keyof T]: undefined extends T[Key]
          ? Optional<Exclude<T[Key], undefined>> | undefined
          : Optional<T[Key]>;
      }
    : T;
export type SchemaAgrees = [Optional<AgentProfile>] extends [Parsed]
  ? [Parsed] extends [Optional<AgentProfile>]
    ? true
    : never
  : never;
true satisfies SchemaAgrees;
