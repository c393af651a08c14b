import { HoldfastError } from '../../protocol/index.ts';
import { flag } from '../arguments.ts';
import type { CommandContext } from '../command.ts';

export async function run({ connect, options, home, json, out }: CommandContext): Promise<number> {
  const sessions = flag(options, 'sessions');
  let stopped = true;
  try {
    const holdfast = await connect({ start: false });
    await holdfast.down(sessions ? { sessions } : {});
  } catch (error) {
    // Already down is what was asked for – but sessions can only be ended by a runtime that knows them.
    if (!(error instanceof HoldfastError) || error.code !== 'unreachable') throw error;
    stopped = false;
    if (sessions) {
      await (await connect()).down({ sessions });
      stopped = true;
    }
  }
  if (json) out.json({ home, stopped });
  else out.line(stopped ? 'stopped' : 'was not running');
  return 0;
}
