import type { EventItem } from '../../client/index.ts';
import { type EventEnvelope, EVENT_REGISTRY } from '../../protocol/control/index.ts';
import { flag, integer, text } from '../arguments.ts';
import type { CommandContext } from '../command.ts';
import { eventText } from '../event-text.ts';

export async function run({ connect, options, json, out }: CommandContext): Promise<number> {
  const since = integer(options, 'since', 0, Number.MAX_SAFE_INTEGER);
  const epoch = text(options, 'epoch');
  const topics = text(options, 'topics')
    ?.split(',')
    .filter((topic) => topic !== '');
  const all = flag(options, 'all') || topics !== undefined;
  const holdfast = await connect();
  const show = (event: EventEnvelope & Record<string, unknown>): void => {
    if (!all && COMINGS_AND_GOINGS.has(event.event)) return;
    if (json) out.json(event);
    else out.line(eventText(event));
  };
  const cursor = { ...(since === undefined ? {} : { since }), ...(epoch === undefined ? {} : { epoch }) };
  if (!flag(options, 'follow')) {
    const { events, complete } = await holdfast.history(cursor);
    if (!complete) out.note('holdfast: older events are no longer kept');
    for (const event of events) if (matches(topics, event.event)) show(event);
    return 0;
  }
  const stream = await holdfast.events({
    ...cursor,
    ...(topics === undefined ? {} : { topics }),
    onConnection: (state) =>
      out.note(state === 'lost' ? 'holdfast: connection lost, reconnecting' : 'holdfast: reconnected'),
  });
  for await (const item of stream) {
    if (item.type === 'event') show(item.event);
    else if (item.type === 'gap') showGap(item, json, out);
  }
  return 0;
}

/** Every command of this command line is one of them: of interest to those only who ask. */
const COMINGS_AND_GOINGS: ReadonlySet<string> = new Set(
  Object.entries(EVENT_REGISTRY).flatMap(([name, { domain }]) => (domain === 'connection' ? [name] : [])),
);

function showGap(item: Extract<EventItem, { type: 'gap' }>, json: boolean, out: CommandContext['out']): void {
  if (json) out.json({ event: 'gap', from: item.from, to: item.to, reason: item.reason });
  else out.note(`holdfast: events ${item.from} to ${item.to} are missing (${item.reason})`);
}

function matches(topics: string[] | undefined, event: string): boolean {
  if (topics === undefined) return true;
  return topics.some((topic) => (topic.endsWith('*') ? event.startsWith(topic.slice(0, -1)) : event === topic));
}
