import { HoldfastError } from '../../protocol/index.ts';
import { flag, text } from '../arguments.ts';
import { isInteractive, showSession } from '../attach-terminal.ts';
import type { CommandContext } from '../command.ts';
import { describeOutcome, STOLEN_STATUS } from '../show-outcome.ts';
import { DEFAULT_DETACH_KEY } from '../terminal/detach-key.ts';

export async function run({ connect, positionals, options, out }: CommandContext): Promise<number> {
  if (!isInteractive()) {
    throw new HoldfastError(
      'invalid_argument',
      'attach needs a terminal on stdin and stdout; without one use: holdfast logs --follow',
    );
  }
  const holdfast = await connect();
  const { session } = await holdfast.get(positionals[0]!);
  const outcome = await showSession(session, {
    detachKey: text(options, 'detach-key') ?? DEFAULT_DETACH_KEY,
    readOnly: flag(options, 'read-only'),
    steal: flag(options, 'steal'),
    from: 'screen',
    tellsExit: true,
  });
  out.note(describeOutcome(outcome));
  return outcome.why === 'stolen' ? STOLEN_STATUS : 0;
}
