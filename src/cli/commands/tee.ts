import { resolve } from 'node:path';
import type { Session } from '../../client/index.ts';
import { invalid, limits } from '../../protocol/index.ts';
import type { StreamId, TeeSink, TeeState } from '../../protocol/session/index.ts';
import { flag, integer, text, wholeNumber } from '../arguments.ts';
import type { CommandContext } from '../command.ts';
import { writeFullySync } from '../../client/index.ts';
import { printable, table } from '../format.ts';

const TEES = 1_000_000;

export async function run(context: CommandContext): Promise<number> {
  const [verb, id, argument] = context.positionals;
  const action = ACTIONS[verb as keyof typeof ACTIONS] as ((...args: TeeArguments) => Promise<number>) | undefined;
  if (action === undefined) throw invalid('tee', `tee knows add, ls, rm and snapshot, not "${verb}"`);
  const holdfast = await context.connect();
  const { session } = await holdfast.get(id!);
  return action(context, session, argument);
}

type TeeArguments = [context: CommandContext, session: Session, argument: string | undefined];

const ACTIONS = { add, ls, rm, snapshot };

async function add(...[{ options, json, out }, session, path]: TeeArguments): Promise<number> {
  const capacity = integer(options, 'ring', 0, limits.TEE_RING_BYTES);
  if ((capacity === undefined) === (path === undefined)) throw invalid('FILE', 'tee add needs a FILE or --ring BYTES');
  const sink: TeeSink =
    capacity === undefined
      ? { kind: 'file', path: resolve(path!), mode: flag(options, 'truncate') ? 'truncate' : 'append' }
      : { kind: 'ring', capacity };
  const opened = await session.tee(teeStream(text(options, 'stream')), sink, {
    tee: {
      backpressure: flag(options, 'block') ? 'block' : 'drop_oldest',
      ...(flag(options, 'no-markers') ? { write_missed_markers: false } : {}),
      ...(flag(options, 'from-start') ? { from: 'start' } : {}),
    },
  });
  if (json) out.json(opened);
  else out.line(String(opened.tee));
  return 0;
}

async function ls(...[{ json, out }, session]: TeeArguments): Promise<number> {
  const tees = await session.tees();
  if (json) for (const tee of tees) out.json(tee);
  else if (tees.length > 0)
    for (const line of table([['TEE', 'STREAM', 'STATE', 'WRITTEN', 'MISSED', 'SINK'], ...tees.map(row)]))
      out.line(line);
  return 0;
}

async function rm(...[{ json, out }, session, number]: TeeArguments): Promise<number> {
  const state = await session.untee(teeNumber(number));
  if (state === null)
    throw invalid('NUMBER', `session ${session.id} has no tee ${number}; see: holdfast tee ls ${session.id}`);
  if (json) out.json(state);
  else out.line(`${state.written_bytes} bytes written, ${state.missed_bytes} missed`);
  return 0;
}

async function snapshot(...[{ json, out }, session, number]: TeeArguments): Promise<number> {
  const { offset, bytes, missedBytes } = await session.teeSnapshot(teeNumber(number));
  if (json) out.json({ offset, data: bytes.toString('base64'), missed_bytes: missedBytes });
  else writeFullySync(1, bytes);
  return 0;
}

function row(tee: TeeState): string[] {
  const state = tee.disconnected
    ? `failed: ${tee.error ?? 'unknown'}`
    : tee.lag_bytes > 0
      ? `${tee.lag_bytes} behind`
      : 'current';
  return [
    String(tee.tee),
    STREAM_NAMES[tee.stream]!,
    printable(state),
    String(tee.written_bytes),
    String(tee.missed_bytes),
    printable(tee.path ?? tee.kind),
  ];
}

const STREAM_NAMES = ['stdin', 'stdout', 'stderr'];

function teeStream(name = 'stdout'): StreamId {
  const stream = STREAM_NAMES.indexOf(name);
  if (stream < 0) throw invalid('--stream', `--stream is stdin, stdout or stderr, not "${name}"`);
  return stream as StreamId;
}

function teeNumber(argument: string | undefined): number {
  if (argument === undefined) throw invalid('NUMBER', 'which tee? its number is in: holdfast tee ls ID');
  return wholeNumber('NUMBER', argument, 0, TEES);
}
