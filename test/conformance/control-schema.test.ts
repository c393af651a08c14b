/**
 * The control socket's one source (src/protocol/control/schemas/) against what is published of it, what is checked in
 * as golden lines, and what the filter for seed connections lets through.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  COMMAND_REGISTRY,
  EVENT_REGISTRY,
  isSeedCommand,
  misdirected,
  parseControlLine,
  toSeedCommand,
  toSeedEvent,
  type AnyCommandName,
} from '../../src/protocol/control/index.ts';
import { parseCommand } from '../../src/protocol/control/schemas.ts';
import { PUBLISHED } from '../../src/protocol/control/schemas/published.ts';
import { HoldfastError, type ErrorCode } from '../../src/protocol/index.ts';
import { isValid, mutations, type Schema, type SchemaDocument } from '../support/json-schema.ts';
import {
  ERROR_FIXTURES,
  HOST_FRAME_FIXTURES,
  REPLY_FIXTURES,
  SEED_HOST_FRAME_FIXTURES,
} from './fixtures/control-answers.ts';
import { CONTROL_COMMAND_FIXTURES } from './fixtures/control-commands.ts';
import { COMMITTED_EVENT_FIXTURES, PRIVATE_EVENT_FIXTURES } from './fixtures/control-events.ts';
import { splitPlace } from './fixtures/workspaces-commands.ts';

type Message = Readonly<Record<string, unknown>>;

const document = JSON.parse(
  readFileSync(new URL('../../docs/schema/control.json', import.meta.url), 'utf8'),
) as SchemaDocument;
const envelope = { version: 7, at: 1_700_000_000_000, prev: 6 };

const commands: Message[] = Object.values(CONTROL_COMMAND_FIXTURES);
const events: (Message & { event: string })[] = [
  ...Object.values(COMMITTED_EVENT_FIXTURES).map((event) => ({ ...event, ...envelope })),
  ...Object.values(PRIVATE_EVENT_FIXTURES),
];
const errors = Object.entries(ERROR_FIXTURES).map(([code, [message, options]]) =>
  new HoldfastError(code as ErrorCode, message, options).toWire(),
);
const replies: Message[] = [
  ...Object.entries(REPLY_FIXTURES).map(([cmd, result]) => ({ reply: cmd, ok: true, version: 7, ...result })),
  ...errors.map((error) => ({ reply: error.code, ok: false, error })),
];
const errorEvents = errors.map(({ code, message, field, retryable, details }) => {
  const named = field === undefined ? {} : { field };
  return { event: 'error', code, message, fatal: false, version: 0, ...named, retryable, details };
});

/** Every golden file: what it holds, and the definition of the published schema which each line meets. */
const GOLDEN: Readonly<Record<string, { messages: readonly object[]; definition(message: Message): string | null }>> = {
  'commands.ndjson': { messages: commands, definition: ({ cmd }) => `command.${String(cmd)}` },
  'events.ndjson': { messages: events, definition: ({ event }) => `event.${String(event)}` },
  'errors.ndjson': { messages: errorEvents, definition: () => 'event.error' },
  'replies.ndjson': {
    messages: replies,
    definition: ({ ok, reply }) => (ok === true ? `reply.${String(reply)}` : 'FailureReply'),
  },
  'host-frames.ndjson': { messages: HOST_FRAME_FIXTURES, definition: () => 'HostFrame' },
  'seed-host-frames.ndjson': { messages: SEED_HOST_FRAME_FIXTURES, definition: () => 'SeedHostFrame' },
  'seed-commands.ndjson': {
    messages: commands.map(toSeedCommand).filter((command) => command !== null),
    definition: ({ cmd }) => `command.${String(cmd)}`,
  },
  'seed-events.ndjson': {
    messages: [...events, ...errorEvents].map(toSeedEvent).filter((event) => event !== null),
    definition: () => null,
  },
};

const encode = (message: unknown): string => `${JSON.stringify(message)}\n`;
const decode = (line: string): Message => parseControlLine(Buffer.from(line));

function refusal(act: () => unknown): HoldfastError | null {
  try {
    act();
    return null;
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
}

function fieldPath(path: readonly PropertyKey[]): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replace(/^\./, '');
}

describe('golden lines', () => {
  it.each(Object.entries(GOLDEN))(
    '[C9] %s is what goes over the wire, to the byte, in both directions',
    async (name, { messages }) => {
      const lines = messages.map(encode);
      await expect(lines.join('')).toMatchFileSnapshot(`../fixtures/wire/${name}`);
      expect(lines.map((line) => decode(line.trimEnd()))).toEqual(messages);
    },
  );

  it.each(Object.entries(GOLDEN))('[C9] %s meets the published schema', (_name, { messages, definition }) => {
    for (const message of messages as Message[]) {
      const id = definition(message);
      if (id === null) continue;
      expect(isValid(document, document.$defs[id] as Schema, message), encode(message)).toBe(true);
    }
  });

  it('[C9] holds every variant', () => {
    const names = (key: string, messages: readonly Message[]) => messages.map((message) => message[key]).toSorted();
    expect(names('cmd', commands)).toEqual(Object.keys(PUBLISHED.commands).toSorted());
    expect(names('event', events)).toEqual(Object.keys(PUBLISHED.events).toSorted());
    expect(commands.filter(({ cmd }) => isSeedCommand(String(cmd)))).toHaveLength(61);
  });
});

describe('commands', () => {
  it.each(commands)('$cmd is checked and comes out as it went in', (command) => {
    expect(parseCommand({ ...command, request_id: 'r', unknown_field: { deep: [1] } })).toEqual(
      command['cmd'] === 'register' ? { ...command, request_id: 'r' } : command,
    );
  });

  it.each([...commands, { ...CONTROL_COMMAND_FIXTURES.create_block, place: splitPlace }])(
    '[C9] $cmd: each field, at any depth, missing, null or of another type is refused by name or means nothing',
    (command) => {
      const schema = document.$defs[`command.${String(command['cmd'])}`] as Schema;
      for (const { name, path, value, valid } of mutations(document, schema, command)) {
        const error = refusal(() => parseCommand(value as Record<string, unknown>));
        expect(error === null, name).toBe(valid);
        if (error === null) continue;
        expect(error, name).toMatchObject({ code: 'invalid_argument', field: path });
        const missing = name.startsWith('removed ') || (name.startsWith('null ') && Object.hasOwn(command, path));
        expect(error.message.startsWith(missing ? `${path} is missing` : path), error.message).toBe(true);
      }
    },
  );

  it.each(commands)('[C9] $cmd needs no field that the schema does not require', (command) => {
    const { required = [] } = document.$defs[`command.${String(command['cmd'])}`] as { required?: string[] };
    const least = Object.fromEntries(Object.entries(command).filter(([name]) => required.includes(name)));
    const nulls = Object.fromEntries(
      Object.keys(command)
        .filter((name) => !required.includes(name))
        .map((name) => [name, null]),
    );
    expect(parseCommand(least)).toEqual(least);
    expect(parseCommand({ ...nulls, ...least })).toEqual(least);
  });
});

describe('events', () => {
  it.each(events)('[C9] $event: each field, at any depth, missing, null or of another type is noticed', (event) => {
    const schema = document.$defs[`event.${event.event}`] as Schema;
    const checked = PUBLISHED.events[event.event as keyof typeof PUBLISHED.events];
    expect(checked.parse(event)).toEqual(event);
    for (const { name, path, value, valid } of mutations(document, schema, event)) {
      const result = checked.safeParse(value);
      expect(result.success, name).toBe(valid);
      if (!result.success) expect(fieldPath(result.error.issues[0]!.path), name).toBe(path);
    }
  });

  it.each(Object.values(COMMITTED_EVENT_FIXTURES))(
    '$event leaves the names of the envelope to the envelope',
    (event) => {
      expect(Object.keys(event).filter((name) => ['version', 'at', 'prev'].includes(name))).toEqual([]);
    },
  );
});

describe('the registry', () => {
  it.each([
    ['command', PUBLISHED.commands, COMMAND_REGISTRY],
    ['event', PUBLISHED.events, EVENT_REGISTRY],
  ] as const)('[C9] gives each %s the protocol number its schema has', (_kind, schemas, registry) => {
    const numbers = Object.entries(schemas).map(([name, schema]) => [name, schema.meta()?.['since'] ?? 0]);
    expect(Object.fromEntries(numbers)).toEqual(
      Object.fromEntries(Object.entries(registry).map(([name, { since }]) => [name, since])),
    );
  });

  it('sends each command of the seed somewhere: 38 to srv, 20 to the launcher, 3 to the host', () => {
    const seed = Object.keys(COMMAND_REGISTRY).filter(isSeedCommand);
    const codes = seed.map((name) => misdirected(name, 'srv')?.code ?? 'served');
    const count = (wanted: string) => codes.filter((code) => code === wanted).length;
    expect([count('served'), count('wrong_domain'), count('wrong_direction')]).toEqual([38, 20, 3]);
    expect(misdirected('create_tab', 'launcher')).toMatchObject({ code: 'wrong_domain', field: 'cmd' });
    expect(misdirected('nope', 'srv')).toBeNull();
    expect(misdirected('constructor', 'srv')).toBeNull();
  });
});

describe('the filter for seed connections', () => {
  const hasMark = (fields: Record<string, Schema>, name: string) => (fields[name]?.['x-since'] ?? 0) !== 0;

  it.each(commands)('[C8] $cmd: lets no field of ours have an effect', (command) => {
    const seed = toSeedCommand({ ...command, request_id: 'r', idempotency_key: 'k' });
    if (!isSeedCommand(String(command['cmd']))) {
      expect(seed).toBeNull();
      return;
    }
    const { properties } = document.$defs[`command.${String(command['cmd'])}`] as {
      properties: Record<string, Schema>;
    };
    expect(Object.keys(seed!).toSorted()).toEqual(
      Object.keys(command)
        .filter((name) => !hasMark(properties, name))
        .toSorted(),
    );
    expect(parseCommand(seed!)).toEqual(seed);
  });

  it.each(events)('[C8] $event: shows nothing of ours', (event) => {
    const seed = toSeedEvent(event);
    const { properties, 'x-since': since } = document.$defs[`event.${event.event}`] as {
      properties: Record<string, Schema>;
      'x-since': number;
    };
    if (event.event === 'connection_closed') {
      expect(seed).toEqual({ event: 'process_exited', pid: 7, code: 0, version: 7 });
    } else if (since > 0) {
      expect(seed).toBeNull();
    } else {
      expect(Object.keys(seed!).toSorted()).toEqual(
        Object.keys(event)
          .filter((name) => !hasMark(properties, name))
          .toSorted(),
      );
    }
  });

  it('[C8] shows no value of ours', () => {
    expect(toSeedEvent({ ...COMMITTED_EVENT_FIXTURES.process_spawned })).toMatchObject({ kind: 'tool' });
    for (const { code } of errors) {
      const seed = toSeedEvent(Object.assign({}, PRIVATE_EVENT_FIXTURES.error, { code }));
      expect(['invalid_command', 'not_registered', 'already_registered']).toContain(seed?.['code']);
    }
    const list = { event: 'event_list', version: 9, events: [...events.slice(0, 4), PRIVATE_EVENT_FIXTURES.gap] };
    expect(toSeedEvent(list)?.['events']).toEqual(events.slice(0, 4).map(toSeedEvent));
  });

  it.each([
    ['ping', 'nonce'],
    ['get_events', 'since'],
  ] as const)('[C8] %s needs its %s there', (cmd: AnyCommandName, field) => {
    for (const fields of [{ cmd }, { cmd, [field]: null }]) {
      expect(refusal(() => toSeedCommand(fields))).toMatchObject({ code: 'invalid_argument', field });
      expect(parseCommand(fields)).toEqual({ cmd });
    }
  });

  it('[C8] knows no other command', () => {
    for (const cmd of ['subscribe', 'bind_block', 'nope', 'constructor', '__proto__', 5, null])
      expect(toSeedCommand({ cmd })).toBeNull();
  });
});
