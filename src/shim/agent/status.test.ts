/** What a session tells of its agent: status, events, reports, explanations, and who may ask. */
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AGENT_TOKEN, ScriptedSession } from '../../../test/support/scripted-session.ts';
import { scriptedProfile } from '../../../test/support/scripted-profile.ts';
import type { AgentReport, OutcomeLine } from '../../protocol/agent/index.ts';
import { type EventOf, ShimBench, type ShimClient, specFor, TOKEN } from '../testing.ts';

let bench: ShimBench;
beforeEach(() => {
  bench = new ShimBench();
});
afterEach(() => bench.close());

const report = (number: number, name: string, payload: Record<string, unknown> = {}): AgentReport => ({
  name,
  payload,
  at: Date.now(),
  report_id: `01JCFVQ5T8${String(number).padStart(16, '0')}`,
});

async function asAgent(session: ScriptedSession, token = AGENT_TOKEN): Promise<ShimClient> {
  const client = await bench.connect(session.spec);
  client.send({ cmd: 'Hello', protocol: [1, 1], client_id: 'hook', token, role: 'agent' });
  return client;
}

const states = (client: ShimClient) =>
  client.events.filter((event): event is EventOf<'StateChanged'> => event.event === 'StateChanged').map(({ to }) => to);

describe('the status of an agent', () => {
  it('[G12] [G13] goes from starting to idle, working and idle, and Ready comes once', async () => {
    const session = await ScriptedSession.start(
      bench,
      { ready_ms: 200, says: ['screen'], turns: [{ work_ms: 600 }] },
      { launch: { cli_version: '1.2.3' } },
    );
    await session.ready();
    await session.outcome(await session.send('work'));
    expect(states(session.client)).toEqual(['idle', 'working', 'idle']);
    expect(session.client.events.filter(({ event }) => event === 'Ready')).toHaveLength(1);
    const { explanation } = await session.client.askFor({ cmd: 'Explain' }, 'Explained');
    expect(explanation).toMatchObject({
      status: { activity: 'idle', attention: 'none', source: 'screen', rule: 'prompt' },
      profile: { name: 'scripted', revision: 1, cli: '1.2.3' },
    });
    expect(explanation.evidence.find(({ rule }) => rule === 'prompt')).toMatchObject({
      source: 'screen',
      decided: ['activity', 'attention'],
    });
    expect(explanation.rules.find(({ id }) => id === 'working')).toMatchObject({ matched: false });
    expect(explanation.cost.evaluations).toBeGreaterThan(0);
  });

  it('[G12] of an idle agent says nothing of what a person types: 200 keys are no event', async () => {
    const session = await ScriptedSession.start(bench, { says: ['screen'] });
    await session.ready();
    const person = await bench.client(session.spec, 'person');
    const seen = session.client.events.length;
    for (let key = 0; key < 200; key++) {
      await person.ask({ cmd: 'WriteStdin', data: Buffer.from('abcdefg '[key % 8]!).toString('base64') });
    }
    const typed = await session.until('the draft', ({ waits_for }) => waits_for === 'draft');
    expect(typed.status).toMatchObject({ activity: 'idle', attention: 'none', rule: 'prompt', summary: '' });
    await person.ask({ cmd: 'WriteStdin', data: Buffer.from('\x15').toString('base64') });
    await session.ready();
    const told = session.client.events.slice(seen).map(({ event }) => event);
    expect(told.filter((event) => event === 'AgentChanged' || event === 'StateChanged')).toEqual([]);
    const { explanation } = await session.client.askFor({ cmd: 'Explain' }, 'Explained');
    expect(explanation.rules.find(({ id }) => id === 'prompt')).toMatchObject({ matched: true });
  });

  it('[G12] is unknown where no rule knows the screen, and a Warning says that it is not ready', async () => {
    const session = await ScriptedSession.start(
      bench,
      { says: [] },
      { profile: { rules: [] }, timings: { ready_ms: 400 } },
    );
    expect((await session.client.next('Warning')).message).toContain('400 ms');
    await session.until('unknown', ({ status, waits_for }) => status.activity === 'unknown' && waits_for === 'unknown');
    expect(session.client.has('Ready')).toBe(false);
    expect(await session.client.askFor({ cmd: 'GetState' }, 'State')).toMatchObject({ state: 'starting' });
  });

  it('[G12] follows another profile at once', async () => {
    const session = await ScriptedSession.start(bench, {}, { profile: { rules: [] } });
    await session.until('the screen to be read', ({ waits_for }) => waits_for !== 'starting' || true);
    await session.client.askFor(
      { cmd: 'SetProfile', profile: { ...scriptedProfile, revision: 2 } as unknown as Record<string, unknown> },
      'Done',
    );
    await session.ready();
    const other = { ...scriptedProfile, name: 'other' } as unknown as Record<string, unknown>;
    expect(await session.client.ask({ cmd: 'SetProfile', profile: other })).toMatchObject({
      code: 'conflict',
      field: 'profile.name',
    });
    const client = await bench.client(session.spec, 'person');
    expect(await client.ask({ cmd: 'SetProfile', profile: other })).toMatchObject({ code: 'forbidden' });
  });

  it('[G13] tells a death with its signal, once, and the last lines as they were drawn', async () => {
    const session = await ScriptedSession.start(bench, {});
    await session.ready();
    await session.client.askFor({ cmd: 'Signal', signal: 'SIGKILL' }, 'Done');
    expect(await session.client.next('Died')).toMatchObject({ exit_code: null, signal: 'SIGKILL' });
    await session.client.closed;
    expect(states(session.client).at(-1)).toBe('dead');
    expect(session.client.events.filter(({ event }) => event === 'Died')).toHaveLength(1);
  });

  it('[Q5] its query is answered once, with the terminator it came with', async () => {
    const session = await ScriptedSession.start(bench, { query: '\x1b]7501;?\x1b\\\x1b]7501;?\x07' });
    await session.ready();
    expect(session.truth('sequence').map(({ text }) => text)).toEqual(['\x1b]7501;?\x1b\\', '\x1b]7501;?\x07']);
  });

  it('[Q5] is answered by the shim beside a terminal that would, too', async () => {
    const directory = bench.sessionDirectory();
    const script = "stty raw -echo; printf 'go\\033]7501;?\\007'; dd bs=1 count=9 2>/dev/null | od -An -c; sleep 60";
    const { spec } = await bench.start(['sh', '-c', `sleep 0.3; ${script}`], { kind: 'pty', session_dir: directory });
    const client = await bench.client(spec);
    await client.askFor({ cmd: 'Attach', from: 'start', mode: 'drive', credit: 1e9, terminal: true }, 'Attached');
    await client.untilText('\\a');
    expect(client.text()).toMatch(/033 +\] +7 +5 +0 +1 +; +\? +\\a/);
  });

  it('hostile sequences in output change nothing and reach nobody', async () => {
    const session = await ScriptedSession.start(bench, {
      query: `\x1b]7501;state=nonsense:kind=permission:${'x'.repeat(200)}\x07\x1b]0;${'t'.repeat(5000)}\x07\x1b]7501;state=blocked:title=@@@\x07\x1bP${'q'.repeat(5000)}\x1b\\`,
    });
    await session.ready();
    expect((await session.client.askFor({ cmd: 'GetAgent' }, 'Agent')).status.tasks).toEqual([]);
  });
});

describe('reports', () => {
  it('[G11] come by the session’s token, each once, and say conversation, answer and tokens', async () => {
    const session = await ScriptedSession.start(bench, { says: ['screen'], turns: [{ work_ms: 1_500 }] });
    await session.ready();
    const transcript = join(session.spec.session_dir, 'conversation.jsonl');
    const usage = { input_tokens: 7, cache_creation_input_tokens: 5, cache_read_input_tokens: 3, output_tokens: 2 };
    writeFileSync(transcript, `{"cut\n${JSON.stringify({ message: { model: 'm', usage } })}\n{"other":"usage"}\n`);
    const id = await session.send('go');
    await session.client.next('MessageDelivered');
    const hook = await asAgent(session);
    await hook.next('Hello');
    await hook.askFor({ cmd: 'Report', report: report(1, 'TurnStarted', { conversation: 'c-1', transcript }) }, 'Done');
    const end = report(2, 'TurnEnded', { response: 'from the hook' });
    await hook.askFor({ cmd: 'Report', report: end }, 'Done');
    await hook.askFor({ cmd: 'Report', report: { ...end, payload: { response: 'again' } } }, 'Done');
    expect(await session.outcome(id)).toMatchObject({ response: 'from the hook' });
    expect(session.client.events).toContainEqual({
      event: 'ConversationChanged',
      conversation_id: 'c-1',
      transcript_path: transcript,
    });
    expect(await session.client.next('UsageChanged')).toMatchObject({
      usage: { ...usage, used_tokens: 17, context_limit_tokens: null, usage_pct: null, model: 'm' },
    });
    expect(await hook.askFor({ cmd: 'GetAgent' }, 'Agent')).toMatchObject({ conversation_id: 'c-1' });
  });

  it('[G11] tell tokens themselves where there is no file of them', async () => {
    const session = await ScriptedSession.start(bench, { says: ['screen'] });
    await session.ready();
    const usage = {
      input_tokens: 7,
      output_tokens: 2,
      used_tokens: 9,
      context_limit_tokens: 100,
      model: 'm',
      secret: 1,
    };
    await session.client.askFor({ cmd: 'Report', report: report(1, 'TurnEnded', { usage }) }, 'Done');
    const told = await session.client.next('UsageChanged');
    expect(told).toMatchObject({
      usage: { input_tokens: 7, used_tokens: 9, usage_pct: 9, reasoning_output_tokens: 0 },
    });
    expect(JSON.stringify(told)).not.toContain('secret');
  });

  it('[G11] with the session’s token a program may report and ask, and touch nothing', async () => {
    const session = await ScriptedSession.start(bench, {});
    await session.ready();
    const hook = await asAgent(session);
    await hook.next('Hello');
    for (const command of [
      { cmd: 'SendMessage', from: 'me', body: 'x' },
      { cmd: 'Kill' },
      { cmd: 'WriteStdin', data: 'eA==' },
      { cmd: 'Attach', from: 'start', mode: 'observe', credit: 1 },
      { cmd: 'AnswerRequest', request_id: 'r', choice: 'allow' },
      { cmd: 'CaptureScreen' },
      { cmd: 'Explain' },
    ] as const)
      expect(await hook.ask(command)).toMatchObject({ event: 'Error', code: 'forbidden' });
    expect(await hook.ask({ cmd: 'Ping' })).toMatchObject({ event: 'Pong' });
    hook.input(0, 1, 'x');
    await hook.closed;
    expect(hook.events.map(({ event }) => event)).not.toContain('AgentChanged');
    expect(session.truth('pasted')).toEqual([]);
    const forged = await asAgent(session, TOKEN);
    await forged.closed;
    expect(forged.events[0]).toMatchObject({ code: 'bad_token' });
    const plain = await bench.connect((await bench.start(['cat'])).spec);
    plain.send({ cmd: 'Hello', protocol: [1, 1], client_id: 'x', token: '', role: 'agent' });
    await plain.closed;
    expect(plain.events[0]).toMatchObject({ code: 'bad_token' });
  });

  it('[G11] that waited on disk are taken first, in their order, bad ones thrown away', async () => {
    const session = await ScriptedSession.start(bench, { says: [], turns: [{ quiet: true, never: true }] });
    await session.until('it to rest', ({ ready }) => ready);
    const queue = join(session.spec.session_dir, 'reports');
    mkdirSync(queue, { recursive: true });
    put(queue, report(3, 'TurnEnded', { response: 'x' }));
    put(queue, report(2, 'TurnStarted', { conversation: 'c-2' }));
    appear(queue, '01JCFVQ5T80000000000000001.json', '{"name":');
    writeFileSync(join(queue, 'note.txt'), 'mine');
    await session.client.askFor({ cmd: 'Report', report: report(4, 'TurnStarted') }, 'Done');
    await session.until(
      'the last of them',
      ({ status, conversation_id }) => status.activity === 'working' && conversation_id === 'c-2',
    );
    expect(readdirSync(queue)).toEqual(['note.txt']);
    expect(session.client.events.filter(({ event }) => event === 'Warning')).toHaveLength(1);
  });

  it('[G11] that come to the disk are taken although no other follows', async () => {
    const session = await ScriptedSession.start(bench, { says: [], turns: [{ quiet: true, never: true }] });
    await session.until('it to rest', ({ ready }) => ready);
    put(join(session.spec.session_dir, 'reports'), report(1, 'TurnStarted'));
    await session.until('it to work', ({ status }) => status.activity === 'working');
  });
});

function put(queue: string, entry: AgentReport): void {
  appear(queue, `${entry.report_id}.json`, JSON.stringify(entry));
}

/** Whole at once, as the hook command does it. */
function appear(queue: string, name: string, text: string): void {
  const temporary = join(queue, `.${name}`);
  writeFileSync(temporary, text);
  renameSync(temporary, join(queue, name));
}

describe('the start of an agent', () => {
  it('writes its files for nobody else, and tells the child how to speak to its session', async () => {
    const directory = bench.sessionDirectory();
    const { spec } = await bench.start(
      ['sh', '-c', 'env | grep ^HOLDFAST_ | sort; cat "$0/settings.json"; sleep 60', directory],
      {
        kind: 'pty',
        session_dir: directory,
        agent: {
          agent_id: 'a',
          profile: scriptedProfile,
          mode: 'pty',
          conversation_id: 'c',
          resumed: false,
          files: { 'settings.json': '{"hooks":1}' },
          token: AGENT_TOKEN,
          report: "node '/x y' report",
        },
      },
    );
    const client = await bench.client(spec);
    await client.askFor({ cmd: 'Attach', from: 'start', mode: 'observe', credit: 1e6 }, 'Attached');
    const text = await client.untilText('{"hooks":1}');
    expect(text.split('\r\n').filter((line) => line.startsWith('HOLDFAST_'))).toEqual([
      `HOLDFAST_HOME=${join(directory, '../..')}`,
      "HOLDFAST_REPORT=node '/x y' report",
      `HOLDFAST_SESSION=${spec.session_id}`,
      `HOLDFAST_TOKEN=${AGENT_TOKEN}`,
    ]);
    expect(statSync(join(directory, 'settings.json')).mode & 0o777).toBe(0o600);
    expect(await client.askFor({ cmd: 'GetAgent' }, 'Agent')).toMatchObject({ conversation_id: 'c', usage: null });
  });

  it('is refused with a file outside the session’s directory', async () => {
    const directory = bench.sessionDirectory();
    const agent = {
      agent_id: 'a',
      profile: scriptedProfile,
      mode: 'pty',
      conversation_id: null,
      resumed: false,
      files: { '../x': '' },
      token: AGENT_TOKEN,
      report: '',
    } as const;
    const launched = await bench.spare().launch(specFor(directory, ['cat'], { kind: 'pty', agent }));
    expect(launched).toMatchObject({
      report: 'start_failed',
      error: { code: 'invalid_argument', field: 'agent.files' },
    });
  });
});

describe('a shim that is killed', () => {
  it.each([
    ['shim.outcome.before@1', undefined],
    ['shim.outcome.after@1', 'taken'],
    ['shim.outcome.after@2', 'pasting'],
    ['shim.paste.after', 'pasting'],
    ['shim.outcome.after@3', 'submitting'],
    ['shim.submit.after', 'submitting'],
    ['shim.outcome.after@4', 'delivered'],
  ])('[G3] at %s leaves %s as the last word about the message', async (point, phase) => {
    const [name, hit] = point.split('@');
    const session = await ScriptedSession.start(
      bench,
      { says: ['psp'] },
      { spec: { fault_plan: `${name}=kill${hit === undefined ? '' : `@${hit}`}` } },
    );
    await session.ready();
    session.client.send({ cmd: 'SendMessage', from: '', body: 'x', message_id: 'm' });
    await session.shim.gone;
    const file = readFileSync(join(session.spec.session_dir, 'outcomes'), 'utf8');
    const lines = file
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as OutcomeLine);
    expect(lines.at(-1)?.phase).toBe(phase);
    if (phase === undefined || phase === 'taken') expect(session.truth('pasted')).toEqual([]);
    if (phase === undefined || phase === 'taken' || phase === 'pasting') expect(session.truth('submitted')).toEqual([]);
  });
});
