/** What every CLI goes through on the real product; truth is what the endpoint logged and which keys were pressed. */
import { expect } from 'vitest';
import type { ErrorKind, Turn } from '../endpoint/index.ts';
import { type AgentUnderTest, requestsFor } from './agent.ts';
import type { ProductBench } from './bench.ts';
import type { Flow } from './suite.ts';
import type { CliTraits } from './traits.ts';

const WORK_MS = 3_200;
export const PROSE = 'The first line of the answer.\n\nA second paragraph, somewhat longer than the first.\n\nThe end.';

/** A message that is answered after work of some length: working, then done. */
export async function exchange(agent: AgentUnderTest, body: string, answer: string): Promise<void> {
  const from = agent.endpoint.entries.length;
  const message = await agent.send(body, [
    { do: 'think', text: 'So. '.repeat(20), over_ms: 600 },
    { do: 'text', text: answer, over_ms: WORK_MS - 600 },
  ]);
  const request = await agent.entry('request', ({ prompt }) => prompt.includes(body), from);
  const answered = await agent.entry('answered', ({ turn }) => turn === request.turn, from);
  agent.phase('working', request.at, answered.at);
  await agent.holds('done', answered.at);
  const record = await agent.ends(message, 'answered');
  expect(record).toMatchObject({ response: answer });
  expect(record.delivered_at).toBeLessThanOrEqual(answered.at);
  expect(requestsFor(agent, body)).toBe(1);
}

/** Start, trust, a message, a permission, exit, resume. */
export async function life(bench: ProductBench, traits: CliTraits): Promise<void> {
  const agent = await bench.agent({ settled: 'onboarding' });
  if (traits.trust !== null) {
    const asked = await agent.display.shows(traits.trust);
    const request = await agent.request();
    expect(request).toMatchObject({ kind: 'trust' });
    await agent.holds('permission', asked);
    await agent.command('approve');
  }
  await agent.holds('ready', await agent.display.shows(traits.composer));
  await exchange(agent, 'How much is two and two?', `Four, and that is all.\n\n${PROSE}`);
  await permitted(agent);
  const gone = await agent.exit();
  await agent.holds('exited', gone);
  expect(await bench.holdfast.get(agent.session.id)).toMatchObject({ record: { exit: { code: traits.exitCode } } });
  await resumed(agent, traits);
  agent.judged();
}

/** It asks before it runs a command, and runs it when it may. */
export async function permitted(agent: AgentUnderTest): Promise<void> {
  const from = agent.endpoint.entries.length;
  const tool = agent.place.cli.tools.permission;
  const message = await agent.send(
    'Make the file.',
    [
      { do: 'text', text: 'I make it.', over_ms: WORK_MS },
      { do: 'tool', ...tool },
    ],
    [{ do: 'text', text: 'The file is made.', over_ms: WORK_MS }],
  );
  const asks = await agent.entry('answered', () => true, from);
  const first = agent.endpoint.entries.slice(from).find((entry) => entry.what === 'request')!;
  agent.phase('working', first.at, asks.at);
  const request = await agent.request();
  expect(request).toMatchObject({ kind: 'permission' });
  expect(request.text).toContain('approved.txt');
  expect(request.choices.map(({ meaning }) => meaning)).toEqual(expect.arrayContaining(['allow', 'deny']));
  await agent.holds('permission', asks.at);
  expect(await agent.delivered(message)).toBeLessThan(asks.at + 1_000);
  await agent.command('approve');
  const again = await agent.entry('request', ({ turn }) => turn > asks.turn, from);
  const answered = await agent.entry('answered', ({ turn }) => turn > asks.turn, from);
  agent.phase('working', again.at, answered.at);
  await agent.holds('done', answered.at);
  const record = await agent.ends(message, 'answered');
  expect(record.response).toContain('The file is made.');
}

async function resumed(agent: AgentUnderTest, traits: CliTraits): Promise<void> {
  const before = (await agent.record()).conversation_id;
  expect(before).not.toBeNull();
  await agent.resume();
  await agent.holds('ready', await agent.display.shows(traits.resumed ?? traits.composer));
  const from = agent.endpoint.entries.length;
  await exchange(agent, 'What did I ask first?', 'How much is two and two.');
  const request = await agent.entry('request', () => true, from);
  expect(request.body).toContain('Four, and that is all.');
  expect((await agent.record()).conversation_id).toBe(before);
}

/** What an agent does most of the time. */
export async function exchanges(bench: ProductBench, traits: CliTraits): Promise<void> {
  const agent = await bench.agent({ rows: 50, cols: 160 });
  await agent.holds('ready', await agent.display.shows(traits.composer));
  for (const name of ['one', 'two', 'three', 'four']) await exchange(agent, `Question ${name}.`, `Answer ${name}.`);
  agent.judged();
}

/** A refused permission, an interrupt of an answer, and one before there is anything to see. */
export async function stops(bench: ProductBench, traits: CliTraits): Promise<void> {
  const agent = await bench.agent();
  await agent.holds('ready', await agent.display.shows(traits.composer));
  await denied(agent);
  await exchange(agent, 'Go on after the refusal.', 'Gone on after it.');
  await interrupted(agent, 'Tell a long story.', [{ do: 'text', text: PROSE.repeat(20), over_ms: 60_000 }]);
  await exchange(agent, 'Go on after the story.', 'Gone on after the story.');
  const lines = 'Think in silence\nabout this\nand this\nand that\nand all of it.';
  await interrupted(agent, lines, [{ do: 'hold', gate: 'never' }]);
  await exchange(agent, 'Go on after the silence.', 'Gone on after the silence.');
  agent.judged();
}

export async function denied(agent: AgentUnderTest): Promise<void> {
  const from = agent.endpoint.entries.length;
  const message = await agent.send('Make another file.', [{ do: 'tool', ...agent.place.cli.tools.permission }]);
  const asks = await agent.entry('answered', () => true, from);
  await agent.request();
  await agent.holds('permission', asks.at);
  const at = await agent.command('deny');
  await agent.holds('interrupted', at);
  // Its turn ended with the refusal; what that is worth differs, but it is over.
  expect(['answered', 'cancelled', 'failed']).toContain((await agent.outcome(message)).state);
}

export async function interrupted(agent: AgentUnderTest, body: string, turn: Turn): Promise<void> {
  const from = agent.endpoint.entries.length;
  const message = await agent.send(body, turn);
  const request = await agent.entry('request', ({ prompt }) => prompt.includes(body), from);
  await agent.delivered(message);
  await agent.holds('working', request.at);
  const at = await agent.interrupt();
  await agent.entry('aborted', ({ turn: number }) => number === request.turn, from);
  await agent.holds('interrupted', at);
  expect(await agent.ends(message, 'cancelled')).toMatchObject({ reason: 'interrupted' });
}

export interface Failure {
  kind: ErrorKind;
  phase: 'quota' | 'auth' | 'exhausted' | 'error';
  /** Of the message. */
  reason: string;
}

/** A turn that fails: what is needed is said, and later it goes on. */
export function failing({ kind, phase, reason }: Failure): Flow {
  return async (bench, traits) => {
    const agent = await bench.agent();
    await agent.display.shows(traits.composer);
    const from = agent.endpoint.entries.length;
    const message = await agent.send(`Try ${kind}.`, [{ do: 'error', kind, times: 1_000 }]);
    expect(await agent.ends(message, 'failed')).toMatchObject({ reason });
    const last = agent.endpoint.entries.slice(from).findLast((entry) => entry.what === 'failed')!;
    await agent.holds(phase, last.at);
    agent.endpoint.forget();
    if (phase !== 'exhausted') await recovered(bench, agent);
    agent.judged();
  };
}

/** A message sent meanwhile waits; it arrives when somebody says that it is worth a try. */
async function recovered(bench: ProductBench, agent: AgentUnderTest): Promise<void> {
  const { parked } = await agent.record();
  if (parked !== null) await bench.holdfast.agents.unpark(agent.id);
  await exchange(agent, 'Is it better now?', 'It is better.');
  expect(await agent.record()).toMatchObject({ parked: null, status: { attention: 'none' } });
}
