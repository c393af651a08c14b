import { limits } from '../../protocol/index.ts';
import { wholeNumber } from '../arguments.ts';
import type { CommandContext } from '../command.ts';

export async function run({ connect, positionals, json, out }: CommandContext): Promise<number> {
  const rows = wholeNumber('ROWS', positionals[1]!, 1, limits.TERMINAL_SIDE_CELLS);
  const cols = wholeNumber('COLS', positionals[2]!, 1, limits.TERMINAL_SIDE_CELLS);
  const holdfast = await connect();
  const { session } = await holdfast.get(positionals[0]!);
  await session.resize(rows, cols);
  if (json) out.json({ id: session.id, rows, cols });
  return 0;
}
