import fc from 'fast-check';
import { expect, it } from 'vitest';
import { digest } from './digest.ts';
import { ledger, type LedgerCommand } from './fixtures/ledger.ts';
import { actor, openLedger } from './fixtures/open-ledger.ts';
import { GatedLog, type Verdict } from './fixtures/gated-log.ts';

const account = fc.constantFrom('a', 'b', 'c');
const amount = fc.integer({ min: 1, max: 20 });
const command: fc.Arbitrary<LedgerCommand> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ cmd: fc.constant('deposit' as const), account, amount }) },
  { weight: 5, arbitrary: fc.record({ cmd: fc.constant('transfer' as const), from: account, to: account, amount }) },
  { weight: 1, arbitrary: fc.constant<LedgerCommand>({ cmd: 'nothing' }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<LedgerCommand>({ cmd: 'break', how: 'decide' }, { cmd: 'break', how: 'evolve' }),
  },
);
const verdict = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Verdict>('write') },
  { weight: 1, arbitrary: fc.constantFrom<Verdict>('fail', 'write_and_fail') },
);

/** What a caller who believes only acknowledgements knows. */
class Model {
  readonly balances = new Map<string, number>();
  apply(sent: LedgerCommand): void {
    if (sent.cmd === 'deposit') this.#add(sent.account, sent.amount);
    if (sent.cmd === 'transfer') {
      this.#add(sent.from, -sent.amount);
      this.#add(sent.to, sent.amount);
    }
  }
  #add(name: string, change: number): void {
    this.balances.set(name, (this.balances.get(name) ?? 0) + change);
  }
}

it('[K2] [K3] any history, with failures: versions are contiguous, retries by key end exactly once, and replay gives the same state', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(command, { minLength: 1, maxLength: 6 }), { maxLength: 12 }),
      fc.array(verdict, { maxLength: 12 }),
      fc.integer({ min: 1, max: 20 }),
      async (rounds, verdicts, snapshotEvents) => {
        const log = new GatedLog();
        log.verdicts.push(...verdicts);
        const opened = await openLedger({ snapshot_events: snapshotEvents, window_events: 4 }, log);
        const seen: number[] = [];
        opened.kernel.onCommitted((events) => seen.push(...events.map(({ version }) => version)));
        const model = new Model();
        for (const round of rounds) {
          await Promise.all(
            round.map(async (sent) => {
              const idempotency_key = opened.ids.ulid();
              for (let attempt = 0; attempt < 20; attempt++) {
                const outcome = await opened.kernel
                  .execute(sent, { actor, idempotency_key })
                  .catch((error: { code: string }) => error.code);
                if (typeof outcome !== 'string') model.apply(sent);
                if (outcome !== 'storage_full') return;
              }
              throw new Error('never written');
            }),
          );
        }
        const { kernel } = opened;
        const nonZero = (balances: Map<string, number>) => [...balances].filter(([, value]) => value !== 0).sort();
        expect(nonZero(kernel.state.balances)).toEqual(nonZero(model.balances));
        // A write that was reported failed is published by the recovery, not by a reaction of its own; still in order.
        expect(seen).toEqual(Array.from({ length: kernel.version }, (_, index) => index + 1));
        const restarted = await opened.restart();
        expect(digest(ledger.serialise(restarted.kernel.state))).toBe(digest(ledger.serialise(kernel.state)));
        expect(restarted.kernel.version).toBe(kernel.version);
      },
    ),
    { numRuns: 150 },
  );
});

it('[K3] a snapshot at any version and the events after it give the state of the end', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(account, amount), { minLength: 1, maxLength: 30 }),
      fc.nat(),
      async (deposits, cut) => {
        const opened = await openLedger({ snapshot_events: 1_000 });
        const at = cut % deposits.length;
        for (const [index, [name, sum]] of deposits.entries()) {
          if (index === at) await opened.log.saveSnapshot(opened.kernel.version, ledger.serialise(opened.kernel.state));
          await opened.kernel.execute({ cmd: 'deposit', account: name, amount: sum }, { actor });
        }
        const { kernel } = await opened.restart();
        expect(digest(ledger.serialise(kernel.state))).toBe(digest(ledger.serialise(opened.kernel.state)));
      },
    ),
    { numRuns: 50 },
  );
});
