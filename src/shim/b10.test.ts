/** Seed 4's tees, row by row of reference/running-process.md B.10 (ring and file; the rest is the SDK's). */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ShimBench, type ShimClient } from './testing.ts';

let bench: ShimBench;
beforeEach(() => {
  bench = new ShimBench();
});
afterEach(() => bench.close());

const base64 = (text: string) => Buffer.from(text).toString('base64');

async function echo(argv = ['cat']): Promise<{ client: ShimClient; file: string }> {
  const { spec } = await bench.start(argv);
  const client = await bench.client(spec);
  await client.askFor({ cmd: 'Attach', from: 'end', mode: 'observe', credit: 1e9 }, 'Attached');
  return { client, file: join(spec.session_dir, 'tee') };
}

async function write(client: ShimClient, text: string): Promise<void> {
  const before = client.bytes().length;
  await client.askFor({ cmd: 'WriteStdin', data: base64(text) }, 'Written');
  await client.until('the echo', () => (client.bytes().length >= before + text.length ? true : undefined));
}

async function snapshot(client: ShimClient, tee: number): Promise<{ text: string; missed: number; offset: number }> {
  const last = await client.askFor({ cmd: 'TeeSnapshot', tee }, 'TeeSnapshot');
  return { text: Buffer.from(last.data, 'base64').toString(), missed: last.missed_bytes, offset: last.offset };
}

describe('B.10 tees', () => {
  it('[T1] B.10 ring: keeps the newest bytes, counts the others as missed', async () => {
    const { client } = await echo();
    const { tee } = await client.askFor({ cmd: 'Tee', stream: 1, sink: { kind: 'ring', capacity: 5 } }, 'TeeOpened');
    await write(client, 'abc');
    await write(client, 'defgh');
    expect(await snapshot(client, tee)).toEqual({ text: 'defgh', missed: 3, offset: 3 });
    // Reading it consumes nothing.
    expect((await snapshot(client, tee)).text).toBe('defgh');
  });

  it('B.10 ring: capacity 0 counts all as missed', async () => {
    const { client } = await echo();
    const { tee } = await client.askFor({ cmd: 'Tee', stream: 1, sink: { kind: 'ring', capacity: 0 } }, 'TeeOpened');
    await write(client, 'abcdef');
    expect(await snapshot(client, tee)).toMatchObject({ text: '', missed: 6 });
  });

  it('[T1] B.10 file: append and truncate, bytes from registration on, flushed at untee', async () => {
    const { client, file } = await echo();
    writeFileSync(file, 'old:');
    await write(client, 'before');
    const { tee } = await client.askFor(
      { cmd: 'Tee', stream: 1, sink: { kind: 'file', path: file, mode: 'append' } },
      'TeeOpened',
    );
    await write(client, 'new');
    expect(await client.askFor({ cmd: 'Untee', tee }, 'TeeClosed')).toMatchObject({
      existed: true,
      tee: { written_bytes: 3, missed_bytes: 0, flushed: true },
    });
    expect(readFileSync(file, 'utf8')).toBe('old:new');
    const second = await client.askFor(
      { cmd: 'Tee', stream: 1, sink: { kind: 'file', path: file, mode: 'truncate' }, options: { from: 'start' } },
      'TeeOpened',
    );
    await client.askFor({ cmd: 'Untee', tee: second.tee }, 'TeeClosed');
    expect(readFileSync(file, 'utf8')).toBe('beforenew');
  });

  it('[T3] B.10 file: has its last byte when the session ends', async () => {
    const { client, file } = await echo(['sh', '-c', 'read go; seq 1 100000']);
    await client.askFor(
      {
        cmd: 'Tee',
        stream: 1,
        sink: { kind: 'file', path: file, mode: 'truncate' },
        options: { backpressure: 'block' },
      },
      'TeeOpened',
    );
    client.send({ cmd: 'WriteStdin', data: base64('go\n') });
    await client.next('End');
    expect(readFileSync(file, 'utf8')).toBe(Array.from({ length: 100000 }, (_, i) => `${i + 1}\n`).join(''));
  });

  it('[T2] B.10 file: drop_oldest drops the oldest, marks it and reports the loss at the end too', async () => {
    const { client, file } = await echo([
      'sh',
      '-c',
      'read go; head -c 300000 /dev/zero | tr "\\0" a; printf TAIL; read go; exit',
    ]);
    await client.askFor({ cmd: 'WriteStdin', data: base64('go\n') }, 'Written');
    await client.untilText('TAIL');
    const { tee } = await client.askFor(
      {
        cmd: 'Tee',
        stream: 1,
        sink: { kind: 'file', path: file, mode: 'truncate' },
        options: { queue_bytes: 10, from: 'start' },
      },
      'TeeOpened',
    );
    const closed = await client.askFor({ cmd: 'Untee', tee }, 'TeeClosed');
    expect(closed.tee).toMatchObject({ written_bytes: 10, missed_bytes: 300004 - 10, flushed: true });
    expect(readFileSync(file, 'utf8')).toBe(`[holdfast: ${300004 - 10} bytes missed]\naaaaaaTAIL`);
  });

  it('B.10 file: without markers only the bytes are written', async () => {
    const { client, file } = await echo();
    await write(client, 'abcdefghij');
    const options = { queue_bytes: 3, from: 'start', write_missed_markers: false } as const;
    const { tee } = await client.askFor(
      { cmd: 'Tee', stream: 1, sink: { kind: 'file', path: file, mode: 'truncate' }, options },
      'TeeOpened',
    );
    await client.askFor({ cmd: 'Untee', tee }, 'TeeClosed');
    expect(readFileSync(file, 'utf8')).toBe('hij');
  });

  it('B.10 file: an I/O error is kept in the status and missed bytes go on counting', async () => {
    const { client } = await echo();
    const { tee } = await client.askFor(
      { cmd: 'Tee', stream: 1, sink: { kind: 'file', path: '/dev/full', mode: 'append' } },
      'TeeOpened',
    );
    await write(client, 'abc');
    const failed = await client.until('the failure', () => {
      client.send({ cmd: 'TeeStatus', tee });
      return client.events.findLast((event) => event.event === 'TeeStatuses' && event.tees[0]?.disconnected === true);
    });
    expect(failed).toMatchObject({
      tees: [{ error: expect.stringContaining('/dev/full') as string, missed_bytes: 3, written_bytes: 0 }],
    });
    await write(client, 'defg');
    expect((await client.askFor({ cmd: 'TeeStatus', tee }, 'TeeStatuses')).tees[0]).toMatchObject({ missed_bytes: 7 });
  });

  it('B.10 file: a relative path, a directory and a missing directory are refused', async () => {
    const { client, file } = await echo();
    const open = (path: string) => client.ask({ cmd: 'Tee', stream: 1, sink: { kind: 'file', path, mode: 'append' } });
    expect(await open('relative')).toMatchObject({
      event: 'Error',
      code: 'invalid_argument',
      field: expect.stringContaining('path') as string,
    });
    expect(await open('/')).toMatchObject({ event: 'Error', code: 'storage_error', field: 'sink.path' });
    expect(await open(`${file}/no/where`)).toMatchObject({ event: 'Error', code: 'storage_error' });
  });

  it('B.10 streams: stdin is what was written, stderr its own', async () => {
    const { client } = await echo(['sh', '-c', 'while read line; do echo "$line" >&2; done']);
    const stdin = await client.askFor({ cmd: 'Tee', stream: 0, sink: { kind: 'ring', capacity: 100 } }, 'TeeOpened');
    const stderr = await client.askFor({ cmd: 'Tee', stream: 2, sink: { kind: 'ring', capacity: 100 } }, 'TeeOpened');
    await client.askFor({ cmd: 'WriteStdin', data: base64('one\n') }, 'Written');
    await client.untilText('one\n', 2);
    expect((await snapshot(client, stdin.tee)).text).toBe('one\n');
    expect((await snapshot(client, stderr.tee)).text).toBe('one\n');
  });

  it('B.10 streams: a merged session has no stderr to tee', async () => {
    const { spec } = await bench.start(['cat'], { merge_stderr: true });
    const client = await bench.client(spec);
    expect(await client.ask({ cmd: 'Tee', stream: 2, sink: { kind: 'ring', capacity: 1 } })).toMatchObject({
      code: 'stream_unavailable',
    });
  });

  it('B.10 status: every tee, one tee, not_found; untee is a boolean', async () => {
    const { client, file } = await echo();
    const ring = await client.askFor({ cmd: 'Tee', stream: 1, sink: { kind: 'ring', capacity: 9 } }, 'TeeOpened');
    const other = await client.askFor(
      { cmd: 'Tee', stream: 1, sink: { kind: 'file', path: file, mode: 'append' } },
      'TeeOpened',
    );
    expect((await client.askFor({ cmd: 'TeeStatus' }, 'TeeStatuses')).tees.map(({ tee, kind }) => [tee, kind])).toEqual(
      [
        [ring.tee, 'ring'],
        [other.tee, 'file'],
      ],
    );
    expect(await client.ask({ cmd: 'TeeStatus', tee: 99 })).toMatchObject({ code: 'not_found', field: 'tee' });
    expect(await client.ask({ cmd: 'TeeSnapshot', tee: other.tee })).toMatchObject({
      code: 'invalid_argument',
      field: 'tee',
    });
    expect(await client.ask({ cmd: 'Untee', tee: 99 })).toMatchObject({
      event: 'TeeClosed',
      existed: false,
      tee: null,
    });
    expect(await client.ask({ cmd: 'Untee', tee: ring.tee })).toMatchObject({ event: 'TeeClosed', existed: true });
    expect(await client.ask({ cmd: 'Untee', tee: ring.tee })).toMatchObject({ existed: false });
  });
});
