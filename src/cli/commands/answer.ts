import { flag, text } from '../arguments.ts';
import type { CommandContext } from '../command.ts';
import { done } from '../selected.ts';

export function approve(context: CommandContext): Promise<number> {
  return give(context, flag(context.options, 'always') ? 'allow_always' : 'allow', context.positionals[1]);
}

export function deny(context: CommandContext): Promise<number> {
  return give(context, 'deny', context.positionals[1]);
}

export function answer(context: CommandContext): Promise<number> {
  const [, choice, words] = context.positionals;
  return give(context, choice!, text(context.options, 'request'), words);
}

async function give(
  context: CommandContext,
  choice: string,
  request: string | undefined,
  words?: string,
): Promise<number> {
  const session = context.positionals[0]!;
  const holdfast = await context.connect();
  return done(context, await holdfast.agents.answer(session, choice, { request, text: words }));
}
