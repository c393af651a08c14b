/** What a shim saw of its agent, as facts. An observation that says nothing new, or of an older session, commits nothing. */
import type { AgentStatus } from '../../protocol/agent/index.ts';
import type { AgentsEvent } from '../../protocol/control/index.ts';
import type { AgentObservation } from './commands.ts';
import { type AgentsContext, agentAt } from './select.ts';
import type { Agent, AgentsState } from './state.ts';
import { superviseAttention } from './supervision.ts';

/** Said of an agent that is over, too. */
const ALSO_LATE: ReadonlySet<AgentObservation['cmd']> = new Set<AgentObservation['cmd']>([
  'observe_conversation',
  'observe_usage',
  'observe_worktree_removed',
]);

export function observe(state: AgentsState, command: AgentObservation, context: AgentsContext): AgentsEvent[] {
  const agent = agentAt(state, command.session_id);
  if (agent === undefined) return [];
  // How it stood when it ended is said by its end; what it used and where it was is still worth knowing.
  const isLate = context.sessions.find(agent.session_id)?.live !== true;
  if (isLate && !ALSO_LATE.has(command.cmd)) return [];
  const { agent_id, session_id } = agent;
  const of = { agent_id, session_id };
  switch (command.cmd) {
    case 'observe_status':
      return statusChanged(agent, command.status, context.now);
    case 'observe_requested':
      return agent.requests.some(({ request_id }) => request_id === command.request.request_id)
        ? []
        : [{ event: 'agent_requested', ...of, request: command.request }];
    case 'observe_request_closed': {
      if (!agent.requests.some(({ request_id }) => request_id === command.request_id)) return [];
      const { cmd: _observed, session_id: _of, ...said } = command;
      return [{ event: 'agent_request_closed', ...of, ...said }];
    }
    case 'observe_requests':
      return requestsChanged(agent, command.requests);
    case 'observe_conversation': {
      const { conversation_id, transcript_path } = command;
      // It comes from programs of the session and becomes a word of a command line: it is to be no option there.
      if (agent.conversation_id === conversation_id || conversation_id.startsWith('-')) return [];
      return [{ event: 'agent_conversation_changed', ...of, conversation_id, transcript_path }];
    }
    case 'observe_worktree_removed':
      if (agent.worktree?.path !== command.path) return [];
      return [{ event: 'agent_worktree_removed', ...of, path: command.path }];
    case 'observe_usage':
      return same(agent.usage, command.usage) ? [] : [{ event: 'agent_usage_changed', ...of, usage: command.usage }];
  }
}

/** A quota or a missing login parks the agent with the status that says so; its end lets it go on. */
function statusChanged(agent: Agent, status: AgentStatus, now: number): AgentsEvent[] {
  const { agent_id, session_id, status: before, parked } = agent;
  if (same(before, status)) return [];
  const { activity, attention } = before;
  const isSaid = activity === status.activity && attention === status.attention && same(before.tasks, status.tasks);
  // By what else an idle agent is known to be idle is news to nobody; `explain` tells.
  if (isSaid && activity === 'idle') return [];
  const of = { agent_id, session_id };
  const changed: AgentsEvent = { event: 'agent_status_changed', ...of, status, previous: { activity, attention } };
  if (status.attention === attention) return [changed];
  const wanted = superviseAttention(status.attention, null, now);
  if (wanted !== null && parked === null) {
    return [changed, { event: 'agent_parked', ...of, reason: wanted.reason, until: wanted.until }];
  }
  const isOver = wanted === null && (parked?.reason === 'quota' || parked?.reason === 'auth');
  return isOver && status.activity !== 'dead' ? [changed, { event: 'agent_unparked', ...of }] : [changed];
}

/** What a shim holds open, against what is known of it. */
function requestsChanged(agent: Agent, requests: readonly Agent['requests'][number][]): AgentsEvent[] {
  const { agent_id, session_id } = agent;
  const of = { agent_id, session_id };
  const open = new Set(requests.map(({ request_id }) => request_id));
  const known = new Set(agent.requests.map(({ request_id }) => request_id));
  return [
    ...withdrawn(agent, (id) => !open.has(id)),
    ...requests
      .filter(({ request_id }) => !known.has(request_id))
      .map((request): AgentsEvent => ({ event: 'agent_requested', ...of, request })),
  ];
}

export function withdrawn(agent: Agent, which: (requestId: string) => boolean = () => true): AgentsEvent[] {
  const { agent_id, session_id } = agent;
  return agent.requests
    .filter(({ request_id }) => which(request_id))
    .map(({ request_id }) => ({ event: 'agent_request_closed', agent_id, session_id, request_id, how: 'withdrawn' }));
}

function same(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
