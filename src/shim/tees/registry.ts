/** The tees of one session (seed 4; DESIGN §6): opened, asked and closed by number. */
import { HoldfastError, invalid } from '../../protocol/errors.ts';
import { LOG_MEMORY_BYTES, TEE_RING_BYTES, TEES_PER_SESSION } from '../../protocol/limits.ts';
import { STDIN, type StreamId, type TeeOptions, type TeeSink, type TeeState } from '../../protocol/session/index.ts';
import type { FlowControl, FlowReader, LogSource } from '../../session/index.ts';
import { type Clock, withDeadline } from '../../runtime/index.ts';
import { openSink } from './file-sink.ts';
import { StdinLog } from './stdin-log.ts';
import { FileTee, RingTee, type Tee, type TeeContext } from './tee.ts';

/** How long closing a tee may take before its state is reported as not flushed. */
const CLOSE_MS = 5_000;

const DEFAULT_OPTIONS: TeeOptions = {
  backpressure: 'drop_oldest',
  queue_bytes: LOG_MEMORY_BYTES,
  write_missed_markers: true,
  from: 'end',
};

interface Entry {
  tee: Tee;
  /** Holds the child up while a `block` tee is behind. */
  flow: FlowReader | null;
}

export class TeeRegistry {
  /** Stream 0: what the kernel took for the child, for whoever follows it. */
  readonly stdin: StdinLog;
  readonly #output: LogSource;
  readonly #clock: Clock;
  readonly #flow: FlowControl;
  readonly #stallMs: number;
  readonly #entries = new Map<number, Entry>();
  #lastTee = 0;
  #opening = 0;

  constructor(output: LogSource, clock: Clock, flow: FlowControl, stallMs: number) {
    this.#output = output;
    this.#clock = clock;
    this.#flow = flow;
    this.#stallMs = stallMs;
    this.stdin = new StdinLog(clock);
  }

  /** Throws `stream_unavailable`, `offset_ahead`, `invalid_argument`, `busy`, and `storage_error` for a file. */
  async open(
    stream: StreamId,
    sink: TeeSink,
    options: Partial<TeeOptions> = {},
  ): Promise<{ tee: number; from: number }> {
    if (this.#entries.size + this.#opening >= TEES_PER_SESSION) {
      throw new HoldfastError('busy', `a session has at most ${TEES_PER_SESSION} tees; remove one first`, {
        field: 'tee',
      });
    }
    checkSink(sink);
    const settings = { ...DEFAULT_OPTIONS, ...options };
    const source = stream === STDIN ? this.stdin : this.#output;
    // Where "end" is was decided when the command came, not when the file was open.
    const from = startOf(source, stream, settings.from);
    const cursor = source.cursor([stream], { offsets: { [stream]: from } });
    const context: TeeContext = {
      tee: ++this.#lastTee,
      stream,
      source,
      cursor,
      moved: () => this.#entries.get(context.tee)?.flow?.progressed(),
    };
    if (sink.kind === 'ring') return this.#register(new RingTee(context, sink.capacity), settings, from);
    this.#opening++;
    try {
      const file = await openSink(sink.path, sink.mode, this.#clock);
      return this.#register(new FileTee(context, file, sink.path, settings), settings, from);
    } catch (error) {
      cursor.close();
      throw error;
    } finally {
      this.#opening--;
    }
  }

  states(tee: number | undefined): TeeState[] {
    if (tee === undefined) return [...this.#entries.values()].map((entry) => entry.tee.state());
    return [this.#entry(tee).tee.state()];
  }

  /** `invalid_argument` for a tee that keeps no bytes. */
  snapshot(tee: number): { offset: number; bytes: Buffer; missedBytes: number } {
    const found = this.#entry(tee).tee;
    if (!(found instanceof RingTee)) throw invalid('tee', `tee ${tee} writes to a file; only a ring can be read back`);
    return found.snapshot();
  }

  /** Null when there is no such tee (seed 4's `false`). Otherwise its last state, after its last byte is flushed. */
  async close(tee: number): Promise<TeeState | null> {
    const entry = this.#entries.get(tee);
    if (entry === undefined) return null;
    try {
      return await withDeadline(
        this.#clock,
        CLOSE_MS,
        entry.tee.close(),
        () => new HoldfastError('timeout', 'the file did not take the last bytes in time'),
      );
    } catch (error) {
      return { ...entry.tee.state(), flushed: false, error: (error as Error).message };
    } finally {
      entry.flow?.remove();
      this.#entries.delete(tee);
    }
  }

  /** At the session's end: every tee gets its last byte. */
  async closeAll(): Promise<void> {
    await Promise.all([...this.#entries.keys()].map((tee) => this.close(tee)));
  }

  #register(tee: Tee, settings: TeeOptions, from: number): { tee: number; from: number } {
    const blocks = settings.backpressure === 'block' && tee.stream !== STDIN;
    const flow = blocks
      ? this.#flow.add({ clientId: `tee ${tee.tee}`, stallMs: this.#stallMs, lag: () => tee.lag(), degraded: () => {} })
      : null;
    this.#entries.set(tee.tee, { tee, flow });
    return { tee: tee.tee, from };
  }

  #entry(tee: number): Entry {
    const entry = this.#entries.get(tee);
    if (entry === undefined) throw new HoldfastError('not_found', `there is no tee ${tee}`, { field: 'tee' });
    return entry;
  }
}

function startOf(source: LogSource, stream: StreamId, from: TeeOptions['from']): number {
  const extent = source.extents().find((candidate) => candidate.id === stream);
  if (extent === undefined) {
    throw new HoldfastError('stream_unavailable', `this session has no stream ${stream}`, { field: 'stream' });
  }
  if (from === 'end') return extent.end;
  return from === 'start' ? extent.start : from;
}

function checkSink(sink: TeeSink): void {
  if (sink.kind !== 'ring') return;
  if (!Number.isSafeInteger(sink.capacity) || sink.capacity < 0 || sink.capacity > TEE_RING_BYTES) {
    throw invalid('sink.capacity', `a ring holds 0 to ${TEE_RING_BYTES} bytes, not ${sink.capacity}`);
  }
}
