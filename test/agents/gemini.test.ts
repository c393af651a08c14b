/** Gemini CLI on the real product: what is said of it is true, and what is sent to it arrives. */
import { expect } from 'vitest';
import { gemini } from './cli/gemini.ts';
import { overAcp } from './product/acp.ts';
import { exchange } from './product/flows.ts';
import { retrying } from './product/retrying.ts';
import { type Flow, prove } from './product/suite.ts';

prove(
  gemini,
  {
    trust: /Do you trust the files in this folder/u,
    composer: /^ > {3}Type your message/mu,
    // It shows an empty one before it has read the conversation.
    resumed: /The file is made\.[^]*^ > {3}Type your message/mu,
    exitCode: 0,
    clear: '\x15\x7f'.repeat(8),
    without: ['finds the model overloaded', 'runs out of quota'],
  },
  {
    'speaks ACP': overAcp({ resumes: false }),
    'asks what to do without a quota': askedWithoutQuota(),
    'tries again while the model is overloaded': retrying('overloaded'),
  },
);

/** The turn goes on until a person has chosen. */
function askedWithoutQuota(): Flow {
  return async (bench, traits) => {
    const agent = await bench.agent();
    await agent.display.shows(traits.composer);
    const from = agent.endpoint.entries.length;
    const message = await agent.send('Try without.', [{ do: 'error', kind: 'quota', times: 1_000 }]);
    const failed = await agent.entry('failed', () => true, from);
    const request = await agent.request();
    expect(request).toMatchObject({ kind: 'question', text: expect.stringContaining('Usage limit reached') });
    await agent.holds('quota', failed.at);
    const stop = request.choices.find(({ label }) => label === 'Stop')!;
    agent.endpoint.forget();
    await agent.command('answer', stop.id);
    expect(await agent.ends(message, 'failed')).toMatchObject({ reason: 'quota' });
    await bench.holdfast.agents.unpark(agent.id);
    await exchange(agent, 'Is it better now?', 'It is better.');
    agent.judged();
  };
}
