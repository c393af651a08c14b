/**
 * Messages to agents that are slow, deaf, silent, late and mortal, in every mixture: each ends in exactly one outcome,
 * and the agent's own account agrees with it. The seed is printed; HOLDFAST_TEST_SEED repeats it.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Random, randomFrom, seededRandom } from '../../../../test/support/random.ts';
import type { AgentScript, ScriptedTurn } from '../../../../test/support/scripted-profile.ts';
import { ScriptedSession } from '../../../../test/support/scripted-session.ts';
import { ShimBench } from '../../testing.ts';

const LONG = process.env['HOLDFAST_TEST_LONG'] === '1';
const AGENTS = LONG ? 60 : 6;
const MESSAGES = LONG ? 15 : 6;

let bench: ShimBench;
beforeEach(() => {
  bench = new ShimBench();
});
afterEach(() => bench.close());

function turnOf(below: Random): ScriptedTurn {
  const work_ms = [0, 30, 120, 400][below(4)]!;
  switch (below(10)) {
    case 0:
      return { work_ms, permission: 'May I run it?' };
    case 1:
      return { never: true, late_ms: below(300) };
    case 2:
      return { work_ms: 700, ignore_interrupt: true };
    case 3:
      return { work_ms, quiet: true };
    case 4:
      return { work_ms, lines: 60 };
    default:
      return { work_ms };
  }
}

function scriptOf(below: Random): AgentScript {
  const channels = [['screen'], ['screen', 'title'], ['screen', 'psp'], ['psp']] as const;
  return {
    says: [...channels[below(4)]!],
    echo_ms: [0, 0, 50, 250][below(4)]!,
    submit_ms: [0, 0, 100, 300][below(4)]!,
    swallow_enter: [0, 0, 1, 2][below(4)]!,
    collapse_bytes: below(2) === 0 ? 60 : 10_000,
    screen: below(2) === 0 ? 'inline' : 'alternate',
    turns: [...Array.from({ length: MESSAGES - 1 }, () => turnOf(below)), below(3) === 0 ? { die: below(2) } : {}],
  };
}

/** Sends one message, helps it along as a person would, and checks its outcome against what the agent says. */
async function exchange(session: ScriptedSession, body: string, below: Random): Promise<boolean> {
  await session.ready();
  const before = session.truth('submitted').length;
  const id = await session.send(body);
  let cancelled = false;
  const patience = setTimeout(() => {
    cancelled = true;
    session.client.send({ cmd: 'CancelMessage', message_id: id });
  }, 1_500 + below(500));
  const answering = setInterval(() => void allow(session), 200);
  const outcome = await session.outcome(id).finally(() => {
    clearTimeout(patience);
    clearInterval(answering);
  });
  const submitted = session.truth('submitted').slice(before);
  const note = `${JSON.stringify(outcome)} after ${JSON.stringify(session.truth().slice(-12))}`;
  expect(submitted.length, note).toBeLessThanOrEqual(1);
  if (submitted.length === 1) expect(submitted[0]!.text, note).toBe(body);
  if (outcome.event === 'Completion') {
    expect(submitted, note).toHaveLength(1);
    expect(session.truth('answered').at(-1)?.text, note).toBe(body);
    expect(outcome.response, note).toContain(`answer to ${body.split('\n').at(-1)}`);
    expect(outcome.response, note).not.toContain('late answer');
  } else if (outcome.outcome === 'refused') {
    expect(submitted, note).toEqual([]);
  } else if (outcome.outcome === 'cancelled') {
    expect(cancelled, note).toBe(true);
  } else {
    expect(['indeterminate', 'failed'], note).toContain(outcome.outcome);
    expect(session.truth('died').length > 0 || outcome.reason === 'not_started', note).toBe(true);
  }
  const closings = session.client.events.filter(
    (event) =>
      (event.event === 'Completion' && event.message_id === id) ||
      (event.event === 'DeliveryFailed' && event.id === id),
  );
  expect(closings, note).toHaveLength(1);
  return session.truth('died').length === 0;
}

async function allow(session: ScriptedSession): Promise<void> {
  const open = session.client.events.filter(
    (event) =>
      event.event === 'Requested' &&
      !session.client.events.some(
        (other) => other.event === 'RequestClosed' && other.request_id === event.request.request_id,
      ),
  );
  for (const event of open)
    if (event.event === 'Requested')
      session.client.send({ cmd: 'AnswerRequest', request_id: event.request.request_id, choice: 'allow' });
}

describe('messages to agents that misbehave', () => {
  it('[G2] [G6] [G7] end in one outcome each, which is the truth', {
    timeout: LONG ? 1_200_000 : 120_000,
  }, async () => {
    const seed = seededRandom('misbehaving agents')(2 ** 31);
    const outcomes = new Map<string, number>();
    await Promise.all(
      [0, 1].map(async (lane) => {
        for (let agent = lane; agent < AGENTS; agent += 2) {
          const below = randomFrom(seed + agent);
          const script = scriptOf(below);
          const session = await ScriptedSession.start(bench, script, { timings: { start_ms: 1_000, echo_ms: 600 } });
          for (let message = 0; message < MESSAGES; message++) {
            const body = below(3) === 0 ? `first line ${agent}\nthen\nlast ${agent}.${message}` : `say ${below(2)}`;
            if (!(await exchange(session, body, below))) break;
          }
          for (const event of session.client.events) {
            const name = event.event === 'DeliveryFailed' ? `${event.outcome} ${event.reason}` : event.event;
            if (event.event === 'DeliveryFailed' || event.event === 'Completion')
              outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
          }
          session.shim.kill();
        }
      }),
    );
    console.info(`outcomes: ${JSON.stringify(Object.fromEntries(outcomes))}`);
  });
});
