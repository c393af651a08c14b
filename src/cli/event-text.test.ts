import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import {
  type AgentsEvent,
  type AnyEventName,
  EVENT_REGISTRY,
  type EventEnvelope,
  type WorkspacesEvent,
} from '../protocol/control/index.ts';
import { agentEventText } from './agent-event-text.ts';
import { eventText } from './event-text.ts';
import { workspaceEventText } from './workspace-event-text.ts';

const AT = Date.UTC(2026, 0, 2, 3, 4, 5);
const line = (fields: Record<string, unknown> & { event: string }): string =>
  eventText({ version: 7, at: AT, session_id: 'ID', ...fields });

it.each([
  [{ event: 'session_created', name: 'build', command: 'make -j8' }, 'build: make -j8'],
  [{ event: 'session_started', pid: 12 }, 'pid 12'],
  [{ event: 'session_exited', exit: { code: 3, signal: null, outcome: 'natural_exit' }, held_by: [] }, 'status 3'],
  [
    {
      event: 'session_exited',
      exit: { code: null, signal: 'SIGKILL', outcome: 'hard_killed' },
      held_by: [{ pid: 9, start_time: 1, command: 'sleep' }],
    },
    'SIGKILL, hard killed, held by 9 (sleep)',
  ],
  [{ event: 'session_driver_changed', driver: null }, 'nobody'],
])('says what matters of %j', (event, expected) => {
  expect(line(event)).toBe(`7  2026-01-02 03:04:05  ${event.event.padEnd(22)}  ID  ${expected}`);
});

it('shows the fields of an event it does not know', () => {
  expect(line({ event: 'session_teleported', to: 'mars' })).toContain('{"to":"mars"}');
});

it('lets no control character of a foreign text through', () => {
  expect(line({ event: 'session_warning', message: 'a\x1b[2Jb' })).toContain('a\\x1b[2Jb');
});

const all = readFileSync(new URL('../../test/fixtures/wire/events.ndjson', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((text) => JSON.parse(text) as { event: AnyEventName } & EventEnvelope & Record<string, unknown>);
const golden = all.filter(({ event }) => EVENT_REGISTRY[event].domain === 'workspaces');
const ofAgents = all.filter(({ event }) => EVENT_REGISTRY[event].domain === 'agents');

it('says what every event on workspaces is about, without its tree', () => {
  expect(new Set(golden.map(({ event }) => event)).size).toBeGreaterThan(30);
  for (const event of golden) {
    const told = workspaceEventText(event as unknown as WorkspacesEvent);
    expect(told?.subject, event.event).toMatch(/^[a-z]/);
    expect(told?.detail, event.event).not.toMatch(/new_tree|flexDirection|undefined/);
    expect(eventText(event)).toContain(`${event.event.padEnd(22)}  ${told?.subject}`);
  }
});

it.each([
  [{ event: 'tab_created', workspace_id: 'w', tab_id: 't', name: 'Tab 1' }, 't  Tab 1 in w'],
  [{ event: 'block_created', tab_id: 't', block_id: 'b', meta: {}, session_id: 's' }, 'b  in t, shows s'],
  [{ event: 'block_bound', block_id: 'b', session_id: null }, 'b  no session'],
  [
    {
      event: 'layout_node_inserted',
      tab_id: 't',
      node: { id: 'n' },
      new_tree: { id: 'r', children: [{ id: 'm' }, { id: 'n' }] },
    },
    't  n, 2 panes',
  ],
  [{ event: 'layout_cleared', tab_id: 't', new_tree: null }, 't'],
])('says what matters of %j', (event, expected) => {
  expect(eventText({ version: 7, at: AT, ...event })).toBe(
    `7  2026-01-02 03:04:05  ${event.event.padEnd(22)}  ${expected}`,
  );
});

it('says what every event on agents is about', () => {
  const names = Object.entries(EVENT_REGISTRY).flatMap(([name, { domain }]) => (domain === 'agents' ? [name] : []));
  expect(new Set<string>(ofAgents.map(({ event }) => event))).toEqual(new Set(names));
  for (const event of ofAgents) {
    const told = agentEventText(event as unknown as AgentsEvent);
    expect(told?.subject, event.event).toMatch(/^\w/);
    expect(told?.detail, event.event).not.toMatch(/undefined|\[object|\{/);
    expect(eventText(event)).toContain(`${event.event.padEnd(22)}  ${told?.subject}`);
  }
});

it.each([
  [
    {
      event: 'agent_status_changed',
      status: { activity: 'working', attention: 'permission', summary: 'wants to run touch' },
      previous: { activity: 'working', attention: 'none' },
    },
    'ID  working, permission: wants to run touch',
  ],
  [
    { event: 'message_closed', message_id: 'M', outcome: 'failed', reason: 'no_answer', response: null },
    'M  failed (no_answer)',
  ],
  [
    { event: 'message_closed', message_id: 'M', outcome: 'answered', reason: null, response: 'x'.repeat(500) },
    `M  answered: ${'x'.repeat(120)}…`,
  ],
  [
    { event: 'agent_restarting', reason: 'exit 1', attempt: 2, delay_ms: 2_000, due_at: 5 },
    'ID  exit 1, attempt 2 in 2s',
  ],
  [
    { event: 'agent_replaced', previous_session_id: 'OLD', resumed: true, idle_ms: 172_800_000 },
    'ID  after OLD, resumed, last active 2d ago',
  ],
  [
    { event: 'agent_requested', request: { kind: 'permission', request_id: 'r', text: 'a\x1b[2Jb' } },
    'ID  permission r: a\\x1b[2Jb',
  ],
])('says what matters of %j', (event, expected) => {
  expect(line(event)).toBe(`7  2026-01-02 03:04:05  ${event.event.padEnd(22)}  ${expected}`);
});
