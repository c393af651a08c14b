/** A person at the agent's terminal: what he types is his, and what he stops is nobody's answer. */
import { expect } from 'vitest';
import { systemClock } from '../../../src/runtime/index.ts';
import type { AgentUnderTest } from './agent.ts';
import type { ProductBench } from './bench.ts';
import { exchange, PROSE } from './flows.ts';
import type { CliTraits } from './traits.ts';

/** Between keys of a person. */
const KEY_MS = 150;

export async function person(bench: ProductBench, traits: CliTraits): Promise<void> {
  const agent = await bench.agent({ rows: 40, cols: 120 });
  await agent.display.shows(traits.composer);
  await drafting(agent, traits);
  await stopping(agent, 'Tell a story to him.', traits, /The first line/u);
  await stopping(agent, 'Think for him.', traits, null);
  await asking(agent);
  agent.judged();
}

/** A message waits for as long as there is a draft; the draft stays as it is. */
async function drafting(agent: AgentUnderTest, traits: CliTraits): Promise<void> {
  await agent.session.write('half a sentence of his');
  const drafted = await agent.display.shows(/half a sentence of his/u);
  const from = agent.endpoint.entries.length;
  const message = await agent.send('Wait for him.', [{ do: 'text', text: 'Waited.' }]);
  await agent.holds('ready', drafted);
  expect(agent.display.text()).toContain('half a sentence of his');
  expect(agent.endpoint.entries.slice(from)).toEqual([]);
  await agent.session.write(traits.clear);
  expect(await agent.ends(message, 'answered')).toMatchObject({ response: 'Waited.' });
}

/** Stopped by his key; a program may put the text back for him. `shown`: what was to be seen by then. */
async function stopping(agent: AgentUnderTest, body: string, traits: CliTraits, shown: RegExp | null): Promise<void> {
  const from = agent.endpoint.entries.length;
  const text = { do: 'text', text: PROSE.repeat(20), over_ms: 60_000 } as const;
  const message = await agent.send(body, shown === null ? [{ do: 'hold', gate: 'never' }] : [text]);
  const request = await agent.entry('request', () => true, from);
  if (shown !== null) await agent.display.shows(shown);
  await agent.holds('working', request.at);
  const at = systemClock.now();
  await agent.session.write(agent.place.cli.keys.interrupt);
  await agent.entry('aborted', ({ turn }) => turn === request.turn, from);
  await agent.holds('interrupted', at);
  expect(await agent.ends(message, 'cancelled')).toMatchObject({ response: null });
  await agent.session.write(traits.clear);
  await exchange(agent, `After: ${body}`, 'Gone on after him.');
}

/** What he types himself is no message of ours. */
async function asking(agent: AgentUnderTest): Promise<void> {
  const from = agent.endpoint.entries.length;
  agent.endpoint.script([{ do: 'text', text: 'This is for him.', over_ms: 3_200 }]);
  await agent.session.write('A question of his own');
  await agent.display.shows(/A question of his own/u);
  // No person is faster, and some programs take a fast Enter for a part of the text.
  await new Promise<void>((resolve) => systemClock.after(KEY_MS, resolve));
  await agent.session.write(agent.place.cli.keys.submit);
  const request = await agent.entry('request', () => true, from);
  const message = await agent.send('And one of ours.', [{ do: 'text', text: 'This is for us.' }]);
  const answered = await agent.entry('answered', ({ turn }) => turn === request.turn, from);
  agent.phase('working', request.at, answered.at);
  expect(await agent.ends(message, 'answered')).toMatchObject({ response: 'This is for us.' });
}
