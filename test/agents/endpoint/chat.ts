/**
 * OpenAI's chat completions as the providers of opencode use them: streamed chunks as server-sent events, tool calls,
 * reasoning (the field the open models stream it in), errors; also whole answers.
 */
import { randomUUID } from 'node:crypto';
import type { Answer, Asked, Dialect, ErrorKind, Usage } from './contract.ts';

interface Message {
  role: string;
  content?: string | { text?: string }[] | null;
}

interface ChatRequest {
  model?: string;
  stream?: boolean;
  messages?: Message[];
  tools?: unknown[];
}

const COMPLETIONS = /^\/v1\/chat\/completions(?:\?|$)/;

export const chat: Dialect = {
  name: 'chat',
  answers: (method, path) => method === 'POST' && COMPLETIONS.test(path),
  read: (_path, body) => read(body as ChatRequest),
  open: ({ body, model }) => ((body as ChatRequest).stream === true ? streamed(model) : whole(model)),
  other(method, path) {
    if (method !== 'GET' || !/^\/v1\/models(?:\?|$)/.test(path)) return null;
    return { status: 200, json: { object: 'list', data: [{ id: 'scripted', object: 'model', owned_by: 'test' }] } };
  },
};

function read({ model = '', messages = [], tools = [] }: ChatRequest): Asked {
  const last = messages.findLast((message) => message.role === 'user' || message.role === 'tool');
  const prompt = textOf(last?.content ?? '').trim();
  // Every request of the conversation, also of a sub-agent's, offers tools; titles and summaries do not.
  const side = tools.length === 0;
  return side ? { prompt, model, side, sideText: 'Scripted work' } : { prompt, model, side };
}

function textOf(content: string | { text?: string }[]): string {
  return typeof content === 'string' ? content : content.map((part) => part.text ?? '').join('\n');
}

function streamed(model: string): Answer {
  const id = completionId();
  let tools = 0;
  const send = (delta: object, finish: string | null = null, more: object = {}): string => {
    const choices = [{ index: 0, delta, finish_reason: finish }];
    return `data: ${JSON.stringify({ ...envelope(id, 'chat.completion.chunk', model), choices, ...more })}\n\n`;
  };
  return {
    contentType: 'text/event-stream',
    start: () => send({ role: 'assistant', content: '' }),
    text: (piece) => send({ content: piece }),
    think: (piece) => send({ reasoning_content: piece }),
    tool: (callId, name, input) => send({ tool_calls: [{ index: tools++, ...toolCall(callId, name, input) }] }),
    end: (usage) => `${send({}, tools > 0 ? 'tool_calls' : 'stop', { usage: usageFields(usage) })}data: [DONE]\n\n`,
    error: failure,
  };
}

/** The same content, sent when it is complete. */
function whole(model: string): Answer {
  let content = '';
  let reasoning = '';
  const calls: object[] = [];
  const nothing = (): string => '';
  return {
    contentType: 'application/json',
    start: nothing,
    text(piece) {
      content += piece;
      return '';
    },
    think(piece) {
      reasoning += piece;
      return '';
    },
    tool(callId, name, input) {
      calls.push(toolCall(callId, name, input));
      return '';
    },
    end(usage) {
      const message = {
        role: 'assistant',
        content,
        ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
        ...(calls.length === 0 ? {} : { tool_calls: calls }),
      };
      const choices = [{ index: 0, message, finish_reason: calls.length > 0 ? 'tool_calls' : 'stop' }];
      return JSON.stringify({
        ...envelope(completionId(), 'chat.completion', model),
        choices,
        usage: usageFields(usage),
      });
    },
    error: failure,
  };
}

function completionId(): string {
  return `chatcmpl-${randomUUID().replaceAll('-', '')}`;
}

function envelope(id: string, object: string, model: string): object {
  return { id, object, created: 0, model };
}

function toolCall(id: string, name: string, input: Record<string, unknown>): object {
  return { id: `call_${id}`, type: 'function', function: { name, arguments: JSON.stringify(input) } };
}

function usageFields(usage: Usage): object {
  const { input_tokens: input, cached_input_tokens: cached, output_tokens: output } = usage;
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cached },
  };
}

const FAILURES: Record<ErrorKind, { status: number; type: string; code: string | null; message: string }> = {
  rate_limit: {
    status: 429,
    type: 'requests',
    code: 'rate_limit_exceeded',
    message: 'Rate limit reached for requests',
  },
  quota: {
    status: 429,
    type: 'insufficient_quota',
    code: 'insufficient_quota',
    message: 'You exceeded your current quota, please check your plan and billing details.',
  },
  overloaded: {
    status: 503,
    type: 'server_error',
    code: null,
    message: 'The engine is currently overloaded, please try again later',
  },
  auth: {
    status: 401,
    type: 'invalid_request_error',
    code: 'invalid_api_key',
    message: 'Incorrect API key provided.',
  },
  context_length: {
    status: 400,
    type: 'invalid_request_error',
    code: 'context_length_exceeded',
    message: "This model's maximum context length is 128000 tokens. However, your messages resulted in 208310 tokens.",
  },
  server: { status: 500, type: 'server_error', code: null, message: 'The server had an error.' },
};

function failure(
  kind: ErrorKind,
  retryAfterS?: number,
): { status: number; headers: Record<string, string>; body: string } {
  const { status, type, code, message } = FAILURES[kind];
  const headers: Record<string, string> = retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) };
  return { status, headers, body: JSON.stringify({ error: { message, type, param: null, code } }) };
}
