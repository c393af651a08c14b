// A real child under src/shim/child with everything it reports, for tests.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive, ProcessTree } from '../../src/process/index.ts';
import type { LaunchSpec } from '../../src/protocol/launch/index.ts';
import type { StreamId } from '../../src/protocol/session/index.ts';
import { noFaults, systemClock } from '../../src/runtime/index.ts';
import { startChild, type StartedChild, type StartPorts } from '../../src/shim/child/index.ts';
import type { ExitStatus } from '../../src/shim/contract.ts';

const WAIT_MS = 20_000;

export interface RecordedChild {
  child: StartedChild;
  tree: ProcessTree;
  /** What has come on a stream so far. */
  bytes(stream?: StreamId): Buffer;
  text(stream?: StreamId): string;
  /** What came, in order: stream number for output, `eof N`, `exit`. */
  order: string[];
  exit: Promise<ExitStatus>;
  eof(stream?: StreamId): Promise<void>;
  /** Resolves when `condition` holds; asked after every report of the child. */
  until(condition: () => boolean, what: string): Promise<void>;
  /** Ends the whole tree and releases everything. */
  end(): Promise<void>;
}

export interface RecordOptions {
  ports?: Partial<StartPorts>;
  /** Called with each piece instead of keeping it. */
  output?(stream: StreamId, bytes: Buffer): void;
}

export function launchSpec(argv: string[], spec: Partial<LaunchSpec> = {}): LaunchSpec {
  return {
    launch: 1,
    session_id: `test-${process.pid}-${Math.random().toString(36).slice(2)}`,
    session_dir: '/nonexistent',
    socket_path: '',
    token: '',
    kind: 'pty',
    argv,
    cwd: '/',
    env: [
      ['PATH', process.env['PATH'] ?? '/usr/bin:/bin'],
      ['LC_ALL', 'C'],
    ],
    merge_stderr: false,
    rows: 24,
    cols: 80,
    umask: null,
    limits: {
      memory_bytes: 0,
      spill_bytes: 0,
      segment_bytes: 0,
      stall_ms: 0,
      lease_ms: 0,
      linger_ms: null,
      allow_lossless: false,
    },
    originator: '',
    command: '',
    created_at_ms: 0,
    ...spec,
  };
}

export function record(argv: string[], spec: Partial<LaunchSpec> = {}, options: RecordOptions = {}): RecordedChild {
  const directory = mkdtempSync(join(tmpdir(), 'hf-c-'));
  const launch = launchSpec(argv, { session_dir: directory, ...spec });
  const pieces: Buffer[][] = [[], [], []];
  const order: string[] = [];
  const watchers = new Set<() => void>();
  const changed = (): void => watchers.forEach((watcher) => watcher());
  let settleExit: (status: ExitStatus) => void = () => {};
  const exit = new Promise<ExitStatus>((resolve) => {
    settleExit = resolve;
  });
  const until = (condition: () => boolean, what: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        if (!condition()) return;
        watchers.delete(check);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => reject(new Error(`no ${what}; got ${order.slice(-20).join()}`)), WAIT_MS);
      watchers.add(check);
      check();
    });
  const child = startChild(
    launch,
    {
      output(stream, bytes) {
        if (options.output === undefined) pieces[stream]!.push(bytes);
        else options.output(stream, bytes);
        if (order.at(-1) !== String(stream)) order.push(String(stream));
        changed();
      },
      eof(stream) {
        order.push(`eof ${stream}`);
        changed();
      },
      exit(status) {
        tree.childExited();
        order.push('exit');
        settleExit(status);
        changed();
      },
    },
    { clock: systemClock, ...options.ports },
  );
  const tree = new ProcessTree({
    child,
    mark: launch.session_id,
    outputs: () => child.outputEnds(),
    clock: systemClock,
    faults: noFaults,
  });
  const recorded: RecordedChild = {
    child,
    tree,
    bytes: (stream = 1) => Buffer.concat(pieces[stream]!),
    text: (stream = 1) => recorded.bytes(stream).toString('latin1'),
    order,
    exit,
    eof: (stream = 1) => until(() => order.includes(`eof ${stream}`), `eof of ${stream}`),
    until,
    async end() {
      if (isAlive(child) || tree.members().length > 0) await tree.terminate(0);
      child.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return recorded;
}
