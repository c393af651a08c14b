import { text } from '../arguments.ts';
import type { CommandContext } from '../command.ts';
import { age, printable, stateOf, table } from '../format.ts';

export async function run({ connect, options, json, out }: CommandContext): Promise<number> {
  const holdfast = await connect();
  const originator = text(options, 'originator');
  const sessions = await holdfast.list(originator === undefined ? {} : { originator });
  if (json) {
    for (const session of sessions) out.json(session);
    return 0;
  }
  if (sessions.length === 0) {
    out.note('no sessions; start one with: holdfast run -- COMMAND');
    return 0;
  }
  const now = Date.now();
  const rows = sessions.map((session) => [
    session.id,
    session.name ?? '-',
    stateOf(session),
    session.kind,
    session.pid === null ? '-' : String(session.pid),
    age(now - session.created_at),
    printable(session.command),
  ]);
  const [head, ...body] = table([['ID', 'NAME', 'STATE', 'KIND', 'PID', 'AGE', 'COMMAND'], ...rows], out.columns);
  out.line(out.paint('bold', head!));
  if (body.length > 0) out.line(body.join('\n'));
  return 0;
}
