/** A committed event as one line for a person; `--json` has every field. */
import {
  type AgentsEvent,
  type AnyEventName,
  EVENT_REGISTRY,
  type EventEnvelope,
  type SessionsEvent,
  type WorkspacesEvent,
} from '../protocol/control/index.ts';
import type { HolderFact } from '../protocol/session/index.ts';
import { agentEventText } from './agent-event-text.ts';
import { printable } from './format.ts';
import { workspaceEventText } from './workspace-event-text.ts';

export function eventText(event: EventEnvelope & Record<string, unknown>): string {
  const { event: name, version, at, session_id } = event;
  const time = new Date(at).toISOString().replace('T', ' ').slice(0, 19);
  const words = [String(version), time, name.padEnd(NAME_WIDTH)];
  const told = subjectOf(event);
  if (told !== undefined) return printable([...words, told.subject, told.detail].join('  ').trimEnd());
  if (typeof session_id === 'string') words.push(session_id);
  const summary = isSessionsEvent(event) ? summarise(event) : undefined;
  const detail = summary ?? JSON.stringify(foreignFields(event));
  return printable([...words, detail].join('  ').trimEnd());
}

function subjectOf(event: EventEnvelope): { subject: string; detail: string } | undefined {
  switch (domainOf(event)) {
    case 'workspaces':
      return workspaceEventText(event as EventEnvelope & WorkspacesEvent);
    case 'agents':
      return agentEventText(event as EventEnvelope & AgentsEvent);
    default:
      return undefined;
  }
}

function domainOf({ event }: EventEnvelope): string | undefined {
  return Object.hasOwn(EVENT_REGISTRY, event) ? EVENT_REGISTRY[event as AnyEventName].domain : undefined;
}

/** Of the longest name that is common. */
const NAME_WIDTH = 'session_driver_changed'.length;

function isSessionsEvent(event: EventEnvelope): event is EventEnvelope & SessionsEvent {
  return event.event.startsWith('session_');
}

/** Undefined for an event of a newer srv. */
function summarise(event: SessionsEvent): string | undefined {
  switch (event.event) {
    case 'session_created':
      return event.name === null ? event.command : `${event.name}: ${event.command}`;
    case 'session_started':
    case 'session_adopted':
      return `pid ${event.pid}`;
    case 'session_start_failed':
      return event.error.message;
    case 'session_exited':
      return [exitText(event.exit), ...holders('held by', event.held_by)].join(', ');
    case 'session_held':
      return holders('held by', event.held_by)[0] ?? 'held by nobody';
    case 'session_ended':
      return [event.cause, ...holders('left behind', event.survivors)].join(', ');
    case 'session_lost':
      return [event.cause, ...holders('left behind', event.survivors)].join(', ');
    case 'session_removed':
      return `by ${event.reason}`;
    case 'session_renamed':
      return event.name ?? 'no name';
    case 'session_driver_changed':
      return event.driver === null ? 'nobody' : `${event.driver.client_id}${event.driver.connected ? '' : ' (lost)'}`;
    case 'session_resized':
      return `${event.cols}×${event.rows}`;
    case 'session_desired':
      return event.desired;
    case 'session_warning':
      return event.message;
    default:
      return undefined;
  }
}

function exitText({ code, signal, outcome }: { code: number | null; signal: string | null; outcome: string }): string {
  const how = signal ?? (code === null ? 'unknown' : `status ${code}`);
  return outcome === 'natural_exit' ? how : `${how}, ${outcome.replace('_', ' ')}`;
}

function holders(what: string, processes: readonly HolderFact[]): string[] {
  if (processes.length === 0) return [];
  return [`${what} ${processes.map(({ pid, command }) => `${pid} (${command})`).join(', ')}`];
}

function foreignFields(event: EventEnvelope & Record<string, unknown>): Record<string, unknown> {
  const { event: _event, version: _version, at: _at, prev: _prev, session_id: _session, ...fields } = event;
  return fields;
}
