import { messageState } from '../agent-text.ts';
import type { CommandContext } from '../command.ts';
import { each } from '../selected.ts';

export async function run(context: CommandContext): Promise<number> {
  const { connect, positionals, json, out } = context;
  const holdfast = await connect();
  return each(context, positionals, async (word) => {
    const record = await holdfast.messages.cancel(word);
    if (json) out.json(record);
    else out.line(`${record.message_id} ${messageState(record)}`);
  });
}
