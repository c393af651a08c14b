import { HoldfastError } from '../../protocol/index.ts';
import { flag, text } from '../arguments.ts';
import type { CommandContext } from '../command.ts';
import { exitStatusOf, reportError } from '../errors.ts';

export async function run({ connect, positionals, options, json, out }: CommandContext): Promise<number> {
  const exited = flag(options, 'exited');
  if (exited === positionals.length > 0) {
    throw new HoldfastError('invalid_argument', 'rm needs session IDs, or --exited for all that have ended');
  }
  const holdfast = await connect();
  const tell = (removed: string): void => (json ? out.json({ removed }) : out.line(removed));
  if (exited) {
    const originator = text(options, 'originator');
    for (const id of await holdfast.purgeExited(originator === undefined ? {} : { originator })) tell(id);
    return 0;
  }
  let status = 0;
  for (const id of positionals) {
    try {
      tell(await holdfast.remove(id, flag(options, 'force') ? { force: true } : {}));
    } catch (error) {
      reportError(out, error);
      status ||= exitStatusOf(undefined, [], error);
    }
  }
  return status;
}
