/** The session socket's rules: Hello, frames, the lease, input, credit, flow, and clients that die or misbehave. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { randomBytes } from 'node:crypto';
import { type AttachCommand, encodeJson, type HelloCommand, type SessionCommand } from '../protocol/session/index.ts';
import type { LaunchSpec } from '../protocol/launch/index.ts';
import { ShimBench, TOKEN, type ShimClient } from './testing.ts';

let bench: ShimBench;
beforeEach(() => {
  bench = new ShimBench();
});
afterEach(() => bench.close());

const HELLO: HelloCommand = { cmd: 'Hello', protocol: [1, 1], client_id: 'c', token: TOKEN, role: 'client' };
const DRIVE: AttachCommand = { cmd: 'Attach', from: 'start', mode: 'drive', credit: 1e9 };
const OBSERVE: AttachCommand = { cmd: 'Attach', from: 'start', mode: 'observe', credit: 1e9 };

async function cat(extra: Partial<LaunchSpec> = {}): Promise<LaunchSpec> {
  return (await bench.start(['cat'], extra)).spec;
}

describe('hello', () => {
  it('[F3] is required first: any other frame is answered hello_required and closed', async () => {
    const spec = await cat();
    const client = await bench.connect(spec);
    client.send({ cmd: 'Ping', id: 7 });
    await client.closed;
    expect(client.events).toEqual([expect.objectContaining({ event: 'Error', reason: 'hello_required' })]);
    const typed = await bench.connect(spec);
    typed.input(0, 1, 'x');
    await typed.closed;
    expect(typed.events[0]).toMatchObject({ reason: 'hello_required' });
  });

  it('[F3] is required within its deadline', async () => {
    const client = await bench.connect(await cat());
    await client.closed;
    expect(client.events).toEqual([expect.objectContaining({ reason: 'hello_required' })]);
  });

  it('refuses a wrong token and an unknown protocol', async () => {
    const spec = await cat();
    const wrong = await bench.connect(spec);
    wrong.send({ ...HELLO, token: 'f'.repeat(32), id: 1 });
    await wrong.closed;
    expect(wrong.events).toEqual([expect.objectContaining({ event: 'Error', code: 'bad_token', id: 1 })]);
    const old = await bench.connect(spec);
    old.send({ ...HELLO, protocol: [90, 99] });
    await old.closed;
    expect(old.events[0]).toMatchObject({ code: 'unsupported_protocol' });
  });
});

describe('frames', () => {
  it('[F2] garbage, oversized and half frames end their own connection only', async () => {
    const spec = await cat();
    const witness = await bench.client(spec, 'witness');
    for (const bytes of [
      Buffer.from([0, 0, 0, 1, 0x1f]),
      Buffer.from([0xff, 0xff, 0xff, 0xff, 0x7b]),
      randomBytes(64),
    ]) {
      const client = await bench.client(spec, 'bad');
      client.raw(Buffer.concat([bytes, Buffer.alloc(2000, 0xff)]));
      await client.closed;
    }
    const half = await bench.client(spec, 'half');
    half.raw(encodeJson({ cmd: 'Ping' }).subarray(0, 9));
    half.socket.destroy();
    expect(await witness.ask({ cmd: 'Ping' })).toMatchObject({ event: 'Pong' });
  });

  it('[F4] an unknown command gets an Error and nothing else happens', async () => {
    const client = await bench.client(await cat());
    client.raw(encodeJson({ cmd: 'Dance', id: 'x' }));
    expect(await client.next('Error')).toMatchObject({ command: 'Dance', code: 'unknown_command', id: 'x' });
    expect(await client.ask({ cmd: 'Ping' })).toMatchObject({ event: 'Pong' });
  });

  it('each id is echoed exactly once', async () => {
    const client = await bench.client(await cat());
    const commands: SessionCommand[] = [
      { cmd: 'Ping' },
      { cmd: 'GetState' },
      OBSERVE,
      { cmd: 'Resize', rows: 2, cols: 2 },
      { cmd: 'Detach' },
      { cmd: 'TeeStatus' },
    ];
    for (const [id, command] of commands.entries()) client.send({ ...command, id });
    await client.until('all answers', () =>
      commands.every((_, id) => client.events.some((event) => event.id === id)) ? true : undefined,
    );
    await client.ask({ cmd: 'Ping' });
    for (const [id] of commands.entries()) expect(client.events.filter((event) => event.id === id)).toHaveLength(1);
  });

  it('connections beyond the limit are refused as busy, the others go on', async () => {
    const spec = await cat();
    const first = await bench.client(spec);
    const others = await Promise.all(Array.from({ length: 255 }, () => bench.client(spec)));
    const excess = await bench.connect(spec);
    await excess.closed;
    expect(excess.events[0]).toMatchObject({ code: 'busy' });
    for (const client of [first, others[254]])
      expect(await client?.ask({ cmd: 'Ping' })).toMatchObject({ event: 'Pong' });
  });
});

describe('the lease', () => {
  it('[I1] [I2] is stolen: both are told, only the thief can write, the victim is refused by epoch', async () => {
    const spec = await cat();
    const victim = await bench.client(spec, 'victim');
    const held = await victim.askFor(DRIVE, 'Attached');
    const thief = await bench.client(spec, 'thief');
    expect(await thief.ask(DRIVE)).toMatchObject({ code: 'not_driver', details: { client_id: 'victim' } });
    const taken = await thief.askFor({ ...DRIVE, steal: true }, 'Attached');
    expect(taken.lease?.epoch).toBeGreaterThan(held.lease?.epoch ?? 0);
    expect(await victim.next('Ended')).toMatchObject({ reason: 'stolen', by: 'thief' });
    expect(victim.events).toContainEqual(
      expect.objectContaining({
        event: 'LeaseChanged',
        reason: 'stolen',
        lease: expect.objectContaining({ client_id: 'thief' }) as object,
      }),
    );
    victim.input(held.lease?.epoch ?? 0, 1, 'late\n');
    expect(await victim.next('Error')).toMatchObject({ command: 'INPUT', code: 'lease_lost' });
    victim.input(0, 1, 'late\n');
    expect(await victim.next('Error')).toMatchObject({ command: 'INPUT', code: 'not_driver' });
    expect(await victim.ask({ cmd: 'WriteStdin', data: 'eA==' })).toMatchObject({ code: 'not_driver' });
    thief.input(taken.lease?.epoch ?? 0, 1, 'mine\n');
    await thief.untilText('mine\n');
    expect(thief.text()).toBe('mine\n');
  });

  it('[I3] [I4] survives its socket, is resumed with its secret, and drops what it has already', async () => {
    const spec = await cat();
    const first = await bench.client(spec, 'driver');
    const { lease } = await first.askFor(DRIVE, 'Attached');
    if (lease === null) throw new Error('no lease');
    first.input(lease.epoch, 1, 'a');
    first.input(lease.epoch, 2, 'b');
    await first.until('both acks', () =>
      first.events.filter(({ event }) => event === 'InputAck').length === 2 ? true : undefined,
    );
    const watcher = await bench.client(spec, 'watcher');
    first.socket.destroy();
    expect(await watcher.next('LeaseChanged')).toMatchObject({ reason: 'lost', lease: { connected: false } });
    expect(await watcher.ask({ cmd: 'WriteStdin', data: 'eA==' })).toMatchObject({ code: 'not_driver' });
    const second = await bench.client(spec, 'driver');
    expect(await second.ask({ ...DRIVE, lease: { ...lease, secret: '0'.repeat(32) } })).toMatchObject({
      code: 'lease_lost',
    });
    const resumed = await second.askFor({ ...DRIVE, from: 0, lease }, 'Attached');
    expect(resumed.lease).toEqual(lease);
    expect(await second.next('InputAck')).toMatchObject({ seq: 2 });
    second.input(lease.epoch, 2, 'b');
    second.input(lease.epoch, 3, 'c');
    await second.untilText('abc');
    second.input(lease.epoch, 5, 'e');
    expect(await second.next('Error')).toMatchObject({ code: 'invalid_argument', details: { expected: 4 } });
    expect(second.text()).toBe('abc');
  });

  it('expires when its holder does not come back; a released one is free', async () => {
    const limits = {
      memory_bytes: 1 << 20,
      spill_bytes: 0,
      segment_bytes: 1 << 20,
      stall_ms: 1000,
      lease_ms: 150,
      linger_ms: null,
      allow_lossless: true,
    };
    const spec = await cat({ limits });
    const gone = await bench.client(spec, 'gone');
    await gone.askFor({ cmd: 'Lease', action: 'take' }, 'LeaseGranted');
    const next = await bench.client(spec, 'next');
    gone.socket.destroy();
    await next.until('the expiry', () =>
      next.events.find((event) => event.event === 'LeaseChanged' && event.reason === 'expired'),
    );
    await next.askFor({ cmd: 'Lease', action: 'take' }, 'LeaseGranted');
    await next.askFor({ cmd: 'Lease', action: 'release' }, 'Done');
    next.input(0, 1, 'free\n');
    expect(await next.next('InputAck')).toMatchObject({ epoch: 0, seq: 1 });
  });

  it('[A2] goes with a detach, and killing a client mid-attach changes nothing for others', async () => {
    const spec = await cat();
    const driver = await bench.client(spec, 'driver');
    await driver.askFor(DRIVE, 'Attached');
    const watcher = await bench.client(spec, 'watcher');
    await watcher.askFor(OBSERVE, 'Attached');
    await driver.askFor({ cmd: 'Detach' }, 'Ended');
    expect(await watcher.next('LeaseChanged')).toMatchObject({ reason: 'released', lease: null });
    driver.socket.destroy();
    watcher.input(0, 1, 'on\n');
    await watcher.untilText('on\n');
  });
});

describe('input', () => {
  it('to a child that does not read is bounded, and the socket still answers others', async () => {
    const { spec } = await bench.start(['sleep', '60']);
    const client = await bench.client(spec, 'typist');
    const { lease } = await client.askFor(DRIVE, 'Attached');
    const block = 'x'.repeat(60_000);
    for (let seq = 1; seq <= 60; seq++) client.input(lease?.epoch ?? 0, seq, block);
    const other = await bench.client(spec, 'other');
    expect(await other.ask({ cmd: 'Ping' })).toMatchObject({ event: 'Pong' });
    await client.until('back-pressure', () => (client.socket.writableLength > 0 ? true : undefined));
  });
});

describe('readers', () => {
  it('[R3] get no byte beyond their credit and every byte once it comes', async () => {
    const { spec } = await bench.start(['sh', '-c', 'seq 1 5000; sleep 60']);
    const client = await bench.client(spec);
    await client.askFor({ ...OBSERVE, credit: 100 }, 'Attached');
    await client.until('100 bytes', () => (client.bytes().length === 100 ? true : undefined));
    expect(await client.ask({ cmd: 'Ping' })).toMatchObject({ event: 'Pong' });
    expect(client.bytes()).toHaveLength(100);
    client.send({ cmd: 'Credit', bytes: 1e6 });
    await client.untilText('5000\n');
    expect(client.text()).toBe(Array.from({ length: 5000 }, (_, i) => `${i + 1}\n`).join(''));
  });

  it('[R1] [L3] that never read lose a counted range and hold nobody up', async () => {
    const limits = {
      memory_bytes: 1 << 18,
      spill_bytes: 0,
      segment_bytes: 1 << 20,
      stall_ms: 1000,
      lease_ms: 1000,
      linger_ms: null,
      allow_lossless: true,
    };
    const { spec } = await bench.start(['sh', '-c', 'read go; head -c 5000000 /dev/zero; echo END; read go'], {
      limits,
    });
    const slow = await bench.client(spec, 'slow');
    await slow.askFor({ ...OBSERVE, credit: 0 }, 'Attached');
    const fast = await bench.client(spec, 'fast');
    await fast.askFor(DRIVE, 'Attached');
    await fast.ask({ cmd: 'WriteStdin', data: Buffer.from('go\n').toString('base64') });
    await fast.until('all', () => (sum(fast) === 5_000_004 ? true : undefined));
    slow.send({ cmd: 'Credit', bytes: 1e9 });
    await slow.untilText('END\n');
    expect(sum(slow)).toBe(5_000_004);
    expect(slow.gaps.length).toBeGreaterThan(0);
  });

  it('[R2] lossless: the child waits for the reader, who gets every byte', async () => {
    const limits = {
      memory_bytes: 1 << 20,
      spill_bytes: 0,
      segment_bytes: 1 << 20,
      stall_ms: 20_000,
      lease_ms: 1000,
      linger_ms: null,
      allow_lossless: false,
    };
    const { spec } = await bench.start(['sh', '-c', 'read go; head -c 8000000 /dev/zero; echo END'], { limits });
    const observer = await bench.client(spec, 'observer');
    expect(await observer.ask({ ...OBSERVE, policy: 'lossless' })).toMatchObject({
      code: 'forbidden',
      field: 'policy',
    });
    const driver = await bench.client(spec, 'driver');
    await driver.askFor({ ...DRIVE, policy: 'lossless', credit: 1000 }, 'Attached');
    await driver.ask({ cmd: 'WriteStdin', data: Buffer.from('go\n').toString('base64') });
    expect(await driver.next('Throttled')).toMatchObject({ throttled: { client_id: 'driver' } });
    expect(driver.has('ChildExit')).toBe(false);
    driver.send({ cmd: 'Credit', bytes: 1e9 });
    await driver.next('End');
    expect(driver.bytes()).toHaveLength(8_000_004);
    expect(driver.gaps).toEqual([]);
  });
});

function sum(client: ShimClient): number {
  return client.bytes().length + client.gaps.reduce((total, gap) => total + gap.to - gap.from, 0);
}

describe('the end', () => {
  it('[E2] names who holds the output, keeps the log going, and ends with the last of them', async () => {
    const held = await bench.start(['sh', '-c', 'read go; (sleep 0.6; echo LATE) & exit 4']);
    const reader = await bench.client(held.spec);
    await reader.askFor(OBSERVE, 'Attached');
    // An exit before the attach is told twice: as news, and from the log.
    await reader.ask({ cmd: 'WriteStdin', data: Buffer.from('go\n').toString('base64') });
    const { holders } = await reader.next('HeldBy');
    expect(holders.map(({ command }) => command)).toContain('sleep 0.6');
    expect(await reader.next('End')).toMatchObject({ cause: 'child', survivors: [] });
    expect(reader.text()).toBe('LATE\n');
    const order = reader.events
      .map(({ event }) => event)
      .filter((event) => ['ChildExit', 'HeldBy', 'Eof', 'End'].includes(event));
    expect(order).toEqual(['ChildExit', 'HeldBy', 'Eof', 'Eof', 'End']);
  });

  it('comes after linger_ms although others hold the output', async () => {
    const limits = {
      memory_bytes: 1 << 20,
      spill_bytes: 0,
      segment_bytes: 1 << 20,
      stall_ms: 1000,
      lease_ms: 1000,
      linger_ms: 200,
      allow_lossless: true,
    };
    const { spec } = await bench.start(['sh', '-c', 'read go; (sleep 60) & exit 0'], { limits });
    const reader = await bench.client(spec);
    await reader.askFor(OBSERVE, 'Attached');
    await reader.ask({ cmd: 'WriteStdin', data: Buffer.from('go\n').toString('base64') });
    expect(await reader.next('End')).toMatchObject({
      cause: 'child',
      survivors: [expect.objectContaining({ command: expect.stringContaining('sleep') as string })],
    });
  });

  it.each(['requested', 'restart_handoff', 'context_exhausted', 'topology_change', 'daemon_stop'] as const)(
    'Shutdown for %s is terminate with that grace',
    async (reason) => {
      const { spec, shim } = await bench.start(['sleep', '60']);
      const client = await bench.client(spec);
      await client.askFor(OBSERVE, 'Attached');
      expect(await client.ask({ cmd: 'Shutdown', timeout_secs: 3, reason })).toMatchObject({
        event: 'Terminating',
        grace_ms: 3000,
      });
      expect(await client.next('ChildExit')).toMatchObject({ exit: { signal: 'SIGTERM', outcome: 'soft_exit' } });
      expect(await client.next('End')).toMatchObject({ cause: 'terminated' });
      await shim.gone;
      expect(shim.output).toContain(reason);
    },
  );

  it('Kill is grace 0; Died and StateChanged are told', async () => {
    const { spec } = await bench.start(['sh', '-c', 'echo last words; sleep 60']);
    const client = await bench.client(spec);
    await client.askFor(OBSERVE, 'Attached');
    await client.untilText('last words\n');
    await client.ask({ cmd: 'Kill' });
    expect(await client.next('Died')).toMatchObject({ exit_code: null, signal: 'SIGKILL', last_lines: 'last words' });
    expect(client.events).toContainEqual(expect.objectContaining({ event: 'StateChanged', to: 'dead' }));
    await client.next('End');
  });
});
