import { HoldfastError } from '../../protocol/index.ts';
import { flag, text } from '../arguments.ts';
import { isInteractive, showSession } from '../attach-terminal.ts';
import type { CommandContext } from '../command.ts';
import { statusOf } from '../exit-status.ts';
import { passThrough } from '../pass-through.ts';
import { sessionSpec } from '../session-spec.ts';
import { describeOutcome, STOLEN_STATUS } from '../show-outcome.ts';
import { DEFAULT_DETACH_KEY } from '../terminal/detach-key.ts';

export async function run(context: CommandContext): Promise<number> {
  const { options, rest, json, out } = context;
  if (rest.length === 0) {
    throw new HoldfastError('invalid_argument', 'run needs a command, as in: holdfast run -- bash', {
      field: 'COMMAND',
    });
  }
  const spec = sessionSpec(context, rest);
  const holdfast = await context.connect();
  const { session, record } = await holdfast.run(spec);
  if (flag(options, 'detach')) {
    if (json) out.json(record);
    else out.line(record.id);
    return 0;
  }
  if (spec.kind === 'pipe' || !isInteractive()) return passThrough(session, record, out);
  const outcome = await showSession(session, {
    detachKey: text(options, 'detach-key') ?? DEFAULT_DETACH_KEY,
    readOnly: false,
    steal: false,
    from: 'start',
    tellsExit: false,
  });
  if (outcome.why === 'exited' && outcome.exit !== null) return statusOf(outcome.exit);
  out.note(describeOutcome(outcome));
  if (outcome.why === 'detached') out.note(`come back with: holdfast attach ${record.name ?? record.id}`);
  return outcome.why === 'stolen' ? STOLEN_STATUS : 0;
}
