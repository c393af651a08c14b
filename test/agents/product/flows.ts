/** What every CLI goes through on the real product; truth is what the endpoint logged and which keys were pressed. */
import { expect } from 'vitest';
import type { ErrorKind, Turn } from '../endpoint/index.ts';
import type { AgentUnderTest } from './agent.ts';
import type { ProductBench } from './bench.ts';

/** What the flows need to know of a CLI beyond how it is run. */
export interface CliTraits {
  /** On the screen with the trust dialog, and when the composer is there. */
  trust: RegExp | null;
  composer: RegExp;
  /** Exit code of the program, ended by its keys. */
  exitCode: number;
}

const WORK_MS = 3_200;
const PROSE = 'The first line of the answer.\n\nA second paragraph, somewhat longer than the first.\n\nThe end.';

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
  const record = await agent.outcome(message);
  expect(record).toMatchObject({ state: 'answered', response: answer });
  expect(record.delivered_at).toBeLessThanOrEqual(answered.at);
  expect(requestsFor(agent, body)).toBe(1);
}

/** How often the model was asked for the first time what the message says. */
export function requestsFor(agent: AgentUnderTest, body: string): number {
  const turns = agent.endpoint.entries.filter((entry) => entry.what === 'request' && entry.prompt.includes(body));
  return turns.length;
}

/** Start, trust, a message, a permission, exit, resume. */
export async function life(bench: ProductBench, traits: CliTraits): Promise<void> {
  const agent = await bench.agent({ settled: 'onboarding' });
  if (traits.trust !== null) {
    const asked = await agent.display.shows(traits.trust);
    const request = await agent.request();
    expect(request).toMatchObject({ kind: 'trust' });
    await agent.holds('permission', asked);
    agent.command('approve');
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
  agent.command('approve');
  const again = await agent.entry('request', ({ turn }) => turn > asks.turn, from);
  const answered = await agent.entry('answered', ({ turn }) => turn > asks.turn, from);
  agent.phase('working', again.at, answered.at);
  await agent.holds('done', answered.at);
  const record = await agent.outcome(message);
  expect(record).toMatchObject({ state: 'answered' });
  expect(record.response).toContain('The file is made.');
}

async function resumed(agent: AgentUnderTest, traits: CliTraits): Promise<void> {
  const before = (await agent.record()).conversation_id;
  expect(before).not.toBeNull();
  await agent.resume();
  await agent.holds('ready', await agent.display.shows(traits.composer));
  const from = agent.endpoint.entries.length;
  await exchange(agent, 'What did I ask first?', 'How much is two and two.');
  const request = await agent.entry('request', () => true, from);
  expect(request.body).toContain('Four, and that is all.');
  expect((await agent.record()).conversation_id).toBe(before);
}

/** A refused permission, an interrupt of an answer, and one before there is anything to see. */
export async function stops(bench: ProductBench, traits: CliTraits): Promise<void> {
  const agent = await bench.agent();
  await agent.holds('ready', await agent.display.shows(traits.composer));
  await denied(agent);
  await exchange(agent, 'Go on after the refusal.', 'Gone on after it.');
  await interrupted(agent, 'Tell a long story.', [{ do: 'text', text: PROSE.repeat(20), over_ms: 60_000 }]);
  await exchange(agent, 'Go on after the story.', 'Gone on after the story.');
  await interrupted(agent, 'Think in silence.', [{ do: 'hold', gate: 'never' }]);
  await exchange(agent, 'Go on after the silence.', 'Gone on after the silence.');
  agent.judged();
}

export async function denied(agent: AgentUnderTest): Promise<void> {
  const from = agent.endpoint.entries.length;
  const message = await agent.send('Make another file.', [{ do: 'tool', ...agent.place.cli.tools.permission }]);
  const asks = await agent.entry('answered', () => true, from);
  await agent.request();
  await agent.holds('permission', asks.at);
  const at = agent.command('deny');
  await agent.holds('interrupted', at);
  // Its turn ended with the refusal; what that is worth differs, but it is over.
  expect(['answered', 'cancelled', 'failed']).toContain((await agent.outcome(message)).state);
}

async function interrupted(agent: AgentUnderTest, body: string, turn: Turn): Promise<void> {
  const from = agent.endpoint.entries.length;
  const message = await agent.send(body, turn);
  const request = await agent.entry('request', ({ prompt }) => prompt.includes(body), from);
  await agent.delivered(message);
  await agent.holds('working', request.at);
  const at = await agent.interrupt();
  await agent.entry('aborted', ({ turn: number }) => number === request.turn, from);
  await agent.holds('interrupted', at);
  expect(await agent.outcome(message)).toMatchObject({ state: 'cancelled', reason: 'interrupted' });
}

/** A turn that fails: what is needed is said, and later it goes on. */
export async function failing(
  bench: ProductBench,
  traits: CliTraits,
  { kind, phase, reason }: { kind: ErrorKind; phase: 'quota' | 'auth' | 'exhausted' | 'error'; reason: string },
): Promise<void> {
  const agent = await bench.agent();
  await agent.display.shows(traits.composer);
  const from = agent.endpoint.entries.length;
  const message = await agent.send(`Try ${kind}.`, [{ do: 'error', kind, times: 1_000 }]);
  expect(await agent.outcome(message)).toMatchObject({ state: 'failed', reason });
  const last = agent.endpoint.entries.slice(from).findLast((entry) => entry.what === 'failed')!;
  await agent.holds(phase, last.at);
  agent.endpoint.forget();
  if (kind !== 'context_length') await recovered(bench, agent);
  agent.judged();
}

/** A message sent meanwhile waits; it arrives when somebody says that it is worth a try. */
async function recovered(bench: ProductBench, agent: AgentUnderTest): Promise<void> {
  const { parked } = await agent.record();
  if (parked !== null) await bench.holdfast.agents.unpark(agent.id);
  await exchange(agent, 'Is it better now?', 'It is better.');
  expect(await agent.record()).toMatchObject({ parked: null, status: { attention: 'none' } });
}
