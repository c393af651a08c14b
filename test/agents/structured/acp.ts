/** The Agent Client Protocol over the standard streams, as Gemini CLI and opencode speak it. */
import type { AgentCli, Place } from '../cli/index.ts';
import type { Turn } from '../endpoint/index.ts';
import type { Lines, Message, StructuredMode, StructuredScenario } from '../structured.ts';

/** `args` put the CLI into its ACP mode. */
export function acpStructured(cli: AgentCli, args: readonly string[]): (place: Place) => StructuredMode {
  const shell = cli.tools.permission;
  const tool: Turn[number] = { do: 'tool', ...shell };
  return (place) => {
    const session = (lines: Lines): Promise<Session> => Session.open(lines, place.cwd);
    return {
      launch: cli.launch(place, { args }),
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
            const own = await session(lines);
            await own.ended(own.say('How much is two and two?'));
          },
        },
        {
          name: 'permission',
          turns: [[{ do: 'text', text: 'I make it.' }, tool], [{ do: 'text', text: 'Made.' }]],
          async play(lines) {
            const own = await session(lines);
            const asked = own.say('Make it.');
            await own.choose('allow_once');
            await own.ended(asked);
          },
        },
        {
          name: 'permission-denied',
          turns: [[tool], [{ do: 'text', text: 'Not made.' }]],
          async play(lines) {
            const own = await session(lines);
            const asked = own.say('Make it.');
            await own.choose('reject_once');
            await own.ended(asked);
          },
        },
        {
          name: 'permission-cancelled',
          turns: [[tool], [{ do: 'text', text: 'Not made.' }]],
          async play(lines) {
            const own = await session(lines);
            const asked = own.say('Make it.');
            const request = await own.permission();
            own.cancel();
            own.reply(request, { outcome: { outcome: 'cancelled' } });
            await own.ended(asked);
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
            const own = await session(lines);
            const asked = own.say('Count.');
            await own.update('agent_message_chunk');
            own.cancel();
            await own.ended(asked);
            await own.ended(own.say('Are you there?'));
          },
        },
        {
          name: 'queued',
          turns: [
            [{ do: 'text', text: 'First of all, one two three.', over_ms: 2_000 }],
            [{ do: 'text', text: 'Second.' }],
          ],
          async play(lines) {
            const own = await session(lines);
            const first = own.say('First.');
            await own.update('agent_message_chunk');
            const second = own.say('Second.');
            await own.bothEnded(first, second);
          },
        },
        {
          name: 'resume',
          turns: [[{ do: 'text', text: 'Remembered.' }], [{ do: 'text', text: 'Again.' }]],
          async play(lines) {
            const own = await session(lines);
            await own.ended(own.say('Remember it.'));
            const loaded = own.load();
            await own.ended(loaded);
            await own.ended(own.say('Do you?'));
          },
        },
        ...(['auth', 'context_length', 'quota'] as const).map(
          (kind): StructuredScenario => ({
            name: `error-${kind}`,
            turns: [[{ do: 'error', kind }], [{ do: 'text', text: 'It works now.' }], [{ do: 'text', text: 'So.' }]],
            async play(lines) {
              const own = await session(lines);
              await own.ended(own.say('Try it.'));
            },
          }),
        ),
      ],
    };
  };
}

/** One session of an agent, as its client. */
class Session {
  readonly #lines: Lines;
  readonly #cwd: string;
  #id = '';
  #requests = 0;

  private constructor(lines: Lines, cwd: string) {
    this.#lines = lines;
    this.#cwd = cwd;
  }

  static async open(lines: Lines, cwd: string): Promise<Session> {
    const session = new Session(lines, cwd);
    const clientCapabilities = { fs: { readTextFile: false, writeTextFile: false }, terminal: false };
    const clientInfo = { name: 'holdfast', title: 'Holdfast', version: '0.0.0' };
    await session.ended(session.#call('initialize', { protocolVersion: 1, clientCapabilities, clientInfo }));
    const created = await session.ended(session.#call('session/new', { cwd, mcpServers: [] }));
    session.#id = String((created['result'] as Message | undefined)?.['sessionId']);
    return session;
  }

  say(text: string): number {
    return this.#call('session/prompt', { sessionId: this.#id, prompt: [{ type: 'text', text }] });
  }

  load(): number {
    return this.#call('session/load', { sessionId: this.#id, cwd: this.#cwd, mcpServers: [] });
  }

  cancel(): void {
    this.#lines.send({ jsonrpc: '2.0', method: 'session/cancel', params: { sessionId: this.#id } });
  }

  reply(request: Message, result: Message): void {
    this.#lines.send({ jsonrpc: '2.0', id: request['id'], result });
  }

  async permission(): Promise<Message> {
    return await this.#lines.next(({ method }) => method === 'session/request_permission', 'a permission request');
  }

  async choose(kind: string): Promise<void> {
    const request = await this.permission();
    const { options } = request['params'] as { options: { optionId: string; kind: string }[] };
    const optionId = options.find((option) => option.kind === kind)?.optionId;
    this.reply(request, { outcome: { outcome: 'selected', optionId } });
  }

  async update(kind: string): Promise<Message> {
    const kindOf = (message: Message): unknown =>
      ((message['params'] as Message | undefined)?.['update'] as Message | undefined)?.['sessionUpdate'];
    return await this.#lines.next((message) => kindOf(message) === kind, kind);
  }

  /** The answer to the request of this number, a result or an error. */
  async ended(id: number): Promise<Message> {
    return await this.#lines.next((message) => message['id'] === id && !('method' in message), `answer to ${id}`);
  }

  /** In whichever order. */
  async bothEnded(...ids: number[]): Promise<void> {
    const left = new Set<unknown>(ids);
    const answers = (message: Message): boolean => !('method' in message) && left.has(message['id']);
    while (left.size > 0) left.delete((await this.#lines.next(answers, 'answers'))['id']);
  }

  #call(method: string, params: Message): number {
    const id = ++this.#requests;
    this.#lines.send({ jsonrpc: '2.0', id, method, params });
    return id;
  }
}
