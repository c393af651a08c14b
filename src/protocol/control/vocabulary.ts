/** All that is said on the control socket, by name. Types only, inferred from `schemas/`. */
import type { COMMANDS } from './schemas/commands.ts';
import type { COMMITTED_EVENTS, EVENTS } from './schemas/events.ts';
import type { UnionOf } from './schemas/variants.ts';

export type AnyCommand = UnionOf<typeof COMMANDS>;
export type AnyCommandName = keyof typeof COMMANDS;
export type AnyEvent = UnionOf<typeof EVENTS>;
export type AnyEventName = keyof typeof EVENTS;
/** Facts in the log, without their envelope. */
export type CommittedEvent = UnionOf<typeof COMMITTED_EVENTS>;
