/** `session/update`: what the agent tells while it works. Read by hand, because a kind that is not known must do no harm. */
import type { AgentUsage, TranscriptEntry } from '../../../../protocol/agent/index.ts';
import type { EntryBody, SpeakerPort } from '../contract.ts';
import { countOf, type Fields, line, objectOf, objectsOf, shown, textOf } from '../fields.ts';

type ToolStatus = Extract<TranscriptEntry, { entry: 'tool' }>['status'];

interface Tool {
  name: string;
  title: string;
  input: string;
  output: string;
  status: ToolStatus;
}

const INPUT_CHARACTERS = 4_096;
const OUTPUT_CHARACTERS = 8_192;
const TOOL_COUNT = 256;
const PLAN_COUNT = 100;
const STATUS: Readonly<Record<string, ToolStatus>> = {
  pending: 'pending',
  in_progress: 'running',
  completed: 'completed',
  failed: 'failed',
};
/** About what a client could choose, not about what the agent does. */
const QUIET = new Set([
  'available_commands_update',
  'current_mode_update',
  'config_option_update',
  'session_info_update',
]);

export class UpdateReader {
  readonly #port: SpeakerPort;
  readonly #tools = new Map<string, Tool>();
  /** Id of the answer that is being told. */
  #message: string | null = null;

  constructor(port: SpeakerPort) {
    this.#port = port;
  }

  /** `replayed`: told of an earlier conversation that is being loaded. True: the agent is at work on a turn. */
  read(update: Fields, replayed: boolean): boolean {
    const kind = textOf(update['sessionUpdate']) ?? '';
    switch (kind) {
      case 'agent_message_chunk':
        this.#port.say('agent', textOfContent(update['content']), this.#pieceOf(update));
        return true;
      case 'agent_thought_chunk':
        this.#port.say('thought', textOfContent(update['content']));
        return true;
      case 'user_message_chunk':
        // Live ones repeat the prompt.
        if (replayed) this.#port.say('user', textOfContent(update['content']), this.#pieceOf(update));
        return true;
      case 'tool_call':
      case 'tool_call_update':
        return this.#tool(update);
      case 'plan':
        this.#port.entry({ entry: 'plan', items: planOf(update) });
        return true;
      case 'usage_update':
        this.#used(update);
        return false;
      case 'notice':
      case 'compaction_update':
        this.#port.entry({ entry: 'note', text: shown(noticeOf(update), INPUT_CHARACTERS) });
        return false;
      default:
        if (!QUIET.has(kind)) this.#port.note(`update ${kind}`, `an update of unknown kind ${line(kind)}`);
        return false;
    }
  }

  forgetTools(): void {
    this.#tools.clear();
  }

  /** What a request's tool call would do, in a person's words: its title, and its input unless that says the same. */
  about(call: Fields): string {
    const known = this.#tools.get(textOf(call['toolCallId']) ?? '');
    const title = line(call['title'] ?? known?.title ?? call['kind']);
    const command = textOf(objectOf(call['rawInput'])?.['command']);
    const input = shown(command ?? call['rawInput'], INPUT_CHARACTERS) || (known?.input ?? '');
    return [title, input === title ? '' : input].filter((part) => part !== '').join('\n');
  }

  /** Two answers in a row are told apart by their ids, where the agent gives any. */
  #pieceOf(update: Fields): 'more' | 'first' {
    const before = this.#message;
    this.#message = textOf(update['messageId']);
    return this.#message === before ? 'more' : 'first';
  }

  #tool(update: Fields): boolean {
    const id = textOf(update['toolCallId']);
    if (id === null) {
      this.#port.note('tool', 'a tool call without an id');
      return true;
    }
    const before = this.#tools.get(id);
    const content = contentOf(update['content']);
    const tool: Tool = {
      name: line(update['name'] ?? before?.name ?? update['kind'] ?? ''),
      title: line(update['title'] ?? before?.title ?? ''),
      input: shown(update['rawInput'], INPUT_CHARACTERS) || (before?.input ?? ''),
      output: shown(content === '' ? update['rawOutput'] : content, OUTPUT_CHARACTERS) || (before?.output ?? ''),
      status: STATUS[textOf(update['status']) ?? ''] ?? before?.status ?? 'pending',
    };
    const isOver = tool.status === 'completed' || tool.status === 'failed';
    if (isOver) this.#tools.delete(id);
    else if (before !== undefined || this.#tools.size < TOOL_COUNT) this.#tools.set(id, tool);
    // Output as it grows would fill the transcript with itself.
    const isNews = before === undefined || before.status !== tool.status;
    if (isNews) this.#port.entry({ entry: 'tool', call_id: line(id), ...tool } satisfies EntryBody);
    return true;
  }

  #used(update: Fields): void {
    const used = countOf(update['used']);
    const size = countOf(update['size']);
    // A context is never empty: a turn that was stopped before its first answer says so.
    if (used !== null && used > 0) this.#port.usage(usageOf(used, size === 0 ? null : size));
  }
}

/** How full the context is, and no more: what an answer to a prompt sums up over its requests is another thing. */
function usageOf(used: number, limit: number | null): AgentUsage {
  return {
    input_tokens: used,
    cached_input_tokens: 0,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: 0,
    reasoning_output_tokens: 0,
    context_limit_tokens: limit,
    used_tokens: used,
    usage_pct: limit === null ? null : Math.min(100, Math.round((100 * used) / limit)),
    model: null,
  };
}

function textOfContent(content: unknown): string {
  const block = objectOf(content);
  if (block === null) return '';
  if (block['type'] === 'text') return textOf(block['text']) ?? '';
  const resource = objectOf(block['resource']);
  return textOf(resource?.['text']) ?? `[${line(block['type'])} ${line(block['uri'] ?? resource?.['uri'])}]`;
}

function contentOf(content: unknown): string {
  return objectsOf(content)
    .map((item) => {
      if (item['type'] === 'content') return textOfContent(item['content']);
      if (item['type'] === 'diff') return `${line(item['path'])}\n${shown(item['newText'], OUTPUT_CHARACTERS)}`;
      return `[${line(item['type'])}]`;
    })
    .join('\n');
}

function planOf(update: Fields): Extract<EntryBody, { entry: 'plan' }>['items'] {
  return objectsOf(update['entries'])
    .slice(0, PLAN_COUNT)
    .map(({ content, status }) => ({
      text: line(content, 500),
      status: status === 'completed' || status === 'in_progress' ? status : 'pending',
    }));
}

function noticeOf(update: Fields): unknown {
  return update['message'] ?? update['title'] ?? textOfContent(update['content']) ?? update['sessionUpdate'];
}
