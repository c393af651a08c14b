/** How a shim gets its session: the launch line, the claim and the manifest (DESIGN §6 "Start"). */
export { writeAgentFiles } from './agent-files.ts';
export { Assignment } from './assignment.ts';
export { createClaim, readClaim } from './claim.ts';
export { manifestOf, writeManifest } from './manifest.ts';
