import { describe, expect, it, onTestFinished } from 'vitest';
import type { SessionEvent, StreamId } from '../protocol/session/index.ts';
import { VirtualClock } from '../runtime/index.ts';
import { FlowControl } from './flow.ts';
import { type FrameSink, ReaderPump } from './serve.ts';
import { attachStreams, readBacklog, resolveStart } from './attach.ts';
import { bytesFrom, createTestLog } from './testing.ts';

function testLog(options: Parameters<typeof createTestLog>[0] = {}) {
  const made = createTestLog({ memoryBytes: 64 * 1024, spillBytes: 0, streams: [1], ...options });
  onTestFinished(() => made.remove());
  return made;
}

/** Checks each frame as it comes. */
class Sink implements FrameSink {
  writable = true;
  at = 0;
  gaps: [number, number, string][] = [];
  events: SessionEvent[] = [];
  frames = 0;
  readonly onData: () => void;

  constructor(onData: () => void = () => {}) {
    this.onData = onData;
  }

  sendData(stream: StreamId, offset: number, bytes: Buffer): boolean {
    expect(offset).toBe(this.at);
    expect(bytes.length).toBeLessThanOrEqual(64 * 1024);
    expect(bytes.equals(bytesFrom(stream, offset, bytes.length))).toBe(true);
    this.at += bytes.length;
    this.frames++;
    this.onData();
    return this.writable;
  }

  sendGap(_stream: StreamId, from: number, to: number, reason: string): boolean {
    expect(from).toBe(this.at);
    this.gaps.push([from, to, reason]);
    this.at = to;
    return this.writable;
  }

  sendJson(event: SessionEvent): boolean {
    this.events.push(event);
    return this.writable;
  }

  cork(): void {}
  uncork(): void {}
}

function pumpOf(
  made: ReturnType<typeof createTestLog>,
  sink: Sink,
  credit: number,
  finished: () => void = () => {},
): ReaderPump {
  const streams: StreamId[] = [1];
  return new ReaderPump({
    source: made.log,
    cursor: made.log.cursor(streams, { offsets: { 1: 0 } }),
    sink,
    streams,
    credit,
    finished,
  });
}

describe('ReaderPump', () => {
  it('[R3] sends what is appended within the append, never more than the credit', () => {
    const made = testLog();
    const sink = new Sink();
    const pump = pumpOf(made, sink, 10);
    pump.start();
    made.grow(1, 4);
    expect(sink.at).toBe(4);
    made.grow(1, 20);
    expect(sink.at).toBe(10);
    expect(pump.lagBytes).toBe(14);
    pump.grant(5);
    expect(sink.at).toBe(15);
    pump.close();
    pump.grant(100);
    made.grow(1, 1);
    expect(sink.at).toBe(15);
  });

  it('[L4] tells exit, eof, end and finish in order, also to a reader without credit once the bytes are out', () => {
    const made = testLog();
    const sink = new Sink();
    let finished = 0;
    const pump = pumpOf(made, sink, 5, () => finished++);
    pump.start();
    made.log.resize(10, 20);
    made.grow(1, 5);
    made.log.childExit({ code: 7, signal: null, outcome: 'natural_exit', at_ms: 1 });
    made.log.eof(1);
    expect(finished).toBe(0);
    made.log.end('child', []);
    expect(sink.events.map(({ event }) => event)).toEqual(['Resized', 'ChildExit', 'Eof', 'End']);
    expect(finished).toBe(1);
    expect(sink.events[2]).toEqual({ event: 'Eof', stream: 1, offset: 5 });
  });

  it('holds the end back until a reader without credit has taken the bytes before it', () => {
    const made = testLog();
    const sink = new Sink();
    const pump = pumpOf(made, sink, 0);
    pump.start();
    made.grow(1, 5);
    made.log.eof(1);
    made.log.end('child', []);
    expect(sink.events).toEqual([]);
    pump.grant(5);
    expect(sink.events.map(({ event }) => event)).toEqual(['Eof', 'End']);
  });

  it('stops at back-pressure and goes on when drained', () => {
    const made = testLog();
    const sink = new Sink(() => {
      sink.writable = false;
    });
    const pump = pumpOf(made, sink, 1e6);
    pump.start();
    made.grow(1, 10);
    made.grow(1, 10);
    expect(sink.at).toBe(10);
    sink.writable = true;
    pump.drained();
    expect(sink.at).toBe(20);
  });

  it('gives a stopped reader one gap for all that was dropped meanwhile', () => {
    const made = testLog();
    const sink = new Sink();
    const pump = pumpOf(made, sink, 100);
    pump.start();
    for (let i = 0; i < 300; i++) made.grow(1, 1000);
    expect(sink.at).toBe(100);
    pump.grant(1e6);
    expect(sink.gaps).toHaveLength(1);
    expect(sink.gaps[0]).toEqual([100, made.log.extents()[0]!.start, 'retention']);
    expect(sink.at).toBe(300_000);
  });

  it('sends at most a mebibyte before the loop turns', async () => {
    const made = testLog({ memoryBytes: 8 << 20 });
    for (let i = 0; i < 5; i++) made.grow(1, 1 << 20);
    const sink = new Sink();
    pumpOf(made, sink, 1e9).start();
    expect(sink.at).toBe(1 << 20);
    for (let turn = 0; turn < 4; turn++) await new Promise(setImmediate);
    expect(sink.at).toBe(5 << 20);
  });
});

describe('FlowControl', () => {
  function flowOf(stallMs: number) {
    const clock = new VirtualClock();
    const calls: string[] = [];
    const flow = new FlowControl({
      clock,
      highBytes: 1000,
      lowBytes: 200,
      pause: () => calls.push('pause'),
      resume: () => calls.push('resume'),
      noticed: (throttle) => calls.push(throttle === null ? 'over' : `held by ${throttle.client_id}`),
    });
    const made = testLog();
    const sink = new Sink();
    const pump = pumpOf(made, sink, 0);
    pump.throttles(
      flow.add({ clientId: 'slow', stallMs, lag: () => pump.lagBytes, degraded: () => calls.push('degraded') }),
    );
    made.log.onAppend(() => flow.appended());
    pump.start();
    return { clock, calls, flow, made, pump, sink };
  }

  it('pauses the child at the stated buffer and lets it go on when the reader is near', () => {
    const { calls, made, pump, flow, clock } = flowOf(30_000);
    made.grow(1, 999);
    expect(calls).toEqual([]);
    made.grow(1, 1);
    expect(calls).toEqual(['pause']);
    expect(flow.throttle).toEqual({ client_id: 'slow', since_ms: clock.now(), limit_ms: 30_000 });
    pump.grant(799);
    expect(calls).toEqual(['pause']);
    pump.grant(1);
    expect(calls).toEqual(['pause', 'resume']);
    expect(flow.throttle).toBeNull();
  });

  it('[R2] says who holds the child after a second, and gives up on the reader after stall_ms', () => {
    const { calls, made, clock, pump, flow } = flowOf(30_000);
    made.grow(1, 2000);
    clock.advance(1000);
    expect(calls).toEqual(['pause', 'held by slow']);
    clock.advance(28_999);
    expect(calls).toHaveLength(2);
    clock.advance(1);
    expect(calls).toEqual(['pause', 'held by slow', 'resume', 'over', 'degraded']);
    made.grow(1, 5000);
    expect(flow.paused).toBe(false);
    pump.grant(7000);
    expect(calls).toHaveLength(5);
  });

  it('without a stall limit holds until the reader goes', () => {
    const { calls, made, clock, pump } = flowOf(0);
    made.grow(1, 2000);
    clock.advance(1e9);
    expect(calls).toEqual(['pause', 'held by slow']);
    pump.close();
    expect(calls).toEqual(['pause', 'held by slow', 'resume', 'over']);
  });

  it('goes on only when the slowest of several readers is near', () => {
    const { calls, made, pump, flow } = flowOf(0);
    let lag = 1500;
    const other = flow.add({ clientId: 'other', stallMs: 0, lag: () => lag, degraded: () => {} });
    made.grow(1, 1200);
    expect(calls).toEqual(['pause']);
    pump.grant(1200);
    expect(calls).toEqual(['pause']);
    expect(flow.throttle?.client_id).toBe('other');
    lag = 0;
    other.progressed();
    expect(calls).toEqual(['pause', 'resume']);
  });
});

describe('where a reader starts', () => {
  it('resolves every form of from, and refuses a stream that is not there', () => {
    const made = testLog({ streams: [1, 2] });
    made.grow(1, 100);
    made.grow(2, 10);
    const both: StreamId[] = [1, 2];
    const at = (from: Parameters<typeof resolveStart>[2]) => resolveStart(made.log, both, from).offsets;
    expect(at('start')).toEqual({ 1: 0, 2: 0 });
    expect(at('end')).toEqual({ 1: 100, 2: 10 });
    expect(at(7)).toEqual({ 1: 7, 2: 7 });
    expect(at({ tail_bytes: 30 })).toEqual({ 1: 70, 2: 0 });
    expect(at({ offsets: { 2: 4 } })).toEqual({ 1: 0, 2: 4 });
    expect(() => resolveStart(made.log, [1], { offsets: { 2: 4 } })).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    );
    expect(attachStreams(made.log, undefined)).toEqual([1, 2]);
    expect(() => attachStreams(made.log, [0])).toThrow(expect.objectContaining({ code: 'stream_unavailable' }));
  });

  it('copies a backlog without consuming it', () => {
    const made = testLog({ memoryBytes: 1000 });
    for (let i = 0; i < 5; i++) made.grow(1, 1000);
    for (let again = 0; again < 2; again++) {
      const backlog = readBacklog(made.log, 1, 400);
      expect(backlog).toMatchObject({ offset: 4600, droppedBytes: 4600 });
      expect(backlog.bytes.equals(bytesFrom(1, 4600, 400))).toBe(true);
    }
    expect(readBacklog(made.log, 1, 10_000)).toMatchObject({ offset: 4000, droppedBytes: 4000 });
  });
});
