import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Terminal } from '@xterm/headless';
import { picture, write } from '../screen/testing.ts';
import { ShimBench, type ShimClient } from './testing.ts';

describe('the screen of a session', () => {
  let bench: ShimBench;
  beforeEach(() => {
    bench = new ShimBench();
  });
  afterEach(() => bench.close());

  const screenOf = (client: ShimClient) => client.askFor({ cmd: 'CaptureScreen' }, 'ScreenCapture');

  it('is captured with cursor, size and offset, and follows a resize', async () => {
    const { spec } = await bench.start(['sh', '-c', 'printf "one\\r\\ntwo"; exec sleep 60'], { kind: 'pty' });
    const client = await bench.client(spec);
    await client.askFor({ cmd: 'Attach', from: 'start', mode: 'drive', credit: 1e6 }, 'Attached');
    await client.untilText('two');
    const screen = await screenOf(client);
    expect(screen).toMatchObject({
      cursor_row: 1,
      cursor_col: 3,
      rows: 24,
      cols: 80,
      exact: true,
      offset: client.bytes().length,
    });
    expect(screen.content.split('\n').slice(0, 3)).toEqual(['one', 'two', '']);
    expect(screen.content.split('\n')).toHaveLength(24);
    expect(await client.askFor({ cmd: 'CaptureScreen', last_n_lines: 1 }, 'ScreenCapture')).toMatchObject({
      content: 'two',
    });
    await client.askFor({ cmd: 'Resize', rows: 10, cols: 40 }, 'Resized');
    expect(await screenOf(client)).toMatchObject({ rows: 10, cols: 40 });
  });

  it('attach from it gives the screen, then the bytes from its offset', async () => {
    const { spec } = await bench.start(
      ['sh', '-c', 'stty -echo; printf "hello \\033[31m"; read go; printf red; exec sleep 60'],
      { kind: 'pty' },
    );
    const first = await bench.client(spec);
    const { lease } = await first.askFor({ cmd: 'Attach', from: 'start', mode: 'drive', credit: 1e6 }, 'Attached');
    await first.untilText('\x1b[31m');
    const client = await bench.client(spec, 'second');
    const attached = await client.askFor({ cmd: 'Attach', from: 'screen', mode: 'observe', credit: 1e6 }, 'Attached');
    const part = await client.next('Screen');
    expect(part).toMatchObject({ exact: true, last: true, offset: attached.streams[0]?.from });
    first.input(lease?.epoch ?? 0, 1, 'go\n');
    await client.untilText('red');
    const copy = new Terminal({ rows: 24, cols: 80, allowProposedApi: true });
    await write(copy, Buffer.from(part.data, 'base64'));
    await write(copy, client.bytes());
    const original = new Terminal({ rows: 24, cols: 80, allowProposedApi: true });
    await first.untilText('red');
    await write(original, first.bytes());
    expect(picture(copy)).toBe(picture(original));
  });

  it('[Q2] answers terminal queries once without a driver, none on replay, and leaves them to a live driver', async () => {
    const ask =
      'stty raw -echo; printf "\\033[6n"; dd bs=1 count=6 2>/dev/null | od -An -c; printf "ASKED\\r\\n"; printf "\\033[c"; dd bs=1 count=3 2>/dev/null | od -An -c; printf DONE; exec sleep 60';
    const { spec } = await bench.start(['bash', '-c', ask], { kind: 'pty' });
    const client = await bench.client(spec);
    await client.askFor({ cmd: 'Attach', from: 'start', mode: 'observe', credit: 1e6 }, 'Attached');
    await client.untilText('DONE');
    expect(client.text().replace(/\s+/g, ' ')).toContain('033 [ 1 ; 1 R');
    const replay = await bench.client(spec, 'replay');
    await replay.askFor({ cmd: 'Attach', from: 'start', mode: 'drive', terminal: true, credit: 1e6 }, 'Attached');
    await replay.untilText('DONE');
    await screenOf(client);
    expect(client.text().match(/033/g)).toHaveLength(2);
    const second = await bench.start(
      [
        'bash',
        '-c',
        'stty raw -echo; printf READY; dd bs=1 count=1 2>/dev/null >/dev/null; printf "\\033[6n"; dd bs=1 count=4 2>/dev/null; printf DONE; exec sleep 60',
      ],
      { kind: 'pty' },
    );
    const driver = await bench.client(second.spec, 'driver');
    const { lease } = await driver.askFor(
      { cmd: 'Attach', from: 'start', mode: 'drive', terminal: true, credit: 1e6 },
      'Attached',
    );
    await driver.untilText('READY');
    driver.input(lease?.epoch ?? 0, 1, 'g');
    await driver.untilText('\x1b[6n');
    await screenOf(driver);
    driver.input(lease?.epoch ?? 0, 2, 'MINE');
    await driver.untilText('DONE');
    expect(driver.text()).toContain('MINEDONE');
  });

  it('[Q3] is blank and inexact after retention overtook it, until a full clear', async () => {
    const limits = {
      memory_bytes: 1 << 16,
      spill_bytes: 0,
      segment_bytes: 1 << 20,
      stall_ms: 1000,
      lease_ms: 1000,
      linger_ms: null,
      allow_lossless: true,
    };
    const script =
      'stty -echo raw; head -c 3000000 /dev/zero | tr "\\0" x; printf END; dd bs=1 count=1 2>/dev/null; printf "\\033[2J\\033[Hclean"; exec sleep 60';
    const { spec } = await bench.start(['bash', '-c', script], { kind: 'pty', limits });
    const client = await bench.client(spec);
    const { lease } = await client.askFor({ cmd: 'Attach', from: 'start', mode: 'drive', credit: 1e9 }, 'Attached');
    await client.untilText('END');
    expect(await screenOf(client)).toMatchObject({ exact: false });
    client.input(lease?.epoch ?? 0, 1, 'g');
    await client.untilText('clean');
    const screen = await screenOf(client);
    expect(screen).toMatchObject({ exact: true });
    expect(screen.content.split('\n')[0]).toBe('clean');
  });
});
