/** Values of other wires that control messages carry; their types are owned there and checked here. */
import { z } from 'zod';
import { ERROR_EXIT_STATUS, type ErrorCode, type WireError } from '../../errors.ts';
import type { SessionLimits } from '../../launch/index.ts';
import type {
  EndCause,
  ExitFact,
  HolderFact,
  LeaseInfo,
  SessionKind,
  TerminationOutcome,
} from '../../session/messages.ts';
import { choice, flag, ours, u53 } from './fields.ts';

/** Every field has a schema: one forgotten would be dropped in silence. */
type Whole<T> = z.ZodType<T> & { shape: Record<keyof T, unknown> };

const str = z.string();

export const sessionKind = choice(['pty', 'pipe']) satisfies z.ZodType<SessionKind>;
export const outcome = choice(['natural_exit', 'soft_exit', 'hard_killed']) satisfies z.ZodType<TerminationOutcome>;
export const endCause = choice([
  'child',
  'terminated',
  'shim_lost',
  'reboot',
  'start_failed',
]) satisfies z.ZodType<EndCause>;
export const containment = choice(['tree', 'marked']);

export const exitFact = ours(
  z.object({
    code: z.int().nullable().describe('Exit status 0 to 255; null when a signal ended the child'),
    signal: str.nullable().describe('Signal name'),
    outcome,
    at_ms: u53.describe('Ms since the Unix epoch'),
  }),
) satisfies Whole<ExitFact>;

export const holderFact = ours(
  z.object({ pid: z.int(), start_time: z.int(), command: str }),
) satisfies Whole<HolderFact>;

export const leaseInfo = ours(
  z.object({
    epoch: z.int(),
    client_id: str,
    connected: flag.describe("False while the holder's socket is lost and the lease waits for it"),
  }),
) satisfies Whole<LeaseInfo>;

export const sessionLimits = ours(
  z.object({
    memory_bytes: u53,
    spill_bytes: u53,
    segment_bytes: u53,
    stall_ms: u53,
    lease_ms: u53,
    linger_ms: u53.nullable(),
    allow_lossless: flag,
  }),
) satisfies Whole<SessionLimits>;

const codes = Object.keys(ERROR_EXIT_STATUS) as [ErrorCode, ...ErrorCode[]];

export const wireError = ours(
  z.object({
    code: z.enum(codes),
    message: str.describe('What is wrong and what to do about it'),
    field: str.exactOptional().describe('Path of the field at fault, such as node.children[1].size'),
    retryable: flag.describe('Whether the same request may succeed later'),
    details: z.record(z.string(), z.unknown()),
  }),
) satisfies Whole<WireError>;

/** Code of an error event: the seed has the first three. */
export const eventErrorCode = z.enum(['invalid_command', ...codes]);
