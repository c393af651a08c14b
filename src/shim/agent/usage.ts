/**
 * Tokens as an agent's own conversation file tells them: one JSON object a line. Only numbers are taken from it, and
 * nothing is guessed. Formats: Claude Code (`message.usage` of an answer), Codex (`token_count` events).
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { AgentUsage } from '../../protocol/agent/index.ts';

/** The last answer stands near the end; an older figure is no longer true. */
const TAIL_BYTES = 512 * 1024;

type Json = Record<string, unknown>;

/** Null: no such file, or nothing in its end tells. */
export function readUsage(path: string): AgentUsage | null {
  const lines = tailOf(path).split('\n');
  for (const line of lines.reverse()) {
    const entry = parse(line);
    const usage = entry === null ? null : (fromAnswer(entry) ?? fromTokenCount(entry));
    if (usage !== null) return usage;
  }
  return null;
}

function tailOf(path: string): string {
  let fd: number;
  try {
    // Whoever named it is a program of the session: it may name a pipe, whose opening waits for a writer.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    // Not written yet, or gone: the agent tells nothing.
    return '';
  }
  try {
    const info = fstatSync(fd);
    if (!info.isFile()) return '';
    const bytes = Buffer.alloc(Math.min(info.size, TAIL_BYTES));
    const length = readSync(fd, bytes, 0, bytes.length, info.size - bytes.length);
    return bytes.toString('utf8', 0, length);
  } finally {
    closeSync(fd);
  }
}

function parse(line: string): Json | null {
  if (!line.includes('usage')) return null;
  try {
    return objectOf(JSON.parse(line));
  } catch {
    // The first line of the tail is cut.
    return null;
  }
}

function fromAnswer(entry: Json): AgentUsage | null {
  const message = objectOf(entry['message']);
  const usage = objectOf(message?.['usage']);
  if (message === null || usage === null || typeof usage['input_tokens'] !== 'number') return null;
  // What a program made up itself, such as an error shown as an answer, was in no request.
  if (message['model'] === '<synthetic>') return null;
  // A sub-agent's context is its own.
  if (entry['isSidechain'] === true) return null;
  const tokens = {
    input_tokens: count(usage, 'input_tokens'),
    cached_input_tokens: 0,
    cache_creation_input_tokens: count(usage, 'cache_creation_input_tokens'),
    cache_read_input_tokens: count(usage, 'cache_read_input_tokens'),
    output_tokens: count(usage, 'output_tokens'),
    reasoning_output_tokens: 0,
  };
  const used =
    tokens.input_tokens + tokens.cache_creation_input_tokens + tokens.cache_read_input_tokens + tokens.output_tokens;
  return complete(tokens, used, null, message['model']);
}

function fromTokenCount(entry: Json): AgentUsage | null {
  const payload = objectOf(entry['payload']);
  const info = objectOf(payload?.['info']);
  const usage = objectOf(info?.['last_token_usage']);
  if (payload?.['type'] !== 'token_count' || info === null || usage === null) return null;
  const tokens = {
    input_tokens: count(usage, 'input_tokens'),
    cached_input_tokens: count(usage, 'cached_input_tokens'),
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: count(usage, 'output_tokens'),
    reasoning_output_tokens: count(usage, 'reasoning_output_tokens'),
  };
  const limit = count(info, 'model_context_window');
  return complete(tokens, tokens.input_tokens + tokens.output_tokens, limit === 0 ? null : limit, null);
}

/** As a hook told it, under our names; null: no figures. */
export function usageOf(told: unknown): AgentUsage | null {
  const fields = objectOf(told);
  if (fields === null || typeof fields['input_tokens'] !== 'number') return null;
  const tokens = {
    input_tokens: count(fields, 'input_tokens'),
    cached_input_tokens: count(fields, 'cached_input_tokens'),
    cache_creation_input_tokens: count(fields, 'cache_creation_input_tokens'),
    cache_read_input_tokens: count(fields, 'cache_read_input_tokens'),
    output_tokens: count(fields, 'output_tokens'),
    reasoning_output_tokens: count(fields, 'reasoning_output_tokens'),
  };
  const limit = count(fields, 'context_limit_tokens');
  return complete(tokens, count(fields, 'used_tokens'), limit === 0 ? null : limit, fields['model']);
}

function complete(
  tokens: Omit<AgentUsage, 'context_limit_tokens' | 'used_tokens' | 'usage_pct' | 'model'>,
  used: number,
  limit: number | null,
  model: unknown,
): AgentUsage {
  return {
    ...tokens,
    context_limit_tokens: limit,
    used_tokens: used,
    usage_pct: limit === null ? null : Math.min(100, Math.round((100 * used) / limit)),
    model: typeof model === 'string' ? model.slice(0, 128) : null,
  };
}

function count(fields: Json, name: string): number {
  const value = fields[name];
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

function objectOf(value: unknown): Json | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null;
}
