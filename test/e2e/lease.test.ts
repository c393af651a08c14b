/** Who may type: one driver, thefts that both sides are told of, and late or unacknowledged input of the victim. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Attachment, AttachmentOutcome, AttachOptions, Session } from '../../src/client/index.ts';
import { collect } from '../support/collect.ts';
import { CuttingProxy } from '../support/cutting-proxy.ts';
import { soon, TestRuntime, until } from '../support/runtime.ts';
import { openSession } from '../support/session-socket.ts';

describe('the input lease', () => {
  let runtime: TestRuntime;

  beforeAll(async () => {
    runtime = await TestRuntime.start();
  });
  afterAll(() => runtime.close());

  /** A child that notes each line it reads. */
  async function listener(name: string): Promise<{ session: Session; lines: () => string[] }> {
    const file = join(runtime.home, `${name}.in`);
    const session = await runtime.run(
      ['sh', '-c', `stty -echo; while read -r line; do echo "$line" >> ${file}; echo "$line"; done`],
      { name },
    );
    await until(async () => (await session.state()).state !== 'starting', 'the child to run').catch(() => undefined);
    return {
      session,
      lines: () => {
        try {
          return readFileSync(file, 'utf8').trim().split('\n');
        } catch {
          return [];
        }
      },
    };
  }

  const drive = (session: Session, options: Partial<AttachOptions> = {}): Promise<Attachment> =>
    session.attach({ from: 'start', onItem: () => undefined, ...options });

  const ended = (attachment: Attachment): Promise<AttachmentOutcome> => soon(attachment.done, 'the attachment to end');

  it('[I1] [I4] is one client’s: another may not attach, write or resize, and an acknowledged line was taken', async () => {
    const { session, lines } = await listener('one');
    const other = (await (await runtime.client()).get('one')).session;
    const driver = await drive(session);
    await expect(drive(other)).rejects.toMatchObject({ code: 'not_driver' });
    await expect(other.write('not this\n')).rejects.toMatchObject({ code: 'not_driver' });
    await expect(other.resize(10, 10)).rejects.toMatchObject({ code: 'not_driver' });
    const refused = await collect(runtime.spawn(['write', 'one', 'nor this', '--enter']));
    expect(refused).toMatchObject({ status: 5, stderr: expect.stringContaining('holds the input') as string });
    await driver.write(Buffer.from('mine\n'));
    await until(() => lines().length > 0, 'the child to read the line');
    driver.close();
    await other.write('after\n');
    await until(() => lines().length > 1, 'the child to read the next line');
    expect(lines()).toEqual(['mine', 'after']);
  });

  it('[I2] is stolen: both sides and all others are told who has it, and the victim’s late input is refused by its epoch', async () => {
    const { session, lines } = await listener('stolen');
    const record = await session.record();
    const [victim, onlooker] = await Promise.all([
      openSession(runtime, record, { clientId: 'victim' }),
      openSession(runtime, record, { clientId: 'onlooker' }),
    ]);
    const { lease: old } = await victim.askFor(
      { cmd: 'Attach', from: 'start', mode: 'drive', credit: 1e6 },
      'Attached',
    );
    victim.input(old!.epoch, 1, 'before\n');
    expect(await victim.next('InputAck')).toMatchObject({ epoch: old!.epoch, seq: 1 });
    const thief = await drive(session, { steal: true });
    const { by } = await victim.next('Ended');
    for (const epoch of [old!.epoch, 0]) victim.input(epoch, 2, 'late\n');
    expect(await victim.next('Error')).toMatchObject({
      code: 'lease_lost',
      details: { input: { epoch: old!.epoch, seq: 2 } },
    });
    expect(await victim.next('Error')).toMatchObject({ code: 'not_driver' });
    await thief.write(Buffer.from('thief\n'));
    await until(() => lines().length > 1, 'the child to read the line');
    expect(lines()).toEqual(['before', 'thief']);
    expect(await onlooker.next('LeaseChanged')).toMatchObject({ reason: 'taken', lease: { client_id: 'victim' } });
    expect(await onlooker.next('LeaseChanged')).toMatchObject({ reason: 'stolen', lease: { client_id: by } });
    thief.close();
    for (const client of [victim, onlooker]) client.socket.destroy();
  });

  it('[I2] [I3] stolen while its holder was cut off: what the holder could not send is never typed', async () => {
    const { session, lines } = await listener('absent');
    const record = await session.record();
    await using proxy = await CuttingProxy.before(record.socket, { random: () => 0, mostBytes: 1, cuts: 0 });
    const victim = await drive(session);
    await victim.write(Buffer.from('before\n'));
    proxy.interrupt();
    const late = victim.write(Buffer.from('unacknowledged\n'));
    const refused = expect(late).rejects.toMatchObject({ code: 'lease_lost' });
    const thief = await openSession(runtime, { ...record, socket: proxy.behind }, { clientId: 'thief' });
    const { lease } = await thief.askFor(
      { cmd: 'Attach', from: 'start', mode: 'drive', steal: true, credit: 1e6 },
      'Attached',
    );
    proxy.restore();
    expect(await ended(victim)).toMatchObject({ reason: 'stolen', by: 'thief' });
    await refused;
    thief.input(lease!.epoch, 1, 'thief\n');
    await until(() => lines().length > 1, 'the child to read the line');
    expect(lines()).toEqual(['before', 'thief']);
    thief.socket.destroy();
  });

  it('[I3] [L2] resumes after its holder was cut off, and what was typed meanwhile arrives once', async () => {
    const { session, lines } = await listener('resumed');
    await using proxy = await CuttingProxy.before((await session.record()).socket, {
      random: () => 0,
      mostBytes: 1,
      cuts: 0,
    });
    let attached = 0;
    let lost = 0;
    const driver = await drive(session, { onAttached: () => void attached++, onLost: () => void lost++ });
    const typed: Promise<void>[] = [];
    for (let cut = 0; cut < 20; cut++) {
      typed.push(driver.write(Buffer.from(`line ${cut}\n`)));
      proxy.interrupt();
      typed.push(driver.write(Buffer.from(`more ${cut}\n`)));
      await until(() => lost > cut, 'the connection to go');
      proxy.restore();
      await until(() => attached > cut + 1, 'the connection to come back');
    }
    await soon(Promise.all(typed), 'every line to be acknowledged');
    await until(() => lines().length >= 40, 'the child to read every line');
    expect(lines()).toEqual(Array.from({ length: 20 }, (_, cut) => [`line ${cut}`, `more ${cut}`]).flat());
    driver.close();
  });
});
