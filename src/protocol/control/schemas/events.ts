/** Every event, by name: committed ones and private ones. */
import { AGENTS_EVENTS } from './agents-events.ts';
import { CONNECTION_EVENTS, PRIVATE_EVENTS } from './connection-events.ts';
import { SESSIONS_EVENTS } from './sessions-events.ts';
import { SAGA_EVENTS, WINDOWS_EVENTS } from './windows-events.ts';
import { WORKSPACES_EVENTS } from './workspaces-events.ts';

export const COMMITTED_EVENTS = {
  ...CONNECTION_EVENTS,
  ...SESSIONS_EVENTS,
  ...AGENTS_EVENTS,
  ...WORKSPACES_EVENTS,
  ...WINDOWS_EVENTS,
  ...SAGA_EVENTS,
};

export const EVENTS = { ...COMMITTED_EVENTS, ...PRIVATE_EVENTS };
