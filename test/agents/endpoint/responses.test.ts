import { afterEach, expect, test } from 'vitest';
import { createModelEndpoint, type ErrorKind, type ModelEndpoint } from './index.ts';
import { responses } from './responses.ts';

const endpoints: ModelEndpoint[] = [];

afterEach(async () => {
  await Promise.all(endpoints.splice(0).map((endpoint) => endpoint.close()));
});

async function started(): Promise<ModelEndpoint> {
  const endpoint = await createModelEndpoint({ dialects: [responses] });
  endpoints.push(endpoint);
  return endpoint;
}

function ask(endpoint: ModelEndpoint, prompt: string, source = 'user'): Promise<Response> {
  const message = (text: string): object => ({
    type: 'message',
    role: 'user',
    content: [{ type: 'input_text', text }],
  });
  const body = {
    model: 'test-model',
    stream: true,
    input: [
      message('<environment_context>\n  <cwd>/x</cwd>\n</environment_context>'),
      message(prompt),
      { type: 'function_call_output', call_id: 'call_1', output: 'not a prompt' },
    ],
    tools: [
      { type: 'function', name: 'exec_command' },
      { type: 'custom', name: 'apply_patch' },
    ],
    client_metadata: { 'x-codex-turn-metadata': JSON.stringify({ thread_source: source }) },
  };
  return fetch(`${endpoint.url}/v1/responses`, { method: 'POST', body: JSON.stringify(body) });
}

interface Event {
  type: string;
  sequence_number: number;
  output_index?: number;
  delta?: string;
  item?: Record<string, unknown>;
  response?: Record<string, unknown>;
}

async function events(response: Response): Promise<Event[]> {
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith('data: '));
  return lines.map((line) => JSON.parse(line.slice(6)) as Event);
}

test('reasoning, text and calls are output items, each added, streamed and done under its index', async () => {
  const endpoint = await started();
  const usage = { input_tokens: 900, cached_input_tokens: 100, output_tokens: 20 };
  endpoint.script([
    { do: 'think', text: 'let me see' },
    { do: 'text', text: 'one two three four', over_ms: 150 },
    { do: 'tool', name: 'exec_command', input: { cmd: 'true' } },
    { do: 'tool', name: 'apply_patch', input: { input: '*** Begin Patch' } },
    { do: 'usage', usage },
  ]);
  const got = await events(await ask(endpoint, 'count'));
  expect(got.map((event) => event.sequence_number)).toEqual(got.map((_, index) => index));
  const done = got.filter((event) => event.type === 'response.output_item.done');
  expect(done.map((event) => [event.output_index, event.item?.['type']])).toEqual([
    [0, 'reasoning'],
    [1, 'message'],
    [2, 'function_call'],
    [3, 'custom_tool_call'],
  ]);
  expect(done[0]?.item).toMatchObject({ summary: [{ text: 'let me see' }] });
  expect(done[1]?.item).toMatchObject({ content: [{ text: 'one two three four' }] });
  expect(done[2]?.item).toMatchObject({ name: 'exec_command', arguments: '{"cmd":"true"}' });
  expect(done[3]?.item).toMatchObject({ name: 'apply_patch', input: '*** Begin Patch' });
  const deltas = got.filter((event) => event.type === 'response.output_text.delta');
  expect(deltas.length).toBeGreaterThan(1);
  expect(deltas.map((event) => event.delta).join('')).toBe('one two three four');
  expect(got.at(-1)).toMatchObject({
    type: 'response.completed',
    response: {
      output: done.map((event) => event.item),
      usage: { input_tokens: 900, input_tokens_details: { cached_tokens: 100 }, output_tokens: 20, total_tokens: 920 },
    },
  });
  expect(endpoint.entries[0]).toMatchObject({ what: 'request', prompt: 'count', model: 'test-model' });
});

test('a tool in a namespace is called with it', async () => {
  const endpoint = await started();
  endpoint.script([
    { do: 'tool', name: 'spawn_agent', input: { task_name: 'look' } },
    { do: 'tool', name: 'exec', input: { input: 'text(1)' } },
  ]);
  const namespace = (name: string, tool: object): object => ({ type: 'namespace', name, tools: [tool] });
  const tools = [
    namespace('functions', { type: 'custom', name: 'exec' }),
    namespace('collaboration', { type: 'function', name: 'spawn_agent' }),
  ];
  const body = { model: 'test-model', input: [{ type: 'additional_tools', role: 'developer', tools }] };
  const response = await fetch(`${endpoint.url}/v1/responses`, { method: 'POST', body: JSON.stringify(body) });
  const done = (await events(response)).filter((event) => event.type === 'response.output_item.done');
  expect(done.map((event) => [event.item?.['type'], event.item?.['namespace']])).toEqual([
    ['function_call', 'collaboration'],
    ['custom_tool_call', undefined],
  ]);
});

test('the request for a title uses no turn', async () => {
  const endpoint = await started();
  endpoint.script([{ do: 'text', text: 'Four.' }]);
  const title = await events(await ask(endpoint, 'Generate a title', 'thread_title'));
  const delta = title.find((event) => event.type === 'response.output_text.delta')?.delta;
  expect(JSON.parse(delta ?? '')).toEqual({ title: 'Scripted work' });
  await (await ask(endpoint, 'count')).text();
  expect(endpoint.entries.map(({ what }) => what)).toEqual(['side_request', 'request', 'step', 'answered']);
});

test('errors come as the service sends them', async () => {
  const endpoint = await started();
  const kinds: ErrorKind[] = ['rate_limit', 'quota', 'overloaded', 'auth', 'server', 'context_length'];
  endpoint.script(...kinds.map((kind) => [{ do: 'error', kind, retry_after_s: 7 } as const]));
  const got: [number, string | null][] = [];
  for (const kind of kinds.slice(0, -1)) {
    const response = await ask(endpoint, kind);
    expect(response.headers.get('retry-after')).toBe('7');
    got.push([response.status, ((await response.json()) as { error: { code: string | null } }).error.code]);
  }
  expect(got).toEqual([
    [429, 'rate_limit_exceeded'],
    [429, 'insufficient_quota'],
    [503, 'server_is_overloaded'],
    [401, 'invalid_api_key'],
    [500, null],
  ]);
  const streamed = await ask(endpoint, 'long');
  expect(streamed.status).toBe(200);
  expect(await events(streamed)).toMatchObject([
    { type: 'response.failed', response: { status: 'failed', error: { code: 'context_length_exceeded' } } },
  ]);
});
