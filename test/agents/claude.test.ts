/** Claude Code on the real product: what is said of it is true, and what is sent to it arrives. */
import { expect } from 'vitest';
import type { AgentStatus } from '../../src/protocol/agent/index.ts';
import { claude } from './cli/claude.ts';
import type { ProductBench } from './product/bench.ts';
import { exchange } from './product/flows.ts';
import { reportsAlone, reportsAttached } from './product/reports.ts';
import { prove } from './product/suite.ts';
import type { CliTraits } from './product/traits.ts';

prove(
  claude,
  {
    trust: /Yes, I trust this folder/u,
    composer: /^❯[\u00a0 ]?.*\n─{20}/mu,
    exitCode: 0,
    clear: '\x15\x15\x15',
  },
  {
    'reports its status with nobody there': reportsAlone('claude-code'),
    'reports its status with somebody attached': reportsAttached('claude-code'),
    'has a sub-agent at work': team,
    'fills its context': tokens,
  },
);

/** The sub-agent asks the model on its own; both are answered alike, as nobody knows who asks first. */
async function team(bench: ProductBench, traits: CliTraits): Promise<void> {
  const agent = await bench.agent();
  await agent.display.shows(traits.composer);
  const input = { description: 'Look around', prompt: 'Look around here.', subagent_type: 'general-purpose' };
  const message = await agent.send(
    'Let somebody look around.',
    [{ do: 'tool', name: 'Agent', input }],
    [{ do: 'text', text: 'Looked around.', over_ms: 3_200 }],
    [{ do: 'text', text: 'Looked around.', over_ms: 3_200 }],
    // When the sub-agent has ended, a turn begins that nobody asked for.
    [{ do: 'text', text: 'All of it is seen.', over_ms: 3_200 }],
  );
  const begun = await agent.entry('request');
  const answered = await agent.entry('answered', ({ turn }) => turn === 3);
  agent.phase('working', begun.at, answered.at);
  await agent.holds('done', answered.at);
  expect(await agent.ends(message, 'answered')).toMatchObject({ response: 'Looked around.' });
  const tasks = agent.told('agent_status_changed').map(({ status }) => (status as AgentStatus).tasks);
  expect(tasks.flat()).toContainEqual(expect.objectContaining({ title: 'Look around', activity: 'working' }));
  expect(tasks.at(-1)).toEqual([]);
  await exchange(agent, 'And what now?', 'Nothing more.');
  agent.judged();
}

/** The figures are the model's, as the program wrote them down; it does not say how much fits. */
async function tokens(bench: ProductBench, traits: CliTraits): Promise<void> {
  const agent = await bench.agent();
  await agent.display.shows(traits.composer);
  const usage = { input_tokens: 52_000, cached_input_tokens: 4_000, output_tokens: 700 };
  const message = await agent.send('How full are you?', [
    { do: 'usage', usage },
    { do: 'text', text: 'Rather full.' },
  ]);
  await agent.ends(message, 'answered');
  const answered = await agent.entry('answered');
  expect(answered.usage).toEqual(usage);
  const [told] = await agent.tells('agent_usage_changed');
  expect(told).toMatchObject({
    usage: { input_tokens: 52_000, cache_read_input_tokens: 4_000, context_limit_tokens: null, usage_pct: null },
  });
  expect(agent.told('agent_usage_changed')).toHaveLength(1);
}
