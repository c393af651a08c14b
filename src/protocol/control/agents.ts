/** The agents vocabulary (DESIGN §7). Types only, inferred from `schemas/`. */
import type { z } from 'zod';
import type { AGENTS_COMMANDS, agentGiven } from './schemas/agents.ts';
import type { AGENTS_EVENTS } from './schemas/agents-events.ts';
import type { agentRecord, messageRecord, profileRecord, sender, worktreeState } from './schemas/agents-facts.ts';
import type { UnionOf } from './schemas/variants.ts';

/** One agent, over all its sessions. */
export type AgentRecord = z.infer<typeof agentRecord>;
export type WorktreeState = z.infer<typeof worktreeState>;
export type MessageRecord = z.infer<typeof messageRecord>;
export type MessageSender = z.infer<typeof sender>;
export type ProfileRecord = z.infer<typeof profileRecord>;

/** What `create_session` says of the agent that the session runs. */
export type AgentGiven = z.infer<typeof agentGiven>;
export type AgentsCommand = UnionOf<typeof AGENTS_COMMANDS>;
/** Committed facts. Every one carries `agent_id`. */
export type AgentsEvent = UnionOf<typeof AGENTS_EVENTS>;
