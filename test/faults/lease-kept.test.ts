/** A driver loses its socket, not its lease. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Attachment, LeaseInfo, Session } from '../../src/client/index.ts';
import { encodeInputHeader } from '../../src/protocol/session/index.ts';
import { CuttingProxy } from '../support/cutting-proxy.ts';
import { oracleBytes } from '../support/oracle.mjs';
import { seededRandom } from '../support/random.ts';
import { soon, TestRuntime, until } from '../support/runtime.ts';
import { openSession } from '../support/session-socket.ts';

const long = process.env['HOLDFAST_TEST_LONG'] === '1';

let runtime: TestRuntime;
beforeEach(async () => {
  runtime = await TestRuntime.start();
});
afterEach(() => runtime.close());

interface Driven {
  session: Session;
  driver: Attachment;
  proxy: CuttingProxy;
  /** What the child got, as it echoes it. */
  taken: () => Buffer;
  lost: () => number;
}

/** A session that echoes its input raw, driven through a socket that the test can take away. */
async function drive(limits: { lease_ms?: number } = {}): Promise<Driven> {
  const session = await runtime.run(['/bin/cat'], { kind: 'pipe', limits });
  const { socket } = await session.record();
  const proxy = await CuttingProxy.before(socket, { random: seededRandom('a driver'), mostBytes: 1, cuts: 0 });
  const echoed: Buffer[] = [];
  let lost = 0;
  const driver: Attachment = await session.attach({
    mode: 'drive',
    from: 0,
    onItem: (item) => {
      if (item.type !== 'data') return;
      echoed.push(Buffer.from(item.bytes));
      driver.consumed(item.bytes.length);
    },
    onLost: () => lost++,
  });
  return { session, driver, proxy, taken: () => Buffer.concat(echoed), lost: () => lost };
}

const driverOf = async (session: Session): Promise<LeaseInfo | null> => (await session.record()).driver;

/** For a span that the rule itself names. */
const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe.each([2_000, ...(long ? [10_000] : [])])('a driver whose socket died for %i ms', (ms) => {
  it('[I3] [I1] comes back with its lease; nobody wrote meanwhile, and its input is neither lost nor doubled', {
    timeout: 60_000,
  }, async () => {
    const { session, driver, proxy, taken, lost } = await drive();
    await using _ = proxy;
    await driver.write(oracleBytes(0, 1_000));
    await until(async () => (await driverOf(session))?.connected === true, 'srv to know the driver');
    const before = await driverOf(session);
    proxy.interrupt();
    await until(async () => (await driverOf(session))?.connected === false, 'the shim to notice');
    const typed = [driver.write(oracleBytes(1_000, 1_700)), driver.write(oracleBytes(1_700, 3_000))];
    await later(ms);
    expect(await driverOf(session)).toEqual({ ...before, connected: false });
    // Another client reaches the shim; it is the lease that keeps it from writing.
    proxy.restore();
    const other = await (await runtime.client()).get(session.id);
    await expect(other.session.write('x')).rejects.toMatchObject({ code: 'not_driver' });
    await soon(Promise.all(typed), 'what was typed meanwhile to be taken');
    // srv hears of it a little later.
    await until(async () => (await driverOf(session))?.connected === true, 'the lease to be resumed');
    expect(await driverOf(session)).toEqual(before);
    await driver.write(oracleBytes(3_000, 4_000));
    await until(() => taken().length >= 4_000, 'the echo');
    expect(taken().equals(oracleBytes(0, 4_000))).toBe(true);
    expect(lost()).toBeGreaterThan(0);
    driver.close();
    await until(async () => (await driverOf(session)) === null, 'the lease to be given back');
  });
});

describe('a driver that was away for longer than its lease is kept', () => {
  it('[I3] is told what was not taken, and drives again when nobody else does', async () => {
    const { session, driver, proxy, taken } = await drive({ lease_ms: 300 });
    await using _ = proxy;
    await driver.write(oracleBytes(0, 100));
    await until(async () => (await driverOf(session))?.connected === true, 'srv to know the driver');
    const before = await driverOf(session);
    proxy.interrupt();
    const typed = driver.write(Buffer.from('never'));
    typed.catch(() => undefined);
    await until(async () => (await driverOf(session)) === null, 'the lease to expire');
    proxy.restore();
    await expect(soon(typed, 'its input to be refused')).rejects.toMatchObject({ code: 'lease_lost' });
    await until(async () => (await driverOf(session))?.connected === true, 'it to drive again');
    expect((await driverOf(session))!.epoch).toBeGreaterThan(before!.epoch);
    await driver.write(oracleBytes(100, 200));
    await until(() => taken().length >= 200, 'the echo');
    expect(taken().equals(oracleBytes(0, 200))).toBe(true);
    driver.close();
  });

  it('[I2] [I3] is told that another client drives by now, and none of its input comes late', async () => {
    const { session, driver, proxy, taken } = await drive({ lease_ms: 300 });
    await using _ = proxy;
    await driver.write(oracleBytes(0, 100));
    await until(async () => (await driverOf(session))?.connected === true, 'srv to know the driver');
    proxy.interrupt();
    const typed = driver.write(Buffer.from('never'));
    typed.catch(() => undefined);
    await until(async () => (await driverOf(session)) === null, 'the lease to expire');
    const thief = await openSession(runtime, { id: session.id, socket: proxy.behind }, { clientId: 'thief' });
    thief.send({ cmd: 'Lease', action: 'take', id: 1 });
    await thief.next('LeaseGranted');
    proxy.restore();
    expect(await soon(driver.done, 'it to be told')).toMatchObject({ reason: 'stolen', by: 'thief' });
    await expect(typed).rejects.toMatchObject({ code: 'lease_lost' });
    await until(async () => (await driverOf(session))?.client_id === 'thief', 'srv to know the thief');
    const { bytes } = await session.backlog();
    expect(bytes.equals(oracleBytes(0, 100))).toBe(true);
    expect(taken().includes('never')).toBe(false);
    thief.socket.destroy();
  });
});

describe('a client that lost its socket before it heard of its lease', () => {
  it('[I3] [I1] gets it when it asks again; another client, or a lease that was written under, does not', async () => {
    const session = await runtime.run(['/bin/cat'], { kind: 'pipe' });
    const record = await session.record();
    const take = async (clientId: string) => {
      const client = await openSession(runtime, record, { clientId });
      client.send({ cmd: 'Lease', action: 'take', id: 1 });
      return client;
    };
    const first = await take('unlucky');
    const { lease } = await first.next('LeaseGranted');
    first.socket.destroy();
    await until(async () => (await driverOf(session))?.connected === false, 'the loss to be noticed');
    const other = await take('other');
    expect(await other.next('Error')).toMatchObject({ code: 'not_driver', id: 1 });
    const again = await take('unlucky');
    const granted = await again.next('LeaseGranted');
    expect(granted.lease.epoch).toBeGreaterThan(lease.epoch);
    again.socket.write(Buffer.concat([encodeInputHeader(granted.lease.epoch, 1, 7), Buffer.from('written')]));
    await again.next('InputAck');
    again.socket.destroy();
    await until(async () => (await driverOf(session))?.connected === false, 'the loss to be noticed');
    const late = await take('unlucky');
    expect(await late.next('Error')).toMatchObject({ code: 'not_driver', id: 1 });
    for (const client of [other, late]) client.socket.destroy();
  });
});
