/**
 * Anthropic's Messages API as Claude Code uses it: server-sent events, tool use, thinking, errors; also whole answers,
 * which the CLI asks for when a stream has failed.
 */
import { randomUUID } from 'node:crypto';
import type { Answer, Asked, Dialect, ErrorKind, Usage } from './contract.ts';

interface Block {
  type: string;
  text?: string;
  content?: string | Block[];
}

interface Message {
  role: string;
  content: string | Block[];
}

interface MessagesRequest {
  model?: string;
  max_tokens?: number;
  stream?: boolean;
  messages?: Message[];
  tools?: unknown[];
}

const MESSAGES = /^\/v1\/messages(?:\?|$)/;
const COUNT_TOKENS = /^\/v1\/messages\/count_tokens(?:\?|$)/;
/** What the CLI puts into a person's message, and around a long paste, on its own account. */
const ADDED = /<system-reminder>[\s\S]*?<\/system-reminder>|<\/?pasted_content\b[^>]*>/g;

export const anthropic: Dialect = {
  name: 'anthropic',
  answers: (method, path) => method === 'POST' && MESSAGES.test(path),
  read: (_path, body) => read(body as MessagesRequest),
  open: ({ body, model }) => ((body as MessagesRequest).stream === true ? streamed(model) : whole(model)),
  other(method, path, body) {
    if (method === 'POST' && COUNT_TOKENS.test(path)) {
      return { status: 200, json: { input_tokens: Math.ceil(JSON.stringify(body).length / 4) } };
    }
    // A probe whether the base URL answers at all.
    if (method === 'HEAD' && path === '/') return { status: 200, json: null };
    return null;
  },
};

function read({ model = '', messages = [], tools = [], max_tokens: limit = 0 }: MessagesRequest): Asked {
  const last = messages.findLast((message) => message.role === 'user');
  const prompt = textOf(last?.content ?? '')
    .replace(ADDED, '')
    .trim();
  // Every request of the conversation, also of a sub-agent's, offers tools; titles and probes do not.
  const side = tools.length === 0 || limit === 1;
  return side ? { prompt, model, side, sideText: '{"title": "Scripted work"}' } : { prompt, model, side };
}

function textOf(content: string | Block[]): string {
  if (typeof content === 'string') return content;
  return content.map((block) => block.text ?? textOf(block.content ?? '')).join('\n');
}

/** Open blocks are numbered; text that follows text, or thinking that follows thinking, continues its block. */
function streamed(model: string): Answer {
  let index = -1;
  let open: 'text' | 'thinking' | null = null;
  let usedTool = false;
  const close = (): string => {
    if (open === null) return '';
    const signature = { type: 'signature_delta', signature: Buffer.from('scripted').toString('base64') };
    const signed = open === 'thinking' ? event('content_block_delta', { index, delta: signature }) : '';
    open = null;
    return signed + event('content_block_stop', { index });
  };
  const into = (kind: 'text' | 'thinking', block: object): string => {
    if (open === kind) return '';
    const closed = close();
    open = kind;
    return closed + event('content_block_start', { index: ++index, content_block: block });
  };
  return {
    contentType: 'text/event-stream',
    start: (usage) => event('message_start', { message: { ...emptyMessage(model), usage: usageFields(usage) } }),
    text(piece) {
      const opened = into('text', { type: 'text', text: '' });
      return opened + event('content_block_delta', { index, delta: { type: 'text_delta', text: piece } });
    },
    think(piece) {
      const opened = into('thinking', { type: 'thinking', thinking: '', signature: '' });
      return opened + event('content_block_delta', { index, delta: { type: 'thinking_delta', thinking: piece } });
    },
    tool(id, name, input) {
      const closed = close();
      usedTool = true;
      index++;
      const block = { type: 'tool_use', id: `toolu_${id}`, name, input: {} };
      const delta = { type: 'input_json_delta', partial_json: JSON.stringify(input) };
      return (
        closed +
        event('content_block_start', { index, content_block: block }) +
        event('content_block_delta', { index, delta }) +
        event('content_block_stop', { index })
      );
    },
    end(usage) {
      const delta = { stop_reason: usedTool ? 'tool_use' : 'end_turn', stop_sequence: null };
      return close() + event('message_delta', { delta, usage: usageFields(usage) }) + event('message_stop', {});
    },
    error: failure,
  };
}

/** The same content, sent when it is complete. */
function whole(model: string): Answer {
  const content: Record<string, unknown>[] = [];
  const append = (type: 'text' | 'thinking', piece: string): string => {
    const last = content.at(-1);
    if (last?.['type'] === type) last[type] = `${String(last[type])}${piece}`;
    else content.push({ type, [type]: piece, ...(type === 'thinking' ? { signature: 'c2NyaXB0ZWQ=' } : {}) });
    return '';
  };
  return {
    contentType: 'application/json',
    start: () => '',
    text: (piece) => append('text', piece),
    think: (piece) => append('thinking', piece),
    tool(id, name, input) {
      content.push({ type: 'tool_use', id: `toolu_${id}`, name, input });
      return '';
    },
    end(usage) {
      const stop = content.some((block) => block['type'] === 'tool_use') ? 'tool_use' : 'end_turn';
      return JSON.stringify({ ...emptyMessage(model), content, stop_reason: stop, usage: usageFields(usage) });
    },
    error: failure,
  };
}

function event(type: string, fields: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
}

function emptyMessage(model: string): object {
  const id = `msg_${randomUUID().replaceAll('-', '')}`;
  return { id, type: 'message', role: 'assistant', model, content: [], stop_reason: null, stop_sequence: null };
}

function usageFields(usage: Usage): object {
  return {
    input_tokens: usage.input_tokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: usage.cached_input_tokens,
    output_tokens: usage.output_tokens,
  };
}

const FAILURES: Record<ErrorKind, { status: number; type: string; message: string }> = {
  rate_limit: {
    status: 429,
    type: 'rate_limit_error',
    message: 'Number of request tokens has exceeded your per-minute rate limit',
  },
  // What an account without credit gets; a subscription's limit is a 429 with headers of its own.
  quota: {
    status: 400,
    type: 'invalid_request_error',
    message: 'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade.',
  },
  overloaded: { status: 529, type: 'overloaded_error', message: 'Overloaded' },
  auth: { status: 401, type: 'authentication_error', message: 'invalid x-api-key' },
  context_length: {
    status: 400,
    type: 'invalid_request_error',
    message: 'prompt is too long: 208310 tokens > 200000 maximum',
  },
  server: { status: 500, type: 'api_error', message: 'Internal server error' },
};

function failure(
  kind: ErrorKind,
  retryAfterS?: number,
): { status: number; headers: Record<string, string>; body: string } {
  const { status, type, message } = FAILURES[kind];
  const headers: Record<string, string> = retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) };
  const id = `req_${randomUUID().replaceAll('-', '').slice(0, 24)}`;
  const body = JSON.stringify({ type: 'error', error: { type, message }, request_id: id });
  return { status, headers: { ...headers, 'request-id': id }, body };
}
