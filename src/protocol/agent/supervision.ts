/** When an agent is started again, and when it is left alone (DESIGN §7). */

export interface RestartPolicy {
  /** `on_failure`: a child that ended by itself with another status than 0, a lost shim, a reboot. */
  when: 'never' | 'on_failure' | 'always';
  /** Restarts within `within_ms`; one more parks the agent. 0 to 1,000. */
  max_restarts: number;
  /** Ms, 1,000 to a day. */
  within_ms: number;
  /** Ms before the first restart of a row; each further one waits twice as long, up to `backoff_max_ms`. */
  backoff_ms: number;
  backoff_max_ms: number;
}

/** Why an agent gets no messages and no restart until a time or a person says otherwise. */
export type ParkReason = 'quota' | 'auth' | 'restarts_exhausted' | 'survivors' | 'requested';

export interface Parked {
  reason: ParkReason;
  since: number;
  /** Ms since the Unix epoch; null: until somebody unparks it. */
  until: number | null;
}
