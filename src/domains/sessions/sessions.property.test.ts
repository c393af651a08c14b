// Random command sequences against a model that knows only phases, and the laws of every decider.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { SessionsEvent } from '../../protocol/control/index.ts';
import { HoldfastError } from '../../protocol/index.ts';
import { createIds, VirtualClock } from '../../runtime/index.ts';
import { createSessionsDomain, type SessionsInput, type SessionsState, toRecord } from './index.ts';

const LIMITS = {
  memory_bytes: 1 << 20,
  spill_bytes: 1 << 26,
  segment_bytes: 1 << 22,
  stall_ms: 30_000,
  lease_ms: 30_000,
  linger_ms: null,
  allow_lossless: false,
};
const PLACES = { live: (id: string) => `/s/${id}`, archive: '/a' };
const FACTS = { pid: 10, start_time: 100, shim_pid: 9, shim_start_time: 99, containment: 'marked' as const };
const EXIT = { code: 0, signal: null, outcome: 'natural_exit' as const, at_ms: 1 };
const LIVE_LIMIT = 4;

type Phase = 'starting' | 'running' | 'exited' | 'over';
interface Modelled {
  phase: Phase;
  doomed: boolean;
  name: string | null;
}

const VERBS = [
  'create',
  'started',
  'failed',
  'adopted',
  'exited',
  'held',
  'ended',
  'lost',
  'driver',
  'resized',
  'terminate',
  'rename',
  'remove',
  'force',
  'purge',
  'retire',
] as const;
type Verb = (typeof VERBS)[number];
const steps = fc.array(
  fc.record({ verb: fc.constantFrom<Verb>(...VERBS), pick: fc.nat(6), name: fc.constantFrom(null, null, 'a', 'b') }),
  { maxLength: 60 },
);

function commandOf(verb: Verb, id: string, name: string | null): SessionsInput {
  switch (verb) {
    case 'create':
      return { cmd: 'create_session', argv: ['true'], cwd: '/', env: [], name };
    case 'started':
      return { cmd: 'observe_started', session_id: id, ...FACTS };
    case 'failed':
      return {
        cmd: 'observe_start_failed',
        session_id: id,
        error: new HoldfastError('start_failed', 'no').toWire(),
        exit_status: 127,
      };
    case 'adopted':
      return { cmd: 'observe_adopted', session_id: id, ...FACTS, version: '1', epoch: 'e' };
    case 'exited':
      return { cmd: 'observe_exited', session_id: id, exit: EXIT, held_by: [] };
    case 'held':
      return { cmd: 'observe_held', session_id: id, held_by: [{ pid: 3, start_time: 4, command: 'x' }] };
    case 'ended':
      return { cmd: 'observe_ended', session_id: id, cause: 'child', exit: EXIT, survivors: [] };
    case 'lost':
      return { cmd: 'observe_lost', session_id: id, cause: 'shim_lost', survivors: [] };
    case 'driver':
      return { cmd: 'observe_driver', session_id: id, driver: { epoch: 1, client_id: 'c', connected: true } };
    case 'resized':
      return { cmd: 'observe_resized', session_id: id, rows: 30, cols: 90 };
    case 'terminate':
      return { cmd: 'terminate_session', session: id };
    case 'rename':
      return { cmd: 'rename_session', session: id, name };
    case 'remove':
      return { cmd: 'remove_session', session: id };
    case 'force':
      return { cmd: 'remove_session', session: id, force: true };
    case 'purge':
      return { cmd: 'purge_exited' };
    case 'retire':
      return { cmd: 'retire', sessions: [id] };
  }
}

/** What the model says of a step: the error code expected, or null. Moves the model when there is none. */
function predict(model: Map<string, Modelled>, verb: Verb, id: string, name: string | null): string | null {
  const live = [...model.values()].filter(({ phase }) => phase !== 'over').length;
  if (verb === 'create') {
    if (name !== null && [...model.values()].some((other) => other.name === name)) return 'conflict';
    return live >= LIVE_LIMIT ? 'busy' : null;
  }
  if (verb === 'purge') {
    for (const [known, { phase }] of model) if (phase === 'over') model.delete(known);
    return null;
  }
  const session = model.get(id);
  if (session === undefined) return ['terminate', 'rename', 'remove', 'force'].includes(verb) ? 'not_found' : null;
  const close = () => {
    if (session.doomed) model.delete(id);
    else session.phase = 'over';
  };
  if (verb === 'rename') {
    if (name !== null && [...model.values()].some((other) => other !== session && other.name === name))
      return 'conflict';
    session.name = name;
    return null;
  }
  const over = session.phase === 'over';
  if (verb === 'remove' && !over) return 'conflict';
  if ((verb === 'remove' || verb === 'force' || verb === 'retire') && over) model.delete(id);
  else if (verb === 'force') session.doomed = true;
  else if (!over && (verb === 'started' || verb === 'adopted') && session.phase === 'starting')
    session.phase = 'running';
  else if (verb === 'failed' && session.phase === 'starting') close();
  else if (verb === 'exited' && !over) session.phase = 'exited';
  else if ((verb === 'ended' || verb === 'lost') && !over) close();
  return null;
}

it('follows the model, replays to the same state, and forgets nothing in a snapshot', () => {
  fc.assert(
    fc.property(steps, (sequence) => {
      const clock = new VirtualClock();
      const ids = createIds(clock, (count) => new Uint8Array(count));
      const domain = createSessionsDomain({ liveSessions: LIVE_LIMIT, sessionLimits: LIMITS, places: PLACES });
      const context = { now: clock.now(), ulid: () => ids.ulid(), actor: { kind: 'tool' } };
      const model = new Map<string, Modelled>();
      const everCreated: string[] = [];
      const log: SessionsEvent[] = [];
      let state: SessionsState = domain.initial();
      for (const { verb, pick, name } of sequence) {
        const id = everCreated[pick] ?? '7ZZZZZZZZZZZZZZZZZZZZZZZZZ';
        const expected = predict(model, verb, id, name);
        let code: string | null = null;
        try {
          const { events } = domain.decide(state, commandOf(verb, id, name), context);
          for (const event of events) state = domain.evolve(state, event, log.push(event), clock.now());
          const [first] = events;
          if (first?.event === 'session_created') {
            everCreated.push(first.session_id);
            model.set(first.session_id, { phase: 'starting', doomed: false, name });
          }
        } catch (error) {
          if (!(error instanceof HoldfastError)) throw error;
          ({ code } = error);
        }
        expect(code).toBe(expected);
        const phases = [...state.sessions.values()].map(({ id: known, state: phase }) => [
          known,
          phase === 'ended' || phase === 'lost' ? 'over' : phase,
        ]);
        expect(phases).toEqual([...model].map(([known, { phase }]) => [known, phase]));
        expect(state.live).toBe([...model.values()].filter(({ phase }) => phase !== 'over').length);
      }
      let replayed = domain.initial();
      for (const [index, event] of log.entries()) replayed = domain.evolve(replayed, event, index + 1, clock.now());
      expect(replayed).toEqual(state);
      expect(domain.restore(JSON.parse(JSON.stringify(domain.serialise(state))))).toEqual(state);
      for (const session of state.sessions.values()) JSON.stringify(toRecord(session, PLACES));
      expectOrder(log);
    }),
    { numRuns: 300 },
  );
});

/** Whatever happened: created first, started at most once, one close, nothing of a session after its removal. */
function expectOrder(log: readonly SessionsEvent[]): void {
  const seen = new Map<string, string[]>();
  for (const event of log) {
    const events = seen.get(event.session_id) ?? [];
    expect(events.includes('session_removed')).toBe(false);
    events.push(event.event);
    seen.set(event.session_id, events);
  }
  for (const events of seen.values()) {
    const count = (...of: string[]) => events.filter((event) => of.includes(event)).length;
    expect(events[0]).toBe('session_created');
    expect(count('session_started', 'session_start_failed')).toBeLessThanOrEqual(1);
    expect(count('session_exited')).toBeLessThanOrEqual(1);
    expect(count('session_ended', 'session_lost', 'session_start_failed')).toBeLessThanOrEqual(1);
  }
}
