/** What every connection says before and beside a domain's commands: registration, requests, subscriptions (WIRES §1). */
import { z } from 'zod';
import { NAME_BYTES } from '../../limits.ts';
import { choice, flag, list, neededBySeed, ours, text, u32, u53, whole } from './fields.ts';
import { ourCommands, seedCommands } from './variants.ts';

const TOPICS = 256;
const TOKEN_BYTES = 256;

const identifier = text(1, NAME_BYTES);
const protocolNumber = whole(1, 0xffff_ffff);

/** Seed 1's connection kinds, and the launcher. */
export const connectionKind = choice(['launcher', 'srv', 'host', 'renderer', 'tool']);

export const REGISTER = seedCommands({
  register: [
    'First command of a connection',
    {
      kind: connectionKind,
      pid: u32,
      version: text(0, NAME_BYTES),
      protocol: ours(
        z
          .tuple([protocolNumber, protocolNumber], { error: 'must be [lowest, highest]' })
          .refine(([low, high]) => low <= high, { error: 'must be [lowest, highest]' })
          .exactOptional(),
      ).describe('Missing: a connection of the seed'),
      client_id: ours(identifier.exactOptional()),
      token: ours(text(0, TOKEN_BYTES).exactOptional()).describe('The one in run/secret'),
      request_id: ours(identifier.exactOptional()),
    },
  ],
});

const since = u53.exactOptional().describe('The last version seen');
const epoch = ours(identifier.exactOptional()).describe('Epoch of that version');

export const CONNECTION_COMMANDS = {
  ...ourCommands({
    subscribe: [
      'Events from here on. Answered, then a snapshot or a replay, then live',
      {
        topics: list(identifier)
          .max(TOPICS, { error: `must name at most ${TOPICS} topics` })
          .exactOptional()
          .describe('Event names, or prefixes ending in *; missing: all'),
        since,
        epoch,
        snapshot: flag.exactOptional().describe('A snapshot first; with a cursor only if that is not valid any more'),
      },
    ],
    unsubscribe: ['Ends the subscription', {}],
  }),
  ...seedCommands({
    get_events: [
      'Committed events after a version',
      {
        since: neededBySeed(since),
        epoch,
        max: ours(whole(1, Number.MAX_SAFE_INTEGER).exactOptional()).describe('Most events; at most 10,000'),
      },
    ],
    get_srv_snapshot: ["srv's state", {}],
  }),
  ...ourCommands({
    get_status: ['What runs in this home', {}],
    shutdown: ['Stops the runtime', { sessions: flag.exactOptional().describe('And ends every session') }],
  }),
  ...seedCommands({
    ping: ['Comes back as pong', { nonce: neededBySeed(u53.exactOptional()) }],
    goodbye: ['Answered, then the connection closes', {}],
  }),
};

/** Beside a command's own fields. */
export const requestEnvelope = ours(
  z.object({
    request_id: identifier.describe('Comes back in the one reply; new for each request of a connection'),
    idempotency_key: identifier.exactOptional().describe('A ULID. Its first reply is kept for 24 h and given again'),
    expected_version: u53
      .exactOptional()
      .describe('Version at which what the command changes was last read; `conflict` if it changed since'),
  }),
);
