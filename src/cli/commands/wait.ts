import type { AgentTarget } from '../../client/index.ts';
import { invalid } from '../../protocol/index.ts';
import { duration, flag, text } from '../arguments.ts';
import type { CommandContext, OptionValues } from '../command.ts';
import { childStatus } from '../exit-status.ts';
import { stateOf } from '../format.ts';

export async function run({ connect, positionals, options, json, out }: CommandContext): Promise<number> {
  const timeoutMs = duration(options, 'timeout');
  const state = agentTarget(options);
  if (state !== undefined && state !== 'exited') {
    const agent = await (await connect()).agents.waitFor(positionals[0]!, state, { timeoutMs });
    if (json) out.json(agent);
    else out.line([agent.status.activity, agent.status.attention].filter((word) => word !== 'none').join(' '));
    return 0;
  }
  const holdfast = await connect();
  const record = await holdfast.wait(positionals[0]!, {
    for: flag(options, 'end') ? 'end' : 'exit',
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  if (json) out.json(record);
  else if (!flag(options, 'exit')) out.line(stateOf(record));
  return flag(options, 'exit') ? childStatus(record) : 0;
}

const TARGETS: readonly string[] = ['idle', 'blocked', 'done', 'exited'] satisfies AgentTarget[];

function agentTarget(options: OptionValues): AgentTarget | undefined {
  const state = text(options, 'state');
  if (state === undefined) return undefined;
  if (!TARGETS.includes(state)) throw invalid('--state', `--state is ${TARGETS.join(', ')}, not "${state}"`);
  if (state !== 'exited' && (flag(options, 'exit') || flag(options, 'end'))) {
    throw invalid('--state', `--exit and --end wait for the end of a session, --state ${state} for its agent: say one`);
  }
  return state as AgentTarget;
}
