/**
 * Whether an agent whose session is over starts again: a pure decision on its restart policy, how it ended and how often
 * it did. An agent without quota or login is parked instead: started again it would only be refused again.
 */
import type { Attention, Parked, RestartPolicy } from '../../protocol/agent/index.ts';
import type { EndCause, ExitFact, HolderFact } from '../../protocol/session/index.ts';

export const DEFAULT_RESTART_POLICY: RestartPolicy = {
  when: 'never',
  max_restarts: 5,
  within_ms: 10 * 60_000,
  backoff_ms: 1_000,
  backoff_max_ms: 5 * 60_000,
};

/** A quota whose end the agent does not tell is tried again after this. */
export const QUOTA_RETRY_MS = 15 * 60_000;

export interface AgentEnd {
  cause: EndCause;
  exit: ExitFact | null;
  /** Of a start that failed: nothing was wrong with what was to be started, its shim died or never came. */
  retryable?: boolean;
  /** Processes that are still there: they would be a second driver of the same conversation and directory. */
  survivors: readonly HolderFact[];
  /** Whether the session was meant to run: one that was stopped stays so. */
  wanted: boolean;
  /** What the agent needed when it ended, and until when, if it said so (ms since the Unix epoch). */
  attention: Attention;
  retryAt: number | null;
}

export type Supervision =
  | { act: 'leave' }
  | { act: 'restart'; attempt: number; delayMs: number }
  | { act: 'park'; parked: Parked };

/** `restarts`: when it was started again, ms since the Unix epoch, oldest first. */
export function superviseEnd(
  policy: RestartPolicy,
  restarts: readonly number[],
  end: AgentEnd,
  now: number,
): Supervision {
  if (!end.wanted || policy.when === 'never' || (policy.when === 'on_failure' && !failed(end))) return { act: 'leave' };
  if (end.survivors.length > 0) return park('survivors', now, null);
  if (end.attention === 'auth') return park('auth', now, null);
  if (end.attention === 'quota') return park('quota', now, end.retryAt ?? now + QUOTA_RETRY_MS);
  const recent = restartsWithin(policy, restarts, now);
  if (recent.length >= policy.max_restarts) return park('restarts_exhausted', now, null);
  return { act: 'restart', attempt: recent.length + 1, delayMs: backoff(policy, recent.length) };
}

/** A quota that ends at a known time parks a running agent too: its messages wait instead of failing one by one. */
export function superviseAttention(attention: Attention, retryAt: number | null, now: number): Parked | null {
  if (attention === 'quota') return { reason: 'quota', since: now, until: retryAt ?? now + QUOTA_RETRY_MS };
  return attention === 'auth' ? { reason: 'auth', since: now, until: null } : null;
}

/** Restarts that still count; what is older is forgotten. */
export function restartsWithin(policy: RestartPolicy, restarts: readonly number[], now: number): number[] {
  return restarts.filter((at) => at > now - policy.within_ms);
}

function failed({ cause, exit, retryable = false }: AgentEnd): boolean {
  if (cause === 'shim_lost' || cause === 'reboot') return true;
  if (cause === 'start_failed') return retryable;
  return cause === 'child' && exit?.outcome === 'natural_exit' && exit.code !== 0;
}

function backoff({ backoff_ms, backoff_max_ms }: RestartPolicy, restartsInARow: number): number {
  return Math.min(backoff_ms * 2 ** Math.min(restartsInARow, 30), backoff_max_ms);
}

function park(reason: Parked['reason'], since: number, until: number | null): Supervision {
  return { act: 'park', parked: { reason, since, until } };
}
