/** Which commands are the connection's own, and what may come before a registration. */
import { HoldfastError, limits } from '../protocol/index.ts';
import { COMMAND_REGISTRY, type ConnectionCommand, type RegisterCommand } from '../protocol/control/index.ts';

/** What a command before the registration is answered; what is no command is that first, as in the seed. */
export function notRegistered(cmd: unknown): HoldfastError {
  if (typeof cmd !== 'string' || !Object.hasOwn(COMMAND_REGISTRY, cmd)) return unknownCommand(cmd);
  // Seed 1: goodbye before register ends the connection, everything else does not.
  const fatal = cmd === 'goodbye';
  return new HoldfastError('not_registered', 'register first: this connection may do nothing else before', {
    details: { fatal },
  });
}

export function unknownCommand(cmd: unknown): HoldfastError {
  const name = String(cmd).slice(0, limits.NAME_BYTES);
  return new HoldfastError('unknown_command', `${name} is no command here`, { field: 'cmd' });
}

export function isRegister(command: { cmd: string }): command is RegisterCommand {
  return command.cmd === 'register';
}

const CONNECTION_COMMANDS: { readonly [K in ConnectionCommand['cmd']]: true } = {
  subscribe: true,
  unsubscribe: true,
  get_events: true,
  get_srv_snapshot: true,
  get_status: true,
  shutdown: true,
  ping: true,
  goodbye: true,
};

export function isConnectionCommand(command: { cmd: string }): command is ConnectionCommand {
  return Object.hasOwn(CONNECTION_COMMANDS, command.cmd);
}
