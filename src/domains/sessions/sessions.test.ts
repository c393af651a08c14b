import { describe, expect, it } from 'vitest';
import type { CreateSession, SessionRecord, SessionsEvent } from '../../protocol/control/index.ts';
import { HoldfastError } from '../../protocol/index.ts';
import type { ExitFact } from '../../protocol/session/index.ts';
import { createIds, VirtualClock } from '../../runtime/index.ts';
import { createSessionsDomain, selectSession, type SessionsInput, type SessionsState } from './index.ts';

const LIMITS = {
  memory_bytes: 1 << 20,
  spill_bytes: 1 << 26,
  segment_bytes: 1 << 22,
  stall_ms: 30_000,
  lease_ms: 30_000,
  linger_ms: null,
  allow_lossless: false,
};
const FACTS = { pid: 10, start_time: 100, shim_pid: 9, shim_start_time: 99, containment: 'tree' as const };
const EXIT: ExitFact = { code: 7, signal: null, outcome: 'natural_exit', at_ms: 5 };

class Sessions {
  readonly clock = new VirtualClock();
  readonly ids = createIds(this.clock);
  readonly domain = createSessionsDomain({
    liveSessions: 3,
    sessionLimits: LIMITS,
    places: { live: (id) => `/run/s/${id.slice(-8)}.sock`, archive: '/run/archive.sock' },
  });
  state: SessionsState = this.domain.initial();
  readonly log: SessionsEvent[] = [];

  execute(command: SessionsInput): SessionsEvent[] {
    const { events, result } = this.domain.decide(this.state, command, {
      now: this.clock.now(),
      ulid: () => this.ids.ulid(),
      actor: { kind: 'tool' },
    });
    for (const event of events)
      this.state = this.domain.evolve(this.state, event, this.log.push(event), this.clock.now());
    this.result = result ?? {};
    return events;
  }

  result: Record<string, unknown> = {};

  create(extra: Partial<CreateSession> = {}): string {
    this.execute({ cmd: 'create_session', argv: ['true'], cwd: '/', env: [], ...extra });
    return (this.result['session'] as SessionRecord).id;
  }

  running(extra: Partial<CreateSession> = {}): string {
    const id = this.create(extra);
    this.execute({ cmd: 'observe_started', session_id: id, ...FACTS });
    return id;
  }

  ended(extra: Partial<CreateSession> = {}): string {
    const id = this.running(extra);
    this.execute({ cmd: 'observe_ended', session_id: id, cause: 'child', exit: EXIT, survivors: [] });
    return id;
  }

  code(command: SessionsInput): string {
    try {
      this.execute(command);
    } catch (error) {
      if (error instanceof HoldfastError) return error.code;
      throw error;
    }
    return 'accepted';
  }
}

const names = (events: SessionsEvent[]) => events.map((event) => event.event);

describe('create_session', () => {
  it('answers with a record of a session that starts', () => {
    const sessions = new Sessions();
    const id = sessions.create({ argv: ['echo', 'a b'], name: 'one', kind: 'pipe', merge_stderr: true });
    expect(sessions.result['session']).toMatchObject({
      id,
      name: 'one',
      kind: 'pipe',
      state: 'starting',
      desired: 'running',
      argv: ['echo', 'a b'],
      command: 'echo a b',
      originator: 'tool',
      rows: 24,
      cols: 80,
      merge_stderr: true,
      pid: null,
      exit: null,
      socket: `/run/s/${id.slice(-8)}.sock`,
    });
  });

  it('never puts the environment into an event', () => {
    const sessions = new Sessions();
    sessions.create({ env: [['SECRET_WORD', 'xyzzy']] });
    expect(JSON.stringify(sessions.log)).not.toContain('xyzzy');
    expect(JSON.stringify(sessions.domain.serialise(sessions.state))).not.toContain('xyzzy');
  });

  it.each([
    ['argv', { argv: [] }],
    ['argv', { argv: [''] }],
    ['argv', { argv: ['a\0b'] }],
    ['argv', { argv: ['x'.repeat(131_072)] }],
    ['cwd', { cwd: 'relative' }],
    ['cwd', { cwd: `/${'x'.repeat(4_095)}` }],
    ['env', { env: [['', 'x']] }],
    ['env', { env: [['A=B', 'x']] }],
    ['env', { env: [['A', 'x\0']] }],
    ['rows', { rows: 0 }],
    ['cols', { cols: 70_000 }],
    ['rows', { rows: 9_000, cols: 9_000 }],
    ['name', { name: '' }],
    ['name', { name: '-x' }],
    ['name', { name: 'a\nb' }],
    ['name', { name: '01ARZ3NDEKTSV4RRFFQ69G5FAV' }],
    ['umask', { umask: 0o1000 }],
    ['limits.linger_ms', { limits: { linger_ms: -1 } }],
    ['limits.memory_bytes', { limits: { memory_bytes: 1 } }],
  ] as [string, Partial<CreateSession>][])('refuses a bad %s: %j', (field, extra) => {
    const sessions = new Sessions();
    expect(() => sessions.create(extra)).toThrow(expect.objectContaining({ field }));
    expect(sessions.log).toEqual([]);
  });

  it('refuses a taken name until its session is removed, also while that one is over', () => {
    const sessions = new Sessions();
    const id = sessions.ended({ name: 'x' });
    const again: SessionsInput = { cmd: 'create_session', argv: ['true'], cwd: '/', env: [], name: 'x' };
    expect(sessions.code(again)).toBe('conflict');
    sessions.execute({ cmd: 'remove_session', session: id });
    expect(sessions.code(again)).toBe('accepted');
  });

  it('is busy at the limit of live sessions, and free again after an end', () => {
    const sessions = new Sessions();
    const first = sessions.running();
    sessions.running();
    sessions.running();
    const another: SessionsInput = { cmd: 'create_session', argv: ['true'], cwd: '/', env: [] };
    expect(sessions.code(another)).toBe('busy');
    sessions.execute({ cmd: 'observe_lost', session_id: first, cause: 'shim_lost', survivors: [] });
    expect(sessions.code(another)).toBe('accepted');
  });
});

describe('selectors', () => {
  it('take an id, a name and a unique prefix in either case', () => {
    const sessions = new Sessions();
    const id = sessions.create({ name: 'work' });
    sessions.clock.advance(1 << 20);
    sessions.create();
    for (const selector of [id, 'work', id.slice(0, 9), id.slice(0, 9).toLowerCase()]) {
      expect(selectSession(sessions.state, selector).id).toBe(id);
    }
  });

  it('say not_found, and ambiguous with candidates', () => {
    const sessions = new Sessions();
    const ids = [sessions.create(), sessions.create()];
    expect(() => selectSession(sessions.state, 'nope')).toThrow(expect.objectContaining({ code: 'not_found' }));
    expect(() => selectSession(sessions.state, '')).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
    const prefix = ids[0]!.slice(0, 5);
    expect(() => selectSession(sessions.state, prefix)).toThrow(
      expect.objectContaining({
        code: 'ambiguous',
        details: { count: 2, candidates: ids.map((id) => expect.objectContaining({ id })) },
      }),
    );
  });

  it('prefer a name over a prefix', () => {
    const sessions = new Sessions();
    sessions.create();
    const named = sessions.create({ name: '0' });
    expect(selectSession(sessions.state, '0').id).toBe(named);
  });
});

describe('ends', () => {
  it('tells exit before end and keeps the wait status', () => {
    const sessions = new Sessions();
    const id = sessions.running();
    expect(
      names(sessions.execute({ cmd: 'observe_ended', session_id: id, cause: 'child', exit: EXIT, survivors: [] })),
    ).toEqual(['session_exited', 'session_ended']);
    sessions.execute({ cmd: 'remove_session', session: id });
    expect(sessions.state.sessions.size).toBe(0);
  });

  it('keeps the exit of a child whose shim is lost afterwards', () => {
    const sessions = new Sessions();
    const id = sessions.running();
    sessions.execute({ cmd: 'observe_exited', session_id: id, exit: EXIT, held_by: [] });
    sessions.execute({ cmd: 'observe_lost', session_id: id, cause: 'shim_lost', survivors: [] });
    expect(sessions.state.sessions.get(id)).toMatchObject({ state: 'lost', cause: 'shim_lost', exit: EXIT });
  });

  it.each<[string, (id: string) => SessionsInput]>([
    ['exit', (id) => ({ cmd: 'observe_exited', session_id: id, exit: EXIT, held_by: [] })],
    ['start', (id) => ({ cmd: 'observe_started', session_id: id, ...FACTS })],
    [
      'failed start',
      (id) => ({
        cmd: 'observe_start_failed',
        session_id: id,
        error: new HoldfastError('timeout', 'x').toWire(),
        exit_status: 125,
      }),
    ],
    ['adoption', (id) => ({ cmd: 'observe_adopted', session_id: id, ...FACTS, version: '1', epoch: 'e' })],
    ['end', (id) => ({ cmd: 'observe_ended', session_id: id, cause: 'child', exit: EXIT, survivors: [] })],
    ['loss', (id) => ({ cmd: 'observe_lost', session_id: id, cause: 'shim_lost', survivors: [] })],
    [
      'driver',
      (id) => ({ cmd: 'observe_driver', session_id: id, driver: { epoch: 1, client_id: 'c', connected: true } }),
    ],
    ['size', (id) => ({ cmd: 'observe_resized', session_id: id, rows: 1, cols: 1 })],
  ])('ignores %s after the end, and of a session nobody knows', (_name, command) => {
    const sessions = new Sessions();
    const id = sessions.ended();
    expect(sessions.execute(command(id))).toEqual([]);
    expect(sessions.execute(command('0'.repeat(26)))).toEqual([]);
  });

  it('ignores a start after the start was aborted', () => {
    const sessions = new Sessions();
    const id = sessions.create();
    sessions.execute({
      cmd: 'observe_start_failed',
      session_id: id,
      error: new HoldfastError('timeout', 'x').toWire(),
      exit_status: 125,
    });
    expect(sessions.execute({ cmd: 'observe_started', session_id: id, ...FACTS })).toEqual([]);
    expect(sessions.state.sessions.get(id)).toMatchObject({
      state: 'ended',
      cause: 'start_failed',
      start_error: { code: 'timeout' },
    });
  });

  it('adopts once per epoch, and tells a start nobody saw first', () => {
    const sessions = new Sessions();
    const id = sessions.create();
    const adopt = (epoch: string) =>
      names(sessions.execute({ cmd: 'observe_adopted', session_id: id, ...FACTS, version: '1', epoch }));
    expect(adopt('a')).toEqual(['session_started', 'session_adopted']);
    expect(adopt('a')).toEqual([]);
    expect(adopt('b')).toEqual(['session_adopted']);
  });
});

describe('desired', () => {
  it('refuses to remove a live session without force', () => {
    const sessions = new Sessions();
    expect(sessions.code({ cmd: 'remove_session', session: sessions.running() })).toBe('conflict');
  });

  it('removes a live session with force in the commit of its end', () => {
    const sessions = new Sessions();
    const id = sessions.running();
    expect(names(sessions.execute({ cmd: 'remove_session', session: id, force: true }))).toEqual(['session_desired']);
    expect(sessions.execute({ cmd: 'remove_session', session: id, force: true })).toEqual([]);
    const end = sessions.execute({
      cmd: 'observe_ended',
      session_id: id,
      cause: 'terminated',
      exit: null,
      survivors: [],
    });
    expect(names(end)).toEqual(['session_ended', 'session_removed']);
  });

  it('terminates once, and says when there is nothing to terminate', () => {
    const sessions = new Sessions();
    const id = sessions.running();
    expect(names(sessions.execute({ cmd: 'terminate_session', session: id }))).toEqual(['session_desired']);
    expect(sessions.result).toMatchObject({ already_exited: false, session: { desired: 'stopped' } });
    expect(sessions.execute({ cmd: 'terminate_session', session: id })).toEqual([]);
    const over = sessions.ended();
    sessions.execute({ cmd: 'terminate_session', session: over });
    expect(sessions.result).toMatchObject({ already_exited: true });
    expect(sessions.code({ cmd: 'terminate_session', session: id, grace_ms: -1 })).toBe('invalid_argument');
  });

  it('signals only what runs', () => {
    const sessions = new Sessions();
    expect(sessions.code({ cmd: 'signal_session', session: sessions.running(), signal: 'SIGHUP' })).toBe('accepted');
    expect(sessions.code({ cmd: 'signal_session', session: sessions.ended(), signal: 'SIGHUP' })).toBe(
      'session_exited',
    );
  });

  it('purges the ended sessions of one originator, or of all', () => {
    const sessions = new Sessions();
    const a = sessions.ended({ originator: 'a' });
    const b = sessions.ended({ originator: 'b' });
    sessions.running({ originator: 'a' });
    sessions.execute({ cmd: 'purge_exited', originator: 'a' });
    expect(sessions.result).toEqual({ removed: [a] });
    sessions.execute({ cmd: 'purge_exited' });
    expect(sessions.result).toEqual({ removed: [b] });
    expect(sessions.state.sessions.size).toBe(1);
  });

  it('wants nothing of a session that is over but its removal', () => {
    const sessions = new Sessions();
    const id = sessions.ended();
    expect(sessions.code({ cmd: 'set_desired', session: id, desired: 'running' })).toBe('session_exited');
    expect(names(sessions.execute({ cmd: 'set_desired', session: id, desired: 'removed' }))).toEqual([
      'session_removed',
    ]);
  });
});
