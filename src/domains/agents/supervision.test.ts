import { describe, expect, it } from 'vitest';
import {
  type AgentEnd,
  DEFAULT_RESTART_POLICY,
  QUOTA_RETRY_MS,
  restartsWithin,
  superviseAttention,
  superviseEnd,
} from './supervision.ts';

const policy = { ...DEFAULT_RESTART_POLICY, when: 'on_failure' as const };
const crash: AgentEnd = {
  cause: 'child',
  exit: { code: 1, signal: null, outcome: 'natural_exit', at_ms: 0 },
  survivors: [],
  wanted: true,
  attention: 'none',
  retryAt: null,
};
const NOW = 1_000_000_000;
const holder = { pid: 7, start_time: 1, command: 'x' };

describe('the end of an agent', () => {
  it.each<[string, Partial<AgentEnd>, (typeof policy)['when'] | 'always' | 'never', string]>([
    ['crashed', {}, 'on_failure', 'restart'],
    [
      'killed by a signal that was not ours',
      { exit: { code: null, signal: 'SIGSEGV', outcome: 'natural_exit', at_ms: 0 } },
      'on_failure',
      'restart',
    ],
    [
      'left with status 0',
      { exit: { code: 0, signal: null, outcome: 'natural_exit', at_ms: 0 } },
      'on_failure',
      'leave',
    ],
    [
      'left with status 0, always',
      { exit: { code: 0, signal: null, outcome: 'natural_exit', at_ms: 0 } },
      'always',
      'restart',
    ],
    ['crashed, never', {}, 'never', 'leave'],
    ['lost its shim', { cause: 'shim_lost', exit: null }, 'on_failure', 'restart'],
    ['reboot', { cause: 'reboot', exit: null }, 'on_failure', 'restart'],
    ['had no shim that took it', { cause: 'start_failed', exit: null, retryable: true }, 'on_failure', 'restart'],
    ['cannot be started', { cause: 'start_failed', exit: null, retryable: false }, 'on_failure', 'leave'],
    ['was terminated', { cause: 'terminated' }, 'on_failure', 'leave'],
    ['was stopped', { wanted: false }, 'always', 'leave'],
    ['left processes', { survivors: [holder] }, 'on_failure', 'park'],
    ['had no login', { attention: 'auth' }, 'on_failure', 'park'],
    ['had no quota', { attention: 'quota' }, 'on_failure', 'park'],
  ])('[V1] one that %s', (_how, end, when, act) => {
    expect(superviseEnd({ ...policy, when }, [], { ...crash, ...end }, NOW).act).toBe(act);
  });

  it('[V2] waits twice as long each time, up to the limit, and parks after the last', () => {
    const restarts: number[] = [];
    const delays: number[] = [];
    for (;;) {
      const decision = superviseEnd({ ...policy, backoff_max_ms: 5_000 }, restarts, crash, NOW);
      if (decision.act !== 'restart') {
        expect(decision).toEqual({ act: 'park', parked: { reason: 'restarts_exhausted', since: NOW, until: null } });
        break;
      }
      expect(decision.attempt).toBe(restarts.length + 1);
      delays.push(decision.delayMs);
      restarts.push(NOW);
    }
    expect(delays).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
  });

  it('[V2] forgets restarts older than the window', () => {
    const old = Array.from({ length: 5 }, (_, at) => NOW - policy.within_ms - at);
    expect(restartsWithin(policy, [...old, NOW - 1], NOW)).toEqual([NOW - 1]);
    expect(superviseEnd(policy, old, crash, NOW)).toEqual({ act: 'restart', attempt: 1, delayMs: 1_000 });
  });

  it('[V3] parks until the quota is back, or for a quarter of an hour when nobody says when', () => {
    const told = superviseEnd(policy, [], { ...crash, attention: 'quota', retryAt: NOW + 5 }, NOW);
    expect(told).toEqual({ act: 'park', parked: { reason: 'quota', since: NOW, until: NOW + 5 } });
    expect(superviseAttention('quota', null, NOW)?.until).toBe(NOW + QUOTA_RETRY_MS);
    expect(superviseAttention('auth', null, NOW)).toEqual({ reason: 'auth', since: NOW, until: null });
    expect(superviseAttention('permission', null, NOW)).toBeNull();
  });
});
