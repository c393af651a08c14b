import type { OutputItem, Session } from '../../client/index.ts';
import { writeFully } from '../../client/index.ts';
import { HoldfastError, invalid } from '../../protocol/index.ts';
import type { AttachFrom, StreamId } from '../../protocol/session/index.ts';
import { flag, integer, text } from '../arguments.ts';
import type { CommandContext, OptionValues } from '../command.ts';
import { type Output, OutputClosed } from '../output.ts';
import { QueryStripper } from '../../session/index.ts';

export async function run({ connect, positionals, options, json, out }: CommandContext): Promise<number> {
  const streams = streamsOf(text(options, 'stream'));
  const holdfast = await connect();
  const { session } = await holdfast.get(positionals[0]!);
  const log = session.output({
    from: await startOf(session, options, streams?.[0] ?? 1),
    onConnection: (state) =>
      out.note(state === 'lost' ? 'holdfast: connection lost, reconnecting' : 'holdfast: reconnected'),
    ...(streams === undefined ? {} : { streams }),
  });
  await log.open();
  const follow = flag(options, 'follow');
  const printer = new Printer(out, json, out.isTerminal && !flag(options, 'raw'));
  const head = new Map(log.extents.map(({ id, end }) => [id, end]));
  const reachedHead = (): boolean => [...head].every(([id, end]) => (log.position(id) ?? 0) >= end);
  if (follow || !reachedHead()) {
    for await (const item of log) {
      await printer.print(item);
      if (!follow && reachedHead()) break;
    }
  }
  await log.return();
  return 0;
}

async function startOf(session: Session, options: OptionValues, stream: StreamId): Promise<AttachFrom> {
  const offset = integer(options, 'since-offset', 0, Number.MAX_SAFE_INTEGER);
  const lines = integer(options, 'tail', 0, 1_000_000_000);
  if (offset !== undefined && lines !== undefined) throw invalid('--tail', 'give --tail or --since-offset, not both');
  // Of the stream it is about; another one has offsets of its own and is shown whole.
  if (offset !== undefined) return { offsets: { [stream]: offset } };
  if (lines === undefined) return 'start';
  const backlog = await session.backlog(stream);
  return { offsets: { [stream]: backlog.offset + lastLines(backlog.bytes, lines) } };
}

/** Where the last `count` lines begin. A final newline ends the last line, it does not begin another. */
function lastLines(bytes: Buffer, count: number): number {
  if (count === 0) return bytes.length;
  let at = bytes.length - 1;
  if (bytes[at] === 0x0a) at--;
  for (let left = count; left > 0; left--) {
    at = at < 0 ? -1 : bytes.lastIndexOf(0x0a, at);
    if (at < 0) return 0;
    at--;
  }
  return at + 2;
}

function streamsOf(name: string | undefined): StreamId[] | undefined {
  if (name === undefined || name === 'both') return undefined;
  if (name === 'stdout') return [1];
  if (name === 'stderr') return [2];
  throw invalid('--stream', `--stream is stdout, stderr or both, not "${name}"`);
}

class Printer {
  readonly #out: Output;
  readonly #json: boolean;
  readonly #stripper: QueryStripper | undefined;

  constructor(out: Output, json: boolean, stripQueries: boolean) {
    this.#out = out;
    this.#json = json;
    this.#stripper = stripQueries ? new QueryStripper() : undefined;
  }

  async print(item: OutputItem): Promise<void> {
    if (this.#json)
      this.#out.json(item.type === 'data' ? { ...item, bytes: undefined, data: item.bytes.toString('base64') } : item);
    else if (item.type === 'data') await this.#write(item.stream === 2 ? 2 : 1, item.bytes);
    else if (item.type === 'gap') this.#out.note(describeGap(item));
  }

  async #write(fd: number, bytes: Buffer): Promise<void> {
    try {
      await writeFully(fd, this.#stripper === undefined ? bytes : this.#stripper.strip(bytes));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EPIPE') throw new OutputClosed();
      throw HoldfastError.from(error);
    }
  }
}

function describeGap({ stream, from, to, reason }: Extract<OutputItem, { type: 'gap' }>): string {
  const size = to === Infinity ? 'an unknown number of bytes' : `${to - from} bytes`;
  return `holdfast: ${size} of stream ${stream} from offset ${from} are missing (${reason})`;
}
