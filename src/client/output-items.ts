import type { EndCause, ExitFact, GapReason, HolderFact, StreamId } from '../protocol/session/index.ts';

/** What a reader of a session's log receives, in the order the session observed it. */
export type OutputItem =
  /** Bytes exactly as the child (or the line discipline of its terminal) wrote them; `offset` is absolute per stream. */
  | { type: 'data'; stream: StreamId; offset: number; bytes: Buffer }
  /** Bytes `from` to `to` (exclusive) are no longer held; `to` is Infinity when their number is unknown (shim lost). */
  | { type: 'gap'; stream: StreamId; from: number; to: number; reason: GapReason }
  | { type: 'resize'; rows: number; cols: number; offset: number }
  | { type: 'child_exit'; exit: ExitFact }
  /** The child is gone and everything it wrote was delivered, but these processes still hold its output. */
  | { type: 'held_by'; holders: HolderFact[] }
  | { type: 'eof'; stream: StreamId; offset: number }
  /** Always the last item. */
  | { type: 'end'; cause: EndCause; survivors: HolderFact[] };
