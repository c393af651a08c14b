/** What profiles press is what the recorded programs were seen to take. */
import { describe, expect, it } from 'vitest';
import { BUILT_IN_PROFILES, formatMessage } from '../../src/agents/index.ts';
import { claude } from '../agents/cli/claude.ts';
import { codex } from '../agents/cli/codex.ts';
import { type RecordedScreen, recordedScreens, replay } from '../support/recorded-screens.ts';

const clis = [claude, codex];
const corpus = recordedScreens();
const profileOf = (name: string) => BUILT_IN_PROFILES.find((profile) => profile.name === name)!;

/** The keys of the recorder, which brought the program to its next screen. */
const recorded = clis.flatMap(({ name, keys }) => [
  ...corpus.filter((one) => one.cli === name && one.phase === 'trust').map((one) => ({ one, keys: keys.trust })),
  ...corpus.filter((one) => one.cli === name && one.phase === 'permission').map((one) => ({ one, keys: keys.approve })),
]);

async function allowing(one: RecordedScreen): Promise<string | undefined> {
  const { reading } = await replay(one, profileOf(one.cli));
  return reading.dialog?.choices.find(({ meaning }) => meaning === 'allow')?.keys;
}

describe('the keys that allow something', () => {
  it('are checked', () => {
    expect(new Set(recorded.map(({ one }) => `${one.cli} ${one.phase}`))).toEqual(
      new Set(clis.flatMap(({ name }) => [`${name} trust`, `${name} permission`])),
    );
  });

  it.each(recorded)('$one.name', async ({ one, keys }) => {
    expect(await allowing(one)).toBe(keys);
  });
});

describe('a text that a program would take for a command', () => {
  it.each(['/exit', ' /exit', '\n!ls', '!ls', '# remember', '@file', '& more'])(
    'is a message to Claude Code: %j',
    (body) => {
      const { input } = profileOf('claude');
      const text = formatMessage({ from: '', body }, input);
      expect(text.trimStart()).not.toMatch(/^[!/#@&]/);
      expect(text.endsWith(body)).toBe(true);
    },
  );
});

describe('the keys that empty the box', () => {
  // Ctrl-C where there is nothing to empty ends a program.
  it.each(clis.map(({ name }) => name))('of %s do nothing to an empty one', (name) => {
    expect(profileOf(name).input.clear.join('')).toMatch(/^\x15+$/);
  });
});
