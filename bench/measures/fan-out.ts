/** One stream of commands, told to 100 subscribers; and what becomes of one of them that stops reading meanwhile. */
import type { ControlClient } from '../../src/control/index.ts';
import { change, createTabs, ids, openControl } from '../control.ts';
import { interleave, type Row, rows } from '../report.ts';
import type { BenchRuntime } from '../runtime.ts';
import { Subscriber } from '../subscriber.ts';

const SUBSCRIBERS = 100;
/** More than srv holds in memory, so that the one that stops falls behind to the disk. */
const EVENTS = 15_000;
const WARM_UP = 500;
const IN_FLIGHT = 256;
const TOPICS = ['tab_renamed'];

export async function fanOut({ home }: BenchRuntime, rounds: number): Promise<Row[]> {
  const control = await openControl(home);
  const [tab] = await createTabs(control, 1);
  const rename = (count: number): Promise<void> => renameTab(control, tab!, count);
  const afterwards = new Map<string, number[]>([
    ['events it was given', []],
    ['events in gaps it was told of', []],
  ]);
  const speed: number[] = [];
  const contenders = [false, true].map((stalls) => ({
    name: stalls ? `${SUBSCRIBERS - 1} reading, 1 stalled` : `${SUBSCRIBERS} reading`,
    async run() {
      const reading = await openAll(home, SUBSCRIBERS - 1);
      const last = await Subscriber.open(home, { topics: TOPICS, verify: stalls });
      await rename(WARM_UP);
      await Promise.all([...reading, last].map((subscriber) => subscriber.received(WARM_UP)));
      if (stalls) last.pause();
      else reading.push(last);
      const start = performance.now();
      await rename(EVENTS);
      await Promise.all(reading.map((subscriber) => subscriber.received(WARM_UP + EVENTS)));
      const seconds = (performance.now() - start) / 1000;
      if (stalls) {
        const resumed = performance.now();
        last.resume();
        // Rejects when anything is missing that no gap told of.
        await last.received(WARM_UP + EVENTS);
        speed.push(EVENTS / ((performance.now() - resumed) / 1000));
        afterwards.get('events it was given')?.push(last.events - WARM_UP);
        afterwards.get('events in gaps it was told of')?.push(last.skipped);
        last.close();
      }
      const delivered = reading.length * EVENTS;
      for (const subscriber of reading) subscriber.close();
      return delivered / seconds;
    },
  }));
  const figures = await interleave(contenders, rounds);
  control.close();
  const measure = `${EVENTS} events (after ${WARM_UP} unmeasured) to ${SUBSCRIBERS} subscribers, delivered`;
  return [
    ...rows(measure, 'events/s', figures, [`${SUBSCRIBERS} reading`]),
    ...rows('the stalled one when it reads again', 'events', afterwards),
    ...rows('the stalled one when it reads again', 'events/s', new Map([['catching up, parsed', speed]])),
  ];
}

function openAll(home: string, count: number): Promise<Subscriber[]> {
  return Promise.all(Array.from({ length: count }, () => Subscriber.open(home, { topics: TOPICS })));
}

/** From one connection, so many at a time. */
async function renameTab(control: ControlClient, tab_id: string, count: number): Promise<void> {
  let left = count;
  const sendNext = async (): Promise<void> => {
    while (left-- > 0) await change(control, { cmd: 'rename_tab', tab_id, name: ids.ulid() });
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, sendNext));
}
