/** Committed facts about agents and their messages, in a few words. */
import type { AgentsEvent } from '../protocol/control/index.ts';
import { messageState, senderName } from './agent-text.ts';
import { age } from './format.ts';

/** What it is about, by id, and what became of it. Undefined for an event of a newer srv. */
export function agentEventText(event: AgentsEvent): { subject: string; detail: string } | undefined {
  const detail = agentDetail(event) ?? messageDetail(event);
  if (detail === undefined) return undefined;
  return { subject: 'message_id' in event ? event.message_id : event.session_id, detail };
}

function agentDetail(event: AgentsEvent): string | undefined {
  switch (event.event) {
    case 'agent_created': {
      const place = event.worktree === null ? event.cwd : `${event.worktree.path} (${event.worktree.branch})`;
      return `${event.name === null ? '' : `${event.name}: `}${event.profile} (${event.mode}) in ${place}`;
    }
    case 'agent_status_changed': {
      const { activity, attention, summary } = event.status;
      const needs = attention === 'none' ? '' : `, ${attention}`;
      const was = event.previous.activity === activity ? '' : `${event.previous.activity} → `;
      return `${was}${activity}${needs}${summary === '' ? '' : `: ${summary}`}`;
    }
    case 'agent_requested':
      return `${event.request.kind} ${event.request.request_id}: ${event.request.text}`;
    case 'agent_request_closed': {
      const choice = event.choice === undefined ? '' : ` ${event.choice}`;
      return `${event.request_id} ${event.how}${choice}${event.by === undefined ? '' : ` by ${senderName(event.by)}`}`;
    }
    case 'agent_conversation_changed':
      return event.conversation_id;
    case 'agent_usage_changed': {
      const { used_tokens, usage_pct } = event.usage;
      return `${used_tokens} tokens${usage_pct === null ? '' : `, ${usage_pct} %`}`;
    }
    case 'agent_policy_changed':
      return event.policy.when;
    default:
      return supervisionDetail(event);
  }
}

function supervisionDetail(event: AgentsEvent): string | undefined {
  switch (event.event) {
    case 'agent_parked':
      return `${event.reason}${event.until === null ? '' : ` until ${new Date(event.until).toISOString()}`}`;
    case 'agent_unparked':
      return '';
    case 'agent_worktree_removed':
      return event.path;
    case 'agent_restarting':
      return `${event.reason}, attempt ${event.attempt}${event.delay_ms === 0 ? '' : ` in ${age(event.delay_ms)}`}`;
    case 'agent_replaced': {
      const idle = event.idle_ms === null ? '' : `, last active ${age(event.idle_ms)} ago`;
      return `after ${event.previous_session_id}, ${event.resumed ? 'resumed' : 'anew'}${idle}`;
    }
    case 'agent_interrupted':
      return `by ${senderName(event.by)}`;
    default:
      return undefined;
  }
}

const SHOWN_CHARACTERS = 120;

function messageDetail(event: AgentsEvent): string | undefined {
  switch (event.event) {
    case 'message_accepted':
      return `from ${senderName(event.from)} to ${event.agent_id}: ${beginning(event.body)}`;
    case 'message_delivering':
    case 'message_delivered':
      return `to ${event.session_id}`;
    case 'message_requeued':
      return event.reason;
    case 'message_closed': {
      const response = event.response === null ? '' : `: ${beginning(event.response)}`;
      return `${messageState({ state: event.outcome, reason: event.reason })}${response}`;
    }
    default:
      return undefined;
  }
}

function beginning(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`;
}
