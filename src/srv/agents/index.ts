/** Agents as srv serves them: profiles, launches, the courier of their messages, requests and restarts. */
export { Agents } from './agents.ts';
export { type AgentParts, createAgentParts, worktreesOf } from './parts.ts';
export { sessionOfToken } from './token.ts';
