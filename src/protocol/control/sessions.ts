/** The sessions vocabulary (WIRES §1 "Sessions vocabulary", DESIGN §9). Types only, inferred from `schemas/`. */
import type { z } from 'zod';
import type { SESSIONS_COMMANDS, sessionRecord } from './schemas/sessions.ts';
import type { SESSIONS_EVENTS } from './schemas/sessions-events.ts';
import type { UnionOf } from './schemas/variants.ts';

/** One session as `ls` and `get_session` show it. */
export type SessionRecord = z.infer<typeof sessionRecord>;
export type SessionState = SessionRecord['state'];

export type SessionsCommand = UnionOf<typeof SESSIONS_COMMANDS>;
export type CreateSession = Extract<SessionsCommand, { cmd: 'create_session' }>;

/** Committed facts. Every one carries `session_id`; bytes and environment never appear. */
export type SessionsEvent = UnionOf<typeof SESSIONS_EVENTS>;
