/** Claude Code's stream-json in both directions, with its control requests. */
import { claude } from '../cli/claude.ts';
import type { Place } from '../cli/index.ts';
import type { Lines, Message, StructuredMode } from '../structured.ts';

const CONVERSATION = '00000000-0000-4000-8000-000000000002';
const ARGS = [
  '-p',
  '--input-format',
  'stream-json',
  '--output-format',
  'stream-json',
  '--verbose',
  '--permission-prompt-tool',
  'stdio',
  '--replay-user-messages',
  '--include-partial-messages',
];

/** Each scenario goes on with the conversation of the first. */
export function claudeStructured(place: Place, resume: boolean): StructuredMode {
  const tool = claude.tools.permission;
  return {
    launch: claude.launch(place, {
      args: ARGS,
      ...(resume ? { resume: CONVERSATION } : { conversation: CONVERSATION }),
    }),
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
          await initialize(lines);
          say(lines, 1, 'How much is two and two?');
          await ended(lines);
        },
      },
      {
        name: 'permission',
        turns: [
          [{ do: 'tool', ...tool }],
          [{ do: 'text', text: 'Made.' }],
          [{ do: 'tool', ...tool }],
          [{ do: 'text', text: 'Not made.' }],
        ],
        async play(lines) {
          await initialize(lines);
          say(lines, 2, 'Make it.');
          await answer(lines, (input) => ({ behavior: 'allow', updatedInput: input }));
          await ended(lines);
          say(lines, 3, 'Make it again.');
          await answer(lines, () => ({ behavior: 'deny', message: 'Not now.', interrupt: false }));
          await ended(lines);
        },
      },
      {
        name: 'question',
        turns: [[{ do: 'tool', ...claude.tools.question! }], [{ do: 'text', text: 'Well chosen.' }]],
        async play(lines) {
          await initialize(lines);
          say(lines, 4, 'Ask me.');
          await answer(lines, (input) => ({
            behavior: 'allow',
            updatedInput: { ...input, answers: { 'Which colour?': 'Red' } },
          }));
          await ended(lines);
        },
      },
      {
        name: 'interrupt',
        turns: [
          [{ do: 'text', text: 'One two three four five six seven eight.', over_ms: 8_000 }],
          [{ do: 'text', text: 'Yes.' }],
        ],
        async play(lines) {
          await initialize(lines);
          say(lines, 5, 'Count.');
          await lines.next((message) => deltaOf(message) === 'content_block_delta', 'a piece of the answer');
          lines.send(control('interrupt-1', { subtype: 'interrupt' }));
          await ended(lines);
          say(lines, 6, 'Are you there?');
          await ended(lines);
        },
      },
      {
        name: 'queued',
        turns: [[{ do: 'text', text: 'First of all.', over_ms: 2_000 }], [{ do: 'text', text: 'Then second.' }]],
        async play(lines) {
          await initialize(lines);
          say(lines, 7, 'First.');
          await lines.next((message) => deltaOf(message) === 'content_block_delta', 'a piece of the answer');
          say(lines, 8, 'Second.');
          await ended(lines);
          await ended(lines);
        },
      },
      ...(['quota', 'auth', 'context_length', 'rate_limit'] as const).map((kind, index) => ({
        name: `error-${kind}`,
        turns: [[{ do: 'error' as const, kind, times: 1_000 }]],
        async play(lines: Lines): Promise<void> {
          await initialize(lines);
          say(lines, 9 + index, 'Try it.');
          await ended(lines);
        },
      })),
    ],
  };
}

async function initialize(lines: Lines): Promise<void> {
  lines.send(control('initialize-1', { subtype: 'initialize' }));
  await lines.next(({ type }) => type === 'control_response', 'answer to initialize');
}

function say(lines: Lines, number: number, text: string): void {
  const uuid = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
  const message = { role: 'user', content: [{ type: 'text', text }] };
  lines.send({ type: 'user', message, parent_tool_use_id: null, session_id: CONVERSATION, uuid });
}

async function answer(lines: Lines, decide: (input: Message) => Message): Promise<void> {
  const request = await lines.next(({ type }) => type === 'control_request', 'a permission request');
  const { input } = request['request'] as { input: Message };
  const response = { subtype: 'success', request_id: request['request_id'], response: decide(input) };
  lines.send({ type: 'control_response', response });
}

/** The state of the message follows its result. */
async function ended(lines: Lines): Promise<void> {
  await lines.next(({ type }) => type === 'result', 'a result');
  await lines.next(
    ({ type, state }) => type === 'command_lifecycle' && (state === 'completed' || state === 'cancelled'),
    'the end of the message',
  );
}

function control(id: string, request: Message): Message {
  return { type: 'control_request', request_id: id, request };
}

function deltaOf(message: Message): unknown {
  return (message['event'] as Message | undefined)?.['type'];
}
