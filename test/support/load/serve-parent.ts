/** The worker's end of its channel. */
import type { Answer, Question, Work } from './worker-process.ts';

export function serveParent(work: Work): void {
  const send = (answer: Answer): void => void process.send?.(answer);
  process.on('message', ({ id, name, input }: Question) => {
    const run = async (): Promise<unknown> => work[name]!(input as never);
    run().then(
      (output) => send({ id, output }),
      (error: unknown) => send({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  process.once('disconnect', () => process.exit(0));
}
