/** An agent at a terminal: its screen is read and its keys are typed. */
export { PtyAgent } from './agent.ts';
