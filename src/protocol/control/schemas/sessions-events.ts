/** Committed facts about sessions. Every one carries `session_id`; bytes and environment never appear. */
import { z } from 'zod';
import { agentMode } from './agents-facts.ts';
import {
  containment,
  endCause,
  exitFact,
  holderFact,
  leaseInfo,
  sessionKind,
  sessionLimits,
  wireError,
} from './facts.ts';
import { choice, flag, u53 } from './fields.ts';
import { desired } from './sessions.ts';
import { ourEvents } from './variants.ts';

const session_id = z.string();
const string = z.string();
const holders = z.array(holderFact);
const started = {
  session_id,
  pid: z.int(),
  start_time: z.int().describe('Of the kernel: proc(5), field 22'),
  shim_pid: z.int(),
  shim_start_time: z.int(),
};

export const SESSIONS_EVENTS = ourEvents({
  session_created: [
    'Desired; its shim is being started',
    {
      session_id,
      name: string.nullable(),
      kind: sessionKind,
      argv: z.array(string),
      command: string,
      cwd: string,
      originator: string,
      created_at: u53,
      rows: z.int(),
      cols: z.int(),
      merge_stderr: flag,
      umask: z.int().nullable(),
      limits: sessionLimits,
      agent: z
        .object({
          agent_id: string,
          profile: string,
          mode: agentMode,
          conversation_id: string.nullable(),
          resumed: flag,
        })
        .nullable()
        .describe('The agent it runs'),
    },
  ],
  session_started: ['The child runs', { ...started, containment }],
  session_start_failed: ['There is no child', { session_id, error: wireError, exit_status: z.int() }],
  session_adopted: [
    'A new srv found its shim',
    {
      ...started,
      shim_version: string.describe("The shim's build"),
      containment: containment.exactOptional(),
      epoch: string.exactOptional().describe("The adopting srv's"),
    },
  ],
  session_exited: ['The child is gone; who still holds its output', { session_id, exit: exitFact, held_by: holders }],
  session_held: ['Who holds the output of an exited session, when that changes', { session_id, held_by: holders }],
  session_ended: ['Its log is closed', { session_id, cause: endCause, exit: exitFact.nullable(), survivors: holders }],
  session_lost: ['Its shim is gone', { session_id, cause: choice(['shim_lost', 'reboot']), survivors: holders }],
  session_renamed: ['Null: it has no name', { session_id, name: string.nullable() }],
  session_removed: ['It is forgotten', { session_id, reason: choice(['command', 'purge', 'retention']) }],
  session_driver_changed: ['Null: nobody drives it', { session_id, driver: leaseInfo.nullable() }],
  session_resized: ['', { session_id, rows: z.int(), cols: z.int() }],
  session_desired: ['What is wanted of it', { session_id, desired }],
  session_warning: ['', { session_id, message: string }],
});
