import { describe, expect, it } from 'vitest';
import { InputQueue } from './input-queue.ts';

const ticket = (epoch: number) => ({ epoch, secret: `s${epoch}` });

/** A connection that records what is sent over it. */
function wire(): { sent: [number, number, string][]; send: (epoch: number, seq: number, bytes: Buffer) => void } {
  const sent: [number, number, string][] = [];
  return { sent, send: (epoch, seq, bytes) => sent.push([epoch, seq, bytes.toString()]) };
}

describe('input under a lease', () => {
  it('is sent again with its numbers after a lost connection, except what was acknowledged', async () => {
    const queue = new InputQueue();
    const first = wire();
    queue.connected(ticket(1), first.send);
    const a = queue.write(Buffer.from('a'));
    const b = queue.write(Buffer.from('b'));
    queue.acknowledged(1, 1);
    await a;
    queue.disconnected();
    const c = queue.write(Buffer.from('c'));
    const second = wire();
    queue.connected(ticket(1), second.send);
    expect(second.sent).toEqual([
      [1, 2, 'b'],
      [1, 3, 'c'],
    ]);
    queue.acknowledged(1, 3);
    await Promise.all([b, c]);
    expect(queue.pendingBytes).toBe(0);
  });

  it('never goes out twice under two leases', async () => {
    const queue = new InputQueue();
    const first = wire();
    queue.connected(ticket(1), first.send);
    const sent = queue.write(Buffer.from('sent'));
    queue.disconnected();
    const unsent = queue.write(Buffer.from('unsent'));
    const second = wire();
    queue.connected(ticket(2), second.send);
    await expect(sent).rejects.toMatchObject({ code: 'lease_lost' });
    expect(second.sent).toEqual([[2, 1, 'unsent']]);
    queue.acknowledged(2, 1);
    await unsent;
  });

  it('sends no more than its window ahead, and the rest as acknowledgements come', async () => {
    const queue = new InputQueue();
    const { sent, send } = wire();
    queue.connected(ticket(1), send);
    const written = queue.write(Buffer.alloc(1024 * 1024, 'x'));
    expect(sent.length).toBe(4);
    for (let seq = 1; seq <= 16; seq++) queue.acknowledged(1, seq);
    await written;
    expect(sent.map(([, seq]) => seq)).toEqual(Array.from({ length: 16 }, (_, index) => index + 1));
  });

  it('fails one refused input and carries on', async () => {
    const queue = new InputQueue();
    queue.connected(ticket(1), wire().send);
    const a = queue.write(Buffer.from('a'));
    const b = queue.write(Buffer.from('b'));
    queue.refused(1, 1, new Error('no'));
    queue.acknowledged(1, 2);
    await expect(a).rejects.toThrow('no');
    await b;
  });
});
