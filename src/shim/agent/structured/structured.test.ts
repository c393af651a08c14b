/** Both speakers against scripted programs on real pipes, well-behaved and otherwise. */
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Driven, type DrivenOptions } from './testing.ts';

const started: Driven[] = [];

async function start(mode: DrivenOptions['mode'], args: string[] = [], more: Partial<DrivenOptions> = {}) {
  const program = mode === 'acp' ? 'acp-agent.mjs' : 'stream-json-agent.mjs';
  const argv = [process.execPath, join(import.meta.dirname, 'fixtures', program), ...args];
  const driven = await Driven.start({ mode, argv, ...more });
  started.push(driven);
  return driven;
}

async function ready(mode: DrivenOptions['mode'], args: string[] = [], more: Partial<DrivenOptions> = {}) {
  const driven = await start(mode, args, more);
  await driven.ready();
  return driven;
}

afterEach(async () => {
  for (const driven of started.splice(0)) await driven.stop();
});

describe.each(['acp', 'stream_json'] as const)('%s', (mode) => {
  test('answers messages in turn, equal ones too', async () => {
    const agent = await ready(mode);
    expect(agent.driver.status).toMatchObject({ activity: 'idle', attention: 'none', source: 'protocol' });
    expect(await agent.exchange('say hello')).toMatchObject({ phase: 'answered', response: 'hello' });
    expect(agent.driver.status).toMatchObject({ activity: 'done', attention: 'none' });
    expect(await agent.exchange('say hello')).toMatchObject({ message: 'm2', phase: 'answered', response: 'hello' });
    expect(agent.phases('m1')).toEqual(['submitting', 'delivered', 'answered']);
    expect(agent.phases('m2')).toEqual(['submitting', 'delivered', 'answered']);
    expect(agent.statuses).not.toContain('unknown none');
    expect(agent.statuses.slice(-5)).toEqual(['idle none', 'working none', 'done none', 'working none', 'done none']);
  });

  test('names the sender, and takes nothing that a terminal would obey', async () => {
    const agent = await ready(mode);
    agent.driver.deliver({ message_id: 'x', from: '', body: 'say \u001b[31mred\u0007' });
    expect(await agent.outcome('x')).toMatchObject({ response: '[31mred' });
    const [user] = agent.entriesOf('message');
    expect(user).toMatchObject({ role: 'user', message_id: 'x', text: 'say [31mred' });
  });

  test('refuses a second message while one is under way, and nothing of it is written', async () => {
    const agent = await ready(mode);
    const first = agent.send('wait');
    await agent.phase(first, 'delivered');
    expect(() => agent.send('say two')).toThrowError(
      expect.objectContaining({ code: 'busy', details: { waits_for: 'working' } }),
    );
    expect(agent.told.filter(({ message }) => message === 'm2')).toEqual([]);
    await agent.driver.interrupt();
    expect(await agent.outcome(first)).toMatchObject({ phase: 'cancelled', reason: 'interrupted' });
  });

  test('puts a permission to a person and passes the choice on', async () => {
    const agent = await ready(mode);
    const message = agent.send('work');
    const request = await agent.request();
    expect(request).toMatchObject({ kind: 'permission', text: expect.stringContaining('ls') });
    expect(request.choices.map(({ meaning }) => meaning)).toEqual(['allow', 'allow_always', 'deny']);
    expect(agent.driver.status).toMatchObject({ activity: 'working', attention: 'permission' });
    expect(agent.driver.readiness).toEqual({ ready: false, waits_for: 'permission' });
    await expect(agent.driver.answer('other', 'allow', undefined)).rejects.toMatchObject({ code: 'not_found' });
    await expect(agent.driver.answer(request.request_id, 'maybe', undefined)).rejects.toMatchObject({
      code: 'invalid_argument',
      field: 'choice',
    });
    await agent.driver.answer(request.request_id, 'allow_always', undefined);
    await expect(agent.driver.answer(request.request_id, 'deny', undefined)).rejects.toMatchObject({
      code: 'not_found',
    });
    const { response } = await agent.outcome(message);
    expect(response).toContain(mode === 'acp' ? 'ever-17' : '"updatedPermissions":[{"type":"addRules"}]');
    expect(agent.events.filter(({ event }) => event === 'Requested' || event === 'RequestClosed')).toEqual([
      { event: 'Requested', request },
      { event: 'RequestClosed', request_id: request.request_id, how: 'answered' },
    ]);
    expect(agent.driver.requests).toEqual([]);
  });

  test('keeps a typed transcript in order, in memory and on disk', async () => {
    const agent = await ready(mode);
    const message = agent.send('work');
    await agent.driver.answer((await agent.request()).request_id, 'allow', undefined);
    await agent.outcome(message);
    const { entries } = agent;
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index));
    expect(new Set(entries.map(({ turn }) => turn)).size).toBe(1);
    expect(entries[0]).toMatchObject({ entry: 'turn', state: 'started' });
    expect(entries.at(-1)).toMatchObject({ entry: 'turn', state: 'ended', reason: 'answered' });
    expect(agent.entriesOf('tool').at(-1)).toMatchObject({ status: 'completed', output: 'a b c' });
    expect(agent.entriesOf('tool')[0]).toMatchObject({ input: expect.stringContaining('ls') });
    expect(agent.entriesOf('message').map(({ role }) => role)).toContain('thought');
    expect(agent.entriesOf('request')).toMatchObject([{ by: 'person' }]);
    const told = agent.events.filter(({ event }) => event === 'TranscriptAdded');
    expect(told).toHaveLength(entries.length);
    expect(agent.driver.transcript(2, 2)).toEqual({ entries: entries.slice(2, 4), next: 4 });
    if (mode === 'acp') {
      expect(agent.entriesOf('plan')[0]?.items).toEqual([
        { text: 'look', status: 'completed' },
        { text: 'act', status: 'pending' },
      ]);
      expect(agent.driver.usage).toMatchObject({ used_tokens: 6000, context_limit_tokens: 10_000, usage_pct: 60 });
    } else {
      // Of the last request (100 + 50 + 10 and 40), not what the result sums up.
      expect(agent.driver.usage).toMatchObject({
        used_tokens: 160,
        context_limit_tokens: 1000,
        usage_pct: 16,
        model: 'm-1',
      });
    }
    expect(agent.entriesOf('usage')).toMatchObject([{ usage: agent.driver.usage }]);
  });

  test('an interrupt withdraws what is asked and cancels the message', async () => {
    const agent = await ready(mode);
    const message = agent.send('work');
    const { request_id } = await agent.request();
    const answered = agent.events.length;
    await agent.driver.interrupt();
    expect(agent.driver.requests).toEqual([]);
    expect(agent.events.slice(answered)).toContainEqual({ event: 'RequestClosed', request_id, how: 'withdrawn' });
    if (mode === 'stream_json') return;
    expect(await agent.outcome(message)).toMatchObject({ phase: 'cancelled', reason: 'interrupted' });
    expect(agent.driver.status).toMatchObject({ activity: 'idle', attention: 'none' });
  });

  test('a late answer of a cancelled turn is nobody’s', async () => {
    const agent = await ready(mode);
    const message = agent.send('late');
    await agent.phase(message, 'delivered');
    agent.driver.cancel('another');
    agent.driver.cancel(message);
    expect(await agent.outcome(message)).toEqual({ message, phase: 'cancelled', reason: 'cancelled' });
    expect(agent.driver.status).toMatchObject({ activity: 'idle', attention: 'none' });
    expect(await agent.exchange('say next')).toMatchObject({ phase: 'answered', response: 'next' });
    expect(agent.told.filter(({ phase }) => phase === 'answered')).toHaveLength(1);
  });

  test('a message is given up in time though the agent goes on, which stays busy until it ends', async () => {
    const agent = await ready(mode, [], { timings: { interrupt_ms: 150, start_ms: 2_000 } });
    const message = agent.send(mode === 'acp' ? 'deaf' : 'withdraw');
    await agent.phase(message, 'delivered');
    await agent.driver.interrupt();
    expect(await agent.outcome(message)).toMatchObject({ phase: 'cancelled', reason: 'interrupted' });
    expect(agent.driver.readiness).toEqual({ ready: false, waits_for: 'interrupting' });
    expect(agent.driver.status.activity).toBe('working');
  });

  test('a death in mid-turn fails the message; nothing is taken afterwards', async () => {
    const agent = await ready(mode);
    expect(await agent.exchange('die')).toMatchObject({ phase: 'failed', reason: 'agent_died' });
    expect(agent.phases('m1')).toEqual(['submitting', 'delivered', 'failed']);
    expect(agent.driver.status).toMatchObject({ activity: 'dead', source: 'process' });
    expect(agent.driver.readiness).toEqual({ ready: false, waits_for: 'dead' });
    expect(() => agent.send('say more')).toThrowError(expect.objectContaining({ code: 'busy' }));
    expect(agent.entriesOf('message').at(-1)).toMatchObject({ role: 'agent', text: 'I die' });
  });

  test('lines that are broken, unknown or far too long do no harm', async () => {
    const agent = await ready(mode);
    expect(await agent.exchange('noise')).toMatchObject({ phase: 'answered', response: 'after the noise' });
    const notes = agent.entriesOf('note').map(({ text }) => text);
    expect(notes).toContainEqual(expect.stringContaining('a line of a log'));
    expect(notes).toContainEqual(expect.stringContaining('of_the_future'));
    expect(notes).toContainEqual(expect.stringMatching(/a line of more than \d+ bytes was dropped/));
    expect(await agent.exchange('say still here')).toMatchObject({ response: 'still here' });
    expect(agent.warnings).toEqual([]);
  });

  test('nobody else writes into the protocol', async () => {
    const agent = await ready(mode);
    expect(() => agent.driver.typed(Buffer.from('x'))).toThrowError(expect.objectContaining({ code: 'not_driver' }));
  });

  test('explains its status', async () => {
    const agent = await ready(mode);
    const explanation = await agent.driver.explain();
    expect(explanation.evidence).toMatchObject([{ source: 'protocol', decided: ['activity', 'attention'] }]);
    expect(explanation.profile.cli).toBe(mode === 'acp' ? '1.2.3' : '9.9.9');
  });

  test('a program that never greets stays starting and takes nothing', async () => {
    const agent = await Driven.start({ mode, argv: [process.execPath, '-e', 'process.stdin.resume()'] });
    started.push(agent);
    expect(agent.driver.readiness).toEqual({ ready: false, waits_for: 'starting' });
    expect(agent.driver.status.activity).toBe('starting');
    expect(() => agent.send('say hello')).toThrowError(expect.objectContaining({ code: 'busy' }));
  });

  test('a program that closes its input and lives gets no message', async () => {
    const script = "require('fs').closeSync(0); setInterval(() => {}, 1e6)";
    const agent = await Driven.start({ mode, argv: [process.execPath, '-e', script] });
    started.push(agent);
    await agent.driver.interrupt();
    expect(agent.driver.readiness.ready).toBe(false);
  });
});

describe('acp', () => {
  test('a prompt that the agent reads without a word counts as delivered, one that it does not as unknown', async () => {
    const polite = await ready('acp');
    const message = polite.send('silent');
    await polite.phase(message, 'delivered');
    const rude = await ready('acp', ['rude'], { timings: { start_ms: 1_500 } });
    expect(await rude.exchange('silent')).toMatchObject({ phase: 'indeterminate', reason: 'not_started' });
    expect(rude.driver.readiness).toEqual({ ready: false, waits_for: 'working' });
  });

  test('requests with text as their ids are answered', async () => {
    const agent = await ready('acp', ['text-ids']);
    const message = agent.send('work');
    await agent.driver.answer((await agent.request()).request_id, 'yes-17', undefined);
    expect(await agent.outcome(message)).toMatchObject({ response: 'You said yes-17.' });
  });

  test('a denial passes on the option of that meaning', async () => {
    const agent = await ready('acp');
    const message = agent.send('work');
    await agent.driver.answer((await agent.request()).request_id, 'deny', undefined);
    expect(await agent.outcome(message)).toMatchObject({ response: 'You said no-17.' });
  });

  test('files and terminals of the client are refused as unknown methods', async () => {
    const agent = await ready('acp');
    expect(await agent.exchange('files')).toMatchObject({ response: '-32601 -32601' });
  });

  test('answers with ids of their own are told apart, and the last one counts', async () => {
    const agent = await ready('acp');
    expect(await agent.exchange('twice')).toMatchObject({ phase: 'answered', response: 'The second.' });
    expect(agent.entriesOf('message').slice(1)).toMatchObject([{ text: 'The first.' }, { text: 'The second.' }]);
  });

  test.each([
    ['error 429 slow down', 'quota', 'quota'],
    ['error -32603 Quota exceeded for the day', 'quota', 'quota'],
    ['error -32000 log in', 'auth', 'auth'],
    ['error 400 the input token count exceeds the maximum', 'context_exhausted', 'exhausted'],
    ['error -32603 something else', 'agent_error', 'none'],
    ['stop refusal', 'refusal', 'none'],
    ['stop max_tokens', 'max_tokens', 'none'],
    ['stop of_the_future', 'agent_error', 'none'],
  ])('%s fails the message with %s and attention %s', async (body, reason, attention) => {
    const agent = await ready('acp');
    expect(await agent.exchange(body)).toMatchObject({ phase: 'failed', reason });
    expect(agent.driver.status).toMatchObject({ activity: 'error', attention });
    expect(agent.driver.readiness.ready).toBe(attention !== 'exhausted');
    if (attention === 'exhausted') return;
    expect(await agent.exchange('say fine again')).toMatchObject({ phase: 'answered' });
    expect(agent.driver.status).toMatchObject({ activity: 'done', attention: 'none' });
  });

  test('another version of the protocol is said and nothing is sent', async () => {
    const agent = await start('acp', ['version-2']);
    await agent.until('it is refused', () => agent.driver.readiness.waits_for === 'refused');
    expect(agent.driver.status).toMatchObject({ activity: 'error', summary: expect.stringContaining('version 2') });
  });

  test('a login is a request; its answer opens the conversation', async () => {
    const agent = await start('acp', ['login']);
    const request = await agent.request();
    expect(request).toMatchObject({ kind: 'auth', choices: [{ id: 'key', label: 'With a key', meaning: null }] });
    expect(agent.driver.status.attention).toBe('auth');
    expect(agent.driver.readiness).toEqual({ ready: false, waits_for: 'auth' });
    await agent.driver.answer(request.request_id, 'key', undefined);
    await agent.ready();
    expect(agent.driver.status).toMatchObject({ activity: 'idle', attention: 'none' });
  });

  test('resumes where it can, loads with the past as told, and never begins anew instead', async () => {
    const resumed = { conversation: 'old-1', resumed: true };
    const first = await ready('acp', ['resume', 'load'], resumed);
    expect(first.driver.conversationId).toBe('old-1');
    expect(first.entriesOf('message')).toEqual([]);
    const second = await ready('acp', ['load'], resumed);
    expect(second.driver.conversationId).toBe('old-1');
    await second.until('the past is told', () => second.entriesOf('message').length > 0);
    expect(second.entriesOf('message')).toMatchObject([
      { role: 'user', text: 'long ago', turn: null },
      { role: 'agent', text: 'I remember', turn: null },
    ]);
    const third = await start('acp', [], resumed);
    await third.until('it is refused', () => third.driver.readiness.waits_for === 'refused');
    expect(third.driver.status.summary).toContain('cannot resume');
  });

  test('a past that is still told after the load is not taken for an answer', async () => {
    const agent = await ready('acp', ['load', 'slow-load'], { conversation: 'session-1', resumed: true });
    expect(await agent.exchange('say now')).toMatchObject({ phase: 'answered', response: 'now' });
    expect(agent.entriesOf('message').map(({ text }) => text)).toEqual([
      'long ago',
      'I remember it all',
      'say now',
      'now',
    ]);
  });

  test('an answer written before the end counts though the exit is known first', async () => {
    const agent = await ready('acp');
    expect(await agent.exchange('last')).toMatchObject({ phase: 'answered', response: 'my last words' });
  });
});

describe('stream_json', () => {
  test('an older program without lifecycles is understood by its replay and result', async () => {
    const agent = await ready('stream_json', ['old']);
    expect(await agent.exchange('say hello')).toMatchObject({ phase: 'answered', response: 'hello' });
    expect(agent.phases('m1')).toEqual(['submitting', 'delivered', 'answered']);
  });

  test('a result of another turn is nobody’s', async () => {
    const agent = await ready('stream_json');
    expect(await agent.exchange('stray mine')).toMatchObject({ phase: 'answered', response: 'mine' });
  });

  test('several questions are asked one by one and answered at once', async () => {
    const agent = await ready('stream_json');
    const message = agent.send('question');
    await agent.until('both are open', () => agent.driver.requests.length === 2);
    expect(agent.driver.status.attention).toBe('question');
    const [first, second] = agent.driver.requests;
    await agent.driver.answer(second!.request_id, '1', undefined);
    await agent.driver.answer(first!.request_id, '2', undefined);
    expect(await agent.outcome(message)).toMatchObject({ response: '{"And then?":"Red","Which?":"Blue"}' });
  });

  test('a request that the agent takes back is withdrawn', async () => {
    const agent = await ready('stream_json');
    agent.send('withdraw');
    const withdrawn = { event: 'RequestClosed', request_id: 'r1', how: 'withdrawn' };
    await agent.until('it is withdrawn', () => agent.events.some(({ event }) => event === 'RequestClosed'));
    expect(agent.events).toContainEqual(withdrawn);
    expect(agent.driver.requests).toEqual([]);
  });

  test('a control request of an unknown kind gets an error, so that nobody waits', async () => {
    const agent = await ready('stream_json');
    expect(await agent.exchange('strange')).toMatchObject({ response: 'error' });
  });

  test('a denial says why', async () => {
    const agent = await ready('stream_json');
    const message = agent.send('work');
    await agent.driver.answer((await agent.request()).request_id, 'deny', 'not now');
    expect((await agent.outcome(message)).response).toContain('"behavior":"deny","message":"not now"');
  });

  test('work that nobody asked for keeps messages out until it ends', async () => {
    const agent = await ready('stream_json');
    await agent.exchange('background');
    await agent.until('it works by itself', () => agent.driver.readiness.waits_for === 'working');
    expect(agent.driver.status.activity).toBe('working');
    await agent.driver.interrupt();
    await agent.ready();
    expect(agent.told.filter(({ phase }) => phase === 'answered')).toHaveLength(1);
  });

  test.each([
    ['quota', 'quota', 'quota'],
    ['limit', 'quota', 'quota'],
    ['auth', 'auth', 'auth'],
    ['full', 'context_exhausted', 'exhausted'],
    ['broken', 'agent_error', 'none'],
  ])('API error %s fails the message with %s and attention %s', async (body, reason, attention) => {
    const agent = await ready('stream_json');
    expect(await agent.exchange(body)).toMatchObject({ phase: 'failed', reason });
    expect(agent.driver.status).toMatchObject({ activity: 'error', attention });
  });

  test('a message that is never begun is indeterminate', async () => {
    const agent = await ready('stream_json', [], { timings: { start_ms: 200 } });
    expect(await agent.exchange('ignored')).toMatchObject({ phase: 'indeterminate', reason: 'not_started' });
    expect(agent.phases('m1')).toEqual(['submitting', 'indeterminate']);
  });
});
