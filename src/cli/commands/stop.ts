import { limits } from '../../protocol/index.ts';
import { duration } from '../arguments.ts';
import type { CommandContext } from '../command.ts';
import { endSessions } from '../end-sessions.ts';

export function run(context: CommandContext): Promise<number> {
  return endSessions(context, duration(context.options, 'grace') ?? limits.STOP_GRACE_MS);
}
