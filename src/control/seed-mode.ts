/**
 * Seed mode: what a connection that registered without `protocol` may say and sees (seed 1). One filter at the edge;
 * nothing behind it knows of it.
 */
import type { ServiceIdentity } from './contract.ts';

/** Commands a seed connection may send for now: the connection's own. */
export const SEED_COMMANDS: ReadonlySet<string> = new Set([
  'register',
  'ping',
  'goodbye',
  'get_srv_snapshot',
  'get_events',
]);

export function seedRegistered(clientId: number, identity: ServiceIdentity, version: number): object {
  return {
    event: 'registered',
    client_id: clientId,
    launcher_pid: identity.pid,
    launcher_version: identity.version,
    version,
  };
}

/** The seed has three codes. */
export function seedError(code: string, message: string, fatal: boolean): object {
  const known = code === 'not_registered' || code === 'already_registered';
  return { event: 'error', code: known ? code : 'invalid_command', message, fatal, version: 0 };
}

/** The seed's own fields; workspaces, tabs and blocks come with their domain. */
export function seedSnapshot(version: number): object {
  return {
    event: 'srv_snapshot',
    lifecycle: 'running',
    workspaces: [],
    tabs: [],
    active_tabs: [],
    blocks: [],
    version,
  };
}

export function seedEventList<E extends { event: string }>(events: readonly E[], topics: readonly string[] = []): E[] {
  return events.filter(({ event }) => topics.includes(event));
}
