/**
 * Never two drivers of one conversation or one working directory (DESIGN §7): an agent holds both from its creation
 * until its session is over. The lease is a view of what is live, so no crash leaves one behind.
 */
import type { AgentGiven } from '../../protocol/control/index.ts';
import { HoldfastError } from '../../protocol/index.ts';
import type { AgentsContext } from './select.ts';
import type { Agent, AgentsState } from './state.ts';

export interface Wanted {
  /** An agent does not stand in its own way; null: a new one. */
  agent_id: string | null;
  profile: string;
  conversation_id: string | null;
  cwd: string;
  /** Its directory may have other agents; never its conversation. */
  share_directory: boolean;
}

/** What `create_session` says of it. */
export function sharesDirectory({ share_directory = false }: AgentGiven): boolean {
  return share_directory;
}

/** Throws `conflict` naming the agent that has it. */
export function checkLease(state: AgentsState, { sessions }: AgentsContext, wanted: Wanted): void {
  for (const agent of state.agents.values()) {
    if (agent.agent_id === wanted.agent_id || sessions.find(agent.session_id)?.live !== true) continue;
    if (wanted.conversation_id !== null && sameConversation(agent, wanted)) {
      throw held(agent, 'agent.conversation', `talks in conversation ${wanted.conversation_id} already`);
    }
    if (!wanted.share_directory && agent.cwd === wanted.cwd) {
      throw held(
        agent,
        'cwd',
        `works in ${wanted.cwd} already; give the new one a worktree (--worktree), or say that they share it (--share)`,
      );
    }
  }
}

function sameConversation(agent: Agent, { profile, conversation_id }: Wanted): boolean {
  return agent.profile === profile && agent.conversation_id === conversation_id;
}

function held({ agent_id, session_id, name }: Agent, field: string, what: string): HoldfastError {
  return new HoldfastError('conflict', `agent ${name ?? session_id} ${what}`, {
    field,
    details: { agent: agent_id, session: session_id },
  });
}
