/** A session's socket without the SDK: frames as they are, right or wrong. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { SessionRecord } from '../../src/client/index.ts';
import { ShimClient } from '../../src/shim/testing.ts';
import type { TestRuntime } from './runtime.ts';

export function instanceSecret(runtime: Pick<TestRuntime, 'home'>): string {
  return readFileSync(join(runtime.home, 'run', 'secret'), 'utf8').trim();
}

/** Connected, and nothing said. */
export function openSocket(path: string): ShimClient {
  return new ShimClient(connect(path));
}

/** Greeted by the session. */
export async function openSession(
  runtime: Pick<TestRuntime, 'home'>,
  record: Pick<SessionRecord, 'socket' | 'id'>,
  options: { role?: 'client' | 'broker'; clientId?: string } = {},
): Promise<ShimClient> {
  const { role = 'client', clientId = 'raw' } = options;
  const client = openSocket(record.socket);
  const token = instanceSecret(runtime);
  client.send({ cmd: 'Hello', protocol: [1, 1], client_id: clientId, token, role, session_id: record.id });
  await client.next('Hello');
  return client;
}
