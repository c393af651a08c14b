import type { Holdfast } from '../client/index.ts';
import type { SessionRecord } from '../protocol/control/index.ts';
import type { CommandContext } from './command.ts';
import { exitStatusOf, reportError } from './errors.ts';
import { printable, stateOf } from './format.ts';

/** How long after the hard signal a session may take to be gone. */
const AFTER_GRACE_MS = 15_000;

/** `stop` and `kill`: ends sessions side by side and waits until nothing of them is left. */
export async function endSessions(
  { connect, positionals, json, out }: CommandContext,
  graceMs: number,
): Promise<number> {
  const holdfast = await connect();
  const outcomes = await Promise.allSettled(positionals.map((id) => endOne(holdfast, id, graceMs)));
  let status = 0;
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') {
      reportError(out, outcome.reason);
      status ||= exitStatusOf(undefined, [], outcome.reason);
      continue;
    }
    const record = outcome.value;
    if (json) out.json(record);
    else out.line(`${record.id} ${stateOf(record)}`);
    for (const { pid, command } of record.survivors) {
      out.note(`holdfast: process ${pid} (${printable(command)}) of session ${record.id} could not be ended`);
      status ||= 1;
    }
  }
  return status;
}

async function endOne(holdfast: Holdfast, id: string, graceMs: number): Promise<SessionRecord> {
  const { record } = await holdfast.stop(id, { graceMs });
  return holdfast.wait(record.id, { for: 'end', timeoutMs: graceMs + AFTER_GRACE_MS });
}
