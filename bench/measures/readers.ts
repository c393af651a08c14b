/** Output to a reader on the session's socket, beside the same child read bare. */
import { spawn } from 'node:child_process';
import { Terminal } from '../terminal.ts';
import { interleave, type Row, rows } from '../report.ts';
import type { BenchRuntime } from '../runtime.ts';
import { cleanEnvironment } from '../peers.ts';

const PTY_BYTES = 150_000_000;
const PIPE_BYTES = 4_000_000_000;
/** The child waits for a line, so that its start is not in the figure. */
const AWAIT_GO = 'read go';

/** MB/s from the child's first byte to its last at a reader; `lines` is a file of 80-byte lines. */
export async function ptyToReader(runtime: BenchRuntime, lines: string, rounds: number): Promise<Row[]> {
  const script = `stty -echo; printf 'GO''NOW'; ${AWAIT_GO}; head -c ${PTY_BYTES} ${lines}`;
  const contenders = [
    {
      name: 'bare PTY',
      async run() {
        const terminal = new Terminal('/bin/sh', ['-c', script], { env: cleanEnvironment('/') });
        await terminal.see('GONOW');
        const start = performance.now();
        terminal.write('\n');
        await terminal.exited;
        const seconds = (performance.now() - start) / 1000;
        terminal.close();
        return PTY_BYTES / 1e6 / seconds;
      },
    },
    { name: 'holdfast', run: () => readSession(runtime, 'pty', script, PTY_BYTES, true) },
  ];
  return rows('PTY output to a socket reader (SDK)', 'MB/s', await interleave(contenders, rounds), ['bare PTY']);
}

export async function pipeToReader(runtime: BenchRuntime, rounds: number): Promise<Row[]> {
  const script = `${AWAIT_GO}; exec head -c ${PIPE_BYTES} /dev/zero`;
  const contenders = [
    { name: 'bare child_process', run: () => readChild(script) },
    { name: 'holdfast', run: () => readSession(runtime, 'pipe', script, PIPE_BYTES, false) },
  ];
  return rows('pipe output to a reader', 'MB/s', await interleave(contenders, rounds), ['bare child_process']);
}

async function readSession(
  runtime: BenchRuntime,
  kind: 'pty' | 'pipe',
  script: string,
  bytes: number,
  greets: boolean,
): Promise<number> {
  const { session } = await runtime.holdfast.run({
    argv: ['/bin/sh', '-c', script],
    cwd: '/',
    env: Object.entries(runtime.env),
    kind,
    limits: { allow_lossless: true },
  });
  let received = 0;
  let start = 0;
  const go = async (): Promise<void> => {
    start = performance.now();
    await session.write('\n');
  };
  if (!greets) await go();
  for await (const item of session.output({ policy: 'lossless' })) {
    if (item.type === 'gap') throw new Error(`gap ${item.from}..${item.to}: a lossless reader must not see one`);
    if (item.type !== 'data') continue;
    if (start === 0 && item.bytes.includes('GONOW')) await go();
    received += item.bytes.length;
  }
  const seconds = (performance.now() - start) / 1000;
  if (received < bytes) throw new Error(`${received} of ${bytes} bytes arrived`);
  await runtime.holdfast.remove(session.id);
  session.close();
  return bytes / 1e6 / seconds;
}

function readChild(script: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore'], env: cleanEnvironment('/') });
    let received = 0;
    const start = performance.now();
    child.stdout.on('data', (chunk: Buffer) => (received += chunk.length));
    child.on('error', reject);
    child.on('close', () => {
      if (received === PIPE_BYTES) resolve(received / 1e6 / ((performance.now() - start) / 1000));
      else reject(new Error(`${received} bytes of ${PIPE_BYTES}`));
    });
    child.stdin.end('\n');
  });
}
