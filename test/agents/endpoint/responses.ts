/**
 * OpenAI's Responses API as Codex uses it over server-sent events. A function tool is called with the input as JSON; a
 * freeform tool (`type: custom` in the request, as `apply_patch`) with the text in `input.input`.
 */
import { randomUUID } from 'node:crypto';
import type { Answer, Asked, Dialect, ErrorKind, Usage } from './contract.ts';

interface InputItem {
  type?: string;
  role?: string;
  content?: string | { type: string; text?: string }[];
  /** Of an `additional_tools` item, with which newer models are told of theirs. */
  tools?: Tool[];
}

interface Tool {
  type?: string;
  name?: string;
  /** Of a namespace. */
  tools?: Tool[];
}

interface ResponsesRequest {
  model?: string;
  input?: string | InputItem[];
  tools?: Tool[];
  client_metadata?: Record<string, string>;
}

const RESPONSES = /^\/v1\/responses(?:\?|$)/;
const MODELS = /^\/v1\/models(?:\?|$)/;
/** What the CLI puts before a person's first message on its own account. */
const CONTEXT = /^\s*(?:<[a-z_]+>[\s\S]*<\/[a-z_]+>|# AGENTS\.md instructions[\s\S]*)\s*$/i;

export const responses: Dialect = {
  name: 'responses',
  answers: (method, path) => method === 'POST' && RESPONSES.test(path),
  read: (_path, body) => read(body as ResponsesRequest),
  open: ({ body, model }) => streamed(model, callables(body as ResponsesRequest)),
  other(method, path) {
    // An empty list makes the CLI use the models that it knows.
    return method === 'GET' && MODELS.test(path) ? { status: 200, json: { models: [] } } : null;
  },
};

function read(request: ResponsesRequest): Asked {
  const { model = '', input = [] } = request;
  const items = typeof input === 'string' ? [{ role: 'user', content: input }] : input;
  const asked = items.filter((item) => item.role === 'user').map((item) => textOf(item.content));
  const prompt = asked.findLast((text) => !CONTEXT.test(text)) ?? '';
  const side = threadSource(request) === 'thread_title';
  return side ? { prompt, model, side, sideText: '{"title":"Scripted work"}' } : { prompt: prompt.trim(), model, side };
}

/** Who began the thread that asks: `user`, `subagent`, or the CLI itself. */
function threadSource({ client_metadata: metadata }: ResponsesRequest): string | undefined {
  const turn = metadata?.['x-codex-turn-metadata'];
  if (turn === undefined) return undefined;
  return (JSON.parse(turn) as { thread_source?: string }).thread_source;
}

function textOf(content: InputItem['content']): string {
  if (content === undefined || typeof content === 'string') return content ?? '';
  return content.map((part) => part.text ?? '').join('\n');
}

interface Callable {
  freeform: boolean;
  /** A call names it besides the tool. */
  namespace?: string;
}

function callables({ tools = [], input = [] }: ResponsesRequest): Map<string, Callable> {
  const found = new Map<string, Callable>();
  const add = ({ type, name }: Tool, namespace: Pick<Callable, 'namespace'>): void => {
    if (name !== undefined) found.set(name, { freeform: type === 'custom', ...namespace });
  };
  const added = typeof input === 'string' ? [] : input.flatMap((item) => item.tools ?? []);
  for (const tool of [...tools, ...added]) {
    // What stands in this one is called as if it stood alone.
    const namespace = tool.name === undefined || tool.name === 'functions' ? {} : { namespace: tool.name };
    if (tool.tools === undefined) add(tool, {});
    else for (const inner of tool.tools) add(inner, namespace);
  }
  return found;
}

interface OpenItem {
  kind: 'message' | 'reasoning';
  id: string;
  text: string;
}

/** Text that follows text, or reasoning that follows reasoning, continues its output item. */
function streamed(model: string, tools: ReadonlyMap<string, Callable>): Answer {
  const id = identifier('resp');
  let sequence = 0;
  let index = -1;
  let open: OpenItem | null = null;
  const output: object[] = [];
  const event = (type: string, fields: object): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...fields })}\n\n`;
  const done = (item: object): string => {
    output.push(item);
    return event('response.output_item.done', { output_index: index, item });
  };
  const close = (): string => {
    if (open === null) return '';
    const item = itemOf(open, 'completed');
    open = null;
    return done(item);
  };
  const into = (kind: OpenItem['kind']): [OpenItem, string] => {
    if (open?.kind === kind) return [open, ''];
    const closed = close();
    index++;
    const item: OpenItem = { kind, id: identifier(kind === 'message' ? 'msg' : 'rs'), text: '' };
    open = item;
    const added = event('response.output_item.added', { output_index: index, item: itemOf(item, 'in_progress') });
    if (kind === 'message') return [item, closed + added];
    const part = { item_id: item.id, output_index: index, summary_index: 0, part: { type: 'summary_text', text: '' } };
    return [item, closed + added + event('response.reasoning_summary_part.added', part)];
  };
  return {
    contentType: 'text/event-stream',
    start: () => event('response.created', { response: response(id, model, 'in_progress', []) }),
    text(piece) {
      const [item, opened] = into('message');
      item.text += piece;
      const fields = { item_id: item.id, output_index: index, content_index: 0, delta: piece };
      return opened + event('response.output_text.delta', fields);
    },
    think(piece) {
      const [item, opened] = into('reasoning');
      item.text += piece;
      const fields = { item_id: item.id, output_index: index, summary_index: 0, delta: piece };
      return opened + event('response.reasoning_summary_text.delta', fields);
    },
    tool(call, name, input) {
      const closed = close();
      index++;
      const item = callOf(call, name, input, tools.get(name));
      const added = event('response.output_item.added', { output_index: index, item });
      return closed + added + done(item);
    },
    end: (usage) =>
      close() +
      event('response.completed', {
        response: { ...response(id, model, 'completed', output), usage: usageFields(usage) },
      }),
    error: failure,
  };
}

function itemOf({ kind, id, text }: OpenItem, status: string): object {
  if (kind === 'reasoning') {
    const summary = text === '' ? [] : [{ type: 'summary_text', text }];
    return { id, type: 'reasoning', summary, encrypted_content: null };
  }
  const content = text === '' ? [] : [{ type: 'output_text', text, annotations: [] }];
  return { id, type: 'message', role: 'assistant', status, content };
}

function callOf(call: string, name: string, input: Record<string, unknown>, tool?: Callable): object {
  const freeform = tool?.freeform === true;
  const namespace = tool?.namespace === undefined ? {} : { namespace: tool.namespace };
  const common = { id: identifier(freeform ? 'ctc' : 'fc'), call_id: `call_${call}`, name, ...namespace };
  if (freeform) return { ...common, type: 'custom_tool_call', status: 'completed', input: String(input['input']) };
  return { ...common, type: 'function_call', status: 'completed', arguments: JSON.stringify(input) };
}

function response(id: string, model: string, status: string, output: readonly object[]): object {
  return { id, object: 'response', created_at: 0, status, model, output, error: null, incomplete_details: null };
}

function identifier(prefix: string): string {
  return `${prefix}_${randomUUID().replaceAll('-', '')}`;
}

function usageFields(usage: Usage): object {
  return {
    input_tokens: usage.input_tokens,
    input_tokens_details: { cached_tokens: usage.cached_input_tokens },
    output_tokens: usage.output_tokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: usage.input_tokens + usage.output_tokens,
  };
}

const FAILURES: Record<ErrorKind, { status: number; type: string; code: string | null; message: string }> = {
  rate_limit: {
    status: 429,
    type: 'requests',
    code: 'rate_limit_exceeded',
    message: 'Rate limit reached for requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s.',
  },
  quota: {
    status: 429,
    type: 'insufficient_quota',
    code: 'insufficient_quota',
    message: 'You exceeded your current quota, please check your plan and billing details.',
  },
  overloaded: {
    status: 503,
    type: 'service_unavailable_error',
    code: 'server_is_overloaded',
    message: 'Our servers are currently overloaded. Please try again later.',
  },
  auth: {
    status: 401,
    type: 'invalid_request_error',
    code: 'invalid_api_key',
    message: 'Incorrect API key provided: scripted.',
  },
  context_length: {
    status: 400,
    type: 'invalid_request_error',
    code: 'context_length_exceeded',
    message: 'Your input exceeds the context window of this model. Please adjust your input and try again.',
  },
  server: {
    status: 500,
    type: 'server_error',
    code: null,
    message: 'The server had an error while processing your request.',
  },
};

function failure(
  kind: ErrorKind,
  retryAfterS?: number,
): { status: number; headers: Record<string, string>; body: string } {
  const { status, type, code, message } = FAILURES[kind];
  const headers: Record<string, string> = { 'x-request-id': identifier('req') };
  if (retryAfterS !== undefined) headers['retry-after'] = String(retryAfterS);
  const error = { message, type, param: null, code };
  // The model is asked over a stream: only then does the service know that the input is too long.
  if (kind === 'context_length') {
    const failed = { ...response(identifier('resp'), '', 'failed', []), error };
    const data = JSON.stringify({ type: 'response.failed', sequence_number: 0, response: failed });
    headers['content-type'] = 'text/event-stream';
    return { status: 200, headers, body: `event: response.failed\ndata: ${data}\n\n` };
  }
  return { status, headers, body: JSON.stringify({ error }) };
}
