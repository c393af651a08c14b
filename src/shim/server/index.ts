/** The session socket's server. */
export { SessionServer, type ShimIdentity } from './server.ts';
