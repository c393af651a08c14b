/** What the parts that speak with agents share. */
import type { AgentsInternal, AgentsState } from '../../domains/agents/index.ts';
import type { AgentProfile } from '../../protocol/agent/index.ts';
import type { HomePaths } from '../../protocol/home/index.ts';
import type { SessionCommand, SessionEvent } from '../../protocol/session/index.ts';
import type { Clock } from '../../runtime/index.ts';
import type { Journal } from '../journal.ts';

export interface AgentPorts {
  readonly paths: HomePaths;
  readonly clock: Clock;
  readonly journal: Journal;
  /** As of the last durable batch. */
  agents(): AgentsState;
  /** Why a session is over; null while its shim may be there. */
  over(sessionId: string): string | null;
  /** Never rejects; what cannot be written now is written later. */
  observe(command: AgentsInternal): Promise<void>;
  /** Rejects with `session_exited` when it is over, `timeout`, `shim_lost`, or what the shim answers. */
  request(sessionId: string, command: SessionCommand): Promise<SessionEvent>;
  /** Null: there is none of that name any more. */
  profile(name: string, cliVersion: string | null): AgentProfile | null;
}
