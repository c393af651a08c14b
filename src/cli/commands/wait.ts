import { duration, flag } from '../arguments.ts';
import type { CommandContext } from '../command.ts';
import { childStatus } from '../exit-status.ts';
import { stateOf } from '../format.ts';

export async function run({ connect, positionals, options, json, out }: CommandContext): Promise<number> {
  const timeoutMs = duration(options, 'timeout');
  const holdfast = await connect();
  const record = await holdfast.wait(positionals[0]!, {
    for: flag(options, 'end') ? 'end' : 'exit',
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  if (json) out.json(record);
  else if (!flag(options, 'exit')) out.line(stateOf(record));
  return flag(options, 'exit') ? childStatus(record) : 0;
}
