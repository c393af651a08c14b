import { userInfo } from 'node:os';
import { text } from '../arguments.ts';
import { isInteractive, showSession } from '../attach-terminal.ts';
import type { CommandContext } from '../command.ts';
import { statusOf } from '../exit-status.ts';
import { sessionSpec } from '../session-spec.ts';
import { describeOutcome, STOLEN_STATUS } from '../show-outcome.ts';
import { showStatus } from '../show-status.ts';
import { DEFAULT_DETACH_KEY } from '../terminal/detach-key.ts';

export async function run(context: CommandContext): Promise<number> {
  const { out, env, json, options } = context;
  if (!isInteractive()) return introduce(context);
  const holdfast = await context.connect();
  const shell = env['SHELL'] || userInfo().shell || '/bin/sh';
  const { session, record } = await holdfast.run(sessionSpec(context, [shell]));
  const outcome = await showSession(session, {
    detachKey: text(options, 'detach-key') ?? DEFAULT_DETACH_KEY,
    readOnly: false,
    steal: false,
    from: 'start',
    tellsExit: true,
  });
  if (json) out.json({ id: record.id, outcome: outcome.why, exit: outcome.exit });
  else out.note(describeOutcome(outcome));
  if (outcome.why === 'detached') out.note(`your shell runs on; come back with: holdfast attach ${record.id}`);
  if (outcome.why === 'exited' && outcome.exit !== null) return statusOf(outcome.exit);
  return outcome.why === 'stolen' ? STOLEN_STATUS : 0;
}

/** Without a terminal: the runtime, its status and what to try next. */
async function introduce({ connect, out, json }: CommandContext): Promise<number> {
  const status = await (await connect()).status();
  if (json) {
    out.json(status);
    return 0;
  }
  showStatus(out, status);
  out.line('');
  out.line('Try next:');
  out.line('  holdfast run --detach --name demo -- bash   start a session');
  out.line('  holdfast ls                                 see it');
  out.line('  holdfast attach demo                        connect a terminal to it; Ctrl-\\ d leaves');
  out.line('  holdfast help                               everything else');
  return 0;
}
