/**
 * Google's Generative Language API as Gemini CLI uses it: `streamGenerateContent` as server-sent events, whole answers
 * for what it asks on its own account, errors with the details its retries and its quota dialog read.
 */
import type { Answer, Asked, Dialect, ErrorKind, Usage } from './contract.ts';

interface Part {
  text?: string;
  functionResponse?: { name?: string; response?: unknown };
}

interface GenerateRequest {
  contents?: { role?: string; parts?: Part[] }[];
  tools?: { functionDeclarations?: unknown[] }[];
  generationConfig?: { responseMimeType?: string };
}

const GENERATE = /^\/v1(?:beta|alpha)?\/models\/([^/:]+):(generateContent|streamGenerateContent)(?:\?|$)/;
const COUNT_TOKENS = /^\/v1(?:beta|alpha)?\/models\/[^/:]+:countTokens(?:\?|$)/;
/** The first message of a conversation, in which the CLI describes the place. */
const SESSION_CONTEXT = /<session_context>[\s\S]*?<\/session_context>/g;
/** One object with what each of the CLI's own questions asks for: a router, the next speaker, a loop, an edit. */
const SIDE_ANSWER = JSON.stringify({
  reasoning: 'scripted',
  model_choice: 'flash',
  complexity_reasoning: 'scripted',
  complexity_score: 1,
  next_speaker: 'user',
  unproductive_state_analysis: 'none',
  unproductive_state_confidence: 0,
});

export const gemini: Dialect = {
  name: 'gemini',
  answers: (method, path) => method === 'POST' && GENERATE.test(path),
  read: (path, body) => read(path, body as GenerateRequest),
  open: ({ path, model }) => (GENERATE.exec(path)?.[2] === 'streamGenerateContent' ? streamed(model) : whole(model)),
  other(method, path, body) {
    if (method !== 'POST' || !COUNT_TOKENS.test(path)) return null;
    return { status: 200, json: { totalTokens: Math.ceil(JSON.stringify(body).length / 4) } };
  },
};

function read(path: string, { contents = [], tools = [], generationConfig = {} }: GenerateRequest): Asked {
  const model = GENERATE.exec(path)?.[1] ?? '';
  const last = contents.findLast((content) => content.role !== 'model');
  const prompt = (last?.parts ?? []).map(textOf).join('\n').replace(SESSION_CONTEXT, '').trim();
  // Every request of the conversation, also of a sub-agent's, offers functions and takes prose.
  const offers = tools.some((tool) => (tool.functionDeclarations ?? []).length > 0);
  const side = !offers || generationConfig.responseMimeType === 'application/json';
  return side ? { prompt, model, side, sideText: SIDE_ANSWER } : { prompt, model, side };
}

function textOf({ text, functionResponse }: Part): string {
  if (functionResponse === undefined) return text ?? '';
  return `${functionResponse.name}: ${JSON.stringify(functionResponse.response)}`;
}

function streamed(model: string): Answer {
  const send = (parts: object[], more: object = {}): string =>
    `data: ${JSON.stringify(chunk(model, parts, more))}\r\n\r\n`;
  return {
    contentType: 'text/event-stream',
    start: () => '',
    text: (piece) => send([{ text: piece }]),
    think: (piece) => send([{ text: piece, thought: true }]),
    tool: (id, name, input) => send([functionCall(id, name, input)]),
    end: (usage) => send([{ text: '' }], { finishReason: 'STOP', usage }),
    error: failure,
  };
}

/** The same content, sent when it is complete. */
function whole(model: string): Answer {
  const parts: object[] = [];
  const append = (part: object): string => {
    parts.push(part);
    return '';
  };
  return {
    contentType: 'application/json',
    start: () => '',
    text: (piece) => append({ text: piece }),
    think: (piece) => append({ text: piece, thought: true }),
    tool: (id, name, input) => append(functionCall(id, name, input)),
    end: (usage) => JSON.stringify(chunk(model, parts, { finishReason: 'STOP', usage })),
    error: failure,
  };
}

function functionCall(id: string, name: string, args: Record<string, unknown>): object {
  return { functionCall: { id, name, args }, thoughtSignature: Buffer.from('scripted').toString('base64') };
}

function chunk(
  model: string,
  parts: object[],
  { finishReason, usage }: { finishReason?: string; usage?: Usage },
): object {
  return {
    candidates: [
      { content: { role: 'model', parts }, index: 0, ...(finishReason === undefined ? {} : { finishReason }) },
    ],
    ...(usage === undefined ? {} : { usageMetadata: usageFields(usage) }),
    modelVersion: model,
  };
}

function usageFields(usage: Usage): object {
  const { input_tokens: input, cached_input_tokens: cached, output_tokens: output } = usage;
  return {
    promptTokenCount: input,
    cachedContentTokenCount: cached,
    candidatesTokenCount: output,
    totalTokenCount: input + output,
  };
}

const TYPES = 'type.googleapis.com/google.rpc';
const quotaFailure = (quotaId: string): object => ({
  '@type': `${TYPES}.QuotaFailure`,
  violations: [{ quotaMetric: 'generativelanguage.googleapis.com/generate_content_requests', quotaId }],
});

const FAILURES: Record<ErrorKind, { code: number; status: string; message: string; details: object[] }> = {
  rate_limit: {
    code: 429,
    status: 'RESOURCE_EXHAUSTED',
    message: 'You exceeded your current rate limit. Please retry later.',
    details: [quotaFailure('GenerateRequestsPerMinutePerProjectPerModel')],
  },
  quota: {
    code: 429,
    status: 'RESOURCE_EXHAUSTED',
    message: 'You exceeded your current quota, please check your plan and billing details.',
    details: [quotaFailure('GenerateRequestsPerDayPerProjectPerModel')],
  },
  overloaded: {
    code: 503,
    status: 'UNAVAILABLE',
    message: 'The model is overloaded. Please try again later.',
    details: [],
  },
  auth: {
    code: 401,
    status: 'UNAUTHENTICATED',
    message: 'Request had invalid authentication credentials.',
    details: [],
  },
  context_length: {
    code: 400,
    status: 'INVALID_ARGUMENT',
    message: 'The input token count (1208310) exceeds the maximum number of tokens allowed (1048576).',
    details: [],
  },
  server: { code: 500, status: 'INTERNAL', message: 'An internal error has occurred.', details: [] },
};

function failure(
  kind: ErrorKind,
  retryAfterS?: number,
): { status: number; headers: Record<string, string>; body: string } {
  const { code, status, message, details } = FAILURES[kind];
  // The API says when to come back in the body; its header is not read.
  const retry = retryAfterS === undefined ? [] : [{ '@type': `${TYPES}.RetryInfo`, retryDelay: `${retryAfterS}s` }];
  const body = JSON.stringify({ error: { code, message, status, details: [...details, ...retry] } });
  return { status: code, headers: {}, body };
}
