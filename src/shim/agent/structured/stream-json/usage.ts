/** Tokens as the stream tells them: of the last request to the model, not the sum of a turn. */
import type { AgentUsage } from '../../../../protocol/agent/index.ts';
import { countOf, type Fields, objectOf, textOf } from '../fields.ts';

/** What a program made up itself was in no request. */
const SYNTHETIC = '<synthetic>';
const MODEL_CHARACTERS = 128;

export class UsageReader {
  /** By model, of the results so far. */
  readonly #windows = new Map<string, number>();
  #last: AgentUsage | null = null;

  /** Of the main conversation's `assistant` message; null: nothing new. */
  message(message: Fields): AgentUsage | null {
    const usage = objectOf(message['usage']);
    const model = textOf(message['model']);
    if (usage === null || model === null || model === SYNTHETIC) return null;
    const read = (name: string) => countOf(usage[name]) ?? 0;
    const input = read('input_tokens');
    const creation = read('cache_creation_input_tokens');
    const cached = read('cache_read_input_tokens');
    if (input + creation + cached === 0) return null;
    return this.#tell({
      input_tokens: input,
      cached_input_tokens: cached,
      cache_creation_input_tokens: creation,
      cache_read_input_tokens: cached,
      output_tokens: read('output_tokens'),
      reasoning_output_tokens: 0,
      model: model.slice(0, MODEL_CHARACTERS),
    });
  }

  /** `message_delta` of a streamed answer: its output so far. */
  delta(usage: Fields): AgentUsage | null {
    const output = countOf(usage['output_tokens']);
    if (this.#last === null || output === null || output <= this.#last.output_tokens) return null;
    return this.#tell({ ...this.#last, output_tokens: output });
  }

  /** `modelUsage` of a result, by model: how large the context is. */
  windows(byModel: Fields): AgentUsage | null {
    for (const [model, told] of Object.entries(byModel).slice(0, 16)) {
      const window = countOf(objectOf(told)?.['contextWindow']);
      if (window !== null && window > 0) this.#windows.set(model.slice(0, MODEL_CHARACTERS), window);
    }
    return this.#last === null ? null : this.#tell(this.#last);
  }

  #tell(told: Omit<AgentUsage, 'context_limit_tokens' | 'used_tokens' | 'usage_pct'>): AgentUsage {
    const { input_tokens, cache_creation_input_tokens, cache_read_input_tokens, output_tokens } = told;
    const used = input_tokens + cache_creation_input_tokens + cache_read_input_tokens + output_tokens;
    const limit = this.#windows.get(told.model ?? '') ?? null;
    this.#last = {
      ...told,
      context_limit_tokens: limit,
      used_tokens: used,
      usage_pct: limit === null ? null : Math.min(100, Math.round((100 * used) / limit)),
    };
    return this.#last;
  }
}
