import { spawn } from 'node:child_process';
import { HoldfastError } from '../protocol/index.ts';
import type { CommandContext } from './command.ts';

/** Salvaging reads the whole event log once; a big one on a slow disk takes its time. */
const REPAIR_MS = 10 * 60_000;

/** `doctor --repair`: srv's own program does it, without serving; its report is one JSON object. */
export async function repair({ home, loader, env }: CommandContext): Promise<Record<string, unknown>> {
  const child = spawn(process.execPath, [loader, '--process=srv', '--home', home, '--repair'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('HOLDFAST_'))),
    timeout: REPAIR_MS,
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new HoldfastError('internal', `the repair ended with status ${code} and no report`, { cause: error });
  }
}
