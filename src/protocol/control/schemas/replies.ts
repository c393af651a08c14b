/** Answers to a request (WIRES §1), and what runs in a home (DESIGN §9). */
import { z } from 'zod';
import { wireError } from './facts.ts';
import { choice, ours, u53 } from './fields.ts';

const string = z.string();
const pid = z.int().nullable();

export const successReply = ours(
  z.looseObject({
    reply: string.describe("The request's id"),
    ok: z.literal(true),
    version: u53.describe('At which the command is done'),
  }),
);
export const failureReply = ours(z.object({ reply: string, ok: z.literal(false), error: wireError }));

const process = z.object({
  pid,
  state: choice(['starting', 'running', 'degraded', 'safe_mode', 'stopping', 'absent']),
});

/** `holdfast status --json`. */
export const runtimeStatus = ours(
  z.object({
    home: string,
    launcher: process,
    srv: process.extend({ version: string, epoch: string, started_at: u53.exactOptional() }),
    host: process,
    sessions: z.object({ live: z.int(), exited: z.int() }),
    spare: z.object({ pid, configured: z.int() }).exactOptional(),
    limits: z.record(string, z.number()).exactOptional(),
    spill_bytes: u53.exactOptional(),
    events: z.object({ first_version: u53, last_version: u53 }).exactOptional(),
    problems: z.array(string).exactOptional(),
  }),
);
