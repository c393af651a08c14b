import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ShimBench } from '../testing.ts';
import { ScriptedSession } from '../../../test/support/scripted-session.ts';

let bench: ShimBench;
beforeEach(() => {
  bench = new ShimBench();
});
afterEach(() => bench.close());

describe('a message', () => {
  it('is typed, taken and answered', async () => {
    const session = await ScriptedSession.start(bench, {});
    await session.ready();
    const id = await session.send('what is it?');
    expect(await session.outcome(id)).toMatchObject({ event: 'Completion', response: '● answer to what is it?' });
    expect(session.truth('submitted')).toHaveLength(1);
  });
});
