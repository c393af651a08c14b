import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { BUILT_IN_PROFILES } from '../agents/index.ts';
import type { Holdfast } from '../client/index.ts';
import type { CommandContext } from './command.ts';
import { explainRecording } from './explain-recording.ts';
import { Output } from './output.ts';

const SCREENS = fileURLToPath(new URL('../../test/fixtures/screens/claude-2.1.329', import.meta.url));

/** What it prints. */
async function explained(file: string, options: Record<string, string>, json: boolean): Promise<string[]> {
  const lines: string[] = [];
  const out = Object.assign(new Output({}), {
    line: (text: string) => lines.push(...text.split('\n')),
    json: (value: unknown) => lines.push(JSON.stringify(value)),
  });
  const profile = (name: string) => Promise.resolve(BUILT_IN_PROFILES.find((each) => each.name === name)!);
  const connect = () => Promise.resolve({ agents: { profile } } as unknown as Holdfast);
  const context = { options: { recording: file, agent: 'claude', ...options }, json, out, connect };
  expect(await explainRecording(context as unknown as CommandContext)).toBe(0);
  return lines;
}

it('[X18] tells the statuses of recorded output in their order, and why the last one is so', async () => {
  const lines = await explained(`${SCREENS}/permission.bin`, {}, true);
  const moments = lines.map((line) => JSON.parse(line) as { offset: number; status?: Record<string, unknown> });
  const statuses = moments.flatMap(({ status }) => (status === undefined ? [] : [status]));
  expect(statuses.map(({ activity }) => activity)).toContain('idle');
  expect(statuses.at(-1)).toMatchObject({ activity: 'working', attention: 'permission' });
  const offsets = moments.map(({ offset }) => offset);
  expect(offsets).toEqual(offsets.toSorted((one, other) => one - other));
  expect(moments.at(-1)).toMatchObject({ explanation: { status: { attention: 'permission' } } });
});

it('[X18] tells them to people, too', async () => {
  const text = (await explained(`${SCREENS}/done.bin`, { rows: '24', cols: '80' }, false)).join('\n');
  expect(text).toMatch(/^OFFSET +STATUS +SOURCE +RULE +SUMMARY\n\d+ +\w/);
  expect(text).toMatch(/\nat its end: done, for \d+[sm] \(/);
  expect(text).toMatch(/ decides activity/);
});

it.each([
  [{ recording: '/nowhere' }, 'not_found'],
  [{ recording: '/' }, 'invalid_argument'],
  [{ rows: '0' }, 'invalid_argument'],
])('refuses %j', async (options, code) => {
  await expect(explained(`${SCREENS}/done.bin`, options as Record<string, string>, true)).rejects.toMatchObject({
    code,
  });
});
