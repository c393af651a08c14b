/** The plugin as opencode loads it: a file beside the queue of reports. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { OPENCODE_PLUGIN } from './opencode-plugin.ts';

type Hooks = { event?: (input: { event: unknown }) => Promise<void> };

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hf-op-'));
  mkdirSync(join(directory, 'reports'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function load(): Promise<Hooks> {
  const file = join(directory, 'plugin.mjs');
  writeFileSync(file, OPENCODE_PLUGIN);
  const { Holdfast } = (await import(pathToFileURL(file).href)) as { Holdfast: () => Promise<Hooks> };
  return Holdfast();
}

async function tell({ event }: Hooks, ...events: [type: string, properties: unknown][]): Promise<void> {
  for (const [type, properties] of events) await event!({ event: { type, properties } });
}

function reported(): [string, Record<string, unknown>][] {
  const reports = join(directory, 'reports');
  const names = readdirSync(reports).sort();
  const told = names.map((name) => JSON.parse(readFileSync(join(reports, name), 'utf8')) as Record<string, unknown>);
  expect(told.map((report) => `${String(report['report_id'])}.json`)).toEqual(names);
  return told.map(({ name, payload }) => [name as string, payload as Record<string, unknown>]);
}

const session = (sessionID: string, parentID?: string): [string, unknown] => [
  'session.created',
  { sessionID, info: { id: sessionID, parentID } },
];
const status = (sessionID: string, type: string, more = {}): [string, unknown] => [
  'session.status',
  { sessionID, status: { type, ...more } },
];
const message = (sessionID: string, id: string, role: string, tokens = {}): [string, unknown] => [
  'message.updated',
  { sessionID, info: { id, role, tokens, providerID: 'p', modelID: 'm' } },
];
const text = (sessionID: string, messageID: string, said: string): [string, unknown] => [
  'message.part.updated',
  { sessionID, part: { id: `${messageID}-1`, type: 'text', messageID, sessionID, text: said } },
];

it('tells a turn once, with its last words, and nothing of sub-agents', async () => {
  const hooks = await load();
  await tell(hooks, session('s'), message('s', 'u1', 'user'), status('s', 'busy'), status('s', 'busy'));
  await tell(hooks, session('child', 's'), message('child', 'u2', 'user'), status('child', 'busy'));
  await tell(hooks, status('child', 'idle'), message('s', 'a1', 'assistant'), text('s', 'a1', 'I look.'));
  await tell(hooks, message('s', 'a2', 'assistant', { input: 7, output: 2, total: 9 }), text('s', 'a2', 'Fo'));
  await tell(hooks, text('s', 'a2', 'Four.'), status('s', 'idle'), status('s', 'idle'), message('s', 'u1', 'user'));
  expect(reported()).toMatchObject([
    ['session', { session: 's' }],
    ['busy', { session: 's' }],
    ['idle', { session: 's', response: 'Four.', usage: { input_tokens: 7, used_tokens: 9, model: 'p/m' } }],
  ]);
});

it('tells why a turn did not end by itself, and what a person is asked', async () => {
  const hooks = await load();
  const error = (name: string, data = {}): [string, unknown] => [
    'session.error',
    { sessionID: 's', error: { name, data } },
  ];
  await tell(hooks, status('s', 'busy'), status('s', 'retry', { message: 'Wait.', attempt: 1 }));
  await tell(hooks, ['permission.asked', { sessionID: 's', permission: 'bash', patterns: ['ls'] }]);
  await tell(hooks, ['permission.replied', { sessionID: 's', reply: 'once' }]);
  await tell(hooks, error('MessageAbortedError'), status('s', 'idle'));
  await tell(
    hooks,
    status('s', 'busy'),
    error('APIError', { message: 'No key.', statusCode: 401 }),
    status('s', 'idle'),
  );
  expect(reported()).toMatchObject([
    ['busy', {}],
    ['retry', { message: 'Wait.' }],
    ['permission', { text: 'bash ls' }],
    ['replied', { text: 'once' }],
    ['aborted', {}],
    ['busy', {}],
    ['failed', { error: 'APIError', message: 'No key.', status: 401 }],
  ]);
});

it('lets the agent go on, whatever comes and wherever it lies', async () => {
  const hooks = await load();
  await tell(hooks, ['session.status', null], ['message.updated', {}], ['message.part.updated', { part: null }]);
  rmSync(join(directory, 'reports'), { recursive: true });
  await tell(hooks, session('s'), status('s', 'busy'));
});

it('says nothing in a program that the agent started', async () => {
  writeFileSync(join(directory, 'plugin.pid'), '1');
  expect(await load()).toEqual({});
});
