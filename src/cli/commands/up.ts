import type { CommandContext } from '../command.ts';
import { showStatus } from '../show-status.ts';

export async function run({ connect, json, out }: CommandContext): Promise<number> {
  const status = await (await connect()).status();
  if (json) out.json(status);
  else showStatus(out, status);
  return 0;
}
