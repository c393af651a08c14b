import type { CommandContext } from '../command.ts';
import { printable, table } from '../format.ts';
import { printableJson, showTable } from '../selected.ts';

export async function run(context: CommandContext): Promise<number> {
  const { connect, positionals, json, out } = context;
  const holdfast = await connect();
  const name = positionals[0];
  if (name !== undefined) {
    const profile = await holdfast.agents.profile(name);
    if (json) out.json(profile);
    else out.line(printableJson(profile));
    return 0;
  }
  const profiles = await holdfast.agents.profiles();
  if (json) {
    for (const profile of profiles) out.json(profile);
    return 0;
  }
  const rows = profiles.map((profile) => [
    profile.name,
    String(profile.revision),
    profile.cli_versions ?? 'any',
    profile.modes.join(' '),
    profile.source === 'config' ? 'config.toml' : 'built in',
    printable(profile.title),
  ]);
  const heads = ['NAME', 'REVISION', 'VERSIONS', 'MODES', 'FROM', 'TITLE'];
  return showTable(context, table([heads, ...rows], out.columns), 'no profiles');
}
