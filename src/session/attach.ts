/** What `Attach` and `Backlog` mean, the same for a live session and a closed log. */
import { HoldfastError, invalid } from '../protocol/errors.ts';
import { type AttachFrom, type StreamId, UNKNOWN_END } from '../protocol/session/index.ts';
import type { CursorStart, LogSource } from './contract.ts';

/** The streams an attach means: every output stream unless it names some. Throws `stream_unavailable`. */
export function attachStreams(source: LogSource, wanted: readonly StreamId[] | undefined): StreamId[] {
  const held = source.extents().map((extent) => extent.id);
  if (wanted === undefined || wanted.length === 0) return held;
  for (const stream of wanted) {
    if (held.includes(stream)) continue;
    throw new HoldfastError(
      'stream_unavailable',
      `this session has no output stream ${stream}; it has ${held.join(', ')}`,
      {
        field: 'streams',
        details: { stream, streams: held },
      },
    );
  }
  return [...new Set(wanted)];
}

/**
 * Offsets for `from`. `"screen"` is resolved by whoever has a screen, before. An offset ahead of the head is refused
 * by the cursor; one before retention is allowed and starts with a gap.
 */
export function resolveStart(
  source: LogSource,
  streams: readonly StreamId[],
  from: Exclude<AttachFrom, 'screen'>,
): CursorStart {
  const offsets: Partial<Record<StreamId, number>> = {};
  for (const { id, start, end } of source.extents()) {
    if (!streams.includes(id)) continue;
    if (typeof from === 'number') offsets[id] = from;
    else if (from === 'start') offsets[id] = start;
    else if (from === 'end') offsets[id] = end;
    else if ('tail_bytes' in from) offsets[id] = Math.max(start, end - from.tail_bytes);
    else offsets[id] = from.offsets[String(id)] ?? start;
  }
  if (typeof from === 'object' && 'offsets' in from) {
    for (const id of Object.keys(from.offsets)) {
      if (!streams.includes(Number(id) as StreamId))
        throw invalid('from', `from.offsets names stream ${id}, which this attach does not read`);
    }
  }
  return { offsets };
}

/** The `streams` of an `Attached` event. */
export function attachedStreams(source: LogSource, start: CursorStart) {
  return source
    .extents()
    .filter(({ id }) => start.offsets[id] !== undefined)
    .map((extent) => ({ ...extent, from: start.offsets[extent.id]! }));
}

/** The newest bytes of a stream, copied; nothing is consumed (seed 4 `backlog_snapshot`). */
export interface Backlog {
  /** Offset of the first byte. */
  offset: number;
  bytes: Buffer;
  /** Bytes of the stream before it. */
  droppedBytes: number;
}

/** At most `limit` bytes, and none before the last gap. Throws `stream_unavailable`. */
export function readBacklog(source: LogSource, stream: StreamId, limit: number): Backlog {
  attachStreams(source, [stream]);
  const start = resolveStart(source, [stream], { tail_bytes: limit });
  const end = source.extents().find(({ id }) => id === stream)!.end;
  const cursor = source.cursor([stream], start);
  let pieces: Buffer[] = [];
  let offset = start.offsets[stream]!;
  while (cursor.position(stream) < end) {
    const items = cursor.read(end - cursor.position(stream));
    if (items.length === 0) break;
    for (const item of items) {
      if (item.type === 'data') pieces.push(item.bytes);
      if (item.type !== 'gap' || item.to === UNKNOWN_END) continue;
      pieces = [];
      offset = item.to;
    }
  }
  cursor.close();
  return { offset, bytes: Buffer.concat(pieces), droppedBytes: offset };
}
