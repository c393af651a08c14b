/** A structured agent behind the socket of a real shim. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AgentProfile } from '../../../protocol/agent/index.ts';
import type { AgentLaunch } from '../../../protocol/launch/index.ts';
import { ShimBench } from '../../testing.ts';

let bench: ShimBench;
beforeEach(() => {
  bench = new ShimBench();
});
afterEach(() => bench.close());

const ACP_AGENT = join(import.meta.dirname, 'fixtures', 'acp-agent.mjs');

/** What a structured session needs of a profile. */
const profile: AgentProfile = {
  name: 'scripted',
  title: 'Scripted',
  revision: 1,
  cli_versions: null,
  launch: { argv: ['x'], resume: null, version: null, scrub: [], set: {}, conversation: { from: 'none' } },
  input: {
    paste: 'plain',
    newline: '\n',
    submit: '\r',
    interrupt: ['\x1b'],
    clear: ['\x15'],
    exit: ['\x04'],
    box: null,
    collapsed: null,
    by_reference_bytes: 65_536,
  },
  dialogs: [],
  rules: [],
  titles: [],
  progress: false,
  prompt_marks: false,
  program_status: false,
  hooks: { settings: null, events: [] },
  structured: [{ mode: 'acp', argv: ['x'], resume: null }],
  timings: { ready_ms: 10_000, echo_ms: 1_000, start_ms: 5_000, settle_ms: 100, interrupt_ms: 5_000 },
};

const agent: AgentLaunch = {
  agent_id: 'a',
  profile,
  mode: 'acp',
  conversation_id: null,
  resumed: false,
  files: {},
  token: 't',
  report: 'true',
};

test('speaks ACP, asks, answers, and lets nobody else write', async () => {
  const { spec } = await bench.start([process.execPath, ACP_AGENT], { agent });
  const client = await bench.client(spec);
  await client.until('a ready agent', () => client.events.find((e) => e.event === 'AgentReady' && e.ready));
  await client.askFor({ cmd: 'SendMessage', from: '', body: 'work', message_id: 'm1', id: 1 }, 'Done');
  const { request } = await client.next('Requested');
  expect(request).toMatchObject({ kind: 'permission', source: 'acp' });
  expect(await client.ask({ cmd: 'WriteStdin', data: Buffer.from('x\n').toString('base64'), id: 2 })).toMatchObject({
    event: 'Error',
    code: 'not_driver',
  });
  expect(await client.ask({ cmd: 'WriteStdin', close: true, id: 5 })).toMatchObject({ code: 'not_driver' });
  await client.ask({ cmd: 'AnswerRequest', request_id: request.request_id, choice: 'yes-17', id: 3 });
  const completion = await client.next('Completion');
  expect(completion).toMatchObject({ message_id: 'm1', response: 'You said yes-17.' });
  expect(client.events.filter(({ event }) => event === 'MessageDelivered')).toHaveLength(1);
  const transcript = await client.askFor({ cmd: 'GetTranscript', from: 0, limit: 100, id: 4 }, 'Transcript');
  const written = readFileSync(join(spec.session_dir, 'transcript'), 'utf8').trimEnd().split('\n');
  expect(written.map((line) => JSON.parse(line))).toEqual(transcript.entries);
  expect(transcript.entries.map(({ entry }) => entry)).toContain('plan');
});
