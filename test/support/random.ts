/** Randomness of a test: its seed is printed with the test's output and HOLDFAST_TEST_SEED repeats it. */

/** An integer from 0 to `below` − 1. */
export type Random = (below: number) => number;

/** mulberry32: small, fast and repeatable. */
export function seededRandom(what: string): Random {
  const given = process.env['HOLDFAST_TEST_SEED'];
  const seed = given === undefined ? Date.now() % 2 ** 32 : Number(given);
  console.log(`${what}: HOLDFAST_TEST_SEED=${seed}`);
  return randomFrom(seed);
}

/** The same seed, the same numbers. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** For a `CuttingProxy` a test writes its input through: readers are cut, a connection that only writes is not. */
export function sparing(random: Random): Random {
  return (below) => WRITE_BYTES + random(below);
}

/** More than a session sends to a connection that takes the lease, writes a line and gives it back. */
const WRITE_BYTES = 8192;
