/** The agent of a session: loaded only where a session has one, so that others pay nothing for it. */
export { Agent } from './agent.ts';
