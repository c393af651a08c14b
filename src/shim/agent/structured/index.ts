/** Agents that speak a protocol instead of drawing a screen: ACP and Claude's stream-json. */
import { HoldfastError } from '../../../protocol/errors.ts';
import type { AgentDriver, AgentHost } from '../contract.ts';
import type { StructuredSpec } from './contract.ts';
import { StructuredAgent } from './driver.ts';

/** Of `spec.agent.mode`. Before the child is started; nothing is written until `started`. */
export async function createStructuredAgent(spec: StructuredSpec, host: AgentHost): Promise<AgentDriver> {
  const { mode } = spec.agent;
  if (mode === 'stream_json') {
    const { StreamJsonSpeaker } = await import('./stream-json/index.ts');
    return new StructuredAgent(spec, host, (port) => new StreamJsonSpeaker(port));
  }
  if (mode === 'acp') {
    const { AcpSpeaker } = await import('./acp/index.ts');
    return new StructuredAgent(spec, host, (port) => new AcpSpeaker(port));
  }
  throw new HoldfastError('invalid_argument', `mode ${mode} has no protocol`, { field: 'agent.mode' });
}
