/** Codex on the real product: what is said of it is true, and what is sent to it arrives. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codex } from './cli/codex.ts';
import { ProductBench } from './product/bench.ts';
import { type CliTraits, failing, life, stops } from './product/flows.ts';

const traits: CliTraits = {
  trust: /Trust and continue/u,
  // Its first screen has a composer before it knows its model.
  composer: /Ask Codex to do anything\n[^]*← for agents/u,
  exitCode: 0,
};
let bench: ProductBench;

beforeAll(async () => {
  bench = await ProductBench.start(codex);
});
afterAll(async () => {
  await bench.close();
});

describe.concurrent(`Codex ${codex.version}`, { timeout: 120_000 }, () => {
  it('[A] lives: trust, message, permission, exit, resume', () => life(bench, traits));
  it('[A] stops: a refusal, an interrupt, an interrupt in silence', () => stops(bench, traits));
  it('[A] says a quota', () => failing(bench, traits, { kind: 'quota', phase: 'quota', reason: 'quota' }));
  it('[A] says a missing login', () => failing(bench, traits, { kind: 'auth', phase: 'auth', reason: 'auth' }));
  it('[A] says a full context', () =>
    failing(bench, traits, { kind: 'context_length', phase: 'exhausted', reason: 'context_exhausted' }));
});

describe('all of it', () => {
  it('[A] is right within a second, and never falsely free', () => {
    const { table, wrong } = bench.verdict();
    console.log(`codex ${codex.version}\n${table}`);
    expect(wrong).toEqual([]);
  });
});
