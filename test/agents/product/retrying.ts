/** What a CLI tries to get over by itself for minutes is work, whatever the model says meanwhile. */
import type { ErrorKind } from '../endpoint/index.ts';
import { exchange } from './flows.ts';
import type { Flow } from './suite.ts';

export function retrying(kind: ErrorKind): Flow {
  return async (bench, traits) => {
    const agent = await bench.agent();
    await agent.display.shows(traits.composer);
    const from = agent.endpoint.entries.length;
    const message = await agent.send(`Try ${kind} again.`, [{ do: 'error', kind, times: 1_000 }]);
    const request = await agent.entry('request', () => true, from);
    await agent.delivered(message);
    await agent.entry('failed', () => true, from);
    await agent.holds('working', request.at);
    agent.endpoint.forget();
    const at = await agent.interrupt();
    await agent.holds('interrupted', at);
    await agent.ends(message, 'cancelled');
    await exchange(agent, 'Is it better now?', 'It is better.');
    agent.judged();
  };
}
