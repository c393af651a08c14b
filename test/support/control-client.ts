/** A connection to srv without the SDK around it: it neither reconnects nor keeps a cursor. */
import { readFileSync } from 'node:fs';
import { ControlClient } from '../../src/control/index.ts';
import { homePaths } from '../../src/protocol/home/index.ts';
import { createIds, systemClock } from '../../src/runtime/index.ts';
import { connectUnix } from '../../src/transport/index.ts';
import type { TestRuntime } from './runtime.ts';

export type ControlMessage = { event: string } & Record<string, unknown>;

/** Registered as a client of its own. */
export async function openControl(
  runtime: TestRuntime,
  event: (event: ControlMessage) => void = () => undefined,
  closed: (reason: string | undefined) => void = () => undefined,
): Promise<ControlClient> {
  const paths = homePaths(runtime.home);
  const registration = {
    clock: systemClock,
    kind: 'tool' as const,
    pid: process.pid,
    version: 'test',
    client_id: createIds(systemClock).ulid(),
    token: readFileSync(paths.secret, 'utf8').trim(),
  };
  const connect = () => connectUnix(paths.srvSocket, { clock: systemClock });
  return ControlClient.open(connect, registration, { event: (each) => event({ ...each }), closed });
}
