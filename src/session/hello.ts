/** The first frame on a session socket, checked the same way by the shim and by srv's archive. */
import { HoldfastError } from '../protocol/errors.ts';
import { type HelloCommand, SESSION_PROTOCOL, type SessionCommand } from '../protocol/session/index.ts';

/** Throws `forbidden` (reason `hello_required`, as seed 3's peers expect it) for anything but a `Hello`. */
export function expectHello(command: SessionCommand): HelloCommand {
  if (command.cmd === 'Hello') return command;
  throw helloRequired();
}

/** Also for a peer that sent no frame within `HELLO_MS`. */
export function helloRequired(): HoldfastError {
  return new HoldfastError('forbidden', 'hello_required', { field: 'cmd' });
}

/**
 * The protocol number to speak. `agentToken` opens the session for the role `agent`; null: it runs none. Throws
 * `bad_token` or `unsupported_protocol`.
 */
export function acceptHello(hello: HelloCommand, token: string, agentToken: string | null = null): number {
  const expected = hello.role === 'agent' ? agentToken : token;
  if (expected === null || !sameSecret(hello.token, expected)) {
    throw new HoldfastError(
      'bad_token',
      'the token does not open this session; read it again from the home it belongs to',
      { field: 'token' },
    );
  }
  const [low, high] = hello.protocol;
  const [lowest, highest] = SESSION_PROTOCOL;
  const spoken = Math.min(high, highest);
  if (spoken >= Math.max(low, lowest)) return spoken;
  throw new HoldfastError(
    'unsupported_protocol',
    `this end speaks session protocol ${lowest} to ${highest}, the peer ${low} to ${high}`,
    {
      field: 'protocol',
      details: { supported: [lowest, highest], offered: [low, high] },
    },
  );
}

/** In time that does not depend on where they differ. Not by node:crypto, which would be 0.4 MiB more in every shim. */
function sameSecret(given: string, expected: string): boolean {
  const left = Buffer.from(given);
  const right = Buffer.from(expected);
  if (left.length !== right.length) return false;
  let difference = 0;
  for (let at = 0; at < left.length; at++) difference |= left[at]! ^ right[at]!;
  return difference === 0;
}
