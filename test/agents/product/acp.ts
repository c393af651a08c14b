/** The same agent over its protocol: the same states, messages and permissions. */
import { expect } from 'vitest';
import type { AgentUnderTest } from './agent.ts';
import { denied, exchange, interrupted, permitted } from './flows.ts';
import type { Flow } from './suite.ts';

export function overAcp({ resumes }: { resumes: boolean }): Flow {
  return async (bench) => {
    const agent = await bench.agent({ mode: 'acp' });
    await agent.holds('ready', await agent.free());
    await exchange(agent, 'How much is two and two?', 'Four, and that is all.');
    await permitted(agent);
    await denied(agent);
    await exchange(agent, 'Go on after the refusal.', 'Gone on after it.');
    await interrupted(agent, 'Tell a long story.', [{ do: 'text', text: 'And then. '.repeat(200), over_ms: 60_000 }]);
    await exchange(agent, 'Go on after the story.', 'Gone on after the story.');
    if (resumes) await resumed(agent, () => bench.holdfast.kill(agent.session.id));
    agent.judged();
  };
}

async function resumed(agent: AgentUnderTest, end: () => Promise<unknown>): Promise<void> {
  const { conversation_id } = await agent.record();
  expect(conversation_id).not.toBeNull();
  await end();
  const from = Date.now();
  await agent.says('dead', ({ activity }) => activity === 'dead');
  await agent.resume();
  await agent.holds('ready', await agent.free(from));
  const entries = agent.endpoint.entries.length;
  await exchange(agent, 'What did I ask first?', 'How much is two and two.');
  const request = await agent.entry('request', () => true, entries);
  expect(request.body).toContain('Four, and that is all.');
  expect((await agent.record()).conversation_id).toBe(conversation_id);
}
