import type { StreamId } from '../protocol/session/index.ts';
import type { LogSource } from '../session/index.ts';

const TAIL_BYTES = 8 * 1024;

/** The last `count` lines of what the log holds of `stream`, as text without its escape sequences' meaning. */
export function lastLines(log: LogSource, stream: StreamId, count: number): string {
  const extent = log.extents().find(({ id }) => id === stream);
  if (extent === undefined) return '';
  const cursor = log.cursor([stream], { offsets: { [stream]: Math.max(extent.start, extent.end - TAIL_BYTES) } });
  const parts: Buffer[] = [];
  for (const item of cursor.read(TAIL_BYTES)) if (item.type === 'data') parts.push(item.bytes);
  cursor.close();
  const lines = Buffer.concat(parts).toString('utf8').split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines.slice(-count).join('\n');
}
