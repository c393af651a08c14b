import { constants } from 'node:os';
import { invalid } from '../../protocol/index.ts';
import type { CommandContext } from '../command.ts';

export async function run({ connect, positionals, json, out }: CommandContext): Promise<number> {
  const name = signalName(positionals[1]!);
  const holdfast = await connect();
  const record = await holdfast.signal(positionals[0]!, name);
  if (json) out.json(record);
  return 0;
}

/** `SIGINT`, `INT`, `int` or `2`. */
function signalName(text: string): string {
  const upper = text.toUpperCase();
  const full = upper.startsWith('SIG') ? upper : `SIG${upper}`;
  if (Object.hasOwn(constants.signals, full)) return full;
  const byNumber = Object.entries(constants.signals).find(([, number]) => String(number) === text);
  if (byNumber !== undefined) return byNumber[0];
  throw invalid('SIGNAL', `there is no signal "${text}"; give a name such as INT or a number`);
}
