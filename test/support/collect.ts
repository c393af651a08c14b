/** A command in the background to its end: what it wrote and its status. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { type CommandResult, PATIENCE_MS, soon } from './runtime.ts';

export interface CollectOptions {
  /** Called with every piece of stdout before the next is read. */
  taken?: (bytes: number) => void | Promise<void>;
  patienceMs?: number;
}

/** Ends the command when it takes too long. */
export async function collect(child: ChildProcess, options: CollectOptions = {}): Promise<CommandResult> {
  const { taken, patienceMs = 3 * PATIENCE_MS } = options;
  const closed = once(child, 'close');
  child.stdin?.end();
  const gather = async (stream: Readable, then?: CollectOptions['taken']): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      await then?.(chunk.length);
    }
    return Buffer.concat(chunks);
  };
  try {
    const work = Promise.all([gather(child.stdout!, taken), gather(child.stderr!), closed]);
    const [stdout, stderr] = await soon(work, `${child.spawnargs.slice(2).join(' ')} to end`, patienceMs);
    return { status: child.exitCode, stdout, stderr: stderr.toString() };
  } finally {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  }
}
