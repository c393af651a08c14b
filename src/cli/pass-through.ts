/** `run` without a terminal: the child's bytes on our descriptors, its input from ours, its signals and its status. */
import { constants } from 'node:os';
import { isatty } from 'node:tty';
import { type AttachmentOutcome, type Attachment, type OutputItem, type Session, writeFully } from '../client/index.ts';
import type { SessionRecord } from '../protocol/control/index.ts';
import { HoldfastError } from '../protocol/index.ts';
import type { ExitFact } from '../protocol/session/index.ts';
import { statusOf } from './exit-status.ts';
import { type Output, OutputClosed } from './output.ts';

const FORWARDED: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGQUIT'];
const CREDIT_BYTES = 1024 * 1024;

/** Resolves with the child's status when it has exited and everything it wrote is out. */
export async function passThrough(session: Session, record: SessionRecord, out: Output): Promise<number> {
  const pump = new OutputPump();
  const attachment = await session.attach({
    mode: 'drive',
    from: 'start',
    policy: 'lossless',
    stallMs: 0,
    credit: CREDIT_BYTES,
    onItem: (item) => pump.take(item),
    onLost: () => out.note('holdfast: connection lost, reconnecting'),
  });
  pump.start(attachment);
  const stop = forwardSignals(session);
  if (!isatty(0)) forwardInput(attachment);
  try {
    const outcome = await Promise.race([attachment.done, pump.exited, pump.failed]);
    await Promise.race([pump.flushed(), pump.failed]);
    return finish(outcome, pump.exit, record);
  } catch (error) {
    if (error instanceof OutputClosed) {
      // A pipe whose reader went away: the child hears of it as it would from its own pipe.
      await session.signal('SIGPIPE').catch(() => undefined);
    }
    throw error;
  } finally {
    stop();
    attachment.close();
    await attachment.done;
  }
}

function finish(outcome: AttachmentOutcome | void, exit: ExitFact | null, record: SessionRecord): number {
  if (exit !== null) return statusOf(exit);
  if (outcome?.error !== undefined) throw HoldfastError.from(outcome.error);
  const why = outcome?.reason === 'stolen' ? 'another client took it over' : 'it ended without an exit status';
  throw new HoldfastError('shim_lost', `session ${record.id}: ${why}`);
}

/** Writes items in order, one write at a time; credit bounds what waits. */
class OutputPump {
  readonly exited: Promise<void>;
  readonly failed: Promise<never>;
  exit: ExitFact | null = null;
  #attachment: Attachment | undefined;
  #tail: Promise<void> = Promise.resolve();
  #open = new Set<number>();
  #drained = false;
  #settle: () => void = () => {};
  #fail: (error: Error) => void = () => {};
  #early: OutputItem[] | undefined = [];

  constructor() {
    this.exited = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => undefined);
  }

  start(attachment: Attachment): void {
    this.#attachment = attachment;
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const stream of attachment.streams) this.#open.add(stream);
    for (const item of early) this.take(item);
  }

  take(item: OutputItem): void {
    if (this.#early !== undefined) this.#early.push(item);
    else if (item.type === 'data') this.#write(item.stream === 2 ? 2 : 1, item.bytes);
    else if (item.type === 'child_exit') this.exit = item.exit;
    else if (item.type === 'eof') this.#open.delete(item.stream);
    else if (item.type === 'held_by') this.#drained = true;
    if (this.exit !== null && (this.#drained || this.#open.size === 0) && this.#early === undefined) this.#settle();
  }

  flushed(): Promise<void> {
    return this.#tail;
  }

  #write(fd: number, bytes: Buffer): void {
    this.#tail = this.#tail.then(async () => {
      try {
        await writeFully(fd, bytes);
      } catch (error) {
        const closed = (error as NodeJS.ErrnoException).code === 'EPIPE';
        this.#fail(closed ? new OutputClosed() : HoldfastError.from(error));
        return;
      }
      this.#attachment?.consumed(bytes.length);
    });
  }
}

function forwardSignals(session: Session): () => void {
  const handlers = FORWARDED.map((name) => {
    const forward = (): void => {
      session.signal(name).catch(() => process.exit(128 + constants.signals[name]));
    };
    process.on(name, forward);
    return [name, forward] as const;
  });
  return () => {
    for (const [name, forward] of handlers) process.off(name, forward);
  };
}

/** Our input, and its end, to the child. */
function forwardInput(attachment: Attachment): void {
  const { stdin } = process;
  stdin.on('data', (bytes: Buffer) => {
    stdin.pause();
    attachment.write(bytes).then(
      () => stdin.resume(),
      // The child takes no more input: what else there is has nowhere to go.
      () => undefined,
    );
  });
  stdin.once('end', () => attachment.closeStdin());
  // A closed descriptor 0 is an input that has ended.
  stdin.once('error', () => attachment.closeStdin());
}
