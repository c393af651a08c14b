/** Codex's app server on the standard streams: JSON-RPC without its version member. */
import { codex } from '../cli/codex.ts';
import type { Place } from '../cli/index.ts';
import type { Lines, Message, StructuredMode } from '../structured.ts';

/** Each scenario begins a conversation of its own, but `resume`. */
export function codexStructured(place: Place): StructuredMode {
  const { permission, question, more } = codex.tools;
  const open = (lines: Lines): Promise<Thread> => Thread.start(lines, place.cwd);
  return {
    launch: appServer(place),
    scenarios: [
      {
        name: 'turn',
        turns: [
          [
            { do: 'think', text: 'Two and two.' },
            { do: 'text', text: 'Four, I think.', over_ms: 200 },
          ],
        ],
        async play(lines) {
          const thread = await open(lines);
          await thread.say('How much is two and two?');
          await thread.ended();
        },
      },
      {
        name: 'resume',
        turns: [[{ do: 'text', text: 'I said four.' }]],
        async play(lines) {
          const thread = await Thread.resume(lines, place.cwd);
          await thread.say('What did you say?');
          await thread.ended();
        },
      },
      {
        name: 'permission',
        turns: [
          [
            { do: 'text', text: 'I make it.' },
            { do: 'tool', ...permission },
          ],
          [{ do: 'text', text: 'Made.' }],
          [{ do: 'tool', ...more!['edit']! }],
        ],
        async play(lines) {
          const thread = await open(lines);
          await thread.say('Make it.');
          await thread.reply('item/commandExecution/requestApproval', { decision: 'accept' });
          await thread.ended();
          await thread.say('Change it.');
          await thread.reply('item/fileChange/requestApproval', { decision: 'cancel' });
          await thread.ended();
        },
      },
      {
        name: 'question',
        turns: [[{ do: 'tool', ...question! }], [{ do: 'text', text: 'Well chosen.' }]],
        async play(lines) {
          const thread = await open(lines);
          await thread.say('Ask me.');
          await thread.reply('item/tool/requestUserInput', { answers: { colour: { answers: ['Blue'] } } });
          await thread.ended();
        },
      },
      {
        name: 'interrupt',
        turns: [
          [
            { do: 'text', text: 'One two three.' },
            { do: 'hold', gate: 'never' },
          ],
          [{ do: 'text', text: 'Yes.' }],
        ],
        async play(lines) {
          const thread = await open(lines);
          const turnId = await thread.say('Count.');
          await thread.notified('item/agentMessage/delta');
          await thread.call('turn/interrupt', { turnId });
          await thread.ended();
          await thread.say('Are you there?');
          await thread.ended();
        },
      },
      {
        name: 'steered',
        turns: [
          [
            { do: 'text', text: 'One two three.' },
            { do: 'hold', gate: 'told' },
          ],
          [{ do: 'text', text: 'And four.' }],
        ],
        async play(lines, endpoint) {
          const thread = await open(lines);
          const expectedTurnId = await thread.say('Count.');
          await thread.notified('item/agentMessage/delta');
          await thread.call('turn/steer', { expectedTurnId, input: text('To four.') });
          endpoint.release('told');
          await thread.ended();
        },
      },
      ...(['quota', 'auth', 'context_length', 'rate_limit'] as const).map((kind) => ({
        name: `error-${kind}`,
        turns: [[{ do: 'error', kind, times: 100 } as const]],
        async play(lines: Lines) {
          const thread = await open(lines);
          await thread.say('Try it.');
          await thread.ended();
        },
      })),
    ],
  };
}

function appServer(place: Place): StructuredMode['launch'] {
  const { argv, env } = codex.launch(place);
  const [file = '', ...args] = argv;
  return { argv: [file, 'app-server', ...args.filter((argument) => argument !== '--no-daemon')], env };
}

function text(prompt: string): object[] {
  return [{ type: 'text', text: prompt, text_elements: [] }];
}

class Thread {
  readonly #lines: Lines;
  readonly #id: string;
  #requests: number;

  private constructor(lines: Lines, id: string, requests: number) {
    this.#lines = lines;
    this.#id = id;
    this.#requests = requests;
  }

  static async start(lines: Lines, cwd: string): Promise<Thread> {
    await initialize(lines);
    const params = { cwd, approvalPolicy: 'on-request', sandbox: 'workspace-write' };
    return Thread.#opened(lines, await request(lines, 2, 'thread/start', params), 2);
  }

  /** The newest one of the folder. */
  static async resume(lines: Lines, cwd: string): Promise<Thread> {
    await initialize(lines);
    const { data } = (await request(lines, 2, 'thread/list', { limit: 1, cwd })) as { data: { id: string }[] };
    const params = { threadId: data[0]?.id, cwd, excludeTurns: true };
    return Thread.#opened(lines, await request(lines, 3, 'thread/resume', params), 3);
  }

  static #opened(lines: Lines, { thread }: Message, requests: number): Thread {
    return new Thread(lines, (thread as { id: string }).id, requests);
  }

  async call(method: string, params: object): Promise<Message> {
    return await request(this.#lines, ++this.#requests, method, { threadId: this.#id, ...params });
  }

  /** The id of the turn it begins. The message gets an id of ours, and the agent says it again with the item. */
  async say(prompt: string): Promise<string> {
    const clientUserMessageId = `message-${this.#requests}`;
    const result = await this.call('turn/start', { clientUserMessageId, input: text(prompt) });
    return (result['turn'] as { id: string }).id;
  }

  async notified(method: string): Promise<void> {
    await this.#lines.next((message) => message['method'] === method, method);
  }

  async ended(): Promise<void> {
    await this.notified('turn/completed');
  }

  async reply(method: string, result: object): Promise<void> {
    const asked = await this.#lines.next((message) => message['method'] === method, method);
    this.#lines.send({ id: asked['id'], result });
  }
}

async function initialize(lines: Lines): Promise<void> {
  const clientInfo = { name: 'holdfast', title: null, version: '0.0.0' };
  await request(lines, 1, 'initialize', { clientInfo, capabilities: null });
  lines.send({ method: 'initialized' });
}

async function request(lines: Lines, id: number, method: string, params: object): Promise<Message> {
  lines.send({ id, method, params });
  const answer = await lines.next((message) => message['id'] === id && message['method'] === undefined, method);
  if (answer['error'] !== undefined) throw new Error(`${method} failed: ${JSON.stringify(answer['error'])}`);
  return answer['result'] as Message;
}
