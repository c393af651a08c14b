/** Dialogs of a real program as requests, and their answers as its keys. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ScriptedSession } from '../../../../test/support/scripted-session.ts';
import { ShimBench } from '../../testing.ts';

let bench: ShimBench;
beforeEach(() => {
  bench = new ShimBench();
});
afterEach(() => bench.close());

const asking = (session: ScriptedSession) => session.until('a request', ({ requests }) => requests.length === 1);
const requested = (session: ScriptedSession) => session.client.events.filter(({ event }) => event === 'Requested');

describe('a dialog', () => {
  it('[G10] is one request with its choices, is answered by its key, and gone', async () => {
    const session = await ScriptedSession.start(bench, {
      says: ['screen'],
      turns: [{ permission: 'Run rm -r build?', work_ms: 300 }],
    });
    await session.ready();
    const id = await session.send('clean up');
    const { requests, status, waits_for } = await asking(session);
    expect(requests).toEqual([
      {
        request_id: expect.any(String) as string,
        kind: 'permission',
        text: 'Run rm -r build?',
        choices: [
          { id: 'allow', label: 'Yes', meaning: 'allow' },
          { id: 'allow_always', label: 'Yes, always', meaning: 'allow_always' },
          { id: 'deny', label: 'No, and say why', meaning: 'deny' },
        ],
        since: expect.any(Number) as number,
        source: 'screen',
      },
    ]);
    await session.until('its attention', (agent) => agent.status.attention === 'permission');
    expect(status.activity).not.toBe('idle');
    expect(waits_for).toBe('message');
    const [request] = requests;
    await session.client.askFor({ cmd: 'AnswerRequest', request_id: request!.request_id, choice: 'allow' }, 'Done');
    expect(session.client.events).toContainEqual({
      event: 'RequestClosed',
      request_id: request!.request_id,
      how: 'answered',
    });
    expect(await session.outcome(id)).toMatchObject({ event: 'Completion', response: 'answer to clean up' });
    expect(session.truth('chosen')).toMatchObject([{ key: '1', text: 'Run rm -r build?' }]);
    expect(requested(session)).toHaveLength(1);
    expect(
      await session.client.ask({ cmd: 'AnswerRequest', request_id: request!.request_id, choice: 'allow' }),
    ).toMatchObject({ event: 'Error', code: 'not_found', field: 'request_id' });
  });

  it('[G10] refuses a choice it does not have, and stays open', async () => {
    const session = await ScriptedSession.start(bench, { turns: [{ permission: 'May I?' }] });
    await session.ready();
    const id = await session.send('go');
    const request_id = (await asking(session)).requests[0]!.request_id;
    expect(await session.client.ask({ cmd: 'AnswerRequest', request_id, choice: 'maybe' })).toMatchObject({
      code: 'invalid_argument',
      field: 'choice',
      details: { choices: ['allow', 'allow_always', 'deny'] },
    });
    expect(session.truth('chosen')).toEqual([]);
    await session.client.askFor({ cmd: 'AnswerRequest', request_id, choice: 'deny' }, 'Done');
    expect(await session.outcome(id)).toMatchObject({ response: 'then not' });
  });

  it('[G10] that a person answers at the terminal is withdrawn', async () => {
    const session = await ScriptedSession.start(bench, { turns: [{ permission: 'May I?' }] });
    await session.ready();
    await session.send('go');
    const request_id = (await asking(session)).requests[0]!.request_id;
    session.client.input(0, 1, '1');
    expect(await session.client.next('RequestClosed')).toMatchObject({ request_id, how: 'withdrawn' });
    await session.ready();
  });

  it('[G10] before the agent is ready is one too', async () => {
    const session = await ScriptedSession.start(bench, { trust: 'Do you trust the files here?' });
    const { requests, ready, waits_for } = await asking(session);
    expect(requests[0]).toMatchObject({ kind: 'trust', text: 'Do you trust the files here?' });
    expect({ ready, waits_for }).toMatchObject({ ready: false });
    expect(session.client.has('Ready')).toBe(false);
    await session.client.askFor({ cmd: 'AnswerRequest', request_id: requests[0]!.request_id, choice: 'allow' }, 'Done');
    await session.ready();
    expect(session.client.has('Ready')).toBe(true);
  });

  it('[G10] that is interrupted goes with its turn', async () => {
    const session = await ScriptedSession.start(bench, { turns: [{ permission: 'May I?' }] });
    await session.ready();
    const id = await session.send('go');
    const request_id = (await asking(session)).requests[0]!.request_id;
    await session.client.askFor({ cmd: 'Interrupt' }, 'Done');
    expect(await session.outcome(id)).toMatchObject({ outcome: 'cancelled' });
    expect(await session.client.next('RequestClosed')).toMatchObject({ request_id, how: 'withdrawn' });
    await session.ready();
  });
});
