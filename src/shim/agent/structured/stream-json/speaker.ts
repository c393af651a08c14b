/**
 * Claude Code's stream-json: JSON lines in both directions, `-p --input-format stream-json --output-format stream-json`.
 * Facts of 2.1.329. A turn is known by our own uuid, which comes back on everything that belongs to it.
 */
import type { Outcome, Prompt, Speaker, SpeakerPort, TurnEnd } from '../contract.ts';
import { countOf, type Fields, line, objectOf, objectsOf, parseObject, shown, textOf } from '../fields.ts';
import { requestsOf } from './permission.ts';
import { problemOf } from './problems.ts';
import { UsageReader } from './usage.ts';

const HELLO = 'holdfast-hello';
const INTERRUPT = 'holdfast-interrupt-';
const INPUT_CHARACTERS = 4_096;
const OUTPUT_CHARACTERS = 8_192;
const TOOL_COUNT = 256;
/** Types without anything for a person; others are noted once. */
const QUIET = new Set(['keep_alive', 'tool_progress', 'tool_use_summary', 'auth_status', 'prompt_suggestion']);

export class StreamJsonSpeaker implements Speaker {
  readonly #port: SpeakerPort;
  readonly #usage = new UsageReader();
  /** Tools that were called and gave no result yet: names by id. */
  readonly #tools = new Map<string, { name: string; title: string; input: string }>();
  /** Our ids of open requests, by the agent's. */
  readonly #asked = new Map<string, string[]>();
  #error: { code: string | null; status: number | null; text: string } | null = null;
  #interrupts = 0;

  constructor(port: SpeakerPort) {
    this.#port = port;
  }

  begin(): void {
    void this.#control(HELLO, { subtype: 'initialize' });
  }

  prompt({ id, text }: Prompt): void {
    this.#error = null;
    const message = { role: 'user', content: [{ type: 'text', text }] };
    this.#port
      .write({ type: 'user', message, parent_tool_use_id: null, session_id: '', uuid: id })
      .then((outcome) => {
        if (outcome === 'closed') this.#port.notWritten(id);
      })
      .catch((error: Error) => this.#port.note('write', error.message));
  }

  interrupt(): void {
    void this.#control(`${INTERRUPT}${++this.#interrupts}`, { subtype: 'interrupt' });
  }

  close(): void {
    this.#tools.clear();
    this.#asked.clear();
  }

  line(text: string): void {
    const message = parseObject(text);
    if (message === null) this.#port.note('not_json', `not a message: ${line(text)}`);
    else this.#read(message);
  }

  #read(message: Fields): void {
    const type = textOf(message['type']) ?? '';
    const isMain = (message['parent_tool_use_id'] ?? null) === null;
    const about = textOf(message['user_message_uuid']);
    if (about !== null) this.#port.taken(about);
    const session = textOf(message['session_id']);
    if (session !== null && session !== '' && session.length <= 128) this.#port.identified({ conversation: session });
    switch (type) {
      case 'control_request':
        return this.#request(message);
      case 'control_response':
        return this.#response(message);
      case 'control_cancel_request':
        return this.#cancelRequest(message);
      case 'command_lifecycle':
        return this.#lifecycle(message);
      case 'system':
        return this.#system(message);
      case 'stream_event':
        return isMain ? this.#streamed(message) : undefined;
      case 'assistant':
        return isMain ? this.#answered(message) : undefined;
      case 'user':
        return isMain ? this.#userSaid(message) : undefined;
      case 'result':
        return this.#result(message);
      default:
        if (!QUIET.has(type)) this.#port.note(`type ${type}`, `a message of unknown type ${line(type)}`);
    }
  }

  #request(message: Fields): void {
    const requestId = textOf(message['request_id']);
    const asked = objectOf(message['request']);
    if (requestId === null || asked === null) return this.#port.note('request', 'a request without id or content');
    if (asked['subtype'] !== 'can_use_tool') {
      const error = `${line(asked['subtype'])} is not supported`;
      void this.#port.write({ type: 'control_response', response: { subtype: 'error', request_id: requestId, error } });
      return;
    }
    const decide = (decision: Record<string, unknown> | null): Promise<Outcome> => {
      this.#asked.delete(requestId);
      // What the agent withdrew itself, or what it was interrupted in, it does not wait for.
      if (decision === null) return Promise.resolve('written');
      const response = { subtype: 'success', request_id: requestId, response: decision };
      return this.#port.write({ type: 'control_response', response });
    };
    const requests = requestsOf(requestId, asked, decide);
    this.#asked.set(
      requestId,
      requests.map(([{ request_id }]) => request_id),
    );
    for (const [request, reply] of requests) this.#port.ask(request, reply);
  }

  #response(message: Fields): void {
    const response = objectOf(message['response']);
    // An error, too, comes from a program that reads its input: an older one has no greeting.
    if (response?.['request_id'] !== HELLO) return;
    const said = objectOf(response['response']);
    const version = textOf(said?.['claude_code_version']);
    if (version !== null) this.#port.identified({ version: line(version, 64) });
    this.#port.opened();
  }

  #cancelRequest(message: Fields): void {
    const requestId = textOf(message['request_id']) ?? '';
    for (const ours of this.#asked.get(requestId) ?? []) this.#port.withdraw(ours);
    this.#asked.delete(requestId);
  }

  #lifecycle(message: Fields): void {
    const id = textOf(message['command_uuid']);
    if (id === null) return;
    const state = message['state'];
    if (state === 'started') this.#port.taken(id);
    // After the result; without one (a command the program carried out itself) this is the end.
    if (state === 'completed') this.#port.ended(id, { end: 'answered' });
    if (state === 'cancelled') this.#port.ended(id, { end: 'cancelled' });
  }

  #system(message: Fields): void {
    const subtype = textOf(message['subtype']);
    if (subtype === 'init') {
      const version = textOf(message['claude_code_version']);
      if (version !== null) this.#port.identified({ version: line(version, 64) });
    }
    if (subtype === 'api_retry' || subtype === 'api_error') {
      const status = countOf(message['error_status']);
      this.#port.trouble(
        line(`trying again after an error of the model's API${status === null ? '' : ` (${status})`}`),
      );
    }
    if (subtype === 'compact_boundary') this.#port.entry({ entry: 'note', text: 'the conversation was compacted' });
  }

  #streamed(message: Fields): void {
    this.#port.workedByItself();
    this.#port.trouble(null);
    const event = objectOf(message['event']);
    const usage = event?.['type'] === 'message_delta' ? objectOf(event['usage']) : null;
    const told = usage === null ? null : this.#usage.delta(usage);
    if (told !== null) this.#port.usage(told);
  }

  #answered(entry: Fields): void {
    const message = objectOf(entry['message']);
    if (message === null) return this.#port.note('assistant', 'an answer without content');
    this.#port.workedByItself();
    this.#port.trouble(null);
    const code = textOf(entry['error']);
    const isError = code !== null || entry['is_api_error_message'] === true;
    const blocks = objectsOf(message['content']);
    if (isError) {
      const text = textsOf(blocks);
      this.#error = { code, status: countOf(entry['api_error_status']), text };
      this.#port.entry({ entry: 'note', text: shown(text, OUTPUT_CHARACTERS) });
      return;
    }
    // One that was got over is none.
    this.#error = null;
    for (const block of blocks) {
      if (block['type'] === 'text') this.#port.say('agent', textOf(block['text']) ?? '', 'whole');
      if (block['type'] === 'thinking') this.#port.say('thought', textOf(block['thinking']) ?? '', 'whole');
      if (block['type'] === 'tool_use') this.#called(block);
    }
    const usage = this.#usage.message(message);
    if (usage !== null) this.#port.usage(usage);
  }

  #called(block: Fields): void {
    const id = textOf(block['id']) ?? '';
    const name = line(block['name']);
    const input = objectOf(block['input']) ?? {};
    const title = line(input['description'] ?? input['command'] ?? input['file_path'] ?? name);
    const tool = { name, title, input: shown(input, INPUT_CHARACTERS) };
    if (this.#tools.size < TOOL_COUNT) this.#tools.set(id, tool);
    this.#port.entry({ entry: 'tool', call_id: line(id), ...tool, status: 'running', output: '' });
  }

  #userSaid(entry: Fields): void {
    if (entry['isReplay'] === true) {
      const id = textOf(entry['uuid']);
      if (id !== null) this.#port.taken(id);
      return;
    }
    for (const block of objectsOf(objectOf(entry['message'])?.['content'])) {
      if (block['type'] !== 'tool_result') continue;
      const id = textOf(block['tool_use_id']) ?? '';
      const tool = this.#tools.get(id) ?? { name: '', title: '', input: '' };
      this.#tools.delete(id);
      const status = block['is_error'] === true ? 'failed' : 'completed';
      const output = shown(contentOf(block['content']), OUTPUT_CHARACTERS);
      this.#port.entry({ entry: 'tool', call_id: line(id), ...tool, status, output });
    }
  }

  #result(message: Fields): void {
    const windows = objectOf(message['modelUsage']);
    const usage = windows === null ? null : this.#usage.windows(windows);
    if (usage !== null) this.#port.usage(usage);
    this.#tools.clear();
    const end = this.#endOf(message);
    const ids = message['user_message_uuids'];
    // A program that names no turns has only the one.
    if (!Array.isArray(ids)) return this.#port.ended(null, end);
    for (const id of ids.slice(0, 16)) if (typeof id === 'string') this.#port.ended(id, end);
    // Nobody's: a task in the background that came back.
    if (ids.length === 0) this.#port.ended('', end);
  }

  #endOf(message: Fields): TurnEnd {
    const error = this.#error;
    this.#error = null;
    const response = textOf(message['result']);
    const reason = textOf(message['terminal_reason']) ?? '';
    if (reason.startsWith('aborted')) return { end: 'cancelled' };
    const status = countOf(message['api_error_status']) ?? error?.status ?? null;
    if (message['is_error'] !== true && error === null)
      return response === null ? { end: 'answered' } : { end: 'answered', response };
    const text = response ?? error?.text ?? line(message['subtype']);
    return { end: 'failed', problem: problemOf({ code: error?.code ?? null, status, text }) };
  }

  async #control(requestId: string, request: Fields): Promise<void> {
    await this.#port.write({ type: 'control_request', request_id: requestId, request });
  }
}

function contentOf(content: unknown): unknown {
  return Array.isArray(content) ? textsOf(objectsOf(content)) : content;
}

function textsOf(blocks: Fields[]): string {
  return blocks.map((block) => textOf(block['text']) ?? `[${line(block['type'])}]`).join('\n');
}
