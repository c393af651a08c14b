import { describe, expect, it } from 'vitest';
import { BUILT_IN_PROFILES } from '../../src/agents/index.ts';
import type { AgentProfile } from '../../src/protocol/agent/index.ts';
import { type RecordedScreen, recordedScreens, replay } from '../support/recorded-screens.ts';

const corpus = recordedScreens();
const profileOf = (name: string) => BUILT_IN_PROFILES.find((profile) => profile.name === name)!;
const isRest = (activity: string) => activity === 'idle' || activity === 'done';

/** A recording is bytes: that the process ended is known from the process. */
const isOver = (recorded: RecordedScreen) => recorded.expected.activity === 'dead';

/**
 * Without a report of the program nobody can see on a screen whether a turn was done before it came to rest, nor, under
 * a draft, whether it is at rest.
 */
function allowed(recorded: RecordedScreen): string[] {
  const { activity } = recorded.expected;
  if (recorded.bytes.includes('\x1b]7501;state=') || !isRest(activity)) return [activity];
  return /draft|interrupted-early/.test(recorded.phase) ? [activity, 'idle', 'unknown'] : [activity, 'idle'];
}

describe('the corpus of recorded screens', () => {
  it('has recordings of the profiles that say so', () => {
    expect(new Set(corpus.map((recorded) => recorded.cli))).toContain('claude');
  });

  it.each(corpus.filter((recorded) => !isOver(recorded)))('$name: $expected', async (recorded) => {
    const { explanation, screen } = await replay(recorded, profileOf(recorded.cli));
    const { activity, attention } = explanation.status;
    const said = `${screen}\n${JSON.stringify(explanation, null, 1)}`;
    expect(attention, said).toBe(recorded.expected.attention);
    expect(allowed(recorded), said).toContain(activity);
  });

  it.each(corpus.filter(isOver))('$name: nothing of a program that ended counts', async (recorded) => {
    const { explanation, screen } = await replay(recorded, profileOf(recorded.cli));
    expect(explanation.status, screen).toMatchObject({ activity: 'unknown', attention: 'none' });
  });

  it.each(corpus)('$name: never idle by the screen alone when it is not', async (recorded) => {
    const profile: AgentProfile = { ...profileOf(recorded.cli), program_status: false, titles: [], progress: false };
    const { explanation, screen } = await replay(recorded, profile);
    const { activity } = explanation.status;
    if (!isRest(recorded.expected.activity)) expect(isRest(activity), `${activity}\n${screen}`).toBe(false);
  });

  it.each(corpus)('$name: unknown to the profiles of other programs', async (recorded) => {
    for (const profile of BUILT_IN_PROFILES) {
      if (profile.name === recorded.cli || profile.name === 'generic' || profile.name === 'shell') continue;
      const { explanation, screen } = await replay(recorded, { ...profile, program_status: false, titles: [] });
      expect(explanation.status, `${profile.name}\n${screen}`).toMatchObject({
        activity: 'unknown',
        attention: 'none',
      });
    }
  });
});
