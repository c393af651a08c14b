/** Who is connected (committed), and what a connection alone is told (private). */
import { z } from 'zod';
import { connectionKind } from './connection.ts';
import { eventErrorCode } from './facts.ts';
import { choice, flag, list, ours, u32, u53, whole } from './fields.ts';
import { snapshotState } from './snapshot-state.ts';
import { ourEvents, seedEvents } from './variants.ts';
import { label, rect, windowKind } from './windows.ts';

const string = z.string();

/** Only starting → running happens at present. */
export const lifecyclePhase = choice(['starting', 'running', 'quitting', 'dead']);
export const disconnectReason = choice(['goodbye', 'eof', 'error', 'superseded', 'shutdown', 'closed']);

export const CONNECTION_EVENTS = {
  ...seedEvents({
    process_spawned: [
      'A client registered',
      { pid: u32, kind: connectionKind, client_version: string, client_id: ours(string) },
    ],
    process_exited: ['A client is gone', { pid: u32, code: z.int() }],
    lifecycle_phase_changed: ['', { from: lifecyclePhase, to: lifecyclePhase }],
  }),
  ...ourEvents({
    connection_closed: [
      'A connection is gone; the seed is told process_exited with code 0',
      { client_id: string, pid: u32, reason: disconnectReason },
    ],
  }),
};

/** How a committed event travels: its own fields plus these. */
export const eventEnvelope = z.object({
  event: string,
  version: u53,
  at: ours(u53).describe('Ms since the Unix epoch, at commit'),
  prev: ours(u53.exactOptional()).describe('The version delivered before it on this subscription'),
});

export const closeReason = choice([
  'superseded',
  'shutdown',
  'register_timeout',
  'write_timeout',
  'too_many_errors',
  'flood',
  'line_too_long',
  'bad_token',
  'lagging',
]);

const version = u53.describe('Of the state at that moment');

/** The launcher's window, as it knows it. */
const windowSnapshot = z.object({
  label,
  kind: windowKind,
  parent_label: label.nullable(),
  hwnd: u53.nullable(),
  visible: flag,
  iconic: flag,
  last_rect: rect.nullable(),
  foregrounded_since_open: flag,
});

export const PRIVATE_EVENTS = {
  ...seedEvents({
    registered: [
      'The registration is taken',
      {
        client_id: z
          .union([string, u53])
          .describe('Ours: as the client gave it. A connection of the seed gets a number'),
        launcher_pid: u32,
        launcher_version: string,
        version,
        protocol: ours(whole(1, 0xffff_ffff)),
        epoch: ours(string),
        capabilities: ours(list(string)),
        limits: ours(z.record(string, z.number())),
      },
    ],
    pong: ['', { nonce: u53.exactOptional(), version: version }],
    error: [
      'A command without request_id, or a line, was refused',
      {
        code: eventErrorCode.describe(
          'A connection of the seed gets invalid_command, not_registered or already_registered',
        ),
        message: string,
        fatal: flag.describe('The connection closes after it'),
        version: z.literal(0),
        field: ours(string.exactOptional()),
        retryable: ours(flag.exactOptional()),
        details: ours(z.record(string, z.unknown()).exactOptional()),
      },
    ],
    event_list: [
      'Answer to get_events',
      {
        events: z.array(eventEnvelope),
        version,
        epoch: ours(string),
        complete: ours(flag).describe(
          'All events after `since`, up to now. Else go on from `next`; those between `since` and the first are not kept any more',
        ),
        next: ours(u53).describe('The `since` to go on with'),
      },
    ],
    snapshot: [
      "Answer to get_snapshot: the launcher's state",
      {
        version,
        lifecycle: lifecyclePhase,
        windows: z.array(windowSnapshot),
        pool: z.array(label),
        instance_registry: z.array(z.tuple([label, u32])),
        backend_window_ids: z.array(z.tuple([label, string])),
        monitors: z.array(rect),
      },
    ],
    srv_snapshot: [
      "Answer to get_srv_snapshot: srv's state. Lists are sorted by id",
      {
        version,
        lifecycle: lifecyclePhase,
        workspaces: z.array(z.tuple([string, string])).describe('[id, name]'),
        tabs: z.array(z.tuple([string, string, string])).describe('[id, workspace, name]'),
        active_tabs: z.array(z.tuple([string, string])).describe('[workspace, tab]'),
        blocks: z.array(z.tuple([string, string])).describe('[id, tab]'),
        epoch: ours(string),
        state: ours(snapshotState),
      },
    ],
  }),
  ...ourEvents({
    gap: [
      'Events of the subscription that are not delivered',
      {
        from: u53.describe('First version'),
        to: u53.describe('Last version'),
        reason: choice(['lagging', 'retention']),
      },
    ],
    closed: ['The last line of a connection', { reason: closeReason }],
  }),
};
