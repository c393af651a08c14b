/** Operations on a layout of 1,000 leaves: in the domain alone, and one of them through the socket. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { change, openControl } from '../control.ts';
import { LEAVES, largeLayout, OPERATIONS } from '../layout-operations.ts';
import { interleave, quantile, type Row, rows } from '../report.ts';
import type { BenchRuntime } from '../runtime.ts';

/** A young generation that holds all that one operation's turns allocate: what is allocated can be counted. */
const MEMORY_FLAGS = ['--expose-gc', '--max-semi-space-size=512', '--min-semi-space-size=512'];
const TURNS = 100;
const WARM_UP = 20;

export async function layoutOperations(runtime: BenchRuntime, rounds: number): Promise<Row[]> {
  const measure = `layout of ${LEAVES} leaves`;
  const time = inChild([], 'time', rounds);
  const memory = inChild(MEMORY_FLAGS, 'memory', rounds);
  return [
    ...rows(`${measure}, in the domain`, 'µs', time),
    ...rows(`${measure}, in the domain`, 'KiB', memory),
    ...(await throughSocket(runtime, rounds)),
  ];
}

function inChild(flags: string[], what: string, rounds: number): Map<string, number[]> {
  const script = join(import.meta.dirname, 'layout-operations.mjs');
  const text = execFileSync(process.execPath, [...flags, script, what, String(rounds)], { encoding: 'utf8' });
  return new Map(Object.entries(JSON.parse(text) as Record<string, number[]>));
}

/** Durable, answered, with a key; the event with the whole tree goes to the log. */
async function throughSocket({ home }: BenchRuntime, rounds: number): Promise<Row[]> {
  const control = await openControl(home);
  for (const command of largeLayout()) await change(control, command);
  const operation = OPERATIONS.find(({ name }) => name.startsWith('layout_move_node'))!;
  let turn = 0;
  const p99: number[] = [];
  const contender = {
    name: operation.name,
    async run() {
      const times: number[] = [];
      for (let at = -WARM_UP; at < TURNS; at++, turn++) {
        const start = performance.now();
        await change(control, operation.act(turn));
        if (at >= 0) times.push(performance.now() - start);
        await change(control, operation.undo!(turn));
      }
      p99.push(quantile(times, 0.99));
      return quantile(times, 0.5);
    },
  };
  const p50 = await interleave([contender], rounds);
  control.close();
  const measure = `layout of ${LEAVES} leaves, durable through the socket, after ${WARM_UP} unmeasured`;
  return [...rows(`${measure}, p50`, 'ms', p50), ...rows(`${measure}, p99`, 'ms', new Map([[operation.name, p99]]))];
}
