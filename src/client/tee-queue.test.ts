import { describe, expect, it } from 'vitest';
import { type TeeEvent, TeeQueue } from './tee-queue.ts';

const data = (offset: number, text: string): TeeEvent => ({ type: 'data', offset, bytes: Buffer.from(text) });

async function drain(queue: TeeQueue): Promise<string[]> {
  const taken: string[] = [];
  for (let entry = await queue.take(); entry !== undefined; entry = await queue.take()) {
    taken.push(entry.type === 'data' ? entry.bytes.toString() : `-${entry.bytes}`);
  }
  return taken;
}

describe('the queue before a tee sink', () => {
  it('drops the oldest, counts it and tells it before the next bytes', async () => {
    const queue = new TeeQueue(2, true);
    for (const [at, text] of ['aa', 'bb', 'cc', 'dd'].entries()) await queue.push(data(at * 2, text));
    queue.close();
    expect(await drain(queue)).toEqual(['-4', 'cc', 'dd']);
    expect(queue.missedBytes).toBe(4);
  });

  it('makes the producer wait when it may not drop', async () => {
    const queue = new TeeQueue(1, false);
    await queue.push(data(0, 'a'));
    let pushed = false;
    const second = queue.push(data(1, 'b')).then(() => {
      pushed = true;
    });
    await Promise.resolve();
    expect(pushed).toBe(false);
    await queue.take();
    await second;
    queue.close();
    expect(await drain(queue)).toEqual(['b']);
  });

  it('tells a trailing loss', async () => {
    const queue = new TeeQueue(0, true);
    await queue.push(data(0, 'abc'));
    queue.close();
    expect(await drain(queue)).toEqual(['-3']);
  });

  it('is a rendezvous at capacity 0', async () => {
    const queue = new TeeQueue(0, false);
    const taken = queue.take();
    await queue.push(data(0, 'a'));
    expect(await taken).toMatchObject({ offset: 0 });
  });

  it('[T2] counts what a broken sink never got', async () => {
    const queue = new TeeQueue(10, true);
    await queue.push(data(0, 'abc'));
    queue.abandon();
    await queue.push(data(3, 'de'));
    expect(queue.missedBytes).toBe(5);
    expect(await drain(queue)).toEqual([]);
  });
});
