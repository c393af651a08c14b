import { request as httpRequest } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { anthropic } from './anthropic.ts';
import { createModelEndpoint, type ModelEndpoint, type Step } from './index.ts';

const WAIT_MS = 5_000;
const endpoints: ModelEndpoint[] = [];

afterEach(async () => {
  await Promise.all(endpoints.splice(0).map((endpoint) => endpoint.close()));
});

async function started(): Promise<ModelEndpoint> {
  const endpoint = await createModelEndpoint({ dialects: [anthropic] });
  endpoints.push(endpoint);
  return endpoint;
}

function ask(endpoint: ModelEndpoint, prompt: string, fields: object = {}): Promise<Response> {
  const messages = [{ role: 'user', content: [{ type: 'text', text: prompt }] }];
  const body = { model: 'test-model', stream: true, max_tokens: 1_000, messages, tools: [{ name: 'Bash' }], ...fields };
  return fetch(`${endpoint.url}/v1/messages?beta=true`, { method: 'POST', body: JSON.stringify(body) });
}

/** The data of each event. */
async function events(response: Response): Promise<Record<string, unknown>[]> {
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith('data: '));
  return lines.map((line) => JSON.parse(line.slice(6)) as Record<string, unknown>);
}

const whats = (endpoint: ModelEndpoint): string[] => endpoint.entries.map((entry) => entry.what);

test('a turn streams thinking, text and a tool call as blocks, and the log says when', async () => {
  const endpoint = await started();
  const usage = { input_tokens: 1_000, cached_input_tokens: 200, output_tokens: 30 };
  endpoint.script([
    { do: 'think', text: 'let me see' },
    { do: 'text', text: 'one two three four', over_ms: 200 },
    { do: 'tool', name: 'Bash', input: { command: 'true' } },
    { do: 'usage', usage },
  ]);
  const got = await events(await ask(endpoint, '<system-reminder>x</system-reminder>count'));
  const blocks = got.filter((event) => event['type'] === 'content_block_start');
  expect(blocks.map((event) => (event['content_block'] as { type: string }).type)).toEqual([
    'thinking',
    'text',
    'tool_use',
  ]);
  expect(blocks.map((event) => event['index'])).toEqual([0, 1, 2]);
  const texts = got.map((event) => (event['delta'] as { text?: string } | undefined)?.text ?? '');
  expect(texts.join('')).toBe('one two three four');
  expect(texts.filter((text) => text !== '').length).toBeGreaterThan(1);
  expect(got.at(-2)).toMatchObject({
    delta: { stop_reason: 'tool_use' },
    usage: { output_tokens: 30, cache_read_input_tokens: 200 },
  });
  expect(whats(endpoint)).toEqual(['request', 'step', 'step', 'step', 'answered']);
  expect(endpoint.entries[0]).toMatchObject({ turn: 0, prompt: 'count', model: 'test-model' });
  const [, , text, tool] = endpoint.entries;
  expect(tool!.at - text!.at).toBeGreaterThanOrEqual(195);
});

test('a gate holds an answer until it is released, before or after it is reached', async () => {
  const endpoint = await started();
  endpoint.script([{ do: 'hold', gate: 'a' }], [{ do: 'hold', gate: 'b' }]);
  const first = ask(endpoint, 'one').then(events);
  await endpoint.entry((entry) => entry.what === 'step', WAIT_MS);
  expect(whats(endpoint)).not.toContain('answered');
  endpoint.release('a');
  await first;
  endpoint.release('b');
  await events(await ask(endpoint, 'two'));
  expect(endpoint.entries.filter((entry) => entry.what === 'answered').map((entry) => entry.turn)).toEqual([0, 1]);
});

test('errors have the status of the API and last for as many requests as scripted', async () => {
  const endpoint = await started();
  const error = (kind: Extract<Step, { do: 'error' }>['kind'], times = 1): Step => ({
    do: 'error',
    kind,
    times,
    retry_after_s: 7,
  });
  endpoint.script([error('rate_limit', 2)], [error('overloaded')], [error('auth')], [error('context_length')]);
  const responses = [];
  for (let n = 0; n < 6; n++) responses.push(await ask(endpoint, 'x'));
  expect(responses.map((response) => response.status)).toEqual([429, 429, 529, 401, 400, 200]);
  expect(responses[0]!.headers.get('retry-after')).toBe('7');
  expect(await responses[4]!.json()).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } });
  const failed = endpoint.entries.filter((entry) => entry.what === 'failed');
  expect(failed.map((entry) => [entry.turn, entry.kind])).toEqual([
    [0, 'rate_limit'],
    [0, 'rate_limit'],
    [1, 'overloaded'],
    [2, 'auth'],
    [3, 'context_length'],
  ]);
});

test('a broken stream fails the client, a garbled one ends', async () => {
  const endpoint = await started();
  endpoint.script([{ do: 'text', text: 'half' }, { do: 'break' }], [{ do: 'garbage', bytes: '\0{]' }]);
  await expect(ask(endpoint, 'x').then((response) => response.text())).rejects.toThrow();
  expect(await (await ask(endpoint, 'y')).text()).toContain('\0{]');
  expect(endpoint.entries.filter((entry) => entry.what === 'failed')).toMatchObject([
    { kind: 'break' },
    { kind: 'garbage' },
  ]);
});

test('an agent that leaves is logged as an abort, and the turn ends there', async () => {
  const endpoint = await started();
  endpoint.script([
    { do: 'text', text: 'so' },
    { do: 'hold', gate: 'never' },
    { do: 'text', text: 'more' },
  ]);
  const body = JSON.stringify({ stream: true, tools: [{}], messages: [] });
  const request = httpRequest(`${endpoint.url}/v1/messages`, { method: 'POST' });
  request.on('error', () => {});
  request.end(body);
  await endpoint.entry((entry) => entry.what === 'step' && entry.step.do === 'hold', WAIT_MS);
  request.destroy();
  await endpoint.entry((entry) => entry.what === 'aborted' && entry.turn === 0, WAIT_MS);
  expect(whats(endpoint)).toEqual(['request', 'step', 'step', 'aborted']);
});

test('a request without tools is a side request; others than the API are unknown', async () => {
  const endpoint = await started();
  endpoint.script([{ do: 'text', text: 'main' }]);
  await (await ask(endpoint, 'make a title', { tools: [] })).text();
  const count = await fetch(`${endpoint.url}/v1/messages/count_tokens`, { method: 'POST', body: '{"messages":[]}' });
  expect(await count.json()).toHaveProperty('input_tokens');
  expect((await fetch(`${endpoint.url}/v1/other`)).status).toBe(404);
  const main = await ask(endpoint, 'go', { stream: false });
  expect(await main.json()).toMatchObject({ content: [{ type: 'text', text: 'main' }], stop_reason: 'end_turn' });
  expect(whats(endpoint)).toEqual(['side_request', 'side_request', 'unknown', 'request', 'step', 'answered']);
});

test('waiting for an entry that does not come is rejected with the log', async () => {
  const endpoint = await started();
  await expect(endpoint.entry(() => true, 20)).rejects.toThrow('within 20 ms');
});
