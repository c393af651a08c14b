/** The control socket's two ends (WIRES §1). */
export {
  ControlClient,
  type ControlClientHandlers,
  type ControlClientOptions,
  type RequestOptions,
} from './client.ts';
export type { ControlCommand, ControlPeer, ControlService, DisconnectReason, ServiceIdentity } from './contract.ts';
export { ControlServer, type ControlServerOptions } from './server.ts';
export type { ControlLimits } from './server-context.ts';
