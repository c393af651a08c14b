import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createIds, type VirtualClock } from '../runtime/index.ts';
import type { LedgerKernel } from './fixtures/open-ledger.ts';
import { actor, openLedger } from './fixtures/open-ledger.ts';
import { type LinkAck, type LinkFrame, LinkSender } from './link.ts';
import { LinkReceiver, type LinkResult } from './link-receiver.ts';

/** Lets promises of both sides run until none is left. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A wire whose deliveries the test decides. */
class Wire {
  readonly toReceiver: LinkFrame[] = [];
  readonly toSender: LinkAck[] = [];

  /** What was on the old connection still arrives, late. */
  connect(sender: LinkSender<never>, receiver: LinkReceiver): void {
    receiver.connect((ack) => this.toSender.push(structuredClone(ack)));
    sender.connect((frame) => this.toReceiver.push(structuredClone(frame)));
  }

  async deliverAll(sender: LinkSender<never>, receiver: LinkReceiver): Promise<void> {
    for (let quiet = 0; quiet < 2; ) {
      const frames = this.toReceiver.splice(0);
      const acks = this.toSender.splice(0);
      for (const frame of frames) receiver.received(frame);
      for (const ack of acks) sender.received(ack);
      quiet = frames.length + acks.length > 0 ? 0 : quiet + 1;
      await settle();
    }
  }
}

interface Setup {
  kernel: LedgerKernel;
  clock: VirtualClock;
  wire: Wire;
  sender: LinkSender<never>;
  receiver: LinkReceiver;
  performed: string[];
  outcomes: string[];
  notify(deadline_ms?: number): Promise<unknown>;
  newSender(kernel?: LedgerKernel): LinkSender<never>;
  newReceiver(): LinkReceiver;
}

async function setUp(
  options: { window?: number; limit?: number; memory?: Map<string, LinkResult> } = {},
): Promise<Setup> {
  const opened = await openLedger();
  const { kernel, clock } = opened;
  const ids = createIds(clock);
  const performed: string[] = [];
  const outcomes: string[] = [];
  const newSender = (from = kernel): LinkSender<never> =>
    new LinkSender<never>({
      target: 'peer',
      outbox: from.outbox,
      clock,
      ids,
      home: 'h',
      settle: (row, { outcome }) => void outcomes.push(`${row.id} ${outcome}`),
      warn: (error) => expect(error).toBeUndefined(),
      ...(options.window === undefined ? {} : { window: options.window }),
    });
  const newReceiver = (): LinkReceiver =>
    new LinkReceiver({
      clock,
      ...(options.limit === undefined ? {} : { limit: options.limit }),
      ...(options.memory === undefined ? {} : { memory: options.memory }),
      async perform(key, body) {
        performed.push(key);
        if (body['account'] === 'bad') throw new Error('no such account');
        await settle();
        return { ok: true, result: { key } };
      },
    });
  return {
    kernel,
    clock,
    wire: new Wire(),
    sender: newSender(),
    receiver: newReceiver(),
    performed,
    outcomes,
    notify: (deadline_ms = 60_000) =>
      kernel.execute({ cmd: 'deposit', account: 'a', amount: 1, notify: { target: 'peer', deadline_ms } }, { actor }),
    newSender,
    newReceiver,
  };
}

const rows = (kernel: LedgerKernel): number[] => kernel.outbox.pending('peer').map(({ id }) => id);

const CHAOS = ['deliver', 'drop', 'double', 'swap', 'cut', 'crash', 'wait', 'more'] as const;

/** Each step on the queue which the coin names; then the wire works until all is done. */
async function surviveChaos(steps: readonly (typeof CHAOS)[number][], coin: Iterator<boolean>): Promise<void> {
  const setup = await setUp({ window: 3 });
  const { kernel, clock, wire, receiver, performed, outcomes, notify } = setup;
  let sender = setup.sender;
  let count = 0;
  wire.connect(sender, receiver);
  for (const step of steps) {
    const queue: unknown[] = coin.next().value ? wire.toReceiver : wire.toSender;
    if (step === 'more') await notify(24 * 3_600_000).then(() => count++);
    if (step === 'drop') queue.shift();
    if (step === 'double' && queue.length > 0) queue.push(structuredClone(queue[0]));
    if (step === 'swap') queue.reverse();
    if (step === 'cut') wire.connect(sender, receiver);
    if (step === 'wait') clock.advance(40_000);
    if (step === 'crash') {
      sender.close();
      sender = setup.newSender();
      wire.connect(sender, receiver);
    }
    if (step === 'deliver') {
      const frame = wire.toReceiver.shift();
      if (frame !== undefined) receiver.received(frame);
      const ack = wire.toSender.shift();
      if (ack !== undefined) sender.received(ack);
      await settle();
    }
  }
  for (let round = 0; round < 4; round++) {
    await wire.deliverAll(sender, receiver);
    clock.advance(60_000);
  }
  await settle();
  expect(rows(kernel)).toEqual([]);
  expect(sender.pending).toBe(0);
  expect(performed).toEqual(Array.from({ length: count }, (_, index) => `h/${index + 1}`));
  expect(new Set(outcomes).size).toBe(count);
}

const chaosProperty = fc.asyncProperty(
  fc.array(fc.constantFrom(...CHAOS), { maxLength: 60 }),
  fc.infiniteStream(fc.boolean()),
  surviveChaos,
);

describe('A link', () => {
  it('does each piece of work once, in order, and finishes its row', async () => {
    const { kernel, wire, sender, receiver, performed, outcomes, notify } = await setUp();
    await notify();
    wire.connect(sender, receiver);
    await notify();
    await notify();
    expect(rows(kernel)).toEqual([1, 2, 3]);
    await wire.deliverAll(sender, receiver);
    expect(performed).toEqual(['h/1', 'h/2', 'h/3']);
    expect(outcomes).toEqual(['1 done', '2 done', '3 done']);
    expect([rows(kernel), sender.pending]).toEqual([[], 0]);
  });

  it('reports work that fails', async () => {
    const { kernel, wire, sender, receiver, outcomes } = await setUp();
    wire.connect(sender, receiver);
    await kernel.execute(
      { cmd: 'deposit', account: 'bad', amount: 1, notify: { target: 'peer', deadline_ms: 1_000 } },
      { actor },
    );
    await wire.deliverAll(sender, receiver);
    expect(outcomes).toEqual(['1 failed']);
  });

  it('keeps at most a window on the wire', async () => {
    const { wire, sender, receiver, notify, outcomes } = await setUp({ window: 2 });
    wire.connect(sender, receiver);
    for (let index = 0; index < 5; index++) await notify();
    expect(wire.toReceiver.length).toBe(2);
    await wire.deliverAll(sender, receiver);
    expect(outcomes.length).toBe(5);
  });

  it('[K13] fails a row at its deadline, without a connection too, and performs nothing that comes too late', async () => {
    const { kernel, clock, wire, sender, receiver, performed, outcomes, notify } = await setUp();
    await notify(1_000);
    await notify(5_000);
    clock.advance(999);
    await settle();
    expect(outcomes).toEqual([]);
    clock.advance(1);
    await settle();
    expect([outcomes, rows(kernel)]).toEqual([['1 expired'], [2]]);
    wire.connect(sender, receiver);
    clock.advance(5_000);
    await wire.deliverAll(sender, receiver);
    expect(outcomes).toEqual(['1 expired', '2 expired']);
    expect([performed.length, rows(kernel)]).toEqual([1, []]);
  });

  it('goes on after the sender died: the receiver knows the work by its key', async () => {
    const setup = await setUp();
    const { kernel, wire, receiver, performed, outcomes, notify } = setup;
    wire.connect(setup.sender, receiver);
    await notify();
    for (const frame of wire.toReceiver.splice(0)) receiver.received(frame);
    await settle();
    setup.sender.close();
    const next = setup.newSender();
    wire.connect(next, receiver);
    await wire.deliverAll(next, receiver);
    expect([performed, outcomes, rows(kernel)]).toEqual([['h/1'], ['1 done'], []]);
  });

  it('goes on after the receiver died; with a durable memory the work is not done again', async () => {
    const setup = await setUp({ memory: new Map() });
    const { wire, sender, receiver, performed, outcomes, notify } = setup;
    wire.connect(sender, receiver);
    await notify();
    for (const frame of wire.toReceiver.splice(0)) receiver.received(frame);
    await settle();
    receiver.disconnect();
    const next = setup.newReceiver();
    wire.connect(sender, next);
    await wire.deliverAll(sender, next);
    expect([performed, outcomes]).toEqual([['h/1'], ['1 done']]);
  });

  it('takes no acknowledgement of an older connection for one of this', async () => {
    const { clock, wire, sender, receiver, outcomes, notify } = await setUp();
    wire.connect(sender, receiver);
    await notify();
    wire.toReceiver.length = 0;
    wire.connect(sender, receiver);
    const [old] = wire.toReceiver;
    if (old?.link !== 'deliver') throw new Error('nothing was sent');
    wire.connect(sender, receiver);
    wire.toReceiver.length = 0;
    sender.received({ link: 'received', epoch: old.epoch, seq: old.seq });
    clock.advance(2_000);
    await wire.deliverAll(sender, receiver);
    expect(outcomes).toEqual(['1 done']);
  });

  it('takes over no more than the receiver can remember', async () => {
    const { clock, wire, sender, receiver, performed, notify, outcomes } = await setUp({ limit: 2 });
    wire.connect(sender, receiver);
    for (let index = 0; index < 5; index++) await notify();
    for (const frame of wire.toReceiver.splice(0)) receiver.received(frame);
    expect(performed.length).toBe(2);
    for (let round = 0; round < 5; round++) {
      await wire.deliverAll(sender, receiver);
      clock.advance(2_000);
    }
    expect(outcomes.length).toBe(5);
  });

  it('has no timer when nothing is on its way', async () => {
    const { clock, wire, sender, receiver, notify } = await setUp();
    wire.connect(sender, receiver);
    await notify();
    await wire.deliverAll(sender, receiver);
    clock.advance(3_600_000);
    await settle();
    expect([wire.toReceiver, wire.toSender]).toEqual([[], []]);
  });

  it('does work once when a frame sent again after its result comes after `settled`', async () => {
    const { kernel, wire, sender, receiver, performed, notify } = await setUp();
    wire.connect(sender, receiver);
    await notify();
    for (const frame of wire.toReceiver.splice(0)) receiver.received(frame);
    await settle();
    // The row goes out again, late; meanwhile its result is taken in, and settled on a yet newer connection.
    wire.connect(sender, receiver);
    const late = wire.toReceiver.splice(0);
    for (const ack of wire.toSender.splice(0)) sender.received(ack);
    await settle();
    wire.connect(sender, receiver);
    await wire.deliverAll(sender, receiver);
    for (const frame of late) receiver.received(frame);
    await wire.deliverAll(sender, receiver);
    expect([performed, rows(kernel)]).toEqual([['h/1'], []]);
  });

  it('says `settled` when no frame of that work is on its way unseen, which it might overtake', async () => {
    const { wire, sender, receiver, performed, outcomes, notify } = await setUp();
    wire.connect(sender, receiver);
    await notify();
    for (const frame of wire.toReceiver.splice(0)) receiver.received(frame);
    await settle();
    wire.connect(sender, receiver);
    for (const ack of wire.toSender.splice(0)) sender.received(ack);
    await settle();
    expect(outcomes).toEqual(['1 done']);
    wire.toReceiver.reverse();
    await wire.deliverAll(sender, receiver);
    expect(performed).toEqual(['h/1']);
  });

  it('asks for no work again whose outcome is known: a receiver that forgot would do it', async () => {
    const { clock, wire, sender, receiver, performed, newReceiver, notify } = await setUp();
    wire.connect(sender, receiver);
    await notify();
    for (const frame of wire.toReceiver.splice(0)) receiver.received(frame);
    await settle();
    const next = newReceiver();
    wire.connect(sender, next);
    wire.toReceiver.length = 0;
    await wire.deliverAll(sender, next);
    clock.advance(2_000);
    await wire.deliverAll(sender, next);
    expect([performed, wire.toReceiver]).toEqual([['h/1'], []]);
  });

  it('does not let a receiver full of results wait for a sender that waits for its acknowledgement', async () => {
    const { clock, wire, sender, receiver, performed, notify, outcomes } = await setUp({ limit: 1 });
    wire.connect(sender, receiver);
    await notify();
    for (const frame of wire.toReceiver.splice(0)) receiver.received(frame);
    await settle();
    wire.toSender.length = 0;
    await notify();
    wire.connect(sender, receiver);
    for (let round = 0; round < 3; round++) {
      await wire.deliverAll(sender, receiver);
      clock.advance(2_000);
    }
    await settle();
    expect([performed, outcomes]).toEqual([
      ['h/1', 'h/2'],
      ['1 done', '2 done'],
    ]);
  });

  it('[K13] survives drops, doubles, disorder, cuts and crashes of the sender: each row one outcome, each work done once', async () => {
    await fc.assert(chaosProperty, { numRuns: 60 });
  });

  it('[K13] survives seed -1263575723: a row sent again in a new epoch, lost, and settled by its earlier result', async () => {
    await fc.assert(chaosProperty, { seed: -1263575723, numRuns: 60 });
    // What it shrinks to (path 18:4:7:13:1:0), whatever later becomes of the arbitraries.
    await surviveChaos(['more', 'deliver', 'crash', 'drop', 'drop'], [false, false, true, false, true].values());
  });
});
