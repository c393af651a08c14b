import type { CommandContext } from '../command.ts';
import { endSessions } from '../end-sessions.ts';

export function run(context: CommandContext): Promise<number> {
  return endSessions(context, 0);
}
