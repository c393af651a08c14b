/** The client side of the Agent Client Protocol: loaded only where a session speaks it, with its SDK. */
export { AcpSpeaker } from './speaker.ts';
