/** The hook command, from the outside: whatever stands behind it, an agent notices nothing. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentReport } from '../protocol/agent/index.ts';
import { homePaths, sessionDirectory, sessionSocket } from '../protocol/home/index.ts';
import { limits } from '../protocol/index.ts';
import { systemClock } from '../runtime/index.ts';
import { FrameConnection, listenUnix, type Listener } from '../transport/index.ts';
import { shrunk } from './report-payload.ts';

const LOADER = fileURLToPath(new URL('../../dist-faults/holdfast.cjs', import.meta.url));
const SESSION = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
/** Its own two seconds, and what this machine takes to start a process under load. */
const PATIENCE_MS = 4_000;

let home: string;
let listener: Listener | undefined;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'hfr-'));
  mkdirSync(sessionDirectory(homePaths(home), SESSION), { recursive: true });
  mkdirSync(homePaths(home).sessionSockets, { recursive: true });
});
afterEach(async () => {
  await listener?.close();
  listener = undefined;
  rmSync(home, { recursive: true, force: true });
});

interface Ran {
  status: number | null;
  said: string;
  ms: number;
}

async function hook(words: string[], input: string | null, env: Record<string, string> = {}): Promise<Ran> {
  const began = systemClock.monotonic();
  const child = spawn(process.execPath, [LOADER, 'report', ...words], {
    env: { HOLDFAST_HOME: home, HOLDFAST_SESSION: SESSION, HOLDFAST_TOKEN: 'token', ...env },
    cwd: '/',
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: 3 * PATIENCE_MS,
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (said += bytes.toString()));
  child.stdin.on('error', () => {}); // It may end before it has read everything.
  if (input !== null) child.stdin.end(input);
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, said, ms: systemClock.monotonic() - began };
}

/** Everything a hook sees of it: nothing. */
function unnoticed({ status, said, ms }: Ran): void {
  expect({ status, said }).toEqual({ status: 0, said: '' });
  expect(ms).toBeLessThan(PATIENCE_MS);
}

async function listens(answer: (socket: FrameConnection, message: Record<string, unknown>) => void): Promise<void> {
  const accept = (stream: Socket): void => {
    const connection: FrameConnection = new FrameConnection(
      stream,
      {
        frame: (frame) => {
          if (frame.kind === 'json') answer(connection, JSON.parse(frame.json.toString()) as Record<string, unknown>);
        },
        closed() {},
      },
      { clock: systemClock },
    );
  };
  listener = await listenUnix(sessionSocket(homePaths(home), SESSION), accept, { clock: systemClock });
}

const reports = (): string => join(sessionDirectory(homePaths(home), SESSION), 'reports');

function queued(): AgentReport[] {
  return readdirSync(reports())
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(join(reports(), name), 'utf8')) as AgentReport);
}

describe('[X15] a hook', () => {
  it('tells the shim, with the session’s token', async () => {
    const seen: Record<string, unknown>[] = [];
    await listens((socket, message) => {
      seen.push(message);
      socket.sendJson({ event: message['cmd'] === 'Hello' ? 'Hello' : 'Done', id: message['id'] });
    });
    unnoticed(await hook(['Stop'], '{"session_id":"c","last":"four"}'));
    expect(seen).toMatchObject([
      { cmd: 'Hello', role: 'agent', token: 'token', session_id: SESSION },
      { cmd: 'Report', report: { name: 'Stop', payload: { session_id: 'c', last: 'four' } } },
    ]);
    expect(() => queued()).toThrow(/ENOENT/);
  });

  it('takes its payload as a word, too, and does not wait for input then', async () => {
    unnoticed(await hook(['notify', '{"type":"agent-turn-complete"}'], null));
    expect(queued()).toMatchObject([{ name: 'notify', payload: { type: 'agent-turn-complete' } }]);
  });

  it('queues on disk, the owner’s only and in order, while nobody listens', async () => {
    for (const name of ['one', 'two', 'three']) unnoticed(await hook([name], '{}'));
    expect(queued().map(({ name }) => name)).toEqual(['one', 'two', 'three']);
    const [file] = readdirSync(reports());
    expect(statSync(join(reports(), file!)).mode & 0o777).toBe(0o600);
    expect(statSync(reports()).mode & 0o777).toBe(0o700);
    expect(queued()[0]).toMatchObject({ report_id: file!.slice(0, 26), at: expect.any(Number) as number });
  });

  it('queues when the shim hangs, breaks off, or is busy', async () => {
    let reply: (socket: FrameConnection) => void = () => {};
    await listens((socket) => reply(socket));
    unnoticed(await hook(['hangs'], '{}'));
    reply = (socket) => socket.close();
    unnoticed(await hook(['breaks'], '{}'));
    reply = (socket) => socket.sendJson({ event: 'Error', code: 'busy', retryable: true });
    unnoticed(await hook(['busy'], '{}'));
    expect(queued().map(({ name }) => name)).toEqual(['hangs', 'breaks', 'busy']);
    reply = (socket) => socket.sendJson({ event: 'Error', code: 'bad_token', retryable: false });
    unnoticed(await hook(['refused'], '{}'));
    expect(queued()).toHaveLength(3);
  });

  it('keeps the newest thousand', async () => {
    mkdirSync(reports());
    for (let at = 0; at < 1_000; at++) {
      writeFileSync(join(reports(), `00000000000000000000${String(at).padStart(6, '0')}.json`), '{}');
    }
    unnoticed(await hook(['newest'], '{}'));
    const names = readdirSync(reports()).sort();
    expect(names).toHaveLength(1_000);
    expect(names[0]).toContain('000001.json');
    expect(queued().at(-1)).toMatchObject({ name: 'newest' });
  });

  it.each([
    ['no JSON', 'not json'],
    ['no object', '[1]'],
    ['nothing', ''],
  ])('reports the event alone when its payload is %s', async (_, input) => {
    unnoticed(await hook(['Stop'], input));
    expect(queued()).toMatchObject([{ name: 'Stop', payload: {} }]);
  });

  it('does not wait for an input that never ends', async () => {
    unnoticed(await hook(['Stop'], null));
    expect(queued()).toMatchObject([{ name: 'Stop', payload: {} }]);
  });

  it.each([
    [[], {}],
    [['Stop', '--what', '--is=this'], {}],
    [['Stop'], { HOLDFAST_TOKEN: '' }],
    [['Stop'], { HOLDFAST_SESSION: '../../../tmp' }],
    [['Stop'], { HOLDFAST_HOME: '/nonexistent/home' }],
    [['Stop'], { HOLDFAST_HOME: `/${'x'.repeat(300)}` }],
  ])('%j with %j is nobody’s business', async (words, env) => {
    unnoticed(await hook(words, '{}', env));
  });
});

describe('a payload', () => {
  const most = limits.REPORT_BYTES;

  it('loses the middle of long texts, not what is short', () => {
    const payload = { hook_event_name: 'PostToolUse', tool: { out: `a${'é'.repeat(400_000)}z`, list: ['x', 1, null] } };
    const short = shrunk(JSON.stringify(payload), most) as typeof payload;
    expect(Buffer.byteLength(JSON.stringify(short))).toBeLessThanOrEqual(most);
    expect(short).toMatchObject({ hook_event_name: 'PostToolUse', tool: { list: ['x', 1, null] } });
    expect(short.tool.out).toMatch(/^aé+…é+z$/);
  });

  it('is empty when it cannot be made to fit', () => {
    expect(shrunk(JSON.stringify({ a: Array.from({ length: 200_000 }, (_, at) => at) }), most)).toEqual({});
  });
});
