/** Seed 4's attachments: one holder per stream. */
import { HoldfastError } from '../../protocol/errors.ts';
import type { ExitFact, StreamId } from '../../protocol/session/index.ts';
import type { Attachment } from './attachment.ts';

export class ExclusiveStreams {
  readonly #holders = new Map<StreamId, Attachment>();

  holder(stream: StreamId): Attachment | undefined {
    return this.#holders.get(stream);
  }

  /** Whether `streams` may be taken: `session_exited`, or `already_attached` without `steal`. Changes nothing. */
  check(streams: readonly StreamId[], exit: ExitFact | null, steal: boolean): void {
    if (exit !== null) {
      throw new HoldfastError('session_exited', 'the session has exited; read it with mode "observe"', {
        details: { exit },
      });
    }
    for (const stream of streams) {
      const holder = this.#holders.get(stream);
      if (holder === undefined || steal) continue;
      throw new HoldfastError('already_attached', `${holder.clientId} holds stream ${stream}; steal it or wait`, {
        field: 'streams',
        details: { stream, client_id: holder.clientId },
      });
    }
  }

  /** After `check`, in the same turn: former holders are told who took over. */
  take(streams: readonly StreamId[], attachment: Attachment): void {
    for (const stream of streams) {
      this.#holders.get(stream)?.end('stolen', attachment.clientId);
      this.#holders.set(stream, attachment);
    }
  }

  /** Only what `attachment` still holds is freed: a successor keeps its own. */
  release(attachment: Attachment): void {
    for (const [stream, holder] of this.#holders) if (holder === attachment) this.#holders.delete(stream);
  }
}
