import { describe, expect, it } from 'vitest';
import { HoldfastError, limits } from '../protocol/index.ts';
import { createIds, VirtualClock } from '../runtime/index.ts';
import { actor, openLedger } from './fixtures/open-ledger.ts';

const balance = (state: { balances: Map<string, number> }): number => state.balances.get('a') ?? 0;

describe('Commands', () => {
  it('[K2] are numbered without holes and answered with their version and result', async () => {
    const { kernel } = await openLedger();
    const first = await kernel.execute({ cmd: 'deposit', account: 'a', amount: 5 }, { actor });
    const second = await kernel.execute({ cmd: 'transfer', from: 'a', to: 'b', amount: 2 }, { actor });
    expect(first).toMatchObject({ version: 1, result: { balance: 5 }, replayed: false });
    expect(second).toEqual({ version: 3, result: {}, replayed: false });
    expect(await kernel.execute({ cmd: 'nothing' }, { actor })).toMatchObject({ version: 3 });
    expect(balance(kernel.state)).toBe(3);
  });

  it('[K1] change, publish and answer nothing before the batch is durable', async () => {
    const { kernel, log, deposit } = await openLedger();
    const seen: number[] = [];
    kernel.onCommitted((events) => seen.push(...events.map(({ version }) => version)));
    const subscription = kernel.subscribe({});
    const next = subscription.next(10);
    let answered = false;
    log.hold();
    const done = deposit().then(() => (answered = true));
    const rejected = kernel
      .execute({ cmd: 'transfer', from: 'a', to: 'b', amount: 9 }, { actor })
      .catch(() => (answered = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect([kernel.version, balance(kernel.state), seen, answered]).toEqual([0, 0, [], false]);
    log.release();
    await Promise.all([done, rejected]);
    expect([kernel.version, balance(kernel.state), seen]).toEqual([1, 1, [1]]);
    expect(await next).toMatchObject([{ type: 'event', prev: 0, event: { version: 1 } }]);
  });

  it('that arrive together share a batch; what arrives during an append shares the next', async () => {
    const { kernel, log, deposit } = await openLedger();
    log.hold();
    const first = [deposit(), deposit(), deposit()];
    await new Promise((resolve) => setImmediate(resolve));
    expect(log.batches.map(({ events }) => events.length)).toEqual([3]);
    const second = [deposit(), deposit()];
    await new Promise((resolve) => setImmediate(resolve));
    const third = [deposit(), deposit(), deposit(), deposit()];
    await new Promise((resolve) => setImmediate(resolve));
    expect(log.batches.map(({ events }) => events.length)).toEqual([3]);
    log.release();
    expect(await Promise.all([...first, ...second, ...third])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(log.batches.map(({ events }) => events.length)).toEqual([3, 6]);
    expect(kernel.counters).toMatchObject({ commands: 9, batches: 2, pending: 0 });
  });

  it('start their append in the turn in which they come', async () => {
    const { log, deposit } = await openLedger();
    const done = deposit();
    await Promise.resolve();
    expect(log.batches.length).toBe(1);
    await done;
  });

  it('beyond the queue are busy', async () => {
    const { kernel, log, deposit } = await openLedger({ queue_commands: 2 });
    log.hold();
    const outcomes = Promise.allSettled([deposit(), deposit(), deposit()]);
    log.release();
    expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(kernel.counters.refused_busy).toBe(1);
  });

  it('[K12] with an expected_version are refused if what they are about changed since, or never was so far', async () => {
    const { kernel } = await openLedger();
    const deposit = (account: string) => ({ cmd: 'deposit', account, amount: 1 }) as const;
    for (const account of ['a', 'b', 'b']) await kernel.execute(deposit(account), { actor });
    const refused = { code: 'conflict', field: 'expected_version' };
    for (const [account, expected_version, changed_at] of [
      ['b', 2, 3],
      ['a', 0, 1],
      ['a', 4, 1],
    ] as const) {
      await expect(kernel.execute(deposit(account), { actor, expected_version })).rejects.toMatchObject({
        ...refused,
        details: { version: 3, changed_at },
      });
    }
    expect(await kernel.execute(deposit('a'), { actor, expected_version: 1 })).toMatchObject({ version: 4 });
    expect(await kernel.execute(deposit('b'), { actor, expected_version: 4 })).toMatchObject({ version: 5 });
  });

  it('[K12] about nothing with a version of its own expect the current one', async () => {
    const { kernel, deposit } = await openLedger();
    await deposit();
    await deposit();
    const command = { cmd: 'transfer', from: 'a', to: 'b', amount: 1 } as const;
    for (const expected_version of [1, 3]) {
      await expect(kernel.execute(command, { actor, expected_version })).rejects.toMatchObject({
        code: 'conflict',
        field: 'expected_version',
        details: { version: 2 },
      });
    }
    expect(await kernel.execute(command, { actor, expected_version: 2 })).toMatchObject({ version: 4 });
  });

  it.each(['decide', 'promise', 'evolve'] as const)(
    'whose domain breaks in %s are internal errors and leave no trace',
    async (how) => {
      const { kernel, deposit } = await openLedger();
      const outcomes = await Promise.allSettled([
        deposit(),
        kernel.execute({ cmd: 'break', how }, { actor }),
        deposit(),
      ]);
      expect(outcomes[1]).toMatchObject({ status: 'rejected', reason: { code: 'internal' } });
      expect([outcomes[0], outcomes[2]]).toEqual([
        { status: 'fulfilled', value: 1 },
        { status: 'fulfilled', value: 2 },
      ]);
      expect([...kernel.state.balances]).toEqual([['a', 2]]);
      expect(kernel.storage.state).toBe('ok');
    },
  );
});

describe('A failed append', () => {
  it('[K8] drops its batch and what was decided on it, keeps the kernel readable, and the next command tries again', async () => {
    const { kernel, log, deposit } = await openLedger();
    await deposit(10);
    log.hold();
    log.verdicts.push('fail');
    const first = deposit(1);
    await new Promise((resolve) => setImmediate(resolve));
    const onTop = kernel.execute({ cmd: 'transfer', from: 'a', to: 'b', amount: 11 }, { actor });
    const outcomes = Promise.allSettled([first, onTop]);
    await new Promise((resolve) => setImmediate(resolve));
    log.release();
    for (const outcome of await outcomes)
      expect(outcome).toMatchObject({ reason: { code: 'storage_full', retryable: true } });
    expect([kernel.version, balance(kernel.state)]).toEqual([1, 10]);
    expect(kernel.storage).toMatchObject({ state: 'failing', error: { code: 'storage_full' } });
    expect(await deposit(5)).toBe(2);
    expect(kernel.storage.state).toBe('ok');
    expect(balance(kernel.state)).toBe(15);
  });

  it('that took effect nevertheless is published, and its key answers', async () => {
    const { kernel, log, ids, deposit } = await openLedger();
    const subscription = kernel.subscribe({});
    const key = ids.ulid();
    log.verdicts.push('write_and_fail');
    await expect(deposit(3, key)).rejects.toMatchObject({ code: 'storage_full' });
    expect([kernel.version, balance(kernel.state)]).toEqual([1, 3]);
    expect(await subscription.next(5)).toMatchObject([{ event: { version: 1 }, prev: 0 }]);
    expect(await deposit(3, key)).toBe(1);
    expect(await deposit(4)).toBe(2);
    expect(balance(kernel.state)).toBe(7);
  });

  it('whose log cannot be read again is tried again by the next command', async () => {
    const { kernel, log, fatal, deposit } = await openLedger();
    await deposit();
    log.verdicts.push('fail');
    log.failReopen = new HoldfastError('storage_error', 'the disk is away');
    await expect(deposit()).rejects.toMatchObject({ code: 'storage_error' });
    await expect(deposit()).rejects.toMatchObject({ code: 'storage_error' });
    expect([kernel.version, kernel.storage.state, fatal]).toEqual([1, 'failing', []]);
    log.failReopen = null;
    expect(await deposit()).toBe(2);
  });

  it('whose log is damaged ends the kernel', async () => {
    const { kernel, log, fatal, deposit } = await openLedger();
    await deposit();
    log.verdicts.push('fail');
    log.failReopen = new HoldfastError('storage_error', 'damaged', { details: { corrupt: true } });
    await expect(deposit()).rejects.toMatchObject({ code: 'storage_error' });
    expect(fatal.length).toBe(1);
    log.failReopen = null;
    await expect(deposit()).rejects.toMatchObject({ details: { corrupt: true } });
    expect(kernel.version).toBe(1);
  });
});

describe('Idempotency', () => {
  it('[K4] acts once per key, also while the first is under way, and across restarts', async () => {
    const opened = await openLedger();
    const { kernel, log, ids } = opened;
    const key = ids.ulid();
    const send = (kernelNow = kernel) =>
      kernelNow.execute({ cmd: 'deposit', account: 'a', amount: 1 }, { actor, idempotency_key: key });
    log.hold();
    const both = Promise.all([send(), send()]);
    await new Promise((resolve) => setImmediate(resolve));
    log.release();
    const [first, second] = await both;
    const third = await send();
    const restarted = await opened.restart();
    const fourth = await send(restarted.kernel);
    for (const repeat of [second, third, fourth]) expect(repeat).toEqual({ ...first, replayed: true });
    expect(first?.replayed).toBe(false);
    expect([kernel.version, restarted.kernel.version]).toEqual([1, 1]);
  });

  it('finds results that have left the memory, and asks the log for no new key', async () => {
    const { kernel, log, clock, ids, deposit } = await openLedger({ recent_results: 2 });
    const keys: string[] = [];
    for (let index = 0; index < 6; index++) {
      clock.advance(1);
      keys.push(ids.ulid());
      await deposit(1, keys[index]);
    }
    expect(log.results).toBe(0);
    for (const key of keys) await deposit(1, key);
    expect(kernel.version).toBe(6);
    expect(log.results).toBe(4);
  });

  it('keeps the order of commands while a key is looked up', async () => {
    const opened = await openLedger();
    const key = opened.ids.ulid();
    await opened.deposit(1, opened.ids.ulid());
    const { kernel } = await opened.restart();
    const options = { actor, idempotency_key: key };
    const versions = await Promise.all([
      kernel.execute({ cmd: 'deposit', account: 'a', amount: 1 }, options),
      kernel.execute({ cmd: 'deposit', account: 'a', amount: 2 }, { actor }),
    ]);
    expect(versions.map(({ version }) => version)).toEqual([2, 3]);
  });

  it('does not keep rejections: the retry is decided anew', async () => {
    const { kernel, ids, deposit } = await openLedger();
    const options = { actor, idempotency_key: ids.ulid() };
    const transfer = { cmd: 'transfer', from: 'a', to: 'b', amount: 5 } as const;
    await expect(kernel.execute(transfer, options)).rejects.toMatchObject({ code: 'conflict' });
    await deposit(5);
    expect(await kernel.execute(transfer, options)).toMatchObject({ version: 3, replayed: false });
  });

  it('[K5] refuses another body, whatever the order of its keys, in flight, in memory and in the log', async () => {
    const opened = await openLedger();
    const key = opened.ids.ulid();
    const reused = { code: 'key_reused', field: 'idempotency_key' };
    const first = opened.deposit(1, key);
    await expect(opened.deposit(2, key)).rejects.toMatchObject(reused);
    await first;
    await expect(opened.deposit(2, key)).rejects.toMatchObject(reused);
    const restarted = await opened.restart();
    await expect(restarted.deposit(2, key)).rejects.toMatchObject(reused);
    const shuffled = { amount: 1, account: 'a', cmd: 'deposit' } as const;
    expect(await restarted.kernel.execute(shuffled, { actor, idempotency_key: key })).toMatchObject({
      version: 1,
      replayed: true,
    });
  });

  it('[K5] refuses keys that are no ULID, too old or from the future', async () => {
    const clock = new VirtualClock();
    const { deposit } = await openLedger({}, undefined, clock);
    const keyAt = (offset: number): string => createIds(new VirtualClock(clock.now() + offset)).ulid();
    await expect(deposit(1, 'key')).rejects.toMatchObject({ code: 'invalid_argument', field: 'idempotency_key' });
    await expect(deposit(1, keyAt(-limits.IDEMPOTENCY_RETENTION_MS - 1))).rejects.toMatchObject({
      code: 'key_expired',
    });
    await expect(deposit(1, keyAt(limits.IDEMPOTENCY_SKEW_MS + 1))).rejects.toMatchObject({ code: 'key_expired' });
    expect(await deposit(1, keyAt(-limits.IDEMPOTENCY_RETENTION_MS))).toBe(1);
    expect(await deposit(1, keyAt(limits.IDEMPOTENCY_SKEW_MS))).toBe(2);
  });
});

describe('Restarts', () => {
  it('continue the versions in a new epoch', async () => {
    const opened = await openLedger();
    await opened.deposit(2);
    const { kernel, deposit } = await opened.restart();
    expect(kernel.epochs.map(({ first_version }) => first_version)).toEqual([1, 2]);
    expect(kernel.epochs.map(({ id }) => id)).toEqual([opened.kernel.epoch, kernel.epoch]);
    expect(await deposit()).toBe(2);
    expect(balance(kernel.state)).toBe(3);
  });

  it('[K7] accept a cursor of any epoch within its range, and no other', async () => {
    const opened = await openLedger();
    await opened.deposit();
    await opened.deposit();
    const { kernel } = await opened.restart();
    const subscribe = (since: number, epoch?: string): void =>
      kernel.subscribe({ since, ...(epoch === undefined ? {} : { epoch }) }).close();
    expect(() => subscribe(2, opened.kernel.epoch)).not.toThrow();
    expect(() => subscribe(2, kernel.epoch)).not.toThrow();
    expect(() => subscribe(0)).not.toThrow();
    expect(() => subscribe(3, opened.kernel.epoch)).toThrow(expect.objectContaining({ code: 'epoch_unknown' }));
    expect(() => subscribe(0, 'other')).toThrow(expect.objectContaining({ code: 'epoch_unknown' }));
    expect(() => subscribe(3)).toThrow(expect.objectContaining({ code: 'offset_ahead' }));
    expect(() => subscribe(-1)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });

  it('[K3] replay a snapshot and the events after it to the same state; close leaves one', async () => {
    const opened = await openLedger({ snapshot_events: 3, events_kept_count: 2 });
    for (let index = 1; index <= 10; index++) await opened.deposit(index);
    await opened.kernel.close();
    expect(opened.warnings).toEqual([]);
    expect((await opened.log.open()).snapshot?.version).toBe(10);
    expect(opened.kernel.firstVersion).toBe(9);
    const { kernel } = await opened.restart();
    expect([kernel.version, balance(kernel.state), kernel.firstVersion]).toEqual([10, 55, 9]);
  });

  it('go on when a snapshot fails, and try again only after as many events', async () => {
    const { log, warnings, deposit } = await openLedger({ snapshot_events: 5 });
    let attempts = 0;
    log.saveSnapshot = () => Promise.reject(new HoldfastError('storage_full', `attempt ${++attempts}`));
    for (let index = 0; index < 14; index++) await deposit();
    expect([attempts, warnings.map(({ code }) => code)]).toEqual([2, ['storage_full', 'storage_full']]);
  });

  it('save a snapshot after few events with large records, whoever wrote them', async () => {
    const opened = await openLedger({ snapshot_bytes: 1_000 });
    const saved: number[] = [];
    const count = (version: number) => Promise.resolve(void saved.push(version));
    opened.log.saveSnapshot = count;
    let written = 0;
    while (written < 2_500) {
      await opened.deposit();
      written = opened.log.batches.reduce((sum, batch) => sum + JSON.stringify(batch).length, 0);
    }
    expect(saved.length).toBe(2);
    await opened.kernel.close();
    saved.length = 0;
    // None was kept, so a start has it all to replay: its first commit is enough.
    const next = await opened.restart({ snapshot_bytes: 1_000 });
    next.log.saveSnapshot = count;
    await next.deposit();
    expect(saved.length).toBe(1);
  });

  it('drop events by age', async () => {
    const opened = await openLedger({ events_kept_ms: 1_000 });
    for (let index = 0; index < 20; index++) {
      await opened.deposit();
      opened.clock.advance(100);
    }
    await opened.kernel.close();
    expect((await opened.log.open()).first_version).toBe(11);
  });

  it('refuse commands and end subscriptions once closed', async () => {
    const { kernel, log, deposit } = await openLedger();
    const waiting = kernel.subscribe({}).next(1);
    log.hold();
    const last = deposit();
    const closed = kernel.close();
    log.release();
    expect(await last).toBe(1);
    await closed;
    expect(await waiting).toMatchObject([{ event: { version: 1 } }]);
    await expect(deposit()).rejects.toMatchObject({ code: 'unreachable' });
    expect(await kernel.subscribe({}).next(1)).toBeNull();
  });
});
