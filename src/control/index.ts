/** The control socket's two ends (WIRES §1). */
export { ControlClient } from './client.ts';
export type { ControlCommand, ControlPeer, ControlService, ServiceIdentity } from './contract.ts';
export { ControlServer } from './server.ts';
export type { ControlLimits } from './server-context.ts';
