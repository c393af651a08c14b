/** Every way in which a command that is well-formed is refused: its code, the field it names, and nothing changed. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Message, WireClient } from './client.ts';
import { REFUSALS } from './refusals.ts';
import { Scene } from './scene.ts';
import { OurSuite, stateOf } from './suite.ts';

const ours = OurSuite.use();

const ROWS = Object.entries(REFUSALS).flatMap(([cmd, refusals]) =>
  refusals.map((refusal) => [cmd, ...refusal] as const),
);
let scene: Scene;

// One for all: what is refused changes nothing.
beforeAll(async () => {
  scene = await Scene.set(await ours.client());
});

/** All but who is connected. */
async function factsOf(client: WireClient): Promise<Message> {
  const { state, ...facts } = await stateOf(client);
  return { ...facts, state: { ...(state as Message), connections: null } };
}

describe('one by one: error', () => {
  it.each(ROWS)('[W2] [Y4] `%s` %s: `%s`, naming `%s`', async (cmd, _what, code, field, fields) => {
    const client = await ours.client();
    const before = await factsOf(client);
    const error = await client.fails({ cmd, ...fields(scene) });
    expect([error.code, error.field]).toEqual([code, field]);
    expect(error.message.length).toBeGreaterThan(10);
    expect(await factsOf(client)).toEqual(before);
  });
});
