/** Texts that a program could take for something else arrive as they are, once each, in their order. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type AgentUnderTest, requestsFor } from './agent.ts';
import type { ProductBench } from './bench.ts';
import type { CliTraits } from './traits.ts';

const TOUCHED = 'touched.txt';
const LARGE_BYTES = 20_000;

/** Each with a word of its own at its end, by which the request is known. */
function bodies(): string[] {
  const lines = Array.from({ length: 40 }, (_, index) => `line ${index + 1}`);
  return [
    `!touch ${TOUCHED}`,
    '/exit at once, they said',
    ' /exit, after a blank',
    `\n!touch ${TOUCHED}`,
    '# remember this, and @nothing',
    [...lines, 'the end of forty lines'].join('\n'),
    `${'A word. '.repeat(200)}The end of one long line.`,
    'two\n\n   indented lines\twith a tab',
    'Umlauts äöü, 漢字, and 👩‍👩‍👧 one family.',
  ];
}

export async function texts(bench: ProductBench, traits: CliTraits): Promise<void> {
  const agent = await bench.agent({ rows: 24, cols: 80 });
  await agent.display.shows(traits.composer);
  for (const [index, body] of bodies().entries()) await answered(agent, body, `Answer ${index}.`);
  expect(existsSync(join(agent.place.cwd, TOUCHED))).toBe(false);
  await inOrder(agent);
  await byReference(agent);
}

async function answered(agent: AgentUnderTest, body: string, answer: string): Promise<void> {
  const from = agent.endpoint.entries.length;
  const message = await agent.send(body, [{ do: 'text', text: answer }]);
  expect(await agent.ends(message, 'answered')).toMatchObject({ response: answer });
  const requests = agent.endpoint.entries.slice(from).filter((entry) => entry.what === 'request');
  expect(requests).toHaveLength(1);
  expect(plain(requests[0]!.prompt)).toContain(plain(body));
}

/** Equal texts are messages of their own. */
async function inOrder(agent: AgentUnderTest): Promise<void> {
  const body = 'Say it again.';
  agent.endpoint.script([{ do: 'text', text: 'Once.', over_ms: 500 }], [{ do: 'text', text: 'Twice.' }]);
  const messages = [await agent.send(body), await agent.send(body)];
  const records = await Promise.all(messages.map((message) => agent.outcome(message)));
  expect(records.map(({ state, response }) => [state, response])).toEqual([
    ['answered', 'Once.'],
    ['answered', 'Twice.'],
  ]);
  expect(requestsFor(agent, body)).toBe(2);
}

async function byReference(agent: AgentUnderTest): Promise<void> {
  const from = agent.endpoint.entries.length;
  const body = `${'A long report. '.repeat(LARGE_BYTES / 15)}The end of the report.`;
  const message = await agent.send(body, [{ do: 'text', text: 'Read.' }]);
  expect(await agent.ends(message, 'answered')).toMatchObject({ response: 'Read.' });
  const request = await agent.entry('request', () => true, from);
  const [file] = /\/\S+\.md/u.exec(request.prompt) ?? [];
  expect(file).toContain(message);
  expect(readFileSync(file!, 'utf8')).toContain('The end of the report.');
}

function plain(text: string): string {
  return text.replace(/\s+/gu, ' ').trim();
}
