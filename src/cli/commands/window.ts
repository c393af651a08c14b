import { text } from '../arguments.ts';
import type { CommandContext } from '../command.ts';
import { printable, table } from '../format.ts';
import { done, each, made, selecting, showMeta, showTable } from '../selected.ts';

export async function ls(context: CommandContext): Promise<number> {
  const { json, out } = context;
  const { select } = await selecting(context);
  const { windows } = select.outline;
  if (json) {
    for (const window of windows) out.json(window);
    return 0;
  }
  const rows = windows.map(({ id, workspace_id }) => [id, workspace_id, printable(select.workspaceName(workspace_id))]);
  return showTable(context, table([['ID', 'WORKSPACE', 'NAME'], ...rows], out.columns), 'no windows');
}

export async function open(context: CommandContext): Promise<number> {
  const { options, positionals } = context;
  const { holdfast, select } = await selecting(context);
  const { id: workspace_id } = select.workspaceOrOnly(positionals[0], 'WORKSPACE');
  const { id, version } = await holdfast.windows.open(workspace_id, { id: text(options, 'id') });
  return made(context, { id, workspace_id, version });
}

export async function close(context: CommandContext): Promise<number> {
  const { positionals, json, out } = context;
  const { holdfast, select } = await selecting(context);
  return each(context, positionals, async (word) => {
    const { id } = select.window(word);
    const gone = await holdfast.windows.close(id);
    if (json) out.json({ id, ...gone });
    else out.line(id);
  });
}

export async function switchTo(context: CommandContext): Promise<number> {
  const [word, target] = context.positionals;
  const { holdfast, select } = await selecting(context);
  const { id } = select.window(word!);
  const { id: workspace_id } = select.workspace(target!);
  const { version } = await holdfast.windows.switch(id, workspace_id);
  return done(context, { id, workspace_id, version });
}

export async function meta(context: CommandContext): Promise<number> {
  const { holdfast, select } = await selecting(context);
  const { id, meta: current } = select.window(context.positionals[0]!);
  return showMeta(context, current, (patch) => holdfast.windows.meta(id, patch));
}
