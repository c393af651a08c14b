import type { CommandContext } from '../command.ts';

export async function run({ connect, positionals, json, out }: CommandContext): Promise<number> {
  const holdfast = await connect();
  const record = await holdfast.rename(positionals[0]!, positionals[1] ?? null);
  if (json) out.json(record);
  return 0;
}
