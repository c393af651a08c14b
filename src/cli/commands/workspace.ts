import { text } from '../arguments.ts';
import type { CommandContext } from '../command.ts';
import { printable, table } from '../format.ts';
import { done, each, explained, made, partingOf, selecting, showMeta, showTable } from '../selected.ts';

export async function ls(context: CommandContext): Promise<number> {
  const { json, out } = context;
  const { select } = await selecting(context);
  const { workspaces, tabs } = select.outline;
  if (json) {
    for (const workspace of workspaces) out.json(workspace);
    return 0;
  }
  const names = new Map(tabs.map(({ id, name }) => [id, name]));
  const rows = workspaces.map(({ id, name, tabs: own, active_tab, windows }) => [
    id,
    printable(name),
    String(own.length),
    printable(names.get(active_tab ?? '') ?? '-'),
    String(windows.length),
  ]);
  const lines = table([['ID', 'NAME', 'TABS', 'ACTIVE', 'WINDOWS'], ...rows], out.columns);
  return showTable(context, lines, 'no workspaces; make one with: holdfast workspace create');
}

export async function create(context: CommandContext): Promise<number> {
  const { connect, options, positionals } = context;
  const holdfast = await connect();
  return made(context, await holdfast.workspaces.create(positionals[0], { id: text(options, 'id') }));
}

export async function rename(context: CommandContext): Promise<number> {
  const [word, name] = context.positionals;
  const { holdfast, select } = await selecting(context);
  const { id } = select.workspace(word!);
  const { version } = await holdfast.workspaces.rename(id, name!);
  return done(context, { id, name, version });
}

export async function rm(context: CommandContext): Promise<number> {
  const { positionals, options, json, out } = context;
  const session = partingOf(options);
  const { holdfast, select } = await selecting(context);
  return each(context, positionals, async (word) => {
    const { id, name } = select.workspace(word);
    try {
      const gone = await holdfast.workspaces.delete(id, { session });
      if (json) out.json({ id, ...gone });
      else out.line(id);
    } catch (error) {
      throw explained(error, `workspace "${printable(name)}"`, select);
    }
  });
}

export async function meta(context: CommandContext): Promise<number> {
  const { holdfast, select } = await selecting(context);
  const { id, meta: current } = select.workspace(context.positionals[0]!);
  return showMeta(context, current, (patch) => holdfast.workspaces.meta(id, patch));
}
