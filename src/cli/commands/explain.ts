import { HoldfastError, invalid } from '../../protocol/index.ts';
import { nameOf } from '../agent-text.ts';
import { text } from '../arguments.ts';
import type { CommandContext } from '../command.ts';
import { explanationLines } from '../explanation.ts';

export async function run(context: CommandContext): Promise<number> {
  const { connect, positionals, options, json, out } = context;
  const session = positionals[0];
  if (text(options, 'recording') !== undefined) {
    if (session !== undefined) throw invalid('ID', 'explain takes an ID or a --recording, not both');
    const { explainRecording } = await import('../explain-recording.ts');
    return explainRecording(context);
  }
  for (const name of ['agent', 'rows', 'cols']) {
    if (text(options, name) !== undefined) throw invalid(`--${name}`, `--${name} goes with --recording`);
  }
  if (session === undefined) {
    throw new HoldfastError('invalid_argument', 'explain needs an ID, or a --recording with its --agent', {
      field: 'ID',
    });
  }
  const { agents } = await connect();
  const explanation = await agents.explain(session);
  if (json) {
    out.json(explanation);
    return 0;
  }
  const lines = explanationLines(explanation, nameOf(await agents.get(session)), Date.now(), out.columns);
  for (const line of lines) out.line(line);
  return 0;
}
