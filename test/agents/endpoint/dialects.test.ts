import { afterEach, expect, test } from 'vitest';
import { chat } from './chat.ts';
import { gemini } from './gemini.ts';
import { createModelEndpoint, type ErrorKind, type ModelEndpoint } from './index.ts';

const endpoints: ModelEndpoint[] = [];
const USAGE = { input_tokens: 1_000, cached_input_tokens: 200, output_tokens: 30 };
const ANSWER = [
  { do: 'think', text: 'so it is' },
  { do: 'text', text: 'one two' },
  { do: 'tool', name: 'shell', input: { command: 'true' } },
  { do: 'usage', usage: USAGE },
] as const;

afterEach(async () => {
  await Promise.all(endpoints.splice(0).map((endpoint) => endpoint.close()));
});

async function started(): Promise<ModelEndpoint> {
  const endpoint = await createModelEndpoint({ dialects: [gemini, chat] });
  endpoints.push(endpoint);
  return endpoint;
}

function post(endpoint: ModelEndpoint, path: string, body: object): Promise<Response> {
  return fetch(`${endpoint.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
}

const STREAM = '/v1beta/models/a-model:streamGenerateContent?alt=sse';
const COMPLETIONS = '/v1/chat/completions';

function geminiRequest(prompt: string): object {
  const parts = [{ text: '<session_context>where it is</session_context>' }, { text: prompt }];
  return { contents: [{ role: 'user', parts }], tools: [{ functionDeclarations: [{ name: 'shell' }] }] };
}

function chatRequest(prompt: string, fields: object = {}): object {
  const messages = [
    { role: 'system', content: 'rules' },
    { role: 'user', content: prompt },
  ];
  return { model: 'a-model', stream: true, messages, tools: [{ type: 'function' }], ...fields };
}

/** The data of each event that is JSON. */
async function events(response: Response): Promise<Record<string, unknown>[]> {
  const lines = (await response.text()).split(/\r?\n/u).filter((line) => line.startsWith('data: {'));
  return lines.map((line) => JSON.parse(line.slice(6)) as Record<string, unknown>);
}

test('Gemini: a turn streams thoughts, text and a function call, and ends with its usage', async () => {
  const endpoint = await started();
  endpoint.script([...ANSWER]);
  const got = await events(await post(endpoint, STREAM, geminiRequest('count')));
  const parts = got.flatMap((event) => partsOf(event));
  expect(parts.filter((part) => part.thought === true).map((part) => part.text)).toEqual(['so it is']);
  expect(parts.filter((part) => part.thought !== true && part.text !== '').map((part) => part.text)).toContain(
    'one two',
  );
  expect(parts.find((part) => part.functionCall)?.functionCall).toMatchObject({
    name: 'shell',
    args: { command: 'true' },
  });
  expect(got.at(-1)).toMatchObject({
    candidates: [{ finishReason: 'STOP' }],
    usageMetadata: { promptTokenCount: 1_000, cachedContentTokenCount: 200, candidatesTokenCount: 30 },
  });
  expect(endpoint.entries[0]).toMatchObject({ what: 'request', prompt: 'count', model: 'a-model' });
});

test('Gemini: what the CLI asks on its own account uses no turn', async () => {
  const endpoint = await started();
  endpoint.script([{ do: 'text', text: 'the answer' }]);
  const routing = { contents: [{ role: 'user', parts: [{ text: 'which model?' }] }] };
  const json = { generationConfig: { responseMimeType: 'application/json' } };
  const whole = await post(endpoint, '/v1beta/models/small:generateContent', { ...routing, ...json });
  const [part] = partsOf((await whole.json()) as object);
  expect(JSON.parse(part?.text ?? '')).toMatchObject({ model_choice: 'flash', next_speaker: 'user' });
  const counted = await post(endpoint, '/v1beta/models/small:countTokens', routing);
  expect(await counted.json()).toMatchObject({ totalTokens: expect.any(Number) as number });
  const [answer] = await events(await post(endpoint, STREAM, geminiRequest('now')));
  expect(partsOf(answer ?? {})[0]?.text).toBe('the answer');
  expect(endpoint.entries.filter((entry) => entry.what === 'side_request')).toHaveLength(2);
});

test('chat completions: a turn streams reasoning, text and a tool call, and ends with its usage', async () => {
  const endpoint = await started();
  endpoint.script([...ANSWER]);
  const response = await post(endpoint, COMPLETIONS, chatRequest('count'));
  const text = await response.clone().text();
  const got = await events(response);
  const deltas = got.map((event) => (event['choices'] as { delta: Record<string, string> }[])[0]?.delta ?? {});
  expect(deltas.map((delta) => delta['reasoning_content'] ?? '').join('')).toBe('so it is');
  expect(deltas.map((delta) => delta['content'] ?? '').join('')).toBe('one two');
  expect(deltas.find((delta) => 'tool_calls' in delta)).toMatchObject({
    tool_calls: [{ index: 0, type: 'function', function: { name: 'shell', arguments: '{"command":"true"}' } }],
  });
  expect(got.at(-1)).toMatchObject({
    choices: [{ finish_reason: 'tool_calls' }],
    usage: { prompt_tokens: 1_000, completion_tokens: 30, prompt_tokens_details: { cached_tokens: 200 } },
  });
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
  expect(endpoint.entries[0]).toMatchObject({ what: 'request', prompt: 'count', model: 'a-model' });
});

test('chat completions: a whole answer has the same content; one without tools uses no turn', async () => {
  const endpoint = await started();
  endpoint.script([...ANSWER]);
  const title = await post(endpoint, COMPLETIONS, chatRequest('a title', { stream: false, tools: undefined }));
  expect(await title.json()).toMatchObject({ choices: [{ message: { content: 'Scripted work' } }] });
  const whole = await post(endpoint, COMPLETIONS, chatRequest('count', { stream: false }));
  expect(await whole.json()).toMatchObject({
    choices: [{ finish_reason: 'tool_calls', message: { content: 'one two', reasoning_content: 'so it is' } }],
  });
  expect(endpoint.entries.map((entry) => entry.what).slice(0, 2)).toEqual(['side_request', 'request']);
});

test.each<[ErrorKind, number, number]>([
  ['rate_limit', 429, 429],
  ['quota', 429, 429],
  ['overloaded', 503, 503],
  ['auth', 401, 401],
  ['context_length', 400, 400],
  ['server', 500, 500],
])('an error of kind %s has the status of both APIs', async (kind, geminiStatus, chatStatus) => {
  const endpoint = await started();
  endpoint.script([{ do: 'error', kind, retry_after_s: 7 }], [{ do: 'error', kind, retry_after_s: 7 }]);
  const failed = await post(endpoint, STREAM, geminiRequest('try'));
  expect(failed.status).toBe(geminiStatus);
  expect(await failed.json()).toMatchObject({
    error: { code: geminiStatus, details: expect.arrayContaining([expect.objectContaining({ retryDelay: '7s' })]) },
  });
  const other = await post(endpoint, COMPLETIONS, chatRequest('try'));
  expect([other.status, other.headers.get('retry-after')]).toEqual([chatStatus, '7']);
  expect(await other.json()).toHaveProperty('error.message');
});

interface Part {
  text?: string;
  thought?: boolean;
  functionCall?: object;
}

function partsOf(event: object): Part[] {
  const { candidates = [] } = event as { candidates?: { content: { parts: Part[] } }[] };
  return candidates.flatMap((candidate) => candidate.content.parts);
}
