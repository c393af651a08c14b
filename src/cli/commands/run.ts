import type { Session, SessionRecord } from '../../client/index.ts';
import { HoldfastError, invalid } from '../../protocol/index.ts';
import { RUN_AGENT_OPTIONS } from '../agent-commands.ts';
import { flag, text } from '../arguments.ts';
import { isInteractive, showSession } from '../attach-terminal.ts';
import type { CommandContext } from '../command.ts';
import { statusOf } from '../exit-status.ts';
import { passThrough } from '../pass-through.ts';
import { agentSpec, sessionSpec } from '../session-spec.ts';
import { describeOutcome, STOLEN_STATUS } from '../show-outcome.ts';
import { DEFAULT_DETACH_KEY } from '../terminal/detach-key.ts';

export async function run(context: CommandContext): Promise<number> {
  const { options, rest, json, out } = context;
  const runsAgent = text(options, 'agent') !== undefined;
  const only = RUN_AGENT_OPTIONS.find(({ name }) => options[name] !== undefined);
  if (!runsAgent && only !== undefined) throw invalid(`--${only.name}`, `--${only.name} goes with --agent`);
  if (!runsAgent && rest.length === 0) {
    throw new HoldfastError('invalid_argument', 'run needs a command, as in: holdfast run -- bash', {
      field: 'COMMAND',
    });
  }
  const spec = runsAgent ? agentSpec(context, rest) : sessionSpec(context, rest);
  const holdfast = await context.connect();
  const { session, record } = await holdfast.run(spec);
  const mode = spec.agent?.mode ?? 'pty';
  if (flag(options, 'detach') || mode !== 'pty') {
    if (json) out.json(record);
    else out.line(record.id);
    if (!flag(options, 'detach')) out.note(`agents in mode ${mode} show no terminal; see: holdfast transcript, send`);
    return 0;
  }
  if (spec.kind === 'pipe' || !isInteractive()) return passThrough(session, record, out);
  return attach(context, session, record);
}

async function attach({ options, out }: CommandContext, session: Session, record: SessionRecord): Promise<number> {
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
