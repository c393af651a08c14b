/** Connections to the control socket of a benchmark's home, without the SDK's retries. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ControlClient } from '../src/control/index.ts';
import { homePaths } from '../src/protocol/home/index.ts';
import { createIds, systemClock } from '../src/runtime/index.ts';
import { connectUnix } from '../src/transport/index.ts';

type Handlers = NonNullable<Parameters<typeof ControlClient.open>[2]>;
type Options = NonNullable<Parameters<ControlClient['request']>[1]>;
type Answer = Awaited<ReturnType<ControlClient['request']>>;

export const ids = createIds(systemClock);

export function openControl(home: string, handlers: Handlers = {}): Promise<ControlClient> {
  const paths = homePaths(home);
  return ControlClient.open(
    () => connectUnix(paths.srvSocket, { clock: systemClock }),
    {
      clock: systemClock,
      kind: 'tool',
      pid: process.pid,
      version: __HOLDFAST_VERSION__,
      client_id: ids.ulid(),
      token: readSecret(home),
    },
    handlers,
  );
}

export function readSecret(home: string): string {
  return readFileSync(homePaths(home).secret, 'utf8').trim();
}

/** The bundle of the log's thread, beside the loader. */
export function logWorkerOf(loader: string): string {
  return join(dirname(loader), 'log-worker.cjs');
}

export interface Command {
  cmd: string;
  [field: string]: unknown;
}

/** One command with a key, as the SDK sends what changes something. */
export function change(control: ControlClient, command: Command, options: Options = {}): Promise<Answer> {
  return control.request(command, { idempotencyKey: ids.ulid(), ...options });
}

/** `count` tabs in a workspace of their own; resolves with their ids. */
export async function createTabs(control: ControlClient, count: number): Promise<string[]> {
  const workspace_id = ids.ulid();
  const tabs = Array.from({ length: count }, () => ids.ulid());
  await change(control, { cmd: 'create_workspace', name: '', workspace_id });
  await Promise.all(tabs.map((tab_id) => change(control, { cmd: 'create_tab', workspace_id, name: '', tab_id })));
  return tabs;
}
