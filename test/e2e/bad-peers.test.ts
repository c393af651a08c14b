/** What comes over the sockets and is no message, or comes from nobody who may: it ends its own connection only. */
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Session, SessionRecord } from '../../src/client/index.ts';
import { encodeJson } from '../../src/protocol/session/index.ts';
import type { ShimClient } from '../../src/shim/testing.ts';
import { Bystander } from '../support/bystander.ts';
import { seededRandom } from '../support/random.ts';
import { soon, TestRuntime, until } from '../support/runtime.ts';
import { instanceSecret, openSession, openSocket } from '../support/session-socket.ts';

const MIB = 1024 * 1024;
let runtime: TestRuntime;
let bystander: Bystander;
let session: Session;
let record: SessionRecord;
const random = seededRandom('bad peers');

beforeAll(async () => {
  runtime = await TestRuntime.start();
  bystander = await Bystander.settle(runtime);
  session = await runtime.run(['cat'], { kind: 'pipe' });
  record = await session.record();
});
afterAll(async () => {
  await bystander.leave();
  await runtime.close();
});

/** The session that was spoken to is as it was, too. */
async function expectUnharmed(): Promise<void> {
  await bystander.check();
  const client = await openSession(runtime, record);
  expect(await client.ask({ cmd: 'Ping' })).toMatchObject({ event: 'Pong' });
  client.socket.destroy();
  expect(await session.record()).toMatchObject({ state: 'running', pid: record.pid });
}

const garbage = (length: number): Buffer => Buffer.from(Array.from({ length }, () => random(256)));

function frame(payload: Buffer, length = payload.length): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(length);
  return Buffer.concat([header, payload]);
}

const hello = (token: string, extra: object = {}): Buffer =>
  encodeJson({ cmd: 'Hello', protocol: [1, 1], client_id: 'peer', token, role: 'client', ...extra });

describe('a session socket', () => {
  /** Bytes of a peer that was greeted, or not; the code it is told before the end. */
  const rows: [string, boolean, () => Buffer, RegExp][] = [
    ['a frame over 1 MiB', true, () => frame(Buffer.alloc(0), MIB + 1), /^too_large$/],
    ['a frame of nothing', true, () => frame(Buffer.alloc(0)), /^bad_frame$/],
    ['a frame of an unknown kind', true, () => frame(Buffer.from([0x1f, 1, 2])), /^bad_frame$/],
    [
      'a frame only the other side sends',
      true,
      () => frame(Buffer.concat([Buffer.from([1]), Buffer.alloc(9)])),
      /^bad_frame$/,
    ],
    ['an input frame cut in its header', true, () => frame(Buffer.from([3, 0, 0])), /^bad_frame$/],
    ['JSON that does not parse', true, () => frame(Buffer.from('{"cmd":')), /^bad_frame$/],
    ['JSON that is not UTF-8', true, () => frame(Buffer.from('{"cmd":"\xff"}', 'latin1')), /^bad_frame$/],
    ['garbage', true, () => Buffer.concat([Buffer.from([0, 0, 0, 64, 0x80]), garbage(63)]), /^bad_frame$/],
    ['garbage instead of a Hello', false, () => garbage(4096).fill(0xff, 0, 4), /^too_large$/],
    ['text instead of frames', false, () => Buffer.from('GET / HTTP/1.1\r\n\r\n'), /^too_large$/],
    ['a frame over 1 MiB instead of a Hello', false, () => frame(Buffer.alloc(0), 0xffff_ffff), /^too_large$/],
    ['another command than Hello', false, () => encodeJson({ cmd: 'Ping' }), /^forbidden$/],
    ['a wrong token', false, () => hello('0'.repeat(32)), /^bad_token$/],
    ['no token', false, () => hello(''), /^(bad_token|invalid_argument)$/],
    [
      'a protocol of the future',
      false,
      () => hello(instanceSecret(runtime), { protocol: [7, 9] }),
      /^unsupported_protocol$/,
    ],
  ];
  it.each(rows)(
    '[F2] [F3] answers %s (greeted: %s) with a code, closes it, and nobody else notices',
    async (...row) => {
      const [, greeted, bytes, code] = row;
      const peer = greeted ? await openSession(runtime, record) : openSocket(record.socket);
      peer.raw(bytes());
      expect(await peer.next('Error')).toMatchObject({
        code: expect.stringMatching(code) as string,
        reason: expect.stringMatching(/./) as string,
      });
      await soon(peer.closed, 'the connection to be closed');
      await expectUnharmed();
    },
  );

  it('[F2] [F6] a half frame and then nothing costs its own connection only', async () => {
    const greeted = await openSession(runtime, record);
    greeted.raw(Buffer.from([0, 0, 4]));
    const announced = await openSession(runtime, record);
    announced.raw(frame(Buffer.from('{"cmd":"Pi'), MIB));
    await expectUnharmed();
    for (const peer of [greeted, announced]) peer.socket.destroy();
    await expectUnharmed();
  });

  it('[F3] nothing, or half a Hello, is closed after 2 s', async () => {
    const silent = openSocket(record.socket);
    const slow = openSocket(record.socket);
    slow.raw(hello(instanceSecret(runtime)).subarray(0, 20));
    for (const peer of [silent, slow]) {
      expect(await peer.next('Error')).toMatchObject({ reason: 'hello_required' });
      await soon(peer.closed, 'the connection to be closed');
    }
    await expectUnharmed();
  });

  it('[R1] a client that never reads holds nobody up', async () => {
    const flood = await runtime.run(['sh', '-c', 'head -c 50000000 /dev/zero; exec sleep 1000'], { kind: 'pipe' });
    const at = await flood.record();
    const deaf = await deafPeers(at, 3);
    const reading = async (): Promise<number> => {
      let bytes = 0;
      for await (const item of flood.output({ from: 'start' })) {
        if (item.type === 'data') bytes += item.bytes.length;
        if (item.type === 'gap') bytes += item.to - item.from;
        if (bytes >= 50_000_000) return bytes;
      }
      return bytes;
    };
    expect(await soon(reading(), 'the other reader to have it all')).toBe(50_000_000);
    await bystander.check();
    for (const { socket } of deaf) socket.destroy();
    await runtime.holdfast.kill(flood.id);
  });

  /** Attached with all the credit there is, and then they stop reading. */
  async function deafPeers(of: SessionRecord, count: number): Promise<ShimClient[]> {
    const peers: ShimClient[] = [];
    for (let at = 0; at < count; at++) {
      const peer = await openSession(runtime, of, { clientId: `deaf ${at}` });
      peer.send({ cmd: 'Attach', from: 'start', mode: 'observe', credit: 2 ** 40 });
      await peer.next('Attached');
      peer.socket.pause();
      peers.push(peer);
    }
    return peers;
  }
});

describe('the archive socket', () => {
  it.each([
    ['garbage', () => garbage(4096).fill(0xff, 0, 4), /too_large/],
    ['a wrong token', () => hello('0'.repeat(32), { session_id: record.id }), /bad_token/],
    ['a session nobody knows', () => hello(instanceSecret(runtime), { session_id: 'nobody' }), /not_found/],
    ['no session', () => hello(instanceSecret(runtime)), /invalid_argument/],
    ['a live session', () => hello(instanceSecret(runtime), { session_id: record.id }), /conflict/],
  ] as [string, () => Buffer, RegExp][])('[F2] [F3] refuses %s', async (_what, bytes, code) => {
    const peer = openSocket(join(runtime.home, 'run', 'archive.sock'));
    peer.raw(bytes());
    expect(await peer.next('Error')).toMatchObject({ code: expect.stringMatching(code) as string });
    await soon(peer.closed, 'the connection to be closed');
    await expectUnharmed();
  });
});

type Line = Record<string, unknown>;

/** Lines to and from srv. */
class ControlPeer {
  readonly socket: Socket = connect(join(runtime.home, 'run', 'srv.sock'));
  readonly lines: Line[] = [];
  ended = false;
  #rest = '';

  constructor() {
    this.socket.setEncoding('utf8');
    this.socket.on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n');
      this.#rest = lines.pop()!;
      this.lines.push(...lines.map((line) => JSON.parse(line) as Line));
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.ended = true;
    });
  }

  static async registered(): Promise<ControlPeer> {
    const peer = new ControlPeer();
    peer.say(register(instanceSecret(runtime)));
    await peer.line((line) => line['event'] === 'registered', 'registered');
    return peer;
  }

  say(command: object | string | Buffer): void {
    this.socket.write(
      typeof command === 'string' || Buffer.isBuffer(command) ? command : `${JSON.stringify(command)}\n`,
    );
  }

  async line(matches: (line: Line) => boolean, what: string): Promise<Line> {
    await until(() => this.ended || this.lines.some(matches), what);
    const found = this.lines.find(matches);
    if (found === undefined) throw new Error(`closed without ${what}: ${JSON.stringify(this.lines)}`);
    return found;
  }

  gone(): Promise<void> {
    return until(() => this.ended, 'srv to close the connection');
  }
}

const register = (token: string, extra: object = {}): object => ({
  cmd: 'register',
  kind: 'tool',
  pid: process.pid,
  version: '0',
  protocol: [1, 1],
  client_id: `peer${random(2 ** 31)}`,
  token,
  ...extra,
});

/** The code of a refusal, wherever in the line it stands. */
const codeOf = (line: Line): unknown => line['code'] ?? (line['error'] as Line | undefined)?.['code'];

describe('the control socket', () => {
  const lines: [string, () => string | Buffer, RegExp][] = [
    ['garbage', () => Buffer.concat([garbage(100).map((byte) => byte | 0x80), Buffer.from('\n')]), /invalid_argument/],
    ['half a line of JSON', () => '{"cmd":\n', /invalid_argument/],
    ['a duplicate key', () => '{"cmd":"ping","cmd":"ping"}\n', /invalid_argument/],
    ['an unknown command', () => '{"cmd":"no_such","request_id":"1"}\n', /unknown_command/],
    ['a wrong field', () => '{"cmd":"get_session","session":7,"request_id":"1"}\n', /invalid_argument/],
    ['a tree too deep', () => `{"cmd":"ping","x":${'['.repeat(100)}${']'.repeat(100)}}\n`, /too_large/],
  ];
  it.each(lines)('[C3] [C6] refuses %s with a code, and the connection lives', async (_what, text, code) => {
    const peer = await ControlPeer.registered();
    peer.say(text());
    const refused = await peer.line((line) => codeOf(line) !== undefined, 'a refusal');
    expect(codeOf(refused)).toMatch(code);
    peer.say({ cmd: 'get_status', request_id: 'after' });
    expect(await peer.line((line) => line['reply'] === 'after', 'a reply')).toMatchObject({ ok: true });
    peer.socket.destroy();
    await bystander.check();
  });

  it('[C3] a line over 1 MiB is refused, and the others are served', async () => {
    const peer = await ControlPeer.registered();
    peer.say(`{"cmd":"ping","nonce":"${'x'.repeat(MIB)}"}\n`);
    expect(codeOf(await peer.line((line) => codeOf(line) !== undefined, 'a refusal'))).toBe('too_large');
    peer.socket.destroy();
    await bystander.check();
  });

  it.each([
    ['a wrong token', () => register('0'.repeat(32)), /bad_token/],
    ['a protocol of the future', () => register(instanceSecret(runtime), { protocol: [7, 9] }), /unsupported_protocol/],
  ] as [string, () => object, RegExp][])('[C5] %s is told and closed', async (_what, command, code) => {
    const peer = new ControlPeer();
    peer.say(command());
    expect(codeOf(await peer.line((line) => codeOf(line) !== undefined, 'a refusal'))).toMatch(code);
    await peer.gone();
    await bystander.check();
  });

  it('[C1] nobody is served before registration, and half a line does not hold a place for ever', async () => {
    const eager = new ControlPeer();
    eager.say({ cmd: 'list_sessions', request_id: '1' });
    expect(codeOf(await eager.line((line) => codeOf(line) !== undefined, 'a refusal'))).toBe('not_registered');
    const half = new ControlPeer();
    half.say('{"cmd":"regi');
    await half.gone();
    expect(eager.lines.some((line) => line['ok'] === true)).toBe(false);
    eager.socket.destroy();
    await bystander.check();
  });

  it('[K11] [C7] a subscriber that never reads costs the others nothing', async () => {
    const deaf = await ControlPeer.registered();
    deaf.say({ cmd: 'subscribe', since: 0, request_id: 's' });
    await deaf.line((line) => line['reply'] === 's', 'the subscription');
    deaf.socket.pause();
    for (let round = 0; round < 300; round++) {
      await runtime.holdfast.rename(session.id, `${'n'.repeat(100)}${round}`);
    }
    await bystander.check();
    expect((await runtime.holdfast.status()).srv.state).toBe('running');
    deaf.socket.destroy();
    await bystander.check();
  });
});
