/** Messages at a real terminal, to an agent that behaves, and to one that does not. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AgentScript, scriptedProfile } from '../../../../test/support/scripted-profile.ts';
import { type ScriptedOptions, ScriptedSession } from '../../../../test/support/scripted-session.ts';
import { ShimBench } from '../../testing.ts';

let bench: ShimBench;
beforeEach(() => {
  bench = new ShimBench();
});
afterEach(() => bench.close());

async function ready(script: AgentScript, options?: ScriptedOptions): Promise<ScriptedSession> {
  const session = await ScriptedSession.start(bench, script, options);
  await session.ready();
  return session;
}

const busy = (waitsFor: string) => ({
  event: 'Error',
  code: 'busy',
  reason: 'agent busy',
  details: { waits_for: waitsFor },
});

describe('a message', () => {
  it.each<[string, AgentScript]>([
    ['only the screen tells', { says: ['screen'], turns: [{ work_ms: 400 }] }],
    ['titles tell', { says: ['title'], turns: [{ work_ms: 100 }] }],
    ['OSC 7501 tells, faster than any look', { says: ['psp'], turns: [{ work_ms: 0 }] }],
    ['nothing tells but the conversation', { says: [], turns: [{ work_ms: 0, quiet: true }] }],
    ['the echo is slow', { echo_ms: 600, says: ['screen'] }],
    ['the screen is another one', { screen: 'alternate', says: ['title', 'screen'] }],
  ])('[G6] is typed once, delivered and answered where %s', async (_what, script) => {
    const session = await ready(script);
    const id = await session.send('what is it?');
    expect(await session.outcome(id)).toMatchObject({
      event: 'Completion',
      message_id: id,
      response: 'answer to what is it?',
    });
    expect(session.client.events.filter(({ event }) => event === 'MessageDelivered')).toEqual([
      { event: 'MessageDelivered', id },
    ]);
    expect(session.truth('submitted').map(({ text }) => text)).toEqual(['what is it?']);
  });

  it('[G6] carries its sender, many lines and any characters', async () => {
    const session = await ready({ says: ['psp'] });
    const body = 'first\n  second: "quoted" $HOME `x` \\n\nüñí 漢字 🦊\nlast';
    await session.client.askFor({ cmd: 'SendMessage', from: 'amy', body, message_id: 'm' }, 'Done');
    expect(await session.outcome('m')).toMatchObject({ event: 'Completion', response: 'answer to last' });
    expect(session.truth('submitted')[0]?.text).toBe(`[message from amy]\n${body}`);
  });

  it('[G6] that is shown as a mark counts as echoed', async () => {
    const session = await ready({ collapse_bytes: 200 });
    const body = Array.from({ length: 60 }, (_, index) => `line ${index} of a long message`).join('\n');
    const id = await session.send(body);
    expect(await session.outcome(id)).toMatchObject({ event: 'Completion' });
    expect(session.truth('submitted')[0]?.text).toBe(body);
  });

  it('[G9] holds nothing that a terminal obeys', async () => {
    const session = await ready({ says: ['psp'] });
    const id = await session.send('a\x1b[201~\rb\x03\x04\x9bc\x7f\x00\td\r\ne');
    expect(await session.outcome(id)).toMatchObject({ event: 'Completion' });
    expect(session.truth('submitted').map(({ text }) => text)).toEqual(['a[201~\nbc\td\ne']);
    expect(session.truth('died')).toEqual([]);
  });

  it('[G2] is told again under the same id, and never typed twice', async () => {
    const session = await ready({ says: ['psp'], turns: [{ work_ms: 500 }] });
    const id = await session.send('once');
    await session.send('once', id);
    await session.outcome(id);
    const other = await bench.client(session.spec, 'other');
    other.send({ cmd: 'SendMessage', from: '', body: 'once', message_id: id, id: 1 });
    expect(await other.next('Completion')).toMatchObject({ message_id: id, response: 'answer to once' });
    expect(other.events.slice(1).map(({ event }) => event)).toEqual(['Done', 'MessageDelivered', 'Completion']);
    expect(session.truth('submitted')).toHaveLength(1);
  });

  it('[G2] of the same text as another one is another one, in order', async () => {
    const session = await ready({ says: ['psp'] });
    const outcomes = [];
    for (const id of ['a', 'b', 'c']) {
      await session.send('again', id);
      outcomes.push(await session.outcome(id));
      await session.ready();
    }
    expect(outcomes.map((outcome) => outcome.event)).toEqual(['Completion', 'Completion', 'Completion']);
    expect(session.truth('submitted').map(({ text }) => text)).toEqual(['again', 'again', 'again']);
  });

  it('over the limit is refused before anything is typed', async () => {
    const session = await ready({});
    const body = 'x'.repeat(256 * 1024 + 1);
    expect(await session.client.ask({ cmd: 'SendMessage', from: '', body })).toMatchObject({
      code: 'too_large',
      field: 'body',
    });
    expect(session.truth('pasted')).toEqual([]);
  });
});

describe('an agent that cannot take a message', () => {
  const trying = { cmd: 'SendMessage', from: '', body: 'now', message_id: 'x' } as const;

  it('[G1] is busy while it starts, works or asks, and says so', async () => {
    const session = await ScriptedSession.start(bench, {
      ready_ms: 600,
      says: ['screen'],
      turns: [{ work_ms: 700, permission: 'May I?' }],
    });
    expect(await session.client.ask(trying)).toMatchObject(busy('starting'));
    await session.ready();
    const id = await session.send('work');
    expect(await session.client.ask(trying)).toMatchObject(busy('message'));
    await session.until('its question', ({ requests }) => requests.length === 1);
    expect(await session.client.ask(trying)).toMatchObject(busy('message'));
    await session.client.askFor({ cmd: 'CancelMessage', message_id: id }, 'Done');
    await session.outcome(id);
    expect(session.truth('pasted').map(({ text }) => text)).toEqual(['work']);
  });

  it('[G1] works for a person', async () => {
    const session = await ready({ says: ['screen'], turns: [{ work_ms: 3_000 }] });
    session.client.input(0, 1, 'mine\r');
    await session.until('it to work', ({ status }) => status.activity === 'working');
    expect(await session.client.ask(trying)).toMatchObject(busy('busy'));
  });

  it('[G8] has a draft of a person, whose keys come first', async () => {
    const session = await ready({});
    session.client.input(0, 1, 'half a thou');
    expect(await session.client.ask(trying)).toMatchObject(busy('draft'));
    await session.client.until('the keys to show', () =>
      session.client.text().includes('half a thou') ? true : undefined,
    );
    expect(await session.client.ask(trying)).toMatchObject(busy('draft'));
    session.client.input(0, 2, '\x15');
    await session.ready();
    expect(await session.outcome(await session.send('now'))).toMatchObject({ event: 'Completion' });
  });

  it('[G8] had keys typed that its box shows to be gone', async () => {
    const session = await ready({}, { timings: { echo_ms: 300 } });
    session.client.input(0, 1, 'ab\x7f\x7f');
    expect(await session.client.ask(trying)).toMatchObject(busy('draft'));
    await session.ready();
  });

  it('[G8] gets no key of a person between a paste and its submit', async () => {
    const session = await ready({ echo_ms: 500, turns: [{ work_ms: 300 }] });
    const id = await session.send('the message');
    await session.client
      .until('the paste', () => (session.truth('pasted').length > 0 ? true : undefined))
      .catch(() => {});
    session.client.input(0, 1, 'mine');
    await session.outcome(id);
    expect(session.truth('submitted').map(({ text }) => text)).toEqual(['the message']);
    await session.until('the draft to be seen', ({ waits_for }) => waits_for === 'draft');
    await session.client.until('the keys behind it', () =>
      session.client.text().includes('> mine') ? true : undefined,
    );
  });
});

describe('an agent that does not hear', () => {
  it('[G5] gets the submit again while the text stands in its box', async () => {
    const session = await ready({ swallow_enter: 2, says: ['psp'] }, { timings: { start_ms: 600 } });
    const id = await session.send('hear me');
    expect(await session.outcome(id)).toMatchObject({ event: 'Completion' });
    expect(session.truth('swallowed')).toHaveLength(2);
    expect(session.truth('submitted')).toHaveLength(1);
  });

  it('[G5] [G6] any submit leaves the message indeterminate, and its box free for the next one', async () => {
    const session = await ready({ swallow_enter: 4, says: ['psp'] }, { timings: { start_ms: 400 } });
    const id = await session.send('hear me');
    expect(await session.outcome(id)).toMatchObject({ outcome: 'indeterminate', reason: 'not_started' });
    expect(session.truth('swallowed')).toHaveLength(4);
    await session.ready();
    expect(await session.outcome(await session.send('next'))).toMatchObject({ event: 'Completion' });
    expect(session.truth('submitted').map(({ text }) => text)).toEqual(['next']);
  });

  it('[G4] its paste in time gets its box emptied, and nothing submitted', async () => {
    const session = await ready({ echo_ms: 500 }, { timings: { echo_ms: 200 } });
    const id = await session.send('too slow');
    expect(await session.outcome(id)).toMatchObject({ event: 'DeliveryFailed', reason: 'no_echo' });
    expect(session.truth('submitted')).toEqual([]);
  });
});

describe('an agent that dies', () => {
  it('with the message fails it', async () => {
    const session = await ready({ says: ['psp'], turns: [{ work_ms: 60_000 }] });
    const id = await session.send('work');
    await session.client.next('MessageDelivered');
    await session.client.askFor({ cmd: 'Signal', signal: 'SIGKILL' }, 'Done');
    expect(await session.outcome(id)).toMatchObject({ outcome: 'failed', reason: 'agent_died' });
  });

  it('[G6] at the submit leaves open whether it had it', async () => {
    const session = await ready({ turns: [{ die: 3 }] });
    const id = await session.send('die');
    expect(await session.outcome(id)).toMatchObject({ outcome: 'indeterminate', reason: 'agent_died' });
    expect(await session.client.next('Died')).toMatchObject({ exit_code: 3, signal: null });
  });
});

describe('a turn', () => {
  it('[G7] that is cancelled is stopped, and what it says later is nobody’s', async () => {
    const session = await ready({
      says: ['psp'],
      turns: [{ work_ms: 60_000, late_ms: 100 }, { work_ms: 500 }],
    });
    const first = await session.send('one');
    await session.client.next('MessageDelivered');
    await session.client.askFor({ cmd: 'CancelMessage', message_id: first }, 'Done');
    expect(await session.outcome(first)).toMatchObject({ outcome: 'cancelled', reason: 'cancelled' });
    await session.ready();
    const second = await session.send('two');
    expect(await session.outcome(second)).toMatchObject({ event: 'Completion', response: 'answer to two' });
    expect(session.truth('interrupted').map(({ text }) => text)).toEqual(['one']);
    expect(await session.client.ask({ cmd: 'CancelMessage', message_id: first })).toMatchObject({ code: 'conflict' });
    expect(await session.client.ask({ cmd: 'CancelMessage', message_id: 'none' })).toMatchObject({ code: 'not_found' });
  });

  it('[G7] that goes on after the interrupt keeps the next message waiting until it is over', async () => {
    const session = await ready(
      { says: ['screen'], turns: [{ work_ms: 1_500, ignore_interrupt: true }, {}] },
      { timings: { interrupt_ms: 300 } },
    );
    const first = await session.send('one');
    await session.client.next('MessageDelivered');
    await session.client.askFor({ cmd: 'Interrupt' }, 'Done');
    expect(await session.outcome(first)).toMatchObject({ outcome: 'cancelled', reason: 'interrupted' });
    expect(await session.client.ask({ cmd: 'SendMessage', from: '', body: 'two', message_id: 'two' })).toMatchObject(
      busy('busy'),
    );
    await session.ready();
    await session.send('two', 'two');
    expect(await session.outcome('two')).toMatchObject({ response: 'answer to two' });
    expect(session.truth('submitted').map(({ text }) => text)).toEqual(['one', 'two']);
  });

  it('[G7] that is cancelled before its submit leaves an empty box', async () => {
    const session = await ready({ echo_ms: 800 });
    const id = await session.send('never mind');
    await session.client.askFor({ cmd: 'CancelMessage', message_id: id }, 'Done');
    expect(await session.outcome(id)).toMatchObject({ event: 'DeliveryFailed' });
    expect(session.truth('submitted')).toEqual([]);
    await session.ready();
  });

  it('[G7] is not ended by the hook of the turn before', async () => {
    const session = await ready({ says: ['screen'], turns: [{ work_ms: 60_000 }, { work_ms: 1_000 }] });
    let reports = 0;
    const report = (name: string, payload: Record<string, unknown>) =>
      session.client.askFor(
        {
          cmd: 'Report',
          report: { name, payload, at: Date.now(), report_id: `01JCFVQ5T8000000000000000${reports++}` },
        },
        'Done',
      );
    const first = await session.send('one');
    await report('TurnStarted', {});
    await session.client.next('MessageDelivered');
    await session.client.askFor({ cmd: 'Interrupt' }, 'Done');
    await session.outcome(first);
    await session.ready();
    const second = await session.send('two');
    await session.client.next('MessageDelivered');
    await report('TurnEnded', { response: 'of the first' });
    await report('TurnStarted', {});
    await report('TurnEnded', { response: 'of the second' });
    expect(await session.outcome(second)).toMatchObject({ event: 'Completion', response: 'of the second' });
  });

  it('[G7] whose start hooks would tell is not over before they did, however quiet it is', async () => {
    const hooks = { ...scriptedProfile.hooks, plugin: 'reports' };
    const script: AgentScript = {
      says: [],
      frame_ms: 60_000,
      turns: [{ work_ms: 1_200, quiet: true, answer: 'Four.' }],
    };
    const session = await ready(script, { profile: { hooks } });
    const id = await session.send('two and two');
    expect(await session.outcome(id)).toMatchObject({ event: 'Completion', response: 'Four.' });
  });

  it('[G7] that a person stops is cancelled, as a hook tells it', async () => {
    const session = await ready({ says: ['screen'], turns: [{ work_ms: 60_000 }] });
    const id = await session.send('one');
    await session.client.next('MessageDelivered');
    const report = { name: 'TurnStopped', payload: {}, at: Date.now(), report_id: '01JCFVQ5T80000000000000000' };
    await session.client.askFor({ cmd: 'Report', report }, 'Done');
    expect(await session.outcome(id)).toMatchObject({ outcome: 'cancelled', reason: 'interrupted' });
  });

  it('[G7] that a person stops is cancelled, as its last line tells it', async () => {
    const session = await ready({
      says: ['screen'],
      turns: [{ work_ms: 300, answer: 'Partly.\nStopped by a person.' }],
    });
    const id = await session.send('one');
    expect(await session.outcome(id)).toMatchObject({ outcome: 'cancelled', reason: 'interrupted' });
  });

  it('that ends in a full context fails its message', async () => {
    const session = await ready({ turns: [{ error: 'Context limit reached' }] });
    const id = await session.send('much');
    expect(await session.outcome(id)).toMatchObject({ outcome: 'failed', reason: 'context_exhausted' });
    expect(session.client.events.filter(({ event }) => event === 'ContextExhausted')).toHaveLength(1);
    expect(await session.client.askFor({ cmd: 'GetState' }, 'State')).toMatchObject({ state: 'context_exhausted' });
  });

  it('cuts a long answer at its beginning, and says so', async () => {
    const session = await ready({ says: ['screen'], turns: [{ work_ms: 300 }] });
    const id = await session.send('long');
    await session.client.next('MessageDelivered');
    const response = `begin${'ü'.repeat(40_000)}end`;
    const report = {
      name: 'TurnEnded',
      payload: { response },
      at: Date.now(),
      report_id: '01JCFVQ5T80000000000000000',
    };
    await session.client.askFor({ cmd: 'Report', report }, 'Done');
    const done = await session.outcome(id);
    expect(done).toMatchObject({ event: 'Completion', truncated: true });
    expect(done.event === 'Completion' && Buffer.byteLength(done.response)).toBeLessThanOrEqual(64 * 1024);
    expect(done.event === 'Completion' && done.response).toMatch(/^ü+end$/);
  });
});
