import { HoldfastError } from '../../protocol/index.ts';
import { flag } from '../arguments.ts';
import type { CommandContext } from '../command.ts';

export async function run({ connect, positionals, options, json, out }: CommandContext): Promise<number> {
  const [id, text] = positionals;
  const close = flag(options, 'close');
  const enter = flag(options, 'enter');
  if (text === undefined && !close && !enter) {
    throw new HoldfastError('invalid_argument', 'write needs TEXT, - for stdin, --enter or --close', { field: 'TEXT' });
  }
  const holdfast = await connect();
  const { session, record } = await holdfast.get(id!);
  let written = 0;
  const send = async (bytes: Buffer): Promise<void> => {
    await session.write(bytes);
    written += bytes.length;
  };
  if (text === '-') for await (const chunk of process.stdin) await send(chunk as Buffer);
  else if (text !== undefined) await send(Buffer.from(text));
  // A terminal's Enter key is a carriage return; a pipe knows lines only.
  if (enter) await send(Buffer.from(record.kind === 'pty' ? '\r' : '\n'));
  if (close) await session.closeStdin();
  if (json) out.json({ id: record.id, written, closed: close });
  return 0;
}
