import type { CommandContext } from '../command.ts';
import { printable } from '../format.ts';
import { done } from '../selected.ts';

export async function show(context: CommandContext): Promise<number> {
  const { json, out, positionals } = context;
  const holdfast = await context.connect();
  const { worktree } = await holdfast.agents.worktree(positionals[0]!);
  if (json) {
    out.json(worktree);
    return 0;
  }
  const { path, branch, base, unsaved, commits } = worktree;
  out.line(`path     ${printable(path)}`);
  out.line(`branch   ${printable(branch)}, ${commits} commits that no other has`);
  out.line(`base     ${base}`);
  out.line(`unsaved  ${unsaved.length === 0 ? 'nothing' : printable(unsaved.join(', '))}`);
  return 0;
}

/** The patch as git makes it: for a pager or `git apply`. */
export async function diff(context: CommandContext): Promise<number> {
  const { json, out, positionals } = context;
  const holdfast = await context.connect();
  const { patch, truncated } = await holdfast.agents.worktree(positionals[0]!, { diff: true });
  if (json) out.json({ patch, truncated });
  else if (patch !== '') out.line(patch.trimEnd());
  return 0;
}

export async function rm(context: CommandContext): Promise<number> {
  const holdfast = await context.connect();
  return done(context, await holdfast.agents.removeWorktree(context.positionals[0]!));
}
