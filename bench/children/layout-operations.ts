/**
 * `layout-operations.mjs time | memory ROUNDS`: the eleven operations on a layout of 1,000 leaves, through srv's domain
 * as the kernel does it: decide, freeze the event, evolve. Prints, per operation, a list with one figure a round.
 *
 * `time`: µs, the median of a round. `memory` (needs --expose-gc and a young generation so large that nothing is
 * collected meanwhile): KiB allocated by one operation, and KiB that keeping its event keeps.
 */
import { createAgentsDomain } from '../../src/domains/agents/index.ts';
import { createConnectionsDomain } from '../../src/domains/connections/index.ts';
import { createSessionsDomain } from '../../src/domains/sessions/index.ts';
import { createSrvDomain, type SrvEvent, type SrvInput } from '../../src/domains/srv/index.ts';
import { createWorkspacesDomain } from '../../src/domains/workspaces/index.ts';
import { freezeDeep } from '../../src/kernel/freeze.ts';
import { largeLayout, type Operation, OPERATIONS } from '../layout-operations.ts';
import { median } from '../report.ts';
import { NO_AGENTS } from '../no-agents.ts';

const WARM_UP = 200;
const TURNS = 200;
/** Each `layout_set_tree` allocates about a MiB. */
const MEMORY_TURNS = 50;

declare const gc: (() => void) | undefined;

class LayoutTab {
  readonly #domain = createSrvDomain({
    sessions: createSessionsDomain({
      liveSessions: 0,
      sessionLimits: {
        memory_bytes: 1,
        spill_bytes: 1,
        segment_bytes: 1,
        stall_ms: 1,
        lease_ms: 1,
        linger_ms: null,
        allow_lossless: false,
      },
      places: { live: (id) => id, archive: '' },
    }),
    agents: createAgentsDomain(NO_AGENTS),
    workspaces: createWorkspacesDomain(),
    connections: createConnectionsDomain(),
  });
  #state = this.#domain.initial();
  #version = 0;

  constructor() {
    for (const command of largeLayout()) this.execute(command);
  }

  execute(command: SrvInput): SrvEvent[] {
    const context = { now: 0, ulid: () => '0'.repeat(26), actor: { client_id: 'bench', kind: 'tool' } };
    const { events } = this.#domain.decide(this.#state, command, context);
    for (const event of events) {
      this.#state = this.#domain.evolve(this.#state, freezeDeep(event), ++this.#version, 0);
    }
    return events;
  }
}

/** Runs `count` turns and hands each one's events to `note`, with what `probe` said before and after. */
function turns(
  tab: LayoutTab,
  { name, act, undo }: Operation,
  count: number,
  probe: () => number,
  note: (difference: number, events: SrvEvent[]) => void,
): void {
  for (let turn = 0; turn < count; turn++) {
    const command = act(turn);
    const before = probe();
    const events = tab.execute(command);
    const after = probe();
    if (events.length === 0) throw new Error(`${name} changed nothing`);
    note(after - before, events);
    if (undo !== undefined) tab.execute(undo(turn));
  }
}

function time(tab: LayoutTab, operation: Operation): number {
  const times: number[] = [];
  turns(
    tab,
    operation,
    TURNS,
    () => performance.now(),
    (ms) => times.push(ms * 1000),
  );
  return median(times);
}

function memory(tab: LayoutTab, operation: Operation): { allocated: number; kept: number } {
  if (typeof gc !== 'function') throw new Error('memory needs --expose-gc');
  const kept: SrvEvent[][] = [];
  const allocated: number[] = [];
  // Lets go of what the operation before left, or its release would be counted here.
  turns(
    tab,
    operation,
    2,
    () => 0,
    () => {},
  );
  gc();
  const before = process.memoryUsage().heapUsed;
  turns(
    tab,
    operation,
    MEMORY_TURNS,
    () => process.memoryUsage().heapUsed,
    (bytes, events) => {
      allocated.push(bytes / 1024);
      kept.push(events);
    },
  );
  gc();
  const after = process.memoryUsage().heapUsed;
  return { allocated: median(allocated), kept: (after - before) / 1024 / kept.length };
}

function main(): void {
  const [what, rounds] = process.argv.slice(2);
  const tab = new LayoutTab();
  const figures: Record<string, number[]> = {};
  const note = (name: string, figure: number): void => void (figures[name] ??= []).push(figure);
  for (const operation of OPERATIONS)
    turns(
      tab,
      operation,
      WARM_UP,
      () => 0,
      () => {},
    );
  if (what === 'memory') for (const operation of OPERATIONS) memory(tab, operation);
  for (let round = 0; round < Number(rounds); round++) {
    for (const operation of OPERATIONS) {
      if (what === 'time') note(operation.name, time(tab, operation));
      else {
        const { allocated, kept } = memory(tab, operation);
        note(`${operation.name}: allocated`, allocated);
        note(`${operation.name}: kept with its event`, kept);
      }
    }
  }
  process.stdout.write(JSON.stringify(figures));
}

main();
