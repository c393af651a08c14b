import type { TranscriptEntry } from '../../client/index.ts';
import { flag, integer } from '../arguments.ts';
import type { CommandContext } from '../command.ts';
import { printable } from '../format.ts';
import type { Output } from '../output.ts';

export async function run({ connect, options, positionals, json, out }: CommandContext): Promise<number> {
  const from = integer(options, 'from', 0, Number.MAX_SAFE_INTEGER);
  const holdfast = await connect();
  const { session } = await holdfast.get(positionals[0]!);
  for await (const entry of session.transcript({ from, follow: flag(options, 'follow') })) {
    if (json) out.json(entry);
    else for (const line of entryLines(entry)) out.line(painted(out, line));
  }
  return 0;
}

interface Line {
  head: string;
  text: string;
}

function painted(out: Output, { head, text }: Line): string {
  return head === '' ? `  ${text}` : `${out.paint('bold', head)} ${text}`;
}

/** An entry as a head and indented lines; nothing of it drives the terminal. */
function entryLines(entry: TranscriptEntry): Line[] {
  switch (entry.entry) {
    case 'message': {
      const who = entry.role === 'user' && entry.from !== undefined && entry.from !== '' ? entry.from : entry.role;
      return block(`${printable(who)}:`, entry.text);
    }
    case 'tool':
      return [
        { head: 'tool:', text: printable(`${entry.title || entry.name} (${entry.status})`) },
        ...block('', entry.output),
      ];
    case 'plan':
      return block('plan:', entry.items.map((item) => `${MARKS[item.status]} ${item.text}`).join('\n'));
    case 'request': {
      const answer = entry.answer === null ? '' : ` → ${entry.answer}${entry.by === null ? '' : ` by ${entry.by}`}`;
      return block('asks:', `${entry.text} [${entry.choices.join(', ')}]${answer}`);
    }
    case 'usage': {
      const { used_tokens, context_limit_tokens } = entry.usage;
      const limit = context_limit_tokens === null ? '' : ` of ${context_limit_tokens}`;
      return [{ head: 'usage:', text: `${used_tokens}${limit} tokens` }];
    }
    case 'turn':
      return [{ head: `turn ${entry.state}`, text: printable(entry.reason) }];
    case 'note':
      return block('note:', entry.text);
  }
}

const MARKS = { pending: '·', in_progress: '>', completed: '✓' } as const;

function block(head: string, text: string): Line[] {
  if (text === '' && head === '') return [];
  return text.split('\n').map((line, at) => ({ head: at === 0 ? head : '', text: printable(line) }));
}
