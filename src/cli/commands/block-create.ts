import { userInfo } from 'node:os';
import type { Holdfast } from '../../client/index.ts';
import { HoldfastError, invalid } from '../../protocol/index.ts';
import { flag, text } from '../arguments.ts';
import type { CommandContext } from '../command.ts';
import { blockTarget } from '../placing.ts';
import { jsonObject, made, selecting } from '../selected.ts';
import { sessionSpec } from '../session-spec.ts';
import { elsewhere } from './block.ts';

/** What ends the wait for a reply, not the command. */
const UNDECIDED: ReadonlySet<string> = new Set(['timeout', 'unreachable']);

export async function run(context: CommandContext): Promise<number> {
  const { options, rest, env } = context;
  const starts = flag(options, 'run');
  const word = text(options, 'session');
  checkSession(context, starts, word);
  const metaWord = text(options, 'meta');
  const meta = metaWord === undefined ? undefined : await jsonObject('--meta', metaWord);
  const { holdfast, select } = await selecting(context);
  const { tab, place } = blockTarget(options, select);
  const argv = rest.length > 0 ? rest : [env['SHELL'] || userInfo().shell || '/bin/sh'];
  const session = starts
    ? (await holdfast.run(sessionSpec(context, argv))).record.id
    : word === undefined
      ? undefined
      : select.session(word).id;
  try {
    const block = await holdfast.blocks.create(tab.id, { id: text(options, 'id'), meta, session, place });
    const { id, node, version } = block;
    const facts = { id, tab_id: tab.id, node_id: node, session_id: session ?? null, version };
    return made(context, facts);
  } catch (error) {
    if (starts && !UNDECIDED.has(HoldfastError.from(error).code)) await undo(holdfast, session!, context);
    throw elsewhere(error);
  }
}

function checkSession({ options, rest }: CommandContext, starts: boolean, session: string | undefined): void {
  if (starts && session !== undefined) throw invalid('--session', '--session shows one that runs, --run starts one');
  if (!starts && rest.length > 0) {
    throw invalid('--run', `block create takes a command only with --run, as in: block create --run -- ${rest[0]!}`);
  }
  const only = ['name', 'cwd', 'env'].find((name) => options[name] !== undefined);
  if (!starts && only !== undefined) throw invalid(`--${only}`, `--${only} goes with --run`);
}

/** Nothing shows the session that was started for the block. */
async function undo(holdfast: Holdfast, session: string, { out }: CommandContext): Promise<void> {
  try {
    await holdfast.remove(session, { force: true });
  } catch {
    out.note(`holdfast: session ${session} runs on; no block shows it`);
  }
}
