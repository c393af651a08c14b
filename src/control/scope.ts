/** What a program of a session may do on the control socket: speak for its session, and look around. */
import type { AnyCommandName } from '../protocol/control/index.ts';
import { HoldfastError } from '../protocol/index.ts';

const OF_A_SESSION: ReadonlySet<string> = new Set<AnyCommandName>([
  'send_message',
  'cancel_message',
  'get_message',
  'list_messages',
  'list_agents',
  'get_session',
  'list_sessions',
  'ping',
  'goodbye',
]);

/** Throws `forbidden`. What of these it may see or change is for whoever serves it to say. */
export function checkScope(cmd: string): void {
  if (OF_A_SESSION.has(cmd)) return;
  throw new HoldfastError('forbidden', `${cmd} is not for programs of a session; its owner may do it`, {
    field: 'cmd',
  });
}
