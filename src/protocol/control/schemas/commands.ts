/** Every command a client may send, by name. */
import { AGENTS_COMMANDS } from './agents.ts';
import { CONNECTION_COMMANDS, REGISTER } from './connection.ts';
import { SESSIONS_COMMANDS } from './sessions.ts';
import { HOST_COMMANDS, WINDOWS_COMMANDS } from './windows.ts';
import { WORKSPACES_COMMANDS } from './workspaces.ts';

export const COMMANDS = {
  ...REGISTER,
  ...CONNECTION_COMMANDS,
  ...SESSIONS_COMMANDS,
  ...AGENTS_COMMANDS,
  ...WORKSPACES_COMMANDS,
  ...WINDOWS_COMMANDS,
  ...HOST_COMMANDS,
};
