import { limits } from '../../protocol/index.ts';
import { integer } from '../arguments.ts';
import type { CommandContext } from '../command.ts';

export async function run({ connect, positionals, options, json, out }: CommandContext): Promise<number> {
  const holdfast = await connect();
  const lastLines = integer(options, 'lines', 1, limits.TERMINAL_SIDE_CELLS);
  const { session } = await holdfast.get(positionals[0]!);
  const screen = await session.screen(lastLines === undefined ? {} : { lastLines });
  const { rows, cols, content, cursor_row, cursor_col, offset, exact } = screen;
  if (json) out.json({ rows, cols, content, cursor_row, cursor_col, offset, exact });
  else out.line(content.replace(/\n+$/, ''));
  return 0;
}
