import type { AgentRecord, Holdfast } from '../../client/index.ts';
import { flag, text } from '../arguments.ts';
import type { CommandContext } from '../command.ts';
import { done } from '../selected.ts';

export function interrupt(context: CommandContext): Promise<number> {
  return act(context, ({ agents }, session) => agents.interrupt(session));
}

export function park(context: CommandContext): Promise<number> {
  return act(context, ({ agents }, session) => agents.park(session));
}

export function unpark(context: CommandContext): Promise<number> {
  return act(context, ({ agents }, session) => agents.unpark(session));
}

export function resume(context: CommandContext): Promise<number> {
  const force = flag(context.options, 'force') ? true : undefined;
  return renew(context, ({ agents }, session) => agents.resume(session, { force }));
}

export function restart(context: CommandContext): Promise<number> {
  const reason = text(context.options, 'reason');
  return renew(context, ({ agents }, session) => agents.restart(session, { reason }));
}

type Change = (holdfast: Holdfast, session: string) => Promise<AgentRecord>;

async function act(context: CommandContext, change: Change): Promise<number> {
  return done(context, await change(await context.connect(), context.positionals[0]!));
}

/** Prints the id of the new session; its child may still be starting. */
async function renew(context: CommandContext, change: Change): Promise<number> {
  const { json, out } = context;
  const agent = await change(await context.connect(), context.positionals[0]!);
  if (json) out.json(agent);
  else out.line(agent.session_id);
  return 0;
}
