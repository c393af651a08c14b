/** All that is said on the control socket, by name. Types only, inferred from `schemas/`. */
import type { UnionOf } from './schemas/variants.ts';
import type { COMMANDS } from './schemas/commands.ts';
import type { COMMITTED_EVENTS, EVENTS } from './schemas/events.ts';
import type { HOST_COMMANDS, WINDOWS_COMMANDS } from './schemas/windows.ts';
import type { SAGA_EVENTS, WINDOWS_EVENTS } from './schemas/windows-events.ts';

/** host → launcher, and the launcher's snapshot (seed 2). */
export type WindowsCommand = UnionOf<typeof WINDOWS_COMMANDS>;
/** launcher → host (seed 2). */
export type HostCommand = UnionOf<typeof HOST_COMMANDS>;
export type WindowsEvent = UnionOf<typeof WINDOWS_EVENTS>;
export type SagaEvent = UnionOf<typeof SAGA_EVENTS>;

export type AnyCommand = UnionOf<typeof COMMANDS>;
export type AnyCommandName = keyof typeof COMMANDS;
export type AnyEvent = UnionOf<typeof EVENTS>;
export type AnyEventName = keyof typeof EVENTS;
export type CommittedEvent = UnionOf<typeof COMMITTED_EVENTS>;
